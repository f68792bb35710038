// Depthwise kernels for one instruction set.
#include "cotangent/ops/kernels/isa/depthwise.h"

#include "cotangent/ops/kernels/isa/sliding_rows.h"
#include "cotangent/ops/kernels/isa/window_sums.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

// A stride known to the compiler, which then has instructions for it.
template <class T, int kStride>
void take_each(const T* __restrict from, std::int64_t count, T* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * kStride];
}
template <class T, int kStride>
void put_each(const T* __restrict from, std::int64_t count, T* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i * kStride] = from[i];
}

template <class T>
void take(const T* from, std::int64_t stride, std::int64_t count, T* to) {
  if (stride == 1) take_each<T, 1>(from, count, to);
  else if (stride == 2) take_each<T, 2>(from, count, to);
  else
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
}
template <class T>
void put(const T* from, std::int64_t stride, std::int64_t count, T* to) {
  if (stride == 1) put_each<T, 1>(from, count, to);
  else if (stride == 2) put_each<T, 2>(from, count, to);
  else
    for (std::int64_t i = 0; i < count; ++i) to[i * stride] = from[i];
}

template <class T>
constexpr DepthwiseKernels<T> kDepthwiseKernels{kLanes<T>,         sum_windows<T>, slide<T>,
                                                slide_gradient<T>, take<T>,        put<T>};

}  // namespace

template <>
const DepthwiseKernels<float>& table<DepthwiseKernels<float>>() {
  return kDepthwiseKernels<float>;
}
template <>
const DepthwiseKernels<double>& table<DepthwiseKernels<double>>() {
  return kDepthwiseKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
