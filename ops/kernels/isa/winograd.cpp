// Winograd transforms for one instruction set.
#include "cotangent/ops/kernels/isa/winograd.h"

#include "cotangent/ops/kernels/isa/winograd_transforms.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T, bool Line, int Points>
constexpr auto kInput = transform_grid<T, InputTransform<T, Points>, Line>;
template <class T, bool Line, int Points, int Taps>
constexpr auto kExpand = transform_grid<T, Expansion<T, Points, Taps>, Line>;
template <class T, bool Line, int Points, int Outputs>
constexpr auto kContract = transform_grid<T, Contraction<T, Points, Outputs>, Line, true>;

template <class T, bool Line>
constexpr WinogradTransforms<T> kTransforms{
    {kInput<T, Line, 4>, kInput<T, Line, 5>, kInput<T, Line, 6>},
    {{kExpand<T, Line, 4, 2>, kExpand<T, Line, 4, 3>, nullptr, nullptr},
     {kExpand<T, Line, 5, 2>, kExpand<T, Line, 5, 3>, kExpand<T, Line, 5, 4>, nullptr},
     {kExpand<T, Line, 6, 2>, kExpand<T, Line, 6, 3>, kExpand<T, Line, 6, 4>, kExpand<T, Line, 6, 5>}},
    {{kContract<T, Line, 4, 2>, kContract<T, Line, 4, 3>, nullptr, nullptr},
     {kContract<T, Line, 5, 2>, kContract<T, Line, 5, 3>, kContract<T, Line, 5, 4>, nullptr},
     {kContract<T, Line, 6, 2>, kContract<T, Line, 6, 3>, kContract<T, Line, 6, 4>, kContract<T, Line, 6, 5>}}};

template <class T>
constexpr WinogradKernels<T> kWinogradKernels{kTransforms<T, false>, kTransforms<T, true>};

}  // namespace

template <>
const WinogradKernels<float>& table<WinogradKernels<float>>() {
  return kWinogradKernels<float>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
