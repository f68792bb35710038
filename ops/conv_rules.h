// The rules of convolution: what options must fulfil, and the output's shape. Internal.
#pragma once

#include "cotangent/ops/conv.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent {

// The options as numbers, one per spatial axis. Error unless ranks, specs, strides, dilations and padding fit.
kernels::ConvAttributes resolve_conv(std::string_view operation, const Shape& lhs, const Shape& rhs,
                                     const ConvOptions& options);

// The type that is computed in and returned. Error unless the operands' types agree and the preferred one is a floating
// type that is not narrower.
DType conv_dtype(std::string_view operation, const Tensor& lhs, const Tensor& rhs, std::optional<DType> preferred);

// The output's shape. Error unless features, batch, groups and extents fit each other.
Shape conv_shape(std::string_view operation, const Shape& lhs, const Shape& rhs,
                 const kernels::ConvAttributes& attributes);

}  // namespace cotangent
