// The short forms of conv_general_dilated, for lhs (N, C, spatial...) and rhs (O, C, spatial...).
#pragma once

#include "cotangent/ops/conv.h"

namespace cotangent {

// No dilation, no groups. (jax.lax.conv)
inline Tensor conv(const Tensor& lhs, const Tensor& rhs, const PerAxis& window_strides = 1,
                   const PaddingOption& padding = Padding::Valid, PrecisionOption precision = Precision::Default,
                   std::optional<DType> preferred_element_type = std::nullopt) {
  return conv_general_dilated(lhs, rhs,
                              {.window_strides = window_strides,
                               .padding = padding,
                               .precision = precision,
                               .preferred_element_type = preferred_element_type});
}

// No groups. (jax.lax.conv_with_general_padding)
inline Tensor conv_with_general_padding(const Tensor& lhs, const Tensor& rhs, const PerAxis& window_strides,
                                        const PaddingOption& padding, const PerAxis& lhs_dilation = 1,
                                        const PerAxis& rhs_dilation = 1, PrecisionOption precision = Precision::Default,
                                        std::optional<DType> preferred_element_type = std::nullopt) {
  return conv_general_dilated(lhs, rhs,
                              {.window_strides = window_strides,
                               .padding = padding,
                               .lhs_dilation = lhs_dilation,
                               .rhs_dilation = rhs_dilation,
                               .precision = precision,
                               .preferred_element_type = preferred_element_type});
}

}  // namespace cotangent
