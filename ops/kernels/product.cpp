// Matrix products: which library computes them.
#include "cotangent/ops/kernels/product.h"

#include "cotangent/core/gemm.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {

// OpenBLAS knows the processors of its time; on later ones it may run kernels of SSE3, at a fifth of the speed of
// Eigen's, which are compiled for every level.
ProductLibrary product_library() {
  static const ProductLibrary library =
      gemm_core_isa(gemm_core_name()) < isa() ? ProductLibrary::Eigen : ProductLibrary::OpenBlas;
  return library;
}

template <class T>
void multiply_matrices(const MatrixProduct<T>& p) {
  if (product_library() == ProductLibrary::Eigen) return table<ProductKernels<T>>().multiply(p);
  const auto transpose = [](bool yes) { return yes ? Transpose::Yes : Transpose::No; };
  gemm(transpose(p.transpose_a), transpose(p.transpose_b), p.m, p.n, p.k, T{1}, p.a, p.lda, p.b, p.ldb,
       static_cast<T>(p.add), p.c, p.ldc);
}

template void multiply_matrices(const MatrixProduct<float>&);
template void multiply_matrices(const MatrixProduct<double>&);

}  // namespace cotangent::kernels
