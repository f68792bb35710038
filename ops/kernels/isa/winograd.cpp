// Winograd transforms for one instruction set.
#include "cotangent/ops/kernels/isa/winograd.h"

#include "cotangent/ops/kernels/isa/winograd_transforms.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T, int Points>
constexpr auto kInput = transform_grid<T, InputTransform<T, Points>>;
template <class T, int Points, int Taps>
constexpr auto kExpand = transform_grid<T, Expansion<T, Points, Taps>>;
template <class T, int Points, int Outputs>
constexpr auto kContract = transform_grid<T, Contraction<T, Points, Outputs>, true>;

template <class T>
constexpr WinogradKernels<T> kWinogradKernels{
    {kInput<T, 4>, kInput<T, 6>},
    {{kExpand<T, 4, 2>, kExpand<T, 4, 3>, nullptr, nullptr},
     {kExpand<T, 6, 2>, kExpand<T, 6, 3>, kExpand<T, 6, 4>, kExpand<T, 6, 5>}},
    {{kContract<T, 4, 2>, kContract<T, 4, 3>, nullptr, nullptr},
     {kContract<T, 6, 2>, kContract<T, 6, 3>, kContract<T, 6, 4>, kContract<T, 6, 5>}}};

}  // namespace

template <>
const WinogradKernels<float>& table<WinogradKernels<float>>() {
  return kWinogradKernels<float>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
