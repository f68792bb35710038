// Tests of patches and fold: known answers, the definition, adjoints, messages.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "conv_reference.h"
#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

Tensor counting(const Shape& shape) { return reshape(arange(shape.elements(), DType::Float64) + 1.0, shape); }

TEST(Patches, GiveJaxsValuesInOneDimension) {
  const Tensor x = counting({1, 5, 1});
  const DimensionNumbersOption numbers{"NHC", "OIH", "NHC"};
  EXPECT_EQ(values(conv_general_dilated_patches(x, 2, {.window_strides = 2, .dimension_numbers = numbers})),
            (Values{1, 2, 3, 4}));
  EXPECT_EQ(values(conv_general_dilated_patches(x, 3, {.padding = "SAME", .dimension_numbers = numbers})),
            (Values{0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 0}));
  EXPECT_EQ(values(conv_general_dilated_patches(
                x, 3, {.padding = Padding::Same, .rhs_dilation = 2, .dimension_numbers = numbers})),
            (Values{0, 1, 3, 0, 2, 4, 1, 3, 5, 2, 4, 0, 3, 5, 0}));
}

TEST(Patches, GiveJaxsValuesInTwoDimensions) {
  const Tensor y = conv_general_dilated_patches(
      counting({1, 2, 3, 1}), {2, 2}, {.padding = Padding::Same, .dimension_numbers = {"NHWC", "OIHW", "NHWC"}});
  EXPECT_EQ(y.shape(), (Shape{1, 2, 3, 4}));
  EXPECT_EQ(values(y), (Values{1, 2, 4, 5, 2, 3, 5, 6, 3, 0, 6, 0, 4, 5, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0}));
}

TEST(Patches, PutFeaturesOutsideAndOffsetsInside) {
  const Tensor y = conv_general_dilated_patches(counting({1, 2, 4}), 2);
  EXPECT_EQ(y.shape(), (Shape{1, 4, 3}));
  EXPECT_EQ(values(y), (Values{1, 2, 3, 2, 3, 4, 5, 6, 7, 6, 7, 8}));
}

TEST(Patches, WithoutSpatialAxesAreTheInput) {
  const Tensor x = counting({2, 5});
  EXPECT_EQ(values(conv_general_dilated_patches(x, {})), values(x));
  const Tensor y = conv_general_dilated_patches(x, {}, {.dimension_numbers = {"NC", "OI", "CN"}});
  EXPECT_EQ(y.shape(), (Shape{5, 2}));
  EXPECT_EQ(values(y), values(transpose(x)));
}

TEST(Patches, TakeEveryDtypeAndWiden) {
  for (DType dtype : {DType::Float32, DType::Int32, DType::UInt8, DType::Bool}) {
    const Tensor y = conv_general_dilated_patches(ones({1, 1, 3}, dtype), 2, {.padding = Padding::Same});
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(values(y), (Values{1, 1, 1, 1, 1, 0}));
  }
  EXPECT_EQ(conv_general_dilated_patches(ones({1, 1, 3}), 2, {.preferred_element_type = DType::Float64}).dtype(),
            DType::Float64);
}

// One case of conv_general_dilated_patches, as the convolution that it is defined by.
struct PatchCase {
  ConvCase conv;  // depthwise, with the kernel of ones and zeros that picks one offset per output feature
  std::vector<std::int64_t> filter;

  ConvPatchesOptions options() const {
    return {.window_strides = conv.strides,
            .padding = conv.pads,
            .lhs_dilation = conv.lhs_dilation,
            .rhs_dilation = conv.rhs_dilation,
            .dimension_numbers = conv.numbers};
  }

  Tensor picker() const {
    const auto& spec = conv.numbers.rhs_spec;
    Tensor kernel = Tensor::uninitialized(conv.rhs, DType::Float64);
    auto element = kernel.mutable_data<double>().begin();
    const std::int64_t window = Shape(filter).elements();
    for_each_position({conv.rhs.begin(), conv.rhs.end()}, [&](const std::vector<std::int64_t>& at) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < filter.size(); ++d)
        offset = offset * filter[d] + at[static_cast<std::size_t>(spec[d + 2])];
      *element++ = at[static_cast<std::size_t>(spec[0])] % window == offset;
    });
    return kernel;
  }
};

class Cases {
 public:
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(high - low + 1));
  }

  std::vector<int> permutation(std::size_t n) {
    std::vector<int> result;
    for (std::size_t i = 0; i < n; ++i)
      result.insert(result.begin() + pick(0, static_cast<std::int64_t>(i)), static_cast<int>(i));
    return result;
  }

  // Every option at once, in any layout.
  PatchCase next() {
    const auto n = static_cast<std::size_t>(pick(0, 3));
    PatchCase result;
    ConvCase& c = result.conv;
    c.numbers = {permutation(n + 2), permutation(n + 2), permutation(n + 2)};
    c.lhs = c.rhs = Shape(std::vector<std::int64_t>(n + 2));
    const std::int64_t features = pick(1, 3);
    const auto set = [](Shape& shape, int axis, std::int64_t extent) {
      shape[static_cast<std::size_t>(axis)] = extent;
    };
    set(c.lhs, c.numbers.lhs_spec[0], pick(0, 3));
    set(c.lhs, c.numbers.lhs_spec[1], features);
    for (std::size_t d = 0; d < n; ++d) {
      const std::int64_t in = pick(0, 9) == 0 ? 0 : pick(1, 6), extent = pick(1, 3);
      result.filter.push_back(extent);
      set(c.lhs, c.numbers.lhs_spec[d + 2], in);
      set(c.rhs, c.numbers.rhs_spec[d + 2], extent);
      c.strides.push_back(pick(1, 3));
      c.lhs_dilation.push_back(pick(1, 3));
      c.rhs_dilation.push_back(pick(1, 3));
      const std::int64_t low = pick(-2, 3), dilated = dilated_extent(in, c.lhs_dilation.back());
      c.pads.emplace_back(low, std::max(pick(-2, 3), -dilated - low));
    }
    set(c.rhs, c.numbers.rhs_spec[0], features * Shape(result.filter).elements());
    set(c.rhs, c.numbers.rhs_spec[1], 1);
    c.feature_groups = features;
    return result;
  }

 private:
  std::mt19937_64 generator_{20260823};
};

void expect_definition(const PatchCase& c) {
  SCOPED_TRACE(to_string(c.conv));
  const Tensor lhs = sample(c.conv.lhs, -1, 1, 1);
  const Tensor patches = conv_general_dilated_patches(lhs, c.filter, c.options());
  ASSERT_EQ(patches.shape(), reference_shape(c.conv));
  EXPECT_EQ(values(patches), reference_conv(c.conv, values(lhs), values(c.picker())));
}

TEST(Patches, AreTheDepthwiseConvolutionThatDefinesThem) {
  Cases cases;
  for (int run = 0; run < 500; ++run) expect_definition(cases.next());
}

// jax, tests/lax_test.py, testConvGeneralDilatedPatchesNonOverlapping: windows that lie side by side, so that fold puts
// the elements that they cover back in place. In the last row but one they overlap, and fold counts how often.
TEST(Patches, OfWindowsSideBySide) {
  struct Row {
    Shape lhs;
    std::vector<std::int64_t> filter, strides;
    Pads pads;
    Letters letters;
  };
  for (const Row& row : std::vector<Row>{
           {{2, 5}, {}, {}, {}, {"NC", "OI", "CN"}},
           {{2, 3, 4}, {2}, {2}, {{0, 2}}, {"CNH", "OHI", "HNC"}},
           {{3, 1, 4, 5}, {1, 3}, {1, 3}, {{3, 1}, {2, 2}}, {"NCHW", "OIHW", "NCHW"}},
           {{3, 2, 5, 6}, {4, 3}, {4, 3}, {{5, 2}, {2, 4}}, {"NCHW", "OIHW", "NCHW"}},
           {{1, 2, 3, 4}, {1, 1}, {1, 1}, {{0, 0}, {0, 0}}, {"NCWH", "OHWI", "CNHW"}},
           {{1, 2, 3, 4}, {3, 2}, {1, 1}, {{0, 0}, {0, 0}}, {"CWHN", "HOWI", "NCHW"}},
           {{2, 3, 4, 5, 6}, {2, 1, 3}, {2, 1, 3}, {{1, 2}, {5, 3}, {3, 5}}, {"NHWDC", "HDIWO", "DCWNH"}}}) {
    PatchCase c{strided(padded(plain(row.lhs, row.lhs, row.letters), row.pads), row.strides), row.filter};
    const auto& [lhs_spec, rhs_spec, out_spec] = c.conv.numbers;
    const auto extent = [](Shape& shape, int axis) -> std::int64_t& { return shape[static_cast<std::size_t>(axis)]; };
    c.conv.feature_groups = extent(c.conv.lhs, lhs_spec[1]);
    extent(c.conv.rhs, rhs_spec[0]) = c.conv.feature_groups * Shape(row.filter).elements();
    extent(c.conv.rhs, rhs_spec[1]) = 1;
    for (std::size_t d = 0; d < row.filter.size(); ++d) extent(c.conv.rhs, rhs_spec[d + 2]) = row.filter[d];
    expect_definition(c);
    const auto fold_patches = [&](const Tensor& x) {
      return fold(conv_general_dilated_patches(x, c.filter, c.options()), row.lhs, c.filter, c.options());
    };
    const Tensor x = whole_numbers(row.lhs, DType::Float64, 1);
    EXPECT_EQ(values(fold_patches(x)), values(x * fold_patches(ones_like(x))));
  }
}

TEST(Fold, IsTheAdjointOfPatches) {
  Cases cases;
  for (int run = 0; run < 200; ++run) {
    const PatchCase c = cases.next();
    SCOPED_TRACE(to_string(c.conv));
    const Tensor g = sample(reference_shape(c.conv), -1, 1, 2);
    const Tensor folded = fold(g, c.conv.lhs, c.filter, c.options());
    const Values lhs(static_cast<std::size_t>(c.conv.lhs.elements()));
    expect_near(folded,
                Tensor::from_data<double>(c.conv.lhs, reference_vjps(c.conv, lhs, values(c.picker()), values(g)).lhs),
                1e-15);
  }
}

TEST(Fold, AddsWhatOverlaps) {
  const Tensor folded = fold(ones({1, 3, 5}), {1, 1, 5}, 3, {.padding = 1});
  EXPECT_EQ(folded.dtype(), DType::Float32);
  EXPECT_EQ(values(folded), (Values{2, 3, 3, 3, 2}));
}

TEST(Patches, ExplainWhatTheyRefuse) {
  const Tensor image = ones({1, 10, 10, 5});
  expect_error([&] { conv_general_dilated_patches(ones({3}), 2); },
               "conv_general_dilated_patches: lhs needs 2 or more axes");
  expect_error(
      [&] {
        conv_general_dilated_patches(image, {2, 2, 2});
      },
      "filter_shape needs one number for each of the 2 spatial axes, got 3");
  expect_error(
      [&] {
        conv_general_dilated_patches(image, {2, 0});
      },
      "filter_shape must be at least 1 on every axis, got (2, 0)");
  expect_error(
      [&] {
        conv_general_dilated_patches(image, {5, 5}, {.padding = {{3, 3}}});
      },
      "padding needs one {low, high} pair for each of the 2 spatial axes, got 1");
  expect_error([&] { conv_general_dilated_patches(image, 2, {.padding = {{-6, -5}, {0, 0}}}); }, "crops more than");
  expect_error([&] { conv_general_dilated_patches(image, 2, {.padding = Padding::Valid, .lhs_dilation = 2}); },
               "padding by name is not defined for lhs_dilation");
  expect_error(
      [&] {
        conv_general_dilated_patches(image, 2, {.dimension_numbers = {"NHC", "OIH", "NHC"}});
      },
      "give one letter for each axis");
  expect_error(
      [&] {
        conv_general_dilated_patches(image, 2, {.dimension_numbers = ConvDimensionNumbers{{0}, {1}, {9}}});
      },
      "lhs_spec must name each axis");
  expect_error(
      [&] {
        conv_general_dilated_patches(ones({1, 1, 4}, DType::Float64), 2, {.preferred_element_type = DType::Float32});
      },
      "no narrower than the operands' Float64");
  expect_error(
      [&] {
        fold(ones({1, 3, 4}), {1, 1, 5}, 3, {.padding = 1});
      },
      "fold: patches of lhs_shape (1, 1, 5) have shape (1, 3, 5), got (1, 3, 4)");
  expect_error([&] { fold(ones({1, 2, 2}, DType::Int32), {1, 1, 3}, 2); }, "fold: needs Float32 or Float64");
}

}  // namespace
}  // namespace cotangent::testing
