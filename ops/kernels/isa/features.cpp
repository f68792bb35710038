// Batch normalization's kernels for one instruction set.
#include "cotangent/ops/kernels/isa/features.h"

#include "cotangent/ops/kernels/isa/feature_loops.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T>
constexpr FeatureKernels<T> kFeatureKernels{sum_rows<Squares, T>, sum_rows<Products, T>, sum_rows<RectifiedProducts, T>,
                                            normalize_rows<T>, input_gradient_rows<T>};

}  // namespace

template <>
const FeatureKernels<float>& table<FeatureKernels<float>>() {
  return kFeatureKernels<float>;
}
template <>
const FeatureKernels<double>& table<FeatureKernels<double>>() {
  return kFeatureKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
