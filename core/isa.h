// Instruction sets: which level of vector instructions kernels run on, chosen once for the process.
#pragma once

#include <string_view>

namespace cotangent {

// Levels that kernels are compiled for. Baseline is what the library itself is compiled for: SSE2 on x86-64, NEON on
// arm64. The others exist on x86-64 alone, as its psABI names them: x86-64-v2 (SSE4.2), -v3 (AVX2, FMA), -v4 (AVX-512).
enum class Isa { Baseline, V2, V3, V4 };

// The level in use: the best that the processor has, or the one that the environment variable COTANGENT_ISA names
// ("baseline", "v2", "v3", "v4"). Error for another name, or for a level that the processor lacks.
Isa isa();

// True if the processor can run that level.
bool has_isa(Isa level);

// "baseline", "v2", "v3" or "v4".
std::string_view name(Isa level);

}  // namespace cotangent
