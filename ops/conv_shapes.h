// The shapes of convolutions without the convolutions: JAX's helpers. None of them knows rhs_dilation or groups of
// features; operands need the same number of axes, and their features need not fit.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "cotangent/core/shape.h"
#include "cotangent/ops/conv_dimension_numbers.h"
#include "cotangent/ops/window.h"

namespace cotangent {

// The shape (N / batch_group_count, O, out...) of conv(lhs, rhs), channels first. (jax.lax.conv_shape_tuple)
Shape conv_shape_tuple(const Shape& lhs_shape, const Shape& rhs_shape, const PerAxis& strides,
                       const PaddingOption& pads, std::int64_t batch_group_count = 1);

// The same in any layout. (jax.lax.conv_general_shape_tuple)
Shape conv_general_shape_tuple(const Shape& lhs_shape, const Shape& rhs_shape, const PerAxis& window_strides,
                               const PaddingOption& padding, const DimensionNumbersOption& dimension_numbers = {});

// The shape of conv_transpose(lhs, rhs), where pairs are pads of the dilated lhs.
// (jax.lax.conv_transpose_shape_tuple)
Shape conv_transpose_shape_tuple(const Shape& lhs_shape, const Shape& rhs_shape, const PerAxis& window_strides,
                                 const PaddingOption& padding, const DimensionNumbersOption& dimension_numbers);

// The axes that three strings with a letter per axis name. (jax.lax.conv_general_permutations)
ConvDimensionNumbers conv_general_permutations(const std::array<std::string, 3>& dimension_numbers);

// The pads that a padding means for spatial axes of these extents. (jax.lax.padtype_to_pads)
Pads padtype_to_pads(const Shape& in_shape, const Shape& window_shape, const PerAxis& window_strides,
                     const PaddingOption& padding);

}  // namespace cotangent
