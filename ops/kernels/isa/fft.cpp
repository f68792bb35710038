// Fast Fourier transforms for one instruction set.
#include "cotangent/ops/kernels/isa/fft.h"

#include "cotangent/ops/kernels/isa/fft_passes.h"
#include "cotangent/ops/kernels/isa/spectra.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T>
constexpr FftKernels<T> kFftKernels{kLanes<T>,     fft_transform<T>, fft_split<T>,   fft_join<T>,
                                    to_spectra<T>, from_spectra<T>,  multiply_all<T>};

}  // namespace

template <>
const FftKernels<float>& table<FftKernels<float>>() {
  return kFftKernels<float>;
}
template <>
const FftKernels<double>& table<FftKernels<double>>() {
  return kFftKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
