// Matrix products: OpenBLAS's, or Eigen's where OpenBLAS has no kernels for the processor. Internal.
#pragma once

#include <string_view>

#include "cotangent/ops/kernels/isa/product.h"

namespace cotangent::kernels {

// Which one multiplies in this process, by isa() and OpenBLAS's choice of kernels.
enum class ProductLibrary { OpenBlas, Eigen };
ProductLibrary product_library();
constexpr std::string_view name(ProductLibrary library) {
  return library == ProductLibrary::OpenBlas ? "OpenBLAS" : "Eigen";
}

// On the calling thread. Without `add`, c is written and never read. Sizes are those that gemm takes.
template <class T>
void multiply_matrices(const MatrixProduct<T>& product);

}  // namespace cotangent::kernels
