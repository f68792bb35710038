// GEMM: OpenBLAS, kept to one thread.
#include "cotangent/core/gemm.h"

#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

// OpenBLAS would start threads of its own inside ours, which runs 3 to 30 times slower. Once per thread, because its
// OpenMP build takes the number of threads from a setting that belongs to the calling thread.
void keep_single_threaded() {
  thread_local const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

// BLAS would wrap sizes that its integers cannot hold, and print a line and do nothing if rows overlap.
void require_sizes(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t lda,
                   std::int64_t ldb, std::int64_t ldc) {
  if (std::max({m, n, k, lda, ldb, ldc}) > std::numeric_limits<blasint>::max())
    fail("gemm", fmt::format("sizes must be below 2^{}, got m = {}, n = {}, k = {}, lda = {}, ldb = {}, ldc = {}",
                             std::numeric_limits<blasint>::digits, m, n, k, lda, ldb, ldc));
  const auto require_row = [](char matrix, std::int64_t row, std::int64_t stride) {
    if (stride < row)
      fail("gemm",
           fmt::format("rows of {0} have {1} elements, ld{0} is {2}; it must not be less", matrix, row, stride));
  };
  require_row('a', ta == Transpose::Yes ? m : k, lda);
  require_row('b', tb == Transpose::Yes ? k : n, ldb);
  require_row('c', n, ldc);
}

CBLAS_TRANSPOSE cblas(Transpose transpose) { return transpose == Transpose::Yes ? CblasTrans : CblasNoTrans; }

template <class T>
void run_gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
              std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  require_sizes(ta, tb, m, n, k, lda, ldb, ldc);
  if (k <= 0) {  // an empty sum; BLAS may reject the leading dimensions that come with it
    for (std::int64_t row = 0; row < m; ++row)
      for (std::int64_t column = 0; column < n; ++column)
        c[row * ldc + column] = beta == T{0} ? T{0} : beta * c[row * ldc + column];
    return;
  }
  keep_single_threaded();
  const auto size = [](std::int64_t value) { return static_cast<blasint>(value); };
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemm(CblasRowMajor, cblas(ta), cblas(tb), size(m), size(n), size(k), alpha, a, size(lda), b, size(ldb), beta,
                c, size(ldc));
  else
    cblas_dgemm(CblasRowMajor, cblas(ta), cblas(tb), size(m), size(n), size(k), alpha, a, size(lda), b, size(ldb), beta,
                c, size(ldc));
}

}  // namespace

void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const float* a,
          std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c, std::int64_t ldc) {
  run_gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha, const double* a,
          std::int64_t lda, const double* b, std::int64_t ldb, double beta, double* c, std::int64_t ldc) {
  run_gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

std::string gemm_core_name() { return openblas_get_corename(); }

Isa gemm_core_isa(std::string_view core_name) {
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), core_name) != names.end();
  };
  if (is_one_of({"Haswell", "Zen", "Excavator"})) return Isa::V3;
  if (is_one_of({"Nehalem", "Sandybridge", "Bulldozer", "Piledriver", "Steamroller"})) return Isa::V2;
  if (is_one_of({"Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Atom", "Core2", "Penryn", "Dunnington",
                 "Athlon", "Opteron", "Opteron_SSE3", "Barcelona", "Nano", "Bobcat"}))
    return Isa::Baseline;
  return Isa::V4;
}

}  // namespace cotangent
