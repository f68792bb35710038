// GEMM: dense matrix products on OpenBLAS, one thread a call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cotangent/core/isa.h"

namespace cotangent {

enum class Transpose : bool { No, Yes };

// c = alpha * op(a) * op(b) + beta * c for row-major matrices: op(a) is (m, k), op(b) is (k, n), c is (m, n), and
// op transposes where asked. lda, ldb, ldc are elements from one stored row to the next. Runs on the calling thread:
// parallelism belongs to parallel_for around it. With beta = 0, c is written and never read. Error if rows overlap
// or a size exceeds what BLAS counts with, usually 2^31 - 1. (BLAS xGEMM)
void gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c, std::int64_t ldc);
void gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta, double* c,
          std::int64_t ldc);

// The processor family that OpenBLAS chose its kernels for, such as "Cooperlake": benchmarks print it.
std::string gemm_core_name();

// The instruction set of the kernels for a processor family of that name; V4 for names that are not known. A library
// that is older than the processor may take the kernels of a much older one ("Prescott"), at a fifth of its speed.
Isa gemm_core_isa(std::string_view core_name);

}  // namespace cotangent
