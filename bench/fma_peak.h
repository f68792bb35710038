// The processor's peak of fused multiply-adds, measured.
#pragma once

#include <cstdint>

namespace bench {

// Runs chains of fused multiply-adds in registers on the calling thread, `rounds` times ten of the widest vectors that
// the processor has (AVX-512, AVX2, NEON; else scalars). Returns the floating-point operations done.
double run_fma_chains(std::int64_t rounds);

// The instruction set that run_fma_chains uses.
const char* fma_instructions();

}  // namespace bench
