// Rows of the gradient table: convolution. Linear in each operand, so that differences with step 1 are exact.
#include "grad_table.h"

namespace cotangent::testing {

std::vector<GradRow> conv_rows() {
  const auto row = [](const char* what, const Shape& lhs, const Shape& rhs, const ConvOptions& options) {
    return GradRow{"conv_general_dilated",
                   what,
                   [options](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, options); },
                   {sample(lhs, -1, 1, 1), sample(rhs, -1, 1, 2)},
                   true};
  };
  const auto biased = [](const char* what, const Shape& lhs, const Shape& rhs, std::int64_t features,
                         const ConvOptions& options) {
    return GradRow{"conv_general_dilated",
                   what,
                   [options](const Tensor& l, const Tensor& r, const Tensor& b) {
                     return conv_general_dilated_with_bias(l, r, b, options);
                   },
                   {sample(lhs, -1, 1, 1), sample(rhs, -1, 1, 2), sample({features}, -1, 1, 3)},
                   true};
  };
  const DimensionNumbersOption channels_last{"NHWC", "HWIO", "NHWC"};
  return {
      row("plain", {2, 2, 4, 5}, {3, 2, 3, 2}, {.padding = Padding::Same}),
      row("channels_last", {2, 5, 4, 2}, {2, 3, 2, 3}, {.window_strides = 2, .dimension_numbers = channels_last}),
      row("everything", {1, 5, 4, 2}, {2, 2, 2, 2},
          {.window_strides = {2, 3},
           .padding = {{-1, 2}, {3, 0}},
           .lhs_dilation = {1, 2},
           .rhs_dilation = {2, 1},
           .dimension_numbers = channels_last}),
      row("feature_groups", {2, 4, 5}, {6, 2, 3}, {.padding = 1, .feature_group_count = 2}),
      row("batch_groups", {4, 2, 5}, {6, 2, 3}, {.padding = 1, .batch_group_count = 2}),
      row("depthwise", {2, 4, 4, 3}, {3, 3, 1, 6},
          {.padding = Padding::Same, .dimension_numbers = channels_last, .feature_group_count = 3}),
      row("no_spatial_axis", {3, 2}, {4, 2}, {}),
      row("three_spatial_axes", {1, 2, 3, 3, 2}, {2, 2, 2, 2, 1}, {.window_strides = {1, 2, 1}}),
      row("empty_output", {1, 1, 2}, {1, 1, 3}, {}),
      biased("bias", {2, 2, 4, 5}, {3, 2, 3, 2}, 3, {.padding = Padding::Same}),
      biased("bias_channels_last", {2, 5, 4, 2}, {2, 3, 2, 3}, 3,
             {.window_strides = 2, .dimension_numbers = channels_last}),
      biased("bias_everything", {1, 5, 4, 4}, {2, 2, 2, 6}, 6,
             {.window_strides = {2, 3},
              .padding = {{-1, 2}, {3, 0}},
              .lhs_dilation = {1, 2},
              .rhs_dilation = {2, 1},
              .dimension_numbers = channels_last,
              .feature_group_count = 2}),
      biased("bias_mixed_layouts", {4, 2, 2, 5}, {2, 3, 3, 2}, 3, {.dimension_numbers = {"HCNW", "IOHW", "NHWC"}}),
      biased("bias_batch_groups", {4, 2, 5}, {6, 2, 3}, 6, {.padding = 1, .batch_group_count = 2}),
      // Where relu is bent is far from these sums: half of the features are about 12, the others about -12.
      {"conv_general_dilated",
       "relu_in_the_same_pass",
       [channels_last](const Tensor& l, const Tensor& r, const Tensor& b) {
         return conv_general_dilated_with_bias(
             l, r, b, {.padding = 1, .dimension_numbers = channels_last, .activation = Activation::Relu});
       },
       {sample({1, 3, 4, 2}, -0.5, 0.5, 1), sample({3, 3, 2, 4}, -0.5, 0.5, 2), numbers({12, -12, 12.5, -12.5})}},
      {"conv_general_dilated",
       "wider_result",
       [](const Tensor& l, const Tensor& r) {
         return conv_general_dilated(l, r, {.preferred_element_type = DType::Float64});
       },
       {sample({1, 2, 4}), sample({2, 2, 2})},
       true},
  };
}

}  // namespace cotangent::testing
