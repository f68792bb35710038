// Transposed convolution: a convolution whose input, not whose window, is spread out by the strides.
#pragma once

#include <optional>

#include "cotangent/core/tensor.h"
#include "cotangent/ops/conv.h"

namespace cotangent {

// Options of conv_transpose, in JAX's names, order and meaning.
struct ConvTransposeOptions {
  PerAxis strides = 1;
  PaddingOption padding = Padding::Valid;
  PerAxis rhs_dilation = 1;
  DimensionNumbersOption dimension_numbers = {};  // none: channels last, NHWC, HWIO, NHWC, for up to 3 spatial axes
  bool transpose_kernel = false;
  PrecisionOption precision = Precision::Default;
  std::optional<DType> preferred_element_type = std::nullopt;
  bool use_consistent_padding = false;
};

// Fractionally strided cross-correlation: conv_general_dilated with lhs_dilation = strides and these pads, where ke is
// the dilated extent of the kernel:
//   Same            so that the output has in * stride elements
//   Valid           so that it has in * stride + max(ke - stride, 0), which is every position that lhs reaches
//   {low, high}     pads of the dilated lhs, as they are: the output has (in - 1) * stride + low + high - ke + 2
//   the same, with use_consistent_padding: pads (ke - 1 - low, ke - 1 - high); low and high are then the padding of the
//                   convolution that this one transposes, as in PyTorch
// With transpose_kernel, rhs is in the layout of that forward convolution: it is reversed, its input and output
// features change places, and the result is the cotangent of the forward convolution's input. Without, the kernel is
// used as it is. There are no groups: groups need conv_general_dilated. SameLower is that function's, for strides 1
// only. Error as there. (jax.lax.conv_transpose)
Tensor conv_transpose(const Tensor& lhs, const Tensor& rhs, const ConvTransposeOptions& options = {});

}  // namespace cotangent
