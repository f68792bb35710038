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

// A forward convolution of an image (batch, extents..., features) with the kernel w (windows..., features, more).
struct Forward {
  Tensor w;
  std::vector<std::int64_t> strides;
  PaddingOption padding;
  std::vector<std::int64_t> dilation;
  DimensionNumbersOption numbers;

  Tensor operator()(const Tensor& image) const {
    return conv_general_dilated(
        image, w,
        {.window_strides = strides, .padding = padding, .rhs_dilation = dilation, .dimension_numbers = numbers});
  }

  Tensor transposed(const Tensor& x, const Tensor& kernel, bool transpose_kernel) const {
    return conv_transpose(x, kernel,
                          {.strides = strides,
                           .padding = padding,
                           .rhs_dilation = dilation,
                           .transpose_kernel = transpose_kernel,
                           .use_consistent_padding = true});
  }
};

// Expects that the transposed convolution of x is the cotangent of an image, of the extents that the padding gives:
// with transpose_kernel for w; without, for w reversed and with its features swapped.
void expect_vjp(const Forward& forward, const Tensor& x) {
  const std::size_t n = forward.strides.size();
  const auto axes = static_cast<int>(n);
  const std::vector<std::int64_t> in(x.shape().begin() + 1, x.shape().end() - 1);
  std::vector<std::int64_t> window;
  for (std::size_t d = 0; d < n; ++d) window.push_back(dilated_extent(forward.w.shape()[d], forward.dilation[d]));
  const std::optional<Padding> named = forward.padding.named("test");
  const Pads pads = forward.padding.resolve("test", in, window, forward.strides);
  Shape image = x.shape();
  image[n + 1] = forward.w.dim(axes);
  std::vector<int> spatial;
  for (std::size_t d = 0; d < n; ++d) {
    spatial.push_back(static_cast<int>(d));
    const std::int64_t stride = forward.strides[d];
    if (named == Padding::Same) image[d + 1] = in[d] * stride;
    else if (named) image[d + 1] = in[d] * stride + std::max<std::int64_t>(window[d] - stride, 0);
    else image[d + 1] = (in[d] - 1) * stride + window[d] - pads[d].first - pads[d].second;
  }
  std::vector<int> swapped = spatial;
  swapped.insert(swapped.end(), {axes + 1, axes});
  const Tensor expected = vjp(forward, {zeros(image, x.dtype())}).pullback(x)[0];
  const Tensor turned = transpose(n == 0 ? forward.w : reverse(forward.w, spatial), swapped);
  for (const Tensor& result : {forward.transposed(x, forward.w, true), forward.transposed(x, turned, false)}) {
    ASSERT_EQ(result.shape(), expected.shape());
    EXPECT_EQ(values(result), values(expected));
  }
}

// jax, tests/lax_test.py, testConvTranspose2DT and 2D: every padding, other options sampled.
TEST(ConvTranspose, IsTheDerivativeOfAConvolution) {
  std::mt19937_64 generator(21);
  const auto choose = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(high - low + 1));
  };
  const std::vector<std::vector<std::int64_t>> all_strides{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {3, 3}};
  std::vector<PaddingOption> paddings;
  for (std::int64_t n = 0; n < 81; ++n) paddings.push_back(Pads{{n / 27, n / 9 % 3}, {n / 3 % 3, n % 3}});
  paddings.insert(paddings.end(), 10, "SAME");
  paddings.insert(paddings.end(), 10, "VALID");
  for (std::size_t run = 0; run < paddings.size(); ++run) {
    const std::int64_t b = choose(2, 3), i = choose(2, 3), j = choose(2, 3), k = choose(3, 5), dilation = choose(1, 2);
    const auto& strides = all_strides[generator() % all_strides.size()];
    SCOPED_TRACE(
        fmt::format("padding {} b {} i {} j {} k {} strides {} dilation {}", run, b, i, j, k, strides, dilation));
    const DType dtype = run % 2 == 0 ? DType::Float32 : DType::Float64;
    expect_vjp(
        {whole_numbers({k, k, j, i}, dtype, 1), strides, paddings[run], {dilation, dilation}, {"NHWC", "HWIO", "NHWC"}},
        whole_numbers({b, 9, 10, i}, dtype, 2));
  }
}

// testConvTranspose1D and, where it is a matrix product, 0D.
TEST(ConvTranspose, IsTheDerivativeOfAConvolutionOfFewerAxes) {
  for (const char* padding : {"SAME", "VALID"})
    for (std::int64_t i : {2, 3})
      for (std::int64_t j : {2, 3}) {
        SCOPED_TRACE(fmt::format("{} i {} j {}", padding, i, j));
        for (std::int64_t k : {3, 4, 5})
          for (std::int64_t stride : {1, 2, 3})
            for (std::int64_t dilation : {1, 2})
              expect_vjp(
                  {whole_numbers({k, j, i}, DType::Float32, 1), {stride}, padding, {dilation}, {"NHC", "HIO", "NHC"}},
                  whole_numbers({2, 10, i}, DType::Float32, 2));
        const Tensor x = whole_numbers({2, i}, DType::Float64, 3), w = whole_numbers({i, j}, DType::Float64, 4);
        expect_vjp({transpose(w), {}, padding, {}, {"NC", "IO", "NC"}}, x);
        EXPECT_EQ(values(conv_transpose(x, w, {.padding = padding})), values(matmul(x, w)));
      }
}

// jax, tests/stax_test.py: the extents that its layers expect.
TEST(ConvTranspose, HasTheExtentsOfLayers) {
  const Tensor plane = ones({2, 10, 11, 1}), line = ones({2, 10, 1});
  for (const char* padding : {"SAME", "VALID"}) {
    const auto extent = [&](std::int64_t in, std::int64_t window, std::int64_t stride) {
      return in * stride + (padding[0] == 'S' ? 0 : std::max<std::int64_t>(window - stride, 0));
    };
    for (const auto& [h, w] : {std::pair{1, 1}, {2, 3}, {3, 3}})
      for (const auto& [down, right] : {std::pair{1, 1}, {2, 1}, {2, 2}})
        EXPECT_EQ(conv_transpose(plane, ones({h, w, 1, 3}), {.strides = {down, right}, .padding = padding}).shape(),
                  Shape({2, extent(10, h, down), extent(11, w, right), 3}));
    for (std::int64_t window : {1, 2, 3})
      for (std::int64_t stride : {1, 2})
        EXPECT_EQ(conv_transpose(line, ones({window, 1, 3}), {.strides = stride, .padding = padding}).shape(),
                  Shape({2, extent(10, window, stride), 3}));
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
