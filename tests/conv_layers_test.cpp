// Tests of the convolution layers against PyTorch, and of what relates them to each other.
#include <gtest/gtest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "layer_golden.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_golden;
using testing::expect_near;
using testing::set_waves;
using testing::wave;

TEST(ConvLayers, AgreeWithPyTorch) {
  expect_golden("conv1d", nn::Conv1D(2, 3, 3), wave({2, 6, 2}, 0));
  expect_golden("conv1d_all", nn::Conv1D(4, 4, 3, {.strides = 2, .padding = 1, .dilation = 2, .groups = 2}),
                wave({2, 9, 4}, 0));
  expect_golden("conv2d", nn::Conv2D(2, 2, 3, {.padding = Padding::Same}), wave({1, 4, 5, 2}, 0));
  expect_golden("conv2d_no_bias", nn::Conv2D(2, 3, {1, 2}, {.bias = false}), wave({1, 3, 4, 2}, 0));
  expect_golden(
      "conv2d_all",
      nn::Conv2D(4, 2, {3, 2}, {.strides = {2, 1}, .padding = {{1, 1}, {0, 0}}, .dilation = {1, 2}, .groups = 2}),
      wave({2, 5, 6, 4}, 0));
  expect_golden("conv2d_depthwise", nn::Conv2D(3, 6, 2, {.groups = 3}), wave({1, 4, 4, 3}, 0));
  expect_golden("conv3d", nn::Conv3D(2, 2, {2, 2, 1}, {.strides = {1, 2, 1}, .padding = {{1, 1}, {0, 0}, {0, 0}}}),
                wave({1, 3, 4, 3, 2}, 0));
}

TEST(ConvTransposeLayers, AgreeWithPyTorch) {
  expect_golden("transpose1d", nn::ConvTranspose1D(2, 3, 4, {.strides = 2, .padding = 1}), wave({2, 4, 2}, 0));
  expect_golden("transpose1d_out",
                nn::ConvTranspose1D(4, 2, 3, {.strides = 3, .padding = 1, .output_padding = 2, .groups = 2}),
                wave({1, 3, 4}, 0));
  expect_golden("transpose2d", nn::ConvTranspose2D(2, 2, 3), wave({1, 2, 3, 2}, 0));
  expect_golden(
      "transpose2d_all",
      nn::ConvTranspose2D(
          4, 4, {3, 2},
          {.strides = {2, 3}, .padding = {{1, 1}, {0, 0}}, .output_padding = {1, 0}, .dilation = {1, 2}, .groups = 2}),
      wave({2, 2, 3, 4}, 0));
  expect_golden("transpose2d_tiny", nn::ConvTranspose2D(1, 2, {1, 2}, {.strides = {3, 2}}), wave({1, 3, 2, 1}, 0));
  expect_golden("transpose3d",
                nn::ConvTranspose3D(2, 2, {2, 3, 1}, {.strides = {1, 2, 1}, .padding = {{0, 0}, {1, 1}, {0, 0}}}),
                wave({1, 2, 2, 1, 2}, 0));
}

Tensor channels_first(const Tensor& x) { return transpose(x, {0, 3, 1, 2}); }

TEST(ConvLayers, TakeChannelsFirstWithTheSameWeights) {
  const Tensor x = wave({2, 5, 6, 4}, 0);
  nn::Conv2D last(4, 2, {3, 2}, {.strides = {2, 1}, .padding = 1, .dilation = {1, 2}, .groups = 2});
  nn::Conv2D first(
      4, 2, {3, 2},
      {.strides = {2, 1}, .padding = 1, .dilation = {1, 2}, .groups = 2, .layout = nn::Layout::ChannelsFirst});
  set_waves(last), set_waves(first);
  expect_near(first(channels_first(x)), channels_first(last(x)));
  nn::ConvTranspose2D grow_last(4, 2, 3, {.strides = {2, 1}, .padding = Padding::Same});
  nn::ConvTranspose2D grow_first(4, 2, 3,
                                 {.strides = {2, 1}, .padding = Padding::Same, .layout = nn::Layout::ChannelsFirst});
  set_waves(grow_last), set_waves(grow_first);
  expect_near(grow_first(channels_first(x)), channels_first(grow_last(x)));
}

// The transposed layer is the vjp of the convolution whose weight, with its groups' inputs and outputs exchanged, is
// reversed in space, for every padding, also where the kernel is smaller than the stride.
// Under every bias, also without one, in both layouts.
TEST(ConvLayers, ApplyTheirActivationLast) {
  const auto expect_relu = [](auto plain, auto active, const Tensor& x) {
    set_waves(plain), set_waves(active);
    const Tensor y = plain(x), expected = cotangent::relu(y), actual = active(x);
    ASSERT_LT(min(y).item<double>(), 0);
    ASSERT_GT(max(y).item<double>(), 0);
    expect_near(actual, expected, 0);
  };
  const auto relu = Activation::Relu;
  const Tensor last = wave({2, 5, 6, 4}, 0), first = channels_first(last);
  for (const bool bias : {true, false}) {
    expect_relu(nn::Conv2D(4, 6, 3, {.padding = 1, .bias = bias}),
                nn::Conv2D(4, 6, 3, {.padding = 1, .bias = bias, .activation = relu}), last);
    expect_relu(nn::ConvTranspose2D(4, 3, 4, {.strides = 2, .bias = bias}),
                nn::ConvTranspose2D(4, 3, 4, {.strides = 2, .bias = bias, .activation = relu}), last);
    expect_relu(nn::Conv2D(4, 6, 3, {.bias = bias, .layout = nn::Layout::ChannelsFirst}),
                nn::Conv2D(4, 6, 3, {.bias = bias, .layout = nn::Layout::ChannelsFirst, .activation = relu}), first);
  }
}

TEST(ConvTransposeLayers, AreTheVjpOfConvolutions) {
  for (const PaddingOption& padding :
       {PaddingOption(Padding::Valid), PaddingOption(Padding::Same), PaddingOption(Padding::SameLower),
        PaddingOption({{1, 0}, {0, 2}}), PaddingOption({{-1, 2}, {1, -1}})})
    for (const std::int64_t kernel : {1, 2, 3, 4})
      for (const std::int64_t stride : {1, 2, 3}) {
        SCOPED_TRACE(::testing::Message() << "kernel " << kernel << " stride " << stride);
        nn::Conv2D conv(2, 3, kernel, {.strides = stride, .padding = padding, .bias = false});
        set_waves(conv);
        const Tensor x = zeros({1, 6 * stride, 5 * stride, 2}, DType::Float64);
        const Vjp forward = vjp([&](const Tensor& input) { return conv(input); }, {x});
        const Tensor g = wave(forward.value.shape(), 3);
        const Tensor expected = forward.pullback(g)[0];

        // Elements of x beyond the last window have no part in the convolution: output_padding stands for them.
        std::vector<std::int64_t> extra;
        for (const int axis : {1, 2}) {
          const Pads pads = padding.resolve("test", {6 * stride, 5 * stride}, {kernel, kernel}, {stride, stride});
          const auto [low, high] = pads[static_cast<std::size_t>(axis - 1)];
          extra.push_back(x.dim(axis) - ((g.dim(axis) - 1) * stride + kernel - low - high));
        }
        const bool same = padding.named("test").value_or(Padding::Valid) != Padding::Valid;
        nn::ConvTranspose2D transposed(3, 2, kernel,
                                       {.strides = stride,
                                        .padding = padding,
                                        .output_padding = same ? PerAxis(0) : PerAxis(extra),
                                        .bias = false});
        transposed.weight = transpose(reverse(conv.weight, {0, 1}), {0, 1, 3, 2});
        expect_near(transposed(g), expected);
      }
}

TEST(ConvTransposeLayers, SameMultipliesTheExtentsByTheStrides) {
  for (const std::int64_t kernel : {1, 2, 3, 5})
    for (const std::int64_t stride : {1, 2, 4})
      EXPECT_EQ(
          nn::ConvTranspose1D(1, 1, kernel, {.strides = stride, .padding = Padding::Same})(ones({1, 5, 1})).shape(),
          Shape({1, 5 * stride, 1}));
}

TEST(ConvLayers, StartFromTheirKeyOrTheDefaultStream) {
  const nn::Conv2D a(3, 64, 3, {.key = random::Key(3)}), b(3, 64, 3, {.key = random::Key(3)}), c(3, 64, 3);
  EXPECT_TRUE(all_close(a.weight, b.weight, 0, 0));
  EXPECT_FALSE(all_close(a.weight, c.weight));
  EXPECT_EQ(a.weight.shape(), Shape({3, 3, 3, 64}));
  EXPECT_NEAR(mean(square(a.weight)).item<float>(), 1.0 / 27, 0.1 / 27);
  EXPECT_EQ(sum(abs(a.bias)).item<float>(), 0);
  const nn::Conv1D halves(1, 1, 2, {.init = [](const random::Key& key, const Shape& shape, DType dtype) {
                            return nn::init::constant(key, shape, 0.5, dtype);
                          }});
  EXPECT_EQ(halves.weight.data<float>()[1], 0.5f);
}

TEST(ConvLayers, TakeEmptyBatches) {
  EXPECT_EQ(nn::Conv2D(1, 2, 3)(zeros({0, 5, 5, 1})).shape(), Shape({0, 3, 3, 2}));
  EXPECT_EQ(nn::ConvTranspose2D(1, 2, 3)(zeros({0, 5, 5, 1})).shape(), Shape({0, 7, 7, 2}));
}

TEST(ConvLayers, RefuseOptionsThatFitNoInput) {
  expect_error([] { nn::Conv2D(0, 1, 3); }, "Conv2D: in_features must be in [1, 2147483647], got 0");
  expect_error([] { nn::Conv2D(1, -1, 3); }, "Conv2D: out_features must be in [1,");
  expect_error([] { nn::Conv3D(1, 1, 0); }, "Conv3D: kernel must be in [1,");
  expect_error(
      [] {
        nn::Conv3D(1, 1, {3, 3});
      },
      "Conv3D: kernel needs one number for each of the 3 spatial axes, got 2");
  expect_error([] { nn::Conv1D(1, 1, 3, {.strides = 0}); }, "Conv1D: strides must be in [1,");
  expect_error([] { nn::Conv1D(1, 1, 3, {.dilation = -1}); }, "Conv1D: dilation must be in [1,");
  expect_error([] { nn::Conv2D(4, 6, 3, {.groups = 3}); },
               "Conv2D: groups must divide in_features and out_features, got 3 groups, 4 and 6 features");
  expect_error([] { nn::Conv2D(1, 1, 3, {.padding = "SOME"}); }, "padding must be VALID, SAME or SAME_LOWER");
  expect_error(
      [] {
        nn::Conv2D(1, 1, 3, {.padding = {{1, 1}, {1, 1}, {1, 1}}});
      },
      "one {low, high} pair for each of the 2");
  expect_error([] { nn::ConvTranspose2D(1, 1, 3, {.strides = 2, .output_padding = 2}); },
               "ConvTranspose2D: output_padding must be less than stride or dilation, got 2, 2 and 1");
  expect_error([] { nn::ConvTranspose2D(1, 1, 3, {.strides = 2, .output_padding = -1}); },
               "output_padding must be in [0,");
  expect_error([] { nn::ConvTranspose2D(1, 1, 3, {.strides = 2, .padding = Padding::Same, .output_padding = 1}); },
               "ConvTranspose2D: padding Same decides the output's extents by itself");
  expect_error([] { nn::Conv1D(1, 2, 3, {.init = [](const auto&...) { return Tensor(); }}); },
               "Conv1D: init must make a tensor of shape (3, 1, 2), got a null Tensor");
}

TEST(ConvLayers, RefuseInputsThatDoNotFit) {
  const nn::Conv2D conv(3, 1, 3);
  expect_error(
      [&] {
        conv(ones({5, 5, 3}));
      },
      "Conv2D(3 -> 1, 3x3): needs an input of shape (N, H, W, 3), got Float32 (5, 5, 3)");
  expect_error([&] { conv(ones({1, 3, 5, 5})); }, "got Float32 (1, 3, 5, 5)");
  expect_error([&] { conv(Tensor()); }, "got a null Tensor");
  expect_error([&] { conv(ones({1, 5, 5, 3}, DType::Float64)); }, "input and weight must have one dtype, got Float64");
  const nn::ConvTranspose1D first(2, 1, 3, {.layout = nn::Layout::ChannelsFirst});
  expect_error(
      [&] {
        first(ones({1, 5, 2}));
      },
      "ConvTranspose1D(2 -> 1, 3): needs an input of shape (N, 2, W), got Float32 (1, 5, 2)");
  expect_error([&] { first(ones({1, 2, 0})); }, "needs spatial extents of at least 1, got Float32 (1, 2, 0)");
}

}  // namespace
}  // namespace cotangent
