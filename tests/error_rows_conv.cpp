// Rows of the error table: conv_general_dilated and its family. tests/conv_errors_test.cpp breaks every rule.
#include "error_table.h"

namespace cotangent::testing {
namespace {

const DimensionNumbersOption kChannelsLast{"NHWC", "HWIO", "NHWC"};

void conv(const Shape& lhs, const Shape& rhs, const ConvOptions& options = {}) {
  conv_general_dilated(ones(lhs), ones(rhs), options);
}

}  // namespace

std::vector<ErrorRow> conv_errors() {
  return {
      {"channels_last_without_dimension_numbers",
       [] {
         conv({8, 28, 28, 1}, {3, 3, 1, 4});
       },
       "conv_general_dilated: rhs has 3 input features (axis 1, 'I' of OIHW) but lhs has 28 features (axis 1, 'C' of "
       "NCHW) / feature_group_count 1 = 28; lhs (8, 28, 28, 1) is read as NCHW, rhs (3, 3, 1, 4) as OIHW; give a "
       "kernel of 28 input features, or dimension_numbers {\"NHWC\", \"HWIO\", \"NHWC\"}, which fit these shapes"},
      {"pictures_with_channels_last_only",
       [] {
         conv({8, 28, 28, 3}, {16, 3, 5, 5});
       },
       "conv_general_dilated: rhs has 3 input features (axis 1, 'I' of OIHW) but lhs has 28 features (axis 1, 'C' of "
       "NCHW) / feature_group_count 1 = 28; lhs (8, 28, 28, 3) is read as NCHW, rhs (16, 3, 5, 5) as OIHW; give a "
       "kernel of 28 input features, or dimension_numbers {\"NHWC\", \"OIHW\", \"NHWC\"}, which fit these shapes"},
      {"kernel_of_other_features",
       [] {
         conv({8, 28, 28, 3}, {3, 3, 1, 4}, {.dimension_numbers = kChannelsLast});
       },
       "conv_general_dilated: rhs has 1 input feature (axis 2, 'I' of HWIO) but lhs has 3 features (axis 3, 'C' of "
       "NHWC) / feature_group_count 1 = 3; lhs (8, 28, 28, 3) is read as NHWC, rhs (3, 3, 1, 4) as HWIO; give a kernel "
       "of 3 input features, feature_group_count 3, or other dimension_numbers"},
      {"depthwise_without_groups",
       [] {
         conv({8, 6, 28, 28}, {6, 1, 3, 3});
       },
       "conv_general_dilated: rhs has 1 input feature (axis 1, 'I' of OIHW) but lhs has 6 features (axis 1, 'C' of "
       "NCHW) / feature_group_count 1 = 6; lhs (8, 6, 28, 28) is read as NCHW, rhs (6, 1, 3, 3) as OIHW; give a kernel "
       "of 6 input features, feature_group_count 6, or other dimension_numbers"},
      {"groups_that_do_not_divide",
       [] {
         conv({8, 6, 28, 28}, {8, 1, 3, 3}, {.feature_group_count = 4});
       },
       "conv_general_dilated: feature_group_count 4 must divide the features of lhs, which has 6 features (axis 1, 'C' "
       "of NCHW); 3 would; lhs (8, 6, 28, 28) is read as NCHW, rhs (8, 1, 3, 3) as OIHW"},
      {"a_picture_without_a_batch",
       [] {
         conv({28, 28, 3}, {3, 3, 3, 8}, {.dimension_numbers = kChannelsLast});
       },
       "conv_general_dilated: lhs and rhs need the same number of axes, got 3 and 4: lhs (28, 28, 3), rhs (3, 3, 3, "
       "8); expand_dims(lhs, 0) makes lhs a batch of one"},
      {"dimension_numbers_of_another_rank",
       [] {
         conv({8, 28, 28, 3}, {3, 3, 3, 8}, {.dimension_numbers = {"NWC", "WIO", "NWC"}});
       },
       "conv_general_dilated: dimension_numbers[0], \"NWC\" for lhs, has 3 letters but lhs (8, 28, 28, 3) and rhs (3, "
       "3, 3, 8) have 4 axes; give one letter for each axis"},
      {"dimension_numbers_without_a_batch",
       [] {
         conv({8, 28, 28, 3}, {3, 3, 3, 8}, {.dimension_numbers = {"BHWC", "HWIO", "BHWC"}});
       },
       "conv_general_dilated: dimension_numbers[0], \"BHWC\" for lhs, must hold 'N' and 'C' exactly once each, as in "
       "\"NHWC\""},
      {"misspelt_padding",
       [] {
         conv({8, 1, 28, 28}, {4, 1, 3, 3}, {.padding = "VALDI"});
       },
       "conv_general_dilated: padding must be VALID, SAME or SAME_LOWER, or {low, high} pairs; got \"VALDI\"; did you "
       "mean \"VALID\"?"},
      {"padding_of_one_axis",
       [] {
         conv({8, 1, 28, 28}, {4, 1, 3, 3}, {.padding = {{1, 1}}});
       },
       "conv_general_dilated: padding needs one {low, high} pair for each of the 2 spatial axes, got 1; give 2, or one "
       "number for all"},
      {"padding_by_name_of_a_dilated_input",
       [] {
         conv({8, 1, 28, 28}, {4, 1, 3, 3}, {.padding = Padding::Same, .lhs_dilation = 2});
       },
       "conv_general_dilated: padding by name is not defined for lhs_dilation (2, 2); give {low, high} pairs, or use "
       "conv_transpose"},
      {"cropping_too_much",
       [] {
         conv({8, 1, 5, 5}, {4, 1, 3, 3}, {.padding = -3});
       },
       "conv_general_dilated: padding (-3, -3) crops more than spatial axis 0 has: 5 elements, 5 after lhs_dilation 1; "
       "crop 5 at most; lhs (8, 1, 5, 5) is read as NCHW, rhs (4, 1, 3, 3) as OIHW"},
      {"strides_of_three_axes",
       [] {
         conv({8, 1, 28, 28}, {4, 1, 3, 3}, {.window_strides = {1, 2, 2}});
       },
       "conv_general_dilated: window_strides needs one number for each of the 2 spatial axes, got 3: (1, 2, 2); give "
       "2, or one number for all"},
      {"stride_of_zero",
       [] {
         conv({8, 1, 28, 28}, {4, 1, 3, 3}, {.window_strides = 0});
       },
       "conv_general_dilated: window_strides must be from 1 to 2^48 on every axis, got (0, 0)"},
      {"misspelt_precision",
       [] {
         conv({8, 1, 28, 28}, {4, 1, 3, 3}, {.precision = "higest"});
       },
       "conv_general_dilated: precision must be \"default\", \"high\" or \"highest\" or an alias of theirs, got "
       "\"higest\"; did you mean \"highest\"?"},
      {"kernel_of_another_dtype",
       [] {
         conv_general_dilated(ones({8, 1, 28, 28}), ones({4, 1, 3, 3}, DType::Float64));
       },
       "conv_general_dilated: lhs and rhs must have the same dtype, got Float32 (8, 1, 28, 28) and Float64 (4, 1, 3, "
       "3); convert one with .to()"},
      {"pictures_of_bytes",
       [] {
         conv_general_dilated(ones({8, 1, 28, 28}, DType::UInt8), ones({4, 1, 3, 3}, DType::UInt8));
       },
       "conv_general_dilated: needs Float32 or Float64, got UInt8; convert with .to(DType::Float32)"},
      {"bias_of_another_size",
       [] {
         conv_general_dilated_with_bias(ones({8, 1, 28, 28}), ones({4, 1, 3, 3}), ones({3}));
       },
       "conv_general_dilated: bias must have one number for each output feature, Float32 (4,), got Float32 (3,)"},
  };
}

}  // namespace cotangent::testing
