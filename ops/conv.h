// Convolution: conv_general_dilated, the one primitive that every convolution and its derivatives are.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cotangent/core/tensor.h"
#include "cotangent/ops/activation.h"
#include "cotangent/ops/conv_algorithm.h"
#include "cotangent/ops/conv_dimension_numbers.h"
#include "cotangent/ops/window.h"

namespace cotangent {

// How much freedom the arithmetic has. Highest: no algorithm that trades accuracy for speed (Winograd, FFT).
enum class Precision { Default, High, Highest };

// Precision as an option: itself, or a name that JAX knows it by: "default", "fastest", "bfloat16"; "high",
// "tensorfloat32", "bfloat16_3x"; "highest", "float32". Error for another name.
class PrecisionOption {
 public:
  PrecisionOption(Precision precision = Precision::Default) : value_(precision) {}
  template <std::convertible_to<std::string_view> Text>
  PrecisionOption(const Text& name) : value_(parse(std::string_view(name))) {}

  operator Precision() const { return value_; }

 private:
  static Precision parse(std::string_view name);
  Precision value_;
};

// Options of conv_general_dilated, in JAX's names, order and meaning. Per-axis options follow the order of the spatial
// axes in the kernel's spec.
struct ConvOptions {
  PerAxis window_strides = 1;
  PaddingOption padding = Padding::Valid;         // of the dilated lhs; negative numbers crop it
  PerAxis lhs_dilation = 1;                       // lhs gets this - 1 zeros between neighbours
  PerAxis rhs_dilation = 1;                       // and so does the kernel
  DimensionNumbersOption dimension_numbers = {};  // none: NCHW, OIHW, NCHW
  std::int64_t feature_group_count = 1;           // features of lhs and output fall into groups that do not mix
  std::int64_t batch_group_count = 1;             // group j of the output's features sees group j of lhs's batch
  PrecisionOption precision = Precision::Default;
  std::optional<DType> preferred_element_type = std::nullopt;  // compute and return this wider type
  ConvAlgorithm algorithm = ConvAlgorithm::Auto;               // of this call; its derivatives choose their own
  std::optional<std::int64_t> max_workspace = std::nullopt;    // bytes beside operands and output, also of derivatives
  Activation activation = Activation::None;                    // of the result, bias and all
};

// Cross-correlation of lhs (N, C, spatial...) with the kernel rhs (O, C / feature_group_count, spatial...), laid out as
// the dimension numbers say: the kernel is not reversed. With no groups,
//
//   output[n, o, x] = sum over i, k of lhs[n, i, y] * rhs[o, i, k]
//   where y * lhs_dilation = x * stride + k * rhs_dilation - low,
//
// over all y that are whole numbers inside lhs. The output is (N / batch_group_count, O, out...) with, for each spatial
// axis, out = floor((dilated lhs + low + high - dilated rhs) / stride) + 1, or 0 where the kernel is larger.
// Any number of spatial axes; both operands Float32 or both Float64; extents of 0 are legal except in the kernel's
// window. Error, before any arithmetic, for everything that does not fit. (jax.lax.conv_general_dilated)
Tensor conv_general_dilated(const Tensor& lhs, const Tensor& rhs, const ConvOptions& options = {});

// The same plus bias[o] everywhere in the output's feature o, before the activation, in one pass. bias is (O), of the
// operands' type.
Tensor conv_general_dilated_with_bias(const Tensor& lhs, const Tensor& rhs, const Tensor& bias,
                                      const ConvOptions& options = {});

}  // namespace cotangent
