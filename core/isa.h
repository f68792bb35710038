// Instruction sets: which level of vector instructions kernels run on, chosen once for the process.
#pragma once

#include <string_view>

namespace cotangent {

// Levels that kernels are compiled for. Baseline is what the library itself is compiled for: SSE2 on x86-64, NEON on
// arm64. The others exist on x86-64 alone, as its psABI names them: x86-64-v2 (SSE4.2), -v3 (AVX2, FMA), -v4 (AVX-512).
enum class Isa { Baseline, V2, V3, V4 };

// The level in use: the best of which has_isa is true, or the one that the environment variable COTANGENT_ISA names
// ("baseline", "v2", "v3", "v4"). Error for another name, or for a level that the library or the processor lacks.
Isa isa();

// True if the library has kernels of that level (COTANGENT_ISA_LEVELS of its CMake) and the processor can run them.
bool has_isa(Isa level);

// "baseline", "v2", "v3" or "v4".
std::string_view name(Isa level);

}  // namespace cotangent
