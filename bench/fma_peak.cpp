// Chains of fused multiply-adds: enough independent ones to hide the latency, nothing else in the loop.
#include "fma_peak.h"

#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bench {
namespace {

constexpr int kChains = 10;  // latency 4 x 2 units and two more, in fewer than 16 registers

// x -> x * factor + addend on chains that are named, so that they stay in registers, and start differently, so that
// they are not seen to be equal. The values tend to 1, far from slow denormal numbers.
#define COTANGENT_FMA_CHAINS(vector, broadcast, fma)                                                                \
  const vector factor = broadcast(0.999f), addend = broadcast(0.001f);                                              \
  vector a = broadcast(0.5f), b = broadcast(0.6f), c = broadcast(0.7f), d = broadcast(0.8f), e = broadcast(0.9f),   \
         f = broadcast(1.1f), g = broadcast(1.2f), h = broadcast(1.3f), i = broadcast(1.4f), j = broadcast(1.5f);   \
  for (std::int64_t round = 0; round < rounds; ++round) {                                                           \
    a = fma(a, factor, addend), b = fma(b, factor, addend), c = fma(c, factor, addend);                             \
    d = fma(d, factor, addend), e = fma(e, factor, addend), f = fma(f, factor, addend);                             \
    g = fma(g, factor, addend), h = fma(h, factor, addend), i = fma(i, factor, addend), j = fma(j, factor, addend); \
  }                                                                                                                 \
  const volatile vector sink = a + b + c + d + e + f + g + h + i + j;                                               \
  static_cast<void>(sink);                                                                                          \
  return 2.0 * kChains * static_cast<double>(sizeof(vector) / sizeof(float)) * static_cast<double>(rounds)

#if defined(__x86_64__)
__attribute__((target("avx512f"))) double chains_avx512(std::int64_t rounds) {
  COTANGENT_FMA_CHAINS(__m512, _mm512_set1_ps, _mm512_fmadd_ps);
}
__attribute__((target("avx2,fma"))) double chains_avx2(std::int64_t rounds) {
  COTANGENT_FMA_CHAINS(__m256, _mm256_set1_ps, _mm256_fmadd_ps);
}
#elif defined(__aarch64__)
float32x4_t neon_fma(float32x4_t x, float32x4_t factor, float32x4_t addend) { return vfmaq_f32(addend, x, factor); }
double chains_neon(std::int64_t rounds) { COTANGENT_FMA_CHAINS(float32x4_t, vdupq_n_f32, neon_fma); }
#endif

float scalar(float value) { return value; }
float scalar_fma(float x, float factor, float addend) { return x * factor + addend; }
double chains_scalar(std::int64_t rounds) { COTANGENT_FMA_CHAINS(float, scalar, scalar_fma); }

struct Chains {
  double (*run)(std::int64_t);
  const char* name;
};

Chains chosen() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {chains_avx512, "AVX-512"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {chains_avx2, "AVX2"};
#elif defined(__aarch64__)
  return {chains_neon, "NEON"};
#endif
  return {chains_scalar, "scalar"};
}

}  // namespace

double run_fma_chains(std::int64_t rounds) { return chosen().run(rounds); }
const char* fma_instructions() { return chosen().name; }

}  // namespace bench
