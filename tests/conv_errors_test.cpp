// Every rule of convolution, broken: the message names the rule, the numbers and a way out.
#include <gtest/gtest.h>

#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

void expect_conv_error(const Shape& lhs, const Shape& rhs, const ConvOptions& options, std::string_view part) {
  SCOPED_TRACE(part);
  expect_error([&] { conv_general_dilated(ones(lhs), ones(rhs), options); }, "conv_general_dilated: ");
  expect_error([&] { conv_general_dilated(ones(lhs), ones(rhs), options); }, part);
}

const Shape kLhs{2, 3, 9, 10}, kRhs{4, 3, 3, 2};

TEST(ConvErrors, DimensionNumbers) {
  expect_conv_error({1, 1, 1}, {1, 1, 1, 1}, {}, "same number of axes, got 3 and 4: lhs (1, 1, 1), rhs (1, 1, 1, 1)");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NCHW", "OIHW"}},
                    "three strings, for lhs, rhs and output, got 2");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = std::vector<std::string>(4, "NCHW")}, "got 4");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NCHW", "OIH", "NCHW"}},
                    "dimension_numbers[1], \"OIH\" for rhs, has 3 letters but lhs (2, 3, 9, 10) and rhs (4, 3, 3, 2) "
                    "have 4 axes");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NXHW", "OIHW", "NCHW"}},
                    "dimension_numbers[0], \"NXHW\" for lhs, must hold 'N' and 'C' exactly once each");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NCHW", "OOIW", "NCHW"}}, "must hold 'O' and 'I' exactly once");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NCHW", "OIHW", "NCNW"}},
                    "dimension_numbers[2], \"NCNW\" for output");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NCHH", "OIHW", "NCHW"}}, "\"NCHH\" for lhs, repeats 'H'");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = {"NCHW", "OIHW", "NCHD"}},
                    "must name the same spatial axes: output has \"HD\", rhs has \"HW\"");
  const std::vector<int> axes{0, 1, 2, 3};
  expect_conv_error({1, 1, 1}, {1, 1, 1, 1}, {.dimension_numbers = ConvDimensionNumbers{axes, axes, axes}},
                    "same number of axes, 2 or more, got 3 and 4");
  expect_conv_error({3}, {3}, {}, "2 or more, got 1 and 1");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = ConvDimensionNumbers{{0, 1, 2, 2}, axes, axes}},
                    "lhs_spec must name each axis from 0 to 3 once, got (0, 1, 2, 2)");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = ConvDimensionNumbers{axes, {0, 1, 2, 4}, axes}}, "rhs_spec must");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = ConvDimensionNumbers{axes, axes, {0, 1, -1, 3}}},
                    "out_spec must");
  expect_conv_error(kLhs, kRhs, {.dimension_numbers = ConvDimensionNumbers{axes, axes, {}}}, "got ()");
}

TEST(ConvErrors, Padding) {
  for (const char* name : {"SAME", "VALID", "same_lower"})
    expect_conv_error(kLhs, kRhs, {.padding = name, .lhs_dilation = {1, 2}},
                      "padding by name is not defined for lhs_dilation (1, 2); give {low, high} pairs, or use "
                      "conv_transpose");
  expect_conv_error(kLhs, kRhs, {.padding = "FULL"}, "VALID, SAME or SAME_LOWER, or {low, high} pairs; got \"FULL\"");
  expect_conv_error(kLhs, kRhs, {.padding = {{1, 1}}}, "one {low, high} pair for each of the 2 spatial axes, got 1");
  expect_conv_error(kLhs, kRhs, {.padding = {{0, 0}, {-6, -5}}},
                    "padding (-6, -5) crops more than spatial axis 1 has: 10 elements, 10 after lhs_dilation 1");
  expect_conv_error({0, 3, 9, 10}, kRhs, {.padding = {{-10, 0}, {0, 0}}}, "crops more");
  expect_conv_error({2, 3, 9, 1}, kRhs, {.padding = {{-10, 0}, {0, 0}}}, "crops more");  // of an empty output
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  expect_conv_error(kLhs, kRhs, {.padding = {{kMost, kMost}, {0, 0}}}, "padding must be within 2^48");
  expect_conv_error(kLhs, kRhs, {.padding = {{-kMost, kMost}, {0, 0}}}, "padding must be within 2^48");
  expect_conv_error(kLhs, kRhs, {.padding = std::int64_t{1} << 40}, "more elements than memory can hold");
}

TEST(ConvErrors, StridesAndDilations) {
  expect_conv_error({1, 1, 3, 3}, {1, 1, 1, 1}, {.window_strides = {1}, .padding = "SAME"},
                    "window_strides needs one number for each of the 2 spatial axes, got 1: (1)");
  expect_conv_error(kLhs, kRhs, {.lhs_dilation = {1, 2, 3}}, "lhs_dilation needs one number for each of the 2");
  expect_conv_error(kLhs, kRhs, {.rhs_dilation = {1}}, "rhs_dilation needs one number");
  expect_conv_error(kLhs, kRhs, {.window_strides = {1, 0}},
                    "window_strides must be from 1 to 2^48 on every axis, got (1, 0)");
  expect_conv_error(kLhs, kRhs, {.lhs_dilation = -1},
                    "lhs_dilation must be from 1 to 2^48 on every axis, got (-1, -1)");
  expect_conv_error(kLhs, kRhs, {.rhs_dilation = 0}, "rhs_dilation must be from 1");
  expect_conv_error(kLhs, kRhs, {.padding = 0, .lhs_dilation = std::int64_t{1} << 47},
                    "spreads 9 elements over more than 2^48");
  expect_conv_error(kLhs, kRhs, {.rhs_dilation = std::int64_t{1} << 47}, "spreads 3 elements over more than 2^48");
  expect_conv_error(kLhs, {4, 3, 0, 2}, {}, "the kernel's window must have 1 or more elements on each axis, got 0");
}

TEST(ConvErrors, FeaturesAndGroups) {
  expect_conv_error({1, 8, 8, 3}, {3, 3, 8, 16}, {.dimension_numbers = {"NHWC", "HWIO", "NHWC"}},
                    "rhs has 8 input features (axis 2, 'I' of HWIO) but lhs has 3 features (axis 3, 'C' of NHWC) / "
                    "feature_group_count 1 = 3; lhs (1, 8, 8, 3) is read as NHWC, rhs (3, 3, 8, 16) as HWIO; give a "
                    "kernel of 3 input features");
  expect_conv_error({1, 6, 8}, {6, 1, 3}, {}, "feature_group_count 6");
  expect_conv_error(kLhs, kRhs, {.feature_group_count = 0}, "feature_group_count must be at least 1, got 0");
  expect_conv_error(
      kLhs, kRhs, {.feature_group_count = 2},
      "feature_group_count 2 must divide the features of lhs, which has 3 features (axis 1, 'C' of NCHW)");
  expect_conv_error(
      {2, 6, 9, 10}, {4, 2, 3, 2}, {.feature_group_count = 3},
      "feature_group_count 3 must divide the output features of rhs, which has 4 output features (axis 0, "
      "'O' of OIHW)");
  expect_conv_error(kLhs, kRhs, {.batch_group_count = -2}, "batch_group_count must be at least 1, got -2");
  expect_conv_error(kLhs, kRhs, {.batch_group_count = 4},
                    "batch_group_count 4 must divide the batch of lhs, which has 2 examples (axis 0, 'N' of NCHW)");
  expect_conv_error({3, 3, 9, 10}, kRhs, {.batch_group_count = 3},
                    "batch_group_count 3 must divide the output features");
  expect_conv_error({2, 4, 9, 10}, {4, 2, 3, 2}, {.feature_group_count = 2, .batch_group_count = 2},
                    "at most one of feature_group_count and batch_group_count may exceed 1, got 2 and 2");
}

TEST(ConvErrors, Types) {
  const Tensor single = ones(kLhs), wide = ones(kRhs, DType::Float64);
  expect_error([&] { conv_general_dilated(single, wide); },
               "same dtype, got Float32 (2, 3, 9, 10) and Float64 (4, 3, 3, 2)");
  expect_error([&] { conv_general_dilated(ones(kLhs, DType::Int32), ones(kRhs, DType::Int32)); },
               "needs Float32 or Float64, got Int32");
  expect_error(
      [&] { conv_general_dilated(ones(kLhs, DType::Float64), wide, {.preferred_element_type = DType::Float32}); },
      "no narrower than the operands' Float64, got Float32");
  expect_conv_error(kLhs, kRhs, {.preferred_element_type = DType::Int32}, "must be a floating type");
  expect_conv_error(kLhs, kRhs, {.preferred_element_type = static_cast<DType>(77)}, "must be a floating type");
  expect_error([&] { conv_general_dilated(Tensor(), wide); }, "null");
  expect_error([&] { conv_general_dilated(wide, Tensor()); }, "null");
}

TEST(ConvErrors, Precision) {
  for (const char* name :
       {"default", "fastest", "bfloat16", "high", "tensorfloat32", "bfloat16_3x", "highest", "float32"})
    EXPECT_EQ(conv_general_dilated(ones(kLhs), ones(kRhs), {.precision = name}).shape(), Shape({2, 4, 7, 9}));
  EXPECT_EQ(PrecisionOption("highest"), Precision::Highest);
  EXPECT_EQ(PrecisionOption(std::string("tensorfloat32")), Precision::High);
  expect_error([] { return ConvOptions{.precision = "exact"}; },
               "precision must be \"default\", \"high\" or \"highest\" or an alias of theirs, got \"exact\"");
}

TEST(ConvErrors, Transposed) {
  const auto expect = [](const Shape& lhs, const Shape& rhs, const ConvTransposeOptions& options,
                         std::string_view part) {
    expect_error([&] { conv_transpose(ones(lhs), ones(rhs), options); }, part);
  };
  const Shape lhs{1, 4, 4, 2}, rhs{3, 3, 2, 5};
  expect({1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {}, "dimension_numbers may be left out for 2 to 5 only");
  expect({3}, {3}, {}, "2 to 5");
  expect(lhs, {3, 2, 5}, {}, "same number of axes");
  expect(lhs, rhs, {.strides = {2, 2, 2}}, "needs one number for each of the 2 spatial axes");
  expect(lhs, rhs, {.strides = 0}, "conv_transpose: ");
  expect(lhs, rhs, {.padding = "full"}, "VALID, SAME or SAME_LOWER");
  expect(lhs, rhs, {.strides = 2, .padding = Padding::SameLower}, "SAME_LOWER is defined for strides 1");
  expect(lhs, rhs, {.padding = Padding::SameLower, .use_consistent_padding = true}, "SAME_LOWER is defined");
  expect(lhs, rhs, {.padding = {{1, 1}}}, "one {low, high} pair for each of the 2");
  expect(lhs, rhs, {.padding = std::numeric_limits<std::int64_t>::min(), .use_consistent_padding = true},
         "within 2^48");
  expect(lhs, rhs, {.padding = -20}, "crops more");
  expect(lhs, rhs, {.transpose_kernel = true}, "rhs has 5 input features");
  expect(lhs, {0, 3, 2, 5}, {}, "window must have 1 or more elements");
}

}  // namespace
}  // namespace cotangent
