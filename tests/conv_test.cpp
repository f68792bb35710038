// Convolution: known answers, worked by hand or published.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "conv_reference.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

Tensor tensor(const Shape& shape, const std::vector<double>& data, DType dtype = DType::Float32) {
  return Tensor::from_data<double>(shape, data).to(dtype);
}

// first, first + 1, ...
Tensor counting(const Shape& shape, double first = 1, DType dtype = DType::Float64) {
  return reshape(arange(first, first + static_cast<double>(shape.elements()), 1, dtype), shape);
}

const DimensionNumbersOption kLast2D{"NHWC", "HWIO", "NHWC"};

TEST(ConvDimensionNumbers, OfStrings) {
  struct Row {
    const char *lhs, *rhs, *out;
    ConvDimensionNumbers expected;
  };
  for (const Row& row : std::vector<Row>{
           {"NCHW", "OIHW", "NCHW", {{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}}},
           {"NHWC", "HWIO", "NHWC", {{0, 3, 1, 2}, {3, 2, 0, 1}, {0, 3, 1, 2}}},
           {"NWC", "WIO", "NWC", {{0, 2, 1}, {2, 1, 0}, {0, 2, 1}}},
           {"NHWDC", "HWDIO", "NHWDC", {{0, 4, 1, 2, 3}, {4, 3, 0, 1, 2}, {0, 4, 1, 2, 3}}},
           {"NCHW", "HWIO", "NHWC", {{0, 1, 2, 3}, {3, 2, 0, 1}, {0, 3, 1, 2}}},
           {"NHWC", "OIHW", "NCHW", {{0, 3, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 3}}},
           {"HWCN", "HWIO", "HWCN", {{3, 2, 0, 1}, {3, 2, 0, 1}, {3, 2, 0, 1}}},
           {"HNWC", "HWIO", "HWNC", {{1, 3, 0, 2}, {3, 2, 0, 1}, {2, 3, 0, 1}}},
           {"NHWC", "WHIO", "NHWC", {{0, 3, 2, 1}, {3, 2, 0, 1}, {0, 3, 2, 1}}},
           {"CNH", "OHI", "HNC", {{1, 0, 2}, {0, 2, 1}, {1, 2, 0}}},
           {"NC", "IO", "NC", {{0, 1}, {1, 0}, {0, 1}}},
       }) {
    const Shape shape(std::vector<std::int64_t>(std::string_view(row.lhs).size(), 1));
    EXPECT_EQ(conv_dimension_numbers(shape, shape, {row.lhs, row.rhs, row.out}), row.expected);
    EXPECT_EQ(conv_dimension_numbers(shape, shape, std::vector<std::string>{row.lhs, row.rhs, row.out}), row.expected);
    EXPECT_EQ(conv_dimension_numbers(shape, shape, row.expected), row.expected);
  }
}

TEST(ConvDimensionNumbers, OfNothingAndAsText) {
  const Shape shape{1, 1, 1};
  EXPECT_EQ(conv_dimension_numbers(shape, shape), (ConvDimensionNumbers{{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}));
  std::ostringstream text;
  text << conv_dimension_numbers({1, 8, 8, 3}, {3, 3, 3, 16}, kLast2D);
  EXPECT_EQ(text.str(), "ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), out_spec=(0, 3, 1, 2))");
}

TEST(Conv, PaddingByName) {
  struct Row {
    std::int64_t in, window, stride;
    std::pair<std::int64_t, std::int64_t> same, same_lower;
    std::int64_t out;
  };
  for (const Row& row : std::vector<Row>{{5, 2, 1, {0, 1}, {1, 0}, 5},
                                         {5, 3, 1, {1, 1}, {1, 1}, 5},
                                         {5, 3, 2, {1, 1}, {1, 1}, 3},
                                         {6, 3, 2, {0, 1}, {1, 0}, 3},
                                         {4, 4, 1, {1, 2}, {2, 1}, 4},
                                         {4, 4, 2, {1, 1}, {1, 1}, 2},
                                         {7, 1, 2, {0, 0}, {0, 0}, 4},
                                         {10, 5, 3, {2, 2}, {2, 2}, 4},
                                         {2, 7, 1, {3, 3}, {3, 3}, 2}}) {
    SCOPED_TRACE(fmt::format("in {} window {} stride {}", row.in, row.window, row.stride));
    EXPECT_EQ(PaddingOption("SAME").resolve("test", {row.in}, {row.window}, {row.stride}), Pads{row.same});
    EXPECT_EQ(PaddingOption("same_lower").resolve("test", {row.in}, {row.window}, {row.stride}), Pads{row.same_lower});
    const Tensor x = ones({1, 1, row.in}), w = ones({1, 1, row.window});
    EXPECT_EQ(conv(x, w, row.stride, Padding::Same).dim(2), row.out);
    EXPECT_EQ(values(conv(x, w, row.stride, Padding::Same)), values(conv(x, w, row.stride, Pads{row.same})));
  }
  EXPECT_EQ(conv(zeros({1, 1, 0}), ones({1, 1, 3}), 1, "SAME").shape(), Shape({1, 1, 0}));
}

TEST(Conv, EmptyAndCroppedShapes) {
  EXPECT_EQ(conv(ones({2, 3, 9, 10}), ones({3, 3, 10, 5})).shape(), Shape({2, 3, 0, 6}));
  EXPECT_EQ(conv_with_general_padding(ones({2, 3, 9, 10}), ones({3, 3, 4, 5}), 1, 0, 1, {2, 3}).shape(),
            Shape({2, 3, 3, 0}));
  EXPECT_EQ(conv(ones({1, 3, 2, 2}), ones({64, 3, 7, 7}), 2, 3).shape(), Shape({1, 64, 1, 1}));
  EXPECT_EQ(values(conv(zeros({1, 1, 0}), ones({1, 1, 2}), 1, {{1, 2}})), Values({0, 0}));
  EXPECT_EQ(values(conv(zeros({1, 0, 3}), zeros({2, 0, 2}))), Values(4, 0));
  EXPECT_EQ(conv(zeros({0, 2, 3}), ones({2, 2, 2})).shape(), Shape({0, 2, 2}));
  EXPECT_EQ(conv(ones({2, 2, 3}), ones({0, 2, 2})).shape(), Shape({2, 0, 2}));
  EXPECT_EQ(values(conv(ones({1, 1, 3}), ones({1, 1, 1}), 1, {{-5, 5}})), Values(3, 0));
  EXPECT_EQ(values(conv(ones({1, 1, 3}), ones({1, 1, 1}), 1, {{5, -5}})), Values(3, 0));
  EXPECT_EQ(conv(ones({1, 1, 5}), ones({1, 1, 1}), std::int64_t{1} << 47).shape(), Shape({1, 1, 1}));
}

TEST(Conv, WithoutSpatialAxesIsAMatrixProduct) {
  const Tensor x = counting({2, 3}), w = counting({3, 2});
  EXPECT_EQ(values(conv_general_dilated(x, w, {.dimension_numbers = {"NC", "IO", "NC"}})), Values({22, 28, 49, 64}));
  const auto [dx, dw] = grad([](const Tensor& l, const Tensor& r) {
    return sum(conv_general_dilated(l, r, {.dimension_numbers = {"NC", "IO", "NC"}}));
  })(ones({2, 5}), ones({5, 10}));
  EXPECT_EQ(values(dx), Values(10, 10));
  EXPECT_EQ(values(dw), Values(50, 2));
}

// The interpreter tests of StableHLO: four integer cases with dilation, padding and both kinds of groups.
TEST(Conv, StableHloVectors) {
  const Tensor x = tensor({1, 4, 4, 1}, {1, 2, 5, 6, 3, 4, 7, 8, 10, 11, 14, 15, 12, 13, 16, 17});
  const auto run = [&](const Shape& kernel, const ConvDimensionNumbers& numbers, const PaddingOption& padding,
                       std::int64_t feature_groups, std::int64_t batch_groups) {
    return conv_general_dilated(x, ones(kernel),
                                {.window_strides = 4,
                                 .padding = padding,
                                 .lhs_dilation = 2,
                                 .dimension_numbers = numbers,
                                 .feature_group_count = feature_groups,
                                 .batch_group_count = batch_groups});
  };
  const ConvDimensionNumbers last{{0, 3, 1, 2}, {3, 2, 0, 1}, {0, 3, 1, 2}};
  EXPECT_EQ(values(run({3, 3, 1, 1}, last, 0, 1, 1)), Values({10, 26, 46, 62}));
  EXPECT_EQ(values(run({3, 3, 1, 1}, last, 1, 1, 1)), Values({1, 5, 10, 14}));
  const Tensor batch = run({1, 2, 1, 4}, {{1, 3, 0, 2}, {3, 2, 0, 1}, {0, 3, 1, 2}}, 0, 1, 4);
  EXPECT_EQ(batch.shape(), Shape({1, 1, 2, 4}));
  EXPECT_EQ(values(batch), Values({1, 3, 10, 12, 5, 7, 14, 16}));
  const Tensor feature = run({1, 2, 1, 4}, {{0, 2, 1, 3}, {3, 1, 0, 2}, {0, 3, 1, 2}}, 0, 2, 1);
  EXPECT_EQ(feature.shape(), Shape({1, 2, 1, 4}));
  EXPECT_EQ(values(feature), Values({3, 3, 11, 11, 21, 21, 29, 29}));
}

// lhs counts 1, 2, 3, ...; rhs[j] = j mod 5 - 2; g[j] = j mod 3 - 1.
TEST(Conv, DerivativesWorkedByHand) {
  struct Row {
    const char* name;
    Shape lhs, rhs;
    ConvOptions options;
    Values out, dlhs, drhs;
  };
  const auto cycle = [](const Shape& shape, double period) {
    Tensor result = counting(shape, 0);
    for (double& value : result.mutable_data<double>()) value = std::fmod(value, period) - std::floor(period / 2);
    return result;
  };
  for (const Row& row : std::vector<Row>{
           {"A",
            {1, 1, 5},
            {1, 1, 2},
            {.window_strides = 2, .padding = {{1, 2}}, .lhs_dilation = 2, .rhs_dilation = 3},
            {-2, -3, -4, -5, 0},
            {0, 1, 0, -1, 1},
            {0, -3}},
           {"B",
            {1, 4, 3},
            {2, 2, 2},
            {.feature_group_count = 2},
            {1, -1, -12, -13},
            {2, 1, 0, 0, -1, 0, 2, -4, 2, -1, 1, 0},
            {-1, -2, -4, -5, -1, -1, -1, -1}},
           {"C",
            {2, 1, 3},
            {4, 1, 2},
            {.padding = {{1, 0}}, .batch_group_count = 2},
            {-1, -4, -7, 1, 2, 3, -8, -2, -2, 0, -4, -5},
            {0, -2, 0, 2, 1, -2},
            {2, 2, 2, 2, 5, 2, 5, 2}},
           {"D", {1, 1, 6}, {1, 1, 2}, {.padding = {{-1, -2}}}, {-7, -10}, {0, 2, 1, 0, 0, 0}, {-2, -3}},
           {"E",
            {1, 1, 4},
            {1, 1, 2},
            {.padding = {{-1, 1}}, .lhs_dilation = 2},
            {-2, -4, -3, -6, -4, -8},
            {0, 1, 1, -2},
            {1, 1}},
           {"F",
            {1, 3, 2},
            {2, 2, 2},
            {.padding = {{1, 0}}, .dimension_numbers = {"NHC", "HIO", "NHC"}},
            {0, -2, 0, -5, -2, -9},
            {-3, 0, 3, 0, -2, 0},
            {1, 2, 2, 2, 2, 2, 2, 2}},
       }) {
    SCOPED_TRACE(row.name);
    const auto [out, pullback] =
        vjp([&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, row.options); },
            {counting(row.lhs), cycle(row.rhs, 5)});
    EXPECT_EQ(values(out), row.out);
    const Tensors cotangents = pullback(cycle(out.shape(), 3));
    EXPECT_EQ(values(cotangents[0]), row.dlhs);
    EXPECT_EQ(values(cotangents[1]), row.drhs);
  }
}

// Both derivatives are convolutions, with these pads: of the cotangent with the reversed kernel, and of lhs with the
// cotangent.
TEST(Conv, DerivativesAreConvolutions) {
  struct Row {
    std::int64_t in, window, stride, lhs_dilation, rhs_dilation;
    std::pair<std::int64_t, std::int64_t> pads;
    std::int64_t out;
    std::pair<std::int64_t, std::int64_t> lhs_pads, rhs_pads;
  };
  for (const Row& row : std::vector<Row>{{6, 3, 1, 1, 1, {1, 1}, 6, {1, 1}, {1, 1}},
                                         {6, 3, 2, 1, 1, {0, 1}, 3, {2, 1}, {0, 1}},
                                         {7, 3, 2, 1, 1, {1, 1}, 4, {1, 1}, {1, 1}},
                                         {10, 5, 3, 1, 1, {0, 0}, 2, {4, 6}, {0, -2}},
                                         {6, 1, 1, 1, 1, {1, 0}, 7, {-1, 0}, {1, 0}},
                                         {5, 2, 2, 2, 3, {1, 2}, 5, {2, 1}, {1, 2}},
                                         {6, 2, 1, 1, 1, {-1, -2}, 2, {2, 3}, {-1, -2}},
                                         {4, 2, 1, 2, 1, {-1, 1}, 6, {2, 0}, {-1, 1}}}) {
    SCOPED_TRACE(fmt::format("in {} window {} stride {} pads {}", row.in, row.window, row.stride, row.pads));
    const auto line = [&](const Tensor& lhs, const Tensor& rhs, const std::pair<std::int64_t, std::int64_t>& pads,
                          std::int64_t stride, std::int64_t lhs_dilation, std::int64_t rhs_dilation) {
      return conv_with_general_padding(lhs, rhs, stride, Pads{pads}, lhs_dilation, rhs_dilation);
    };
    const Tensor x = whole_numbers({1, 1, row.in}, DType::Float64, 1);
    const Tensor w = whole_numbers({1, 1, row.window}, DType::Float64, 2);
    const Tensor g = whole_numbers({1, 1, row.out}, DType::Float64, 3);
    const auto [out, pullback] =
        vjp([&](const Tensor& l,
                const Tensor& r) { return line(l, r, row.pads, row.stride, row.lhs_dilation, row.rhs_dilation); },
            {x, w});
    ASSERT_EQ(out.shape(), g.shape());
    const Tensors cotangents = pullback(g);
    EXPECT_EQ(values(cotangents[0]),
              values(line(g, reverse(w, {2}), row.lhs_pads, row.lhs_dilation, row.stride, row.rhs_dilation)));
    EXPECT_EQ(values(cotangents[1]), values(line(x, g, row.rhs_pads, row.rhs_dilation, row.lhs_dilation, row.stride)));
  }
}

TEST(Conv, PreferredElementTypeComputesInIt) {
  const Tensor x = sample({2, 3, 9, 10}).to(DType::Float32), w = sample({4, 3, 4, 5}).to(DType::Float32);
  const ConvOptions wide{.preferred_element_type = DType::Float64};
  const Tensor result = conv_general_dilated(x, w, wide);
  EXPECT_EQ(result.dtype(), DType::Float64);
  EXPECT_EQ(values(result), values(conv_general_dilated(x.to(DType::Float64), w.to(DType::Float64))));
  const auto [out, pullback] =
      vjp([&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, wide); }, {x, w});
  for (const Tensor& cotangent : pullback(ones_like(out))) EXPECT_EQ(cotangent.dtype(), DType::Float32);
  EXPECT_EQ(conv_general_dilated(x, w, {.preferred_element_type = DType::Float32}).dtype(), DType::Float32);
}

// How often each output of a padded 3x3 window sees the input: 4 at corners, 6 at edges, 9 inside.
TEST(Conv, CountsValidPositions) {
  EXPECT_EQ(values(conv(ones({1, 1, 3, 3}), ones({1, 1, 3, 3}), 1, "SAME")), Values({4, 6, 4, 6, 9, 6, 4, 6, 4}));
}

}  // namespace
}  // namespace cotangent::testing
