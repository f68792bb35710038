// Transposed convolution: tables and values worked by hand, and that it is the derivative of a convolution.
#include "cotangent/ops/conv_transpose.h"

#include <gtest/gtest.h>

#include <random>

#include "conv_reference.h"

namespace cotangent::testing {
namespace {

Tensor line(const std::vector<double>& data, const Shape& shape) { return Tensor::from_data<double>(shape, data); }

TEST(ConvTranspose, NamedPaddings) {
  struct Row {
    std::int64_t window, stride;
    std::pair<std::int64_t, std::int64_t> same, valid;
  };
  for (const Row& row : std::vector<Row>{{1, 1, {0, 0}, {0, 0}},
                                         {1, 2, {0, 1}, {0, 1}},
                                         {2, 1, {1, 0}, {1, 1}},
                                         {2, 2, {1, 1}, {1, 1}},
                                         {2, 3, {1, 2}, {1, 2}},
                                         {3, 1, {1, 1}, {2, 2}},
                                         {3, 2, {2, 1}, {2, 2}},
                                         {3, 3, {2, 2}, {2, 2}},
                                         {3, 4, {2, 3}, {2, 3}},
                                         {4, 1, {2, 1}, {3, 3}},
                                         {4, 2, {2, 2}, {3, 3}},
                                         {4, 3, {3, 2}, {3, 3}},
                                         {5, 1, {2, 2}, {4, 4}},
                                         {5, 2, {3, 2}, {4, 4}},
                                         {5, 3, {3, 3}, {4, 4}},
                                         {7, 2, {4, 3}, {6, 6}}}) {
    SCOPED_TRACE(fmt::format("window {} stride {}", row.window, row.stride));
    const Tensor x = sample({1, 4, 1}), w = sample({row.window, 1, 1});
    const auto run = [&](const PaddingOption& padding) {
      return conv_transpose(x, w, {.strides = row.stride, .padding = padding});
    };
    EXPECT_EQ(values(run(Padding::Same)), values(run(Pads{row.same})));
    EXPECT_EQ(values(run("VALID")), values(run(Pads{row.valid})));
    EXPECT_EQ(run("same").dim(1), 4 * row.stride);
    EXPECT_EQ(run("valid").dim(1), 4 * row.stride + std::max<std::int64_t>(row.window - row.stride, 0));
  }
}

TEST(ConvTranspose, WorkedValues) {
  const Tensor x = line({1, 2, 3}, {1, 3, 1}), w = line({1, 10, 100}, {3, 1, 1});
  const auto run = [&](std::int64_t stride, const PaddingOption& padding, bool transpose_kernel = false,
                       bool consistent = false) {
    return values(conv_transpose(x, w,
                                 {.strides = stride,
                                  .padding = padding,
                                  .transpose_kernel = transpose_kernel,
                                  .use_consistent_padding = consistent}));
  };
  EXPECT_EQ(run(1, "SAME"), Values({210, 321, 32}));
  EXPECT_EQ(run(1, "SAME", true), Values({12, 123, 230}));
  EXPECT_EQ(run(1, "VALID"), Values({100, 210, 321, 32, 3}));
  EXPECT_EQ(run(1, "VALID", true), Values({1, 12, 123, 230, 300}));
  EXPECT_EQ(run(2, "SAME"), Values({100, 10, 201, 20, 302, 30}));
  EXPECT_EQ(run(2, "SAME", true), Values({1, 10, 102, 20, 203, 30}));
  EXPECT_EQ(run(2, "VALID"), Values({100, 10, 201, 20, 302, 30, 3}));
  EXPECT_EQ(run(2, "VALID", true), Values({1, 10, 102, 20, 203, 30, 300}));
  for (const char* padding : {"SAME", "VALID"}) {
    EXPECT_EQ(run(3, padding), Values({100, 10, 1, 200, 20, 2, 300, 30, 3}));
    EXPECT_EQ(run(3, padding, true), Values({1, 10, 100, 2, 20, 200, 3, 30, 300}));
  }
  EXPECT_EQ(run(2, 0), Values({201, 20, 302}));
  EXPECT_EQ(run(2, 0, false, true), Values({100, 10, 201, 20, 302, 30, 3}));
  EXPECT_EQ(run(2, {{1, 0}}, false, true), Values({10, 201, 20, 302, 30, 3}));
  EXPECT_EQ(values(conv_transpose(x, w, {.strides = 2, .padding = "SAME", .rhs_dilation = 2})),
            Values({0, 210, 0, 321, 0, 32}));
  EXPECT_EQ(run(1, "SAME_LOWER"), Values({210, 321, 32}));
}

TEST(ConvTranspose, DefaultsToChannelsLastAtEveryRank) {
  EXPECT_EQ(values(conv_transpose(line({1, 2}, {1, 2}), line({1, 2, 3, 4}, {2, 2}))), Values({7, 10}));
  EXPECT_EQ(values(conv_transpose(line({1, 2}, {1, 2}), line({1, 2, 3, 4}, {2, 2}), {.transpose_kernel = true})),
            Values({5, 11}));
  EXPECT_EQ(conv_transpose(ones({2, 4, 5, 6, 3}), ones({3, 3, 3, 3, 7}), {.strides = 2, .padding = "SAME"}).shape(),
            Shape({2, 8, 10, 12, 7}));
  EXPECT_EQ(conv_transpose(ones({5, 12, 16}), ones({4, 16, 16}), {.strides = 2, .padding = "SAME"}).shape(),
            Shape({5, 24, 16}));
  const Tensor nine = conv_transpose(ones({1, 1, 28, 28}), ones({1, 1, 3, 3}),
                                     {.padding = {{0, 0}, {0, 0}}, .dimension_numbers = {"NCHW", "OIHW", "NCHW"}});
  EXPECT_EQ(nine.shape(), Shape({1, 1, 26, 26}));
  EXPECT_EQ(values(nine), Values(26 * 26, 9));
}

// jax, tests/lax_test.py, testConvTranspose2DT and 2D: with transpose_kernel the result is the cotangent of the input
// of the forward convolution; without, of the one whose kernel is reversed and has its features swapped.
TEST(ConvTranspose, IsTheDerivativeOfAConvolution) {
  std::mt19937_64 generator(21);
  const auto choose = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (int run = 0; run < 120; ++run) {
    const std::int64_t b = choose(2, 3), i = choose(2, 3), j = choose(2, 3), k = choose(3, 5), kind = choose(0, 3);
    const std::int64_t stride = choose(1, 3), dilation = choose(1, 2), window = dilated_extent(k, dilation);
    const Pads pads{{choose(0, 2), choose(0, 2)}, {choose(0, 2), choose(0, 2)}};
    const PaddingOption padding = kind == 0   ? PaddingOption("SAME")
                                  : kind == 1 ? PaddingOption("VALID")
                                              : PaddingOption(pads);
    SCOPED_TRACE(fmt::format("b {} i {} j {} k {} stride {} dilation {} kind {} pads {}", b, i, j, k, stride, dilation,
                             kind, pads));
    const Tensor x = whole_numbers({b, 9, 10, i}, DType::Float64, generator());
    const Tensor w = whole_numbers({k, k, j, i}, DType::Float64, generator());  // of the forward convolution, j to i
    const auto extent = [&](std::int64_t in, std::size_t d) {
      return kind == 0   ? in * stride
             : kind == 1 ? in * stride + std::max<std::int64_t>(window - stride, 0)
                         : (in - 1) * stride + window - pads[d].first - pads[d].second;
    };
    const auto forward = [&](const Tensor& image) {
      return conv_general_dilated(image, w,
                                  {.window_strides = stride,
                                   .padding = padding,
                                   .rhs_dilation = dilation,
                                   .dimension_numbers = {"NHWC", "HWIO", "NHWC"}});
    };
    const Values expected =
        values(vjp(forward, {zeros({b, extent(9, 0), extent(10, 1), j}, DType::Float64)}).pullback(x)[0]);
    const auto transposed = [&](const Tensor& kernel, bool transpose_kernel) {
      return conv_transpose(x, kernel,
                            {.strides = stride,
                             .padding = padding,
                             .rhs_dilation = dilation,
                             .transpose_kernel = transpose_kernel,
                             .use_consistent_padding = true});
    };
    EXPECT_EQ(values(transposed(w, true)), expected);
    EXPECT_EQ(values(transposed(transpose(reverse(w, {0, 1}), {0, 1, 3, 2}), false)), expected);
  }
}

TEST(ConvTranspose, HasDerivatives) {
  const auto f = [](const Tensor& x, const Tensor& w) {
    return conv_transpose(x, w, {.strides = 2, .padding = "SAME", .transpose_kernel = true});
  };
  EXPECT_EQ(check_grads(f, {sample({1, 3, 3, 2}), sample({3, 3, 2, 2})}, {.order = 2, .step = 1}), "");
}

}  // namespace
}  // namespace cotangent::testing
