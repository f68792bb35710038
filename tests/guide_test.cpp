// The code and the numbers of docs/convolution.md, in its order, as programs outside would write them.
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace ct = cotangent;

namespace {

using Floats = std::vector<float>;

ct::Tensor line(const Floats& elements) {
  return ct::Tensor::from_data<float>({1, 1, static_cast<std::int64_t>(elements.size())}, elements);
}

Floats values(const ct::Tensor& x) {
  const std::span<const float> data = x.data<float>();
  return {data.begin(), data.end()};
}

double largest(const ct::Tensor& x) { return ct::max(ct::abs(x)).item<float>(); }

ct::Tensor noise(const ct::Shape& shape, std::uint64_t seed) {
  return ct::random::normal(ct::random::Key(seed), shape);
}

const ct::Tensor x = line({1, 2, 3, 4, 5, 6}), w = line({1, 10, 100});
const ct::DimensionNumbersOption kChannelsFirst{"NCW", "OIW", "NCW"};

TEST(Guide, TheSum) {
  EXPECT_EQ(values(ct::conv(x, w)), Floats({321, 432, 543, 654}));
  EXPECT_EQ(values(ct::conv(x, ct::reverse(w, {2}))), Floats({123, 234, 345, 456}));
}

TEST(Guide, DimensionNumbers) {
  EXPECT_EQ(ct::to_string(ct::conv_dimension_numbers({1, 28, 28, 3}, {5, 5, 3, 8}, {"NHWC", "HWIO", "NHWC"})),
            "ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), out_spec=(0, 3, 1, 2))");
  const ct::Tensor picture = ct::ones({1, 8, 6, 1}), kernel = ct::ones({1, 1, 1, 1});
  EXPECT_EQ(ct::conv_general_dilated(picture, kernel,
                                     {.window_strides = {1, 2}, .dimension_numbers = {"NHWC", "HWIO", "NHWC"}})
                .shape(),
            ct::Shape({1, 8, 3, 1}));
  EXPECT_EQ(ct::conv_general_dilated(picture, kernel,
                                     {.window_strides = {1, 2}, .dimension_numbers = {"NHWC", "WHIO", "NHWC"}})
                .shape(),
            ct::Shape({1, 4, 6, 1}));
}

TEST(Guide, Padding) {
  EXPECT_EQ(values(ct::conv(x, w, 2, "VALID")), Floats({321, 543}));
  EXPECT_EQ(values(ct::conv(x, w, 2, "SAME")), Floats({321, 543, 65}));
  EXPECT_EQ(values(ct::conv(x, w, 2, "SAME_LOWER")), Floats({210, 432, 654}));
  EXPECT_EQ(values(ct::conv(x, w, 2, {{2, 2}})), Floats({100, 321, 543, 65}));
  EXPECT_EQ(values(ct::conv(x, w, 2, {{-1, 0}})), Floats({432, 654}));
  EXPECT_EQ(values(ct::conv(x, w, 2, 2)), Floats({100, 321, 543, 65}));
  EXPECT_EQ(values(ct::conv(x, w, 1, {{-5, 5}})), Floats({6, 0, 0, 0}));
  EXPECT_EQ(ct::padtype_to_pads({6}, {3}, 2, "SAME"), (ct::Pads{{0, 1}}));
  EXPECT_EQ(ct::padtype_to_pads({6}, {3}, 2, "SAME_LOWER"), (ct::Pads{{1, 0}}));
}

TEST(Guide, PaddingTable) {
  struct Row {
    std::int64_t in, window, stride;
    std::pair<std::int64_t, std::int64_t> same, lower;
    std::int64_t out;
  };
  for (const Row& row : std::vector<Row>{{5, 2, 1, {0, 1}, {1, 0}, 5},
                                         {5, 3, 1, {1, 1}, {1, 1}, 5},
                                         {5, 3, 2, {1, 1}, {1, 1}, 3},
                                         {6, 3, 2, {0, 1}, {1, 0}, 3},
                                         {4, 4, 1, {1, 2}, {2, 1}, 4},
                                         {7, 1, 2, {0, 0}, {0, 0}, 4}}) {
    EXPECT_EQ(ct::padtype_to_pads({row.in}, {row.window}, row.stride, "SAME"), ct::Pads{row.same});
    EXPECT_EQ(ct::padtype_to_pads({row.in}, {row.window}, row.stride, "SAME_LOWER"), ct::Pads{row.lower});
    const ct::Tensor input = ct::ones({1, 1, row.in}), kernel = ct::ones({1, 1, row.window});
    EXPECT_EQ(ct::conv(input, kernel, row.stride, "SAME").dim(2), row.out);
  }
}

TEST(Guide, Dilation) {
  EXPECT_EQ(values(ct::conv_general_dilated(x, w, {.rhs_dilation = 2})), Floats({531, 642}));
  const ct::Tensor three = line({1, 2, 3});
  EXPECT_EQ(values(ct::conv_general_dilated(three, w, {.padding = 0, .lhs_dilation = 2})), Floats({201, 20, 302}));
  EXPECT_EQ(values(ct::conv_general_dilated(three, w, {.padding = {{-1, 0}}, .lhs_dilation = 2})), Floats({20, 302}));
}

TEST(Guide, OutputExtent) {
  EXPECT_EQ(ct::conv(line({1, 2}), w, 2).shape(), ct::Shape({1, 1, 0}));
  EXPECT_EQ(ct::conv(ct::ones({1, 3, 224, 224}), ct::ones({1, 3, 7, 7}), 2, 3).shape(), ct::Shape({1, 1, 112, 112}));
  EXPECT_EQ(ct::conv_shape_tuple({1, 3, 224, 224}, {64, 3, 7, 7}, 2, 3), ct::Shape({1, 64, 112, 112}));
  EXPECT_EQ(values(ct::conv(ct::zeros({1, 1, 0}), w, 1, {{2, 2}})), Floats({0, 0}));
}

TEST(Guide, Groups) {
  const ct::Tensor kernel = ct::Tensor::from_data<float>({2, 1, 2}, Floats{1, 10, 1, 100});
  const ct::Tensor features = ct::Tensor::from_data<float>({1, 2, 3}, Floats{1, 2, 3, 4, 5, 6});
  const ct::Tensor a = ct::conv_general_dilated(features, kernel, {.feature_group_count = 2});
  EXPECT_EQ(a.shape(), ct::Shape({1, 2, 2}));
  EXPECT_EQ(values(a), Floats({21, 32, 504, 605}));
  const ct::Tensor examples = ct::reshape(features, {2, 1, 3});
  const ct::Tensor b = ct::conv_general_dilated(examples, kernel, {.batch_group_count = 2});
  EXPECT_EQ(b.shape(), ct::Shape({1, 2, 2}));
  EXPECT_EQ(values(b), values(a));
}

TEST(Guide, TransposedConvolution) {
  const ct::Tensor three = line({1, 2, 3});
  ct::ConvTransposeOptions options{.strides = 2, .padding = "SAME", .dimension_numbers = {"NCW", "OIW", "NCW"}};
  EXPECT_EQ(values(ct::conv_transpose(three, w, options)), Floats({100, 10, 201, 20, 302, 30}));
  options.transpose_kernel = true;
  EXPECT_EQ(values(ct::conv_transpose(three, w, options)), Floats({1, 10, 102, 20, 203, 30}));
  const auto [y, pullback] = ct::vjp([](const ct::Tensor& t) { return ct::conv(t, w, 2, "SAME"); }, {x});
  EXPECT_EQ(values(pullback(three)[0]), Floats({1, 10, 102, 20, 203, 30}));
}

TEST(Guide, ExplicitPadsOfTransposedConvolution) {
  const ct::Tensor three = line({1, 2, 3});
  const auto run = [&](const ct::PaddingOption& padding, bool consistent = false) {
    return values(ct::conv_transpose(
        three, w,
        {.strides = 2, .padding = padding, .dimension_numbers = kChannelsFirst, .use_consistent_padding = consistent}));
  };
  EXPECT_EQ(run("VALID"), Floats({100, 10, 201, 20, 302, 30, 3}));
  EXPECT_EQ(run({{0, 0}}), Floats({201, 20, 302}));
  EXPECT_EQ(run({{0, 0}}, true), Floats({100, 10, 201, 20, 302, 30, 3}));
  EXPECT_EQ(run({{2, 2}}), Floats({100, 10, 201, 20, 302, 30, 3}));
  EXPECT_EQ(run({{1, 0}}, true), Floats({10, 201, 20, 302, 30, 3}));
}

TEST(Guide, ExplicitPadsOfJaxIssue17618) {
  const ct::Tensor latent = ct::ones({1, 128, 128, 8}), kernel = ct::ones({4, 4, 3, 8});
  const auto extents = [&](const ct::PaddingOption& padding, bool consistent = false) {
    return ct::conv_transpose(
               latent, kernel,
               {.strides = 4, .padding = padding, .transpose_kernel = true, .use_consistent_padding = consistent})
        .shape();
  };
  EXPECT_EQ(extents("VALID"), ct::Shape({1, 512, 512, 3}));
  EXPECT_EQ(extents({{0, 0}, {0, 0}}), ct::Shape({1, 506, 506, 3}));
  EXPECT_EQ(extents({{0, 0}, {0, 0}}, true), ct::Shape({1, 512, 512, 3}));
}

TEST(Guide, TransposedLayer) {
  ct::nn::ConvTranspose2D up(16, 8, 3, {.strides = 2, .padding = 1, .output_padding = 1});
  EXPECT_EQ(up(ct::ones({1, 7, 7, 16})).shape(), ct::Shape({1, 14, 14, 8}));
  ct::nn::ConvTranspose1D one(1, 1, 3, {.strides = 2, .bias = false});
  one.weight = ct::reshape(w, {3, 1, 1});
  EXPECT_EQ(values(one(ct::reshape(line({1, 2, 3}), {1, 3, 1}))), Floats({100, 10, 201, 20, 302, 30, 3}));
}

TEST(Guide, TransposeToAnyExtent) {
  for (const std::int64_t extent : {5, 6}) {
    const auto forward = [](const ct::Tensor& t) { return ct::conv(t, w, 2, 1); };
    const ct::Tensor back = ct::vjp(forward, {ct::zeros({1, 1, extent})}).pullback(line({1, 2, 3}))[0];
    EXPECT_EQ(values(back), extent == 5 ? Floats({10, 102, 20, 203, 30}) : Floats({10, 102, 20, 203, 30, 300}));
  }
}

TEST(Guide, PatchesFoldAndLocal) {
  const ct::Tensor four = line({1, 2, 3, 4});
  const ct::Tensor patches = ct::conv_general_dilated_patches(four, 2);
  EXPECT_EQ(patches.shape(), ct::Shape({1, 2, 3}));
  EXPECT_EQ(values(patches), Floats({1, 2, 3, 2, 3, 4}));
  EXPECT_EQ(values(ct::fold(patches, {1, 1, 4}, 2)), Floats({1, 4, 6, 4}));
  EXPECT_EQ(values(ct::fold(ct::ones_like(patches), {1, 1, 4}, 2)), Floats({1, 2, 2, 1}));
  const ct::Tensor kernels = ct::Tensor::from_data<float>({1, 2, 3}, Floats{1, 2, 3, 10, 20, 30});
  EXPECT_EQ(values(ct::conv_general_dilated_local(four, kernels, 2)), Floats({21, 64, 129}));
}

TEST(Guide, Sequences) {
  const ct::Tensor a = ct::reshape(line({1, 2, 3, 4}), {4}), v = ct::reshape(line({1, 10}), {2});
  EXPECT_EQ(values(ct::convolve(a, v)), Floats({1, 12, 23, 34, 40}));
  EXPECT_EQ(values(ct::convolve(a, v, "same")), Floats({1, 12, 23, 34}));
  EXPECT_EQ(values(ct::convolve(a, v, "valid")), Floats({12, 23, 34}));
  EXPECT_EQ(values(ct::correlate(a, v)), Floats({21, 32, 43}));
  EXPECT_EQ(values(ct::correlate(a, v, "full")), Floats({10, 21, 32, 43, 4}));
  EXPECT_EQ(values(ct::correlate(v, a, "full")), Floats({4, 43, 32, 21, 10}));
  EXPECT_EQ(values(ct::convolve(v, a, "same")), Floats({1, 12, 23, 34}));
  EXPECT_EQ(values(ct::signal::convolve(v, a, "same")), Floats({12, 23}));
  EXPECT_EQ(values(ct::signal::correlate(a, v, "same")), Floats({10, 21, 32, 43}));
  const ct::Tensor row = ct::reshape(a, {1, 4}), pair = ct::reshape(v, {1, 2});
  EXPECT_EQ(values(ct::signal::correlate2d(row, pair, "same")), Floats({21, 32, 43, 4}));
  EXPECT_EQ(values(ct::signal::convolve2d(row, pair, "same", "wrap")), Floats({41, 12, 23, 34}));
  EXPECT_EQ(values(ct::signal::convolve2d(row, pair, "same", "symm")), Floats({11, 12, 23, 34}));
  EXPECT_EQ(values(ct::signal::convolve2d(row, pair, "same", "fill", 7)), Floats({71, 12, 23, 34}));
  EXPECT_EQ(ct::signal::fftconvolve(ct::ones({3, 100}), ct::ones({3, 9}), "valid", {1}).shape(), ct::Shape({3, 92}));
}

TEST(Guide, Gradients) {
  const auto strided = [](const ct::Tensor& lhs, const ct::Tensor& rhs) { return ct::conv(lhs, rhs, 2, "SAME"); };
  const auto [y, pullback] = ct::vjp(strided, {x, w});
  EXPECT_EQ(values(y), Floats({321, 543, 65}));
  const ct::Tensor g = line({1, 2, 3});
  const ct::Tensors both = pullback(g);
  EXPECT_EQ(values(both[0]), Floats({1, 10, 102, 20, 203, 30}));
  EXPECT_EQ(values(both[1]), Floats({22, 28, 13}));
  const ct::Tensor dx = ct::conv_general_dilated(g, ct::reverse(w, {2}), {.padding = {{2, 1}}, .lhs_dilation = 2});
  EXPECT_EQ(values(dx), values(both[0]));
  const ct::Tensor dw = ct::conv_general_dilated(x, g, {.padding = {{0, 1}}, .rhs_dilation = 2});
  EXPECT_EQ(values(dw), values(both[1]));
  EXPECT_EQ(ct::sum(y * g).item<float>(), 1602);
  EXPECT_EQ(ct::sum(x * dx).item<float>(), 1602);
  EXPECT_EQ(ct::sum(w * dw).item<float>(), 1602);
}

TEST(Guide, PadsOfGradients) {
  struct Row {
    std::int64_t in, kernel, stride;
    std::pair<std::int64_t, std::int64_t> pads, lhs, rhs;
  };
  for (const Row& row : std::vector<Row>{{6, 3, 1, {1, 1}, {1, 1}, {1, 1}},
                                         {6, 3, 2, {0, 1}, {2, 1}, {0, 1}},
                                         {10, 5, 3, {0, 0}, {4, 6}, {0, -2}},
                                         {6, 1, 1, {1, 0}, {-1, 0}, {1, 0}}}) {
    const ct::Tensor input = noise({1, 1, row.in}, 1), kernel = noise({1, 1, row.kernel}, 2);
    const ct::Pads pads{row.pads}, lhs{row.lhs}, rhs{row.rhs};
    const auto [y, pullback] = ct::vjp(
        [&](const ct::Tensor& a, const ct::Tensor& b) { return ct::conv(a, b, row.stride, pads); }, {input, kernel});
    const ct::Tensor g = noise(y.shape(), 3);
    const ct::Tensors both = pullback(g);
    const ct::Tensor dx =
        ct::conv_general_dilated(g, ct::reverse(kernel, {2}), {.padding = lhs, .lhs_dilation = row.stride});
    const ct::Tensor dw = ct::conv_general_dilated(input, g, {.padding = rhs, .rhs_dilation = row.stride});
    EXPECT_EQ(values(dx), values(both[0]));
    EXPECT_EQ(values(dw), values(both[1]));
  }
}

TEST(Guide, WhichAlgorithm) {
  const ct::Tensor pictures = ct::ones({8, 56, 56, 64}), kernel = ct::ones({3, 3, 64, 64});
  ct::ConvOptions options{.padding = 1, .dimension_numbers = {"NHWC", "HWIO", "NHWC"}};
  const ct::ConvExplanation e = ct::explain(pictures, kernel, options);
  EXPECT_EQ(e.algorithm, ct::ConvAlgorithm::Winograd);
  EXPECT_EQ(e.useful_multiply_adds, 924844032);
  EXPECT_LT(e.executed_multiply_adds, e.useful_multiply_adds);
  EXPECT_GT(e.workspace, 0);
  EXPECT_NE(ct::to_string(e).find("Im2col would execute 924844032 multiply-adds"), std::string::npos);

  options.precision = "highest";
  EXPECT_EQ(ct::explain(pictures, kernel, options).algorithm, ct::ConvAlgorithm::Direct);
  const ct::Tensor direct = ct::conv_general_dilated(pictures, kernel, options);

  options.algorithm = ct::ConvAlgorithm::Im2col;
  EXPECT_EQ(ct::explain(pictures, kernel, options).algorithm, ct::ConvAlgorithm::Im2col);
  EXPECT_EQ(values(ct::conv_general_dilated(pictures, kernel, options)), values(direct));

  options.algorithm = ct::ConvAlgorithm::Winograd;
  cotangent::testing::expect_error([&] { ct::conv_general_dilated(pictures, kernel, options); },
                                   "ask for Precision::Default");

  options = {.padding = 1, .dimension_numbers = {"NHWC", "HWIO", "NHWC"}, .max_workspace = e.workspace / 2};
  const ct::ConvExplanation less = ct::explain(pictures, kernel, options);
  EXPECT_NE(less.algorithm, ct::ConvAlgorithm::Winograd);
  EXPECT_LE(less.workspace, e.workspace / 2);
  options.max_workspace = 1000;
  cotangent::testing::expect_error([&] { ct::explain(pictures, kernel, options); },
                                   "max_workspace is 1000 bytes and the least that an algorithm needs is");
}

// PyTorch's definition of its transposed convolution, with weight (in, out, extent).
ct::Tensor torch_conv_transpose1d(const ct::Tensor& input, const ct::Tensor& weight, std::int64_t stride,
                                  std::int64_t padding, std::int64_t output_padding) {
  const std::int64_t in = weight.dim(0), out = weight.dim(1), kernel = weight.dim(2), extent = input.dim(2);
  const std::int64_t length = (extent - 1) * stride - 2 * padding + kernel + output_padding;
  Floats sums(static_cast<std::size_t>(out * length));
  for (std::int64_t i = 0; i < in; ++i)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t p = 0; p < extent; ++p)
        for (std::int64_t k = 0; k < kernel; ++k) {
          const std::int64_t at = p * stride + k - padding;
          if (at < 0 || at >= length) continue;
          sums[static_cast<std::size_t>(o * length + at)] +=
              input.data<float>()[static_cast<std::size_t>(i * extent + p)] *
              weight.data<float>()[static_cast<std::size_t>((i * out + o) * kernel + k)];
        }
  return ct::Tensor::from_data<float>({1, out, length}, sums);
}

TEST(Guide, FromPyTorchTransposed) {
  const ct::Tensor input = noise({1, 3, 5}, 1), weight = noise({3, 2, 4}, 2);
  const std::int64_t s = 2, p = 1, q = 1;
  const ct::Tensor expected = torch_conv_transpose1d(input, weight, s, p, q);
  const ct::Tensor function = ct::conv_transpose(input, weight,
                                                 {.strides = s,
                                                  .padding = {{p, p - q}},
                                                  .dimension_numbers = {"NCW", "OIW", "NCW"},
                                                  .transpose_kernel = true,
                                                  .use_consistent_padding = true});
  EXPECT_EQ(function.shape(), expected.shape());
  EXPECT_LT(largest(function - expected), 1e-5);
  ct::nn::ConvTranspose1D layer(
      3, 2, 4,
      {.strides = s, .padding = p, .output_padding = q, .bias = false, .layout = ct::nn::Layout::ChannelsFirst});
  layer.weight = ct::reverse(ct::transpose(weight, {2, 0, 1}), {0});
  EXPECT_LT(largest(layer(input) - expected), 1e-5);
}

TEST(Guide, FromPyTorchForward) {
  const ct::Tensor pictures = noise({2, 4, 9, 9}, 1), weight = noise({6, 2, 3, 3}, 2);
  const ct::Tensor y = ct::conv_general_dilated(
      pictures, weight, {.window_strides = 2, .padding = 1, .rhs_dilation = 2, .feature_group_count = 2});
  EXPECT_EQ(y.shape(), ct::Shape({2, 6, 4, 4}));
  ct::nn::Conv2D layer(
      4, 6, 3,
      {.strides = 2, .padding = 1, .dilation = 2, .groups = 2, .bias = false, .layout = ct::nn::Layout::ChannelsFirst});
  layer.weight = ct::transpose(weight, {2, 3, 1, 0});
  EXPECT_LT(largest(layer(pictures) - y), 1e-5);
}

TEST(Guide, FromPyTorchUnfold) {
  const ct::Tensor pictures = noise({2, 3, 5, 6}, 1);
  const ct::Tensor patches = ct::conv_general_dilated_patches(pictures, {2, 3}, {.window_strides = 2});
  const ct::Tensor columns = ct::reshape(patches, {2, 3 * 6, -1});
  EXPECT_EQ(columns.shape(), ct::Shape({2, 18, 4}));
  const ct::Tensor back =
      ct::fold(ct::reshape(columns, patches.shape()), pictures.shape(), {2, 3}, {.window_strides = 2});
  EXPECT_EQ(back.shape(), pictures.shape());
}

TEST(Guide, FromTensorFlow) {
  const ct::Tensor pictures = noise({1, 8, 8, 3}, 1);
  const ct::DimensionNumbersOption last{"NHWC", "HWIO", "NHWC"};
  const ct::Tensor depthwise_filter = noise({3, 3, 3, 2}, 2), pointwise_filter = noise({1, 1, 6, 5}, 3);
  const ct::Tensor depthwise =
      ct::conv_general_dilated(pictures, ct::reshape(depthwise_filter, {3, 3, 1, 6}),
                               {.padding = "SAME", .dimension_numbers = last, .feature_group_count = 3});
  EXPECT_EQ(depthwise.shape(), ct::Shape({1, 8, 8, 6}));
  // Output feature c * 2 + j is that of feature c with filter j.
  const ct::Tensor one = ct::conv_general_dilated(ct::slice(pictures, {0, 0, 0, 2}, {1, 8, 8, 3}),
                                                  ct::slice(depthwise_filter, {0, 0, 2, 1}, {3, 3, 3, 2}),
                                                  {.padding = "SAME", .dimension_numbers = last});
  EXPECT_LT(largest(one - ct::slice(depthwise, {0, 0, 0, 5}, {1, 8, 8, 6})), 1e-5);
  const ct::Tensor separable = ct::conv_general_dilated(depthwise, pointwise_filter, {.dimension_numbers = last});
  EXPECT_EQ(separable.shape(), ct::Shape({1, 8, 8, 5}));

  const ct::Tensor filters = noise({3, 3, 2, 4}, 4), small = noise({1, 5, 5, 4}, 5);
  const ct::Tensor up = ct::conv_transpose(small, filters, {.strides = 2, .padding = "SAME", .transpose_kernel = true});
  EXPECT_EQ(up.shape(), ct::Shape({1, 10, 10, 2}));
  const auto forward = [&](const ct::Tensor& t) {
    return ct::conv_general_dilated(t, filters, {.window_strides = 2, .padding = "SAME", .dimension_numbers = last});
  };
  EXPECT_LT(largest(ct::vjp(forward, {ct::zeros({1, 10, 10, 2})}).pullback(small)[0] - up), 1e-5);
  EXPECT_EQ(ct::vjp(forward, {ct::zeros({1, 9, 9, 2})}).pullback(small)[0].shape(), ct::Shape({1, 9, 9, 2}));
}

TEST(Guide, FromFlax) {
  const ct::Tensor pictures = noise({1, 5, 5, 3}, 1);
  for (const ct::Padding padding : {ct::Padding::Same, ct::Padding::Valid})
    for (const std::int64_t kernel : {2, 3, 4, 5})
      for (const std::int64_t stride : {1, 2, 3}) {
        const ct::nn::ConvTranspose2D layer(3, 2, kernel, {.strides = stride, .padding = padding, .bias = false});
        const ct::Tensor jax = ct::conv_transpose(pictures, layer.weight, {.strides = stride, .padding = padding});
        if (padding == ct::Padding::Same || kernel >= stride) {
          EXPECT_EQ(values(layer(pictures)), values(jax)) << kernel << " " << stride;
        } else {
          EXPECT_EQ(jax.dim(1) - layer(pictures).dim(1), stride - kernel);
        }
      }
}

TEST(Guide, CommonErrors) {
  using cotangent::testing::expect_error;
  const ct::Tensor picture = ct::ones({1, 8, 8, 3});
  const ct::DimensionNumbersOption last{"NHWC", "HWIO", "NHWC"};
  expect_error(
      [&] {
        ct::conv_general_dilated(picture, ct::ones({3, 3, 3, 16}));
      },
      "rhs has 3 input features (axis 1, 'I' of OIHW) but lhs has 8 features (axis 1, 'C' of NCHW)");
  expect_error(
      [&] {
        ct::conv_general_dilated(picture, ct::ones({3, 3, 1, 6}), {.dimension_numbers = last});
      },
      "give a kernel of 3 input features, feature_group_count 3, or other dimension_numbers");
  expect_error(
      [&] {
        ct::conv(ct::ones({8, 8}), ct::ones({1, 1, 3, 3}));
      },
      "lhs and rhs need the same number of axes, got 2 and 4");
  expect_error([&] { ct::conv(x, w.to(ct::DType::Float64)); }, "lhs and rhs must have the same dtype");
  expect_error([&] { ct::conv(x.to(ct::DType::Int32), w.to(ct::DType::Int32)); }, "needs Float32 or Float64");
  expect_error(
      [&] {
        ct::conv(ct::ones({1, 1, 8, 8}), ct::ones({1, 1, 3, 3}), {2});
      },
      "window_strides needs one number for each of the 2 spatial axes");
  expect_error(
      [&] {
        ct::conv(ct::ones({1, 1, 8, 8}), ct::ones({1, 1, 3, 3}), 1, {{1, 1}});
      },
      "padding needs one {low, high} pair for each of the 2 spatial axes");
  expect_error([&] { ct::conv(x, w, 1, "REFLECT"); }, "padding must be VALID, SAME or SAME_LOWER");
  expect_error([&] { ct::conv_general_dilated(x, w, {.padding = "SAME", .lhs_dilation = 2}); },
               "padding by name is not defined for lhs_dilation (2)");
  expect_error([&] { ct::conv(x, w, 1, {{-4, -3}}); }, "padding (-4, -3) crops more than spatial axis 0 has");
  expect_error(
      [&] {
        ct::conv_transpose(ct::ones({1, 4, 1}), ct::ones({3, 1, 1}), {.strides = 2, .padding = "SAME_LOWER"});
      },
      "padding SAME_LOWER is defined for strides 1");
  expect_error(
      [&] {
        ct::conv_transpose(ct::ones({1, 4, 8}), ct::ones({3, 8, 2}), {.strides = 2, .transpose_kernel = true});
      },
      "rhs has 2 input features");
  expect_error(
      [&] {
        ct::nn::Conv2D(3, 8, 3)(ct::ones({1, 3, 8, 8}));
      },
      "Conv2D(3 -> 8, 3x3): needs an input of shape (N, H, W, 3), got Float32 (1, 3, 8, 8); it looks like NCHW");
  expect_error([&] { ct::convolve(ct::ones({4, 4}), ct::ones({2, 2})); }, "both operands must be 1-D");
  expect_error(
      [&] {
        ct::signal::convolve(ct::ones({4, 2}), ct::ones({2, 4}));
      },
      "one operand must be at least as large as the other on every axis");
  expect_error(
      [&] {
        ct::signal::fftconvolve(ct::ones({3, 8}), ct::ones({1, 4}), "full", {1});
      },
      "extents must agree on the axes that are not convolved");
}

}  // namespace
