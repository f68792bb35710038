// The table of matrix products by Eigen. Internal.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// c = op(a) op(b), or c += op(a) op(b), of row-major matrices: op(a) is (m, k), op(b) is (k, n), c is (m, n), whose
// stored rows are lda, ldb and ldc elements apart; op transposes where asked.
template <class T>
struct MatrixProduct {
  bool transpose_a, transpose_b;
  std::int64_t m, n, k;
  const T* a;
  std::int64_t lda;
  const T* b;
  std::int64_t ldb;
  bool add;
  T* c;
  std::int64_t ldc;
};

template <class T>
struct ProductKernels {
  void (*multiply)(const MatrixProduct<T>&);
};

}  // namespace cotangent::kernels
