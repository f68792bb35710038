// Tests of the shape helpers of convolution: JAX's rules, and the shapes of the convolutions themselves.
#include "cotangent/ops/conv_shapes.h"

#include <gtest/gtest.h>

#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

TEST(ConvShapes, AreThoseOfTheConvolutions) {
  const Tensor image = ones({4, 3, 9, 10}), kernel = ones({6, 3, 4, 5});
  for (const PaddingOption& padding : {PaddingOption("SAME"), PaddingOption("VALID"), PaddingOption{{1, 2}, {-1, 3}}})
    for (const PerAxis& strides : {PerAxis(1), PerAxis{1, 2}, PerAxis{3, 2}, PerAxis{7, 6}}) {
      EXPECT_EQ(conv_shape_tuple(image.shape(), kernel.shape(), strides, padding),
                conv(image, kernel, strides, padding).shape());
      const DimensionNumbersOption numbers{"NHWC", "WHIO", "CNHW"};
      const Tensor last = transpose(image, {0, 2, 3, 1}), turned = transpose(kernel, {3, 2, 1, 0});
      EXPECT_EQ(conv_general_shape_tuple(last.shape(), turned.shape(), strides, padding, numbers),
                conv_general_dilated(last, turned,
                                     {.window_strides = strides, .padding = padding, .dimension_numbers = numbers})
                    .shape());
      EXPECT_EQ(
          conv_transpose_shape_tuple(last.shape(), turned.shape(), strides, padding, numbers),
          conv_transpose(last, turned, {.strides = strides, .padding = padding, .dimension_numbers = numbers}).shape());
    }
}

TEST(ConvShapes, IgnoreFeaturesAndCountBatchGroups) {
  EXPECT_EQ(conv_shape_tuple({4, 6, 9}, {8, 2, 3}, 1, "VALID"), (Shape{4, 8, 7}));
  EXPECT_EQ(conv_shape_tuple({4, 6, 9}, {8, 6, 3}, 1, "SAME", 2), (Shape{2, 8, 9}));
  EXPECT_EQ(conv_transpose_shape_tuple({1, 1, 3}, {1, 1, 3}, 2, {{0, 0}}, {}), (Shape{1, 1, 3}));
  expect_error([] { conv_shape_tuple({3, 6, 9}, {8, 6, 3}, 1, "SAME", 2); }, "batch_group_count 2 must divide");
  expect_error([] { conv_shape_tuple({3, 6, 9}, {8, 6, 3}, 1, {{-5, -5}}); }, "conv_shape_tuple: padding (-5, -5)");
  expect_error(
      [] {
        conv_transpose_shape_tuple({1, 1, 3}, {1, 1, 3}, 2, "SAME_LOWER", {});
      },
      "SAME_LOWER is not defined");
  expect_error(
      [] {
        conv_transpose_shape_tuple({1, 1, 300}, {1, 1, 3}, std::int64_t{1} << 48, "SAME", {});
      },
      "spreads 300 elements over more than 2^48");
  expect_error(
      [] {
        conv_transpose_shape_tuple({1 << 20, 1, 1}, {1, 1, 1}, std::int64_t{1} << 48, "SAME", {"NCH", "OIH", "NCH"});
      },
      "conv_transpose_shape_tuple: shape (1048576, 1, 281474976710656) has more elements than memory can hold");
  expect_error([] { conv_shape_tuple({1, 1, -3}, {1, 1, 3}, 1, "SAME"); }, "conv_shape_tuple");
}

TEST(ConvShapes, PermutationsFollowTheKernelsLetters) {
  EXPECT_EQ(conv_general_permutations({"NHWC", "WHIO", "NHWC"}),
            (ConvDimensionNumbers{{0, 3, 2, 1}, {3, 2, 0, 1}, {0, 3, 2, 1}}));
  EXPECT_EQ(conv_general_permutations({"CNH", "OHI", "HNC"}), (ConvDimensionNumbers{{1, 0, 2}, {0, 2, 1}, {1, 2, 0}}));
  expect_error([] { conv_general_permutations({"NHWC", "HWIO", "NHXC"}); }, "must name the same spatial axes");
}

TEST(ConvShapes, PadsOfNames) {
  EXPECT_EQ(padtype_to_pads({5, 6, 4}, {3, 3, 4}, {2, 2, 1}, "SAME"), (Pads{{1, 1}, {0, 1}, {1, 2}}));
  EXPECT_EQ(padtype_to_pads({5, 6, 4}, {3, 3, 4}, {2, 2, 1}, "SAME_LOWER"), (Pads{{1, 1}, {1, 0}, {2, 1}}));
  EXPECT_EQ(padtype_to_pads({5}, {3}, 1, Padding::Valid), (Pads{{0, 0}}));
  EXPECT_EQ(padtype_to_pads({6, 7}, {1, 2}, {3, 5}, "SAME"), (Pads{{0, 0}, {0, 0}}));  // elements that no window sees
  expect_error([] { padtype_to_pads({5}, {3, 3}, 1, "SAME"); }, "the same number of spatial axes, got (5,) and (3, 3)");
  expect_error([] { padtype_to_pads({5}, {3}, 0, "SAME"); }, "window_strides must be at least 1, got (0,)");
  expect_error([] { padtype_to_pads({std::numeric_limits<std::int64_t>::min()}, {3}, 1, "SAME"); },
               "padtype_to_pads: extents must not be negative");
  expect_error([] { padtype_to_pads({5}, {std::numeric_limits<std::int64_t>::max()}, 1, "SAME"); },
               "padtype_to_pads: shape (9223372036854775807,) has more elements");
}

}  // namespace
}  // namespace cotangent
