// fft_convolve: convolution by fast Fourier transforms, along trailing axes. Internal.
#pragma once

#include "cotangent/ops/convolve_rules.h"

namespace cotangent {

// Operands (batch, extents...) of one floating type and batch, with no extent of 0 after the batch, and one axis or
// more there: for each pair, that part of their convolution over all those axes.
Tensor fft_convolve(const Tensor& in1, const Tensor& in2, const ConvolveWindow& window);

// About how many nanoseconds one thread takes for a batch of one, given shapes without the batch.
double fft_convolve_cost(const Shape& in1, const Shape& in2, const ConvolveWindow& window);

}  // namespace cotangent
