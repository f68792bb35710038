// The museum of convolution bugs: configurations that gave wrong results elsewhere, each checked here against the
// definition: the result, both gradients, and derivatives to order three. This room: forward and backward convolutions.
#include <gtest/gtest.h>

#include "conv_modes.h"

namespace cotangent::testing {
namespace {

const Letters kLine{"NCH", "OIH", "NCH"}, kFirst{"NCHW", "OIHW", "NCHW"}, kLast{"NHWC", "HWIO", "NHWC"};
const Letters kVolume{"NCDHW", "OIDHW", "NCDHW"};

ConvCase same_pads(ConvCase c, std::int64_t pad) { return padded(c, Pads(c.strides.size(), {pad, pad})); }

// A convolution and its gradient of the kernel when every number is 1.
Values gradient_of_ones(const ConvCase& c) {
  const auto [y, pullback] = vjp(c, {ones(c.lhs), ones(c.rhs)});
  return values(pullback(ones(y.shape()))[1]);
}

// ml-explore/mlx#3800: on Metal, gradients of the input were off by 500 to 5600 % with groups and strides together.
TEST(MuseumOfGradients, GroupsWithStrides) {
  expect_all_modes(strided(same_pads(feature_groups(plain({2, 6, 9, 9}, {6, 1, 3, 3}, kFirst), 6), 1), {2, 2}));
  expect_all_modes(strided(feature_groups(plain({2, 6, 9, 9}, {6, 1, 1, 1}, kFirst), 6), {2, 2}));
  expect_all_modes(strided(same_pads(feature_groups(plain({1, 9, 9, 8}, {7, 7, 1, 16}, kLast), 8), 3), {2, 2}));
}

// pytorch/pytorch#50042: the kernel's gradient was wrong with 24 groups of one channel, not with 23 or 25.
TEST(MuseumOfGradients, DepthwiseWith24Channels) {
  for (const std::int64_t channels : {23, 24, 25}) {
    const ConvCase c = strided(
        same_pads(feature_groups(plain({1, channels, 6, 6}, {channels, 1, 3, 3}, kFirst), channels), 1), {2, 2});
    const Values got = gradient_of_ones(c);
    EXPECT_EQ(Values(got.begin(), got.begin() + 9), Values({4, 6, 6, 6, 9, 9, 6, 9, 9}));
    expect_all_modes(c);
  }
}

// pytorch/pytorch#25101: MKL-DNN's gradient of the input was wrong near the end, which the last window does not reach.
TEST(MuseumOfGradients, StrideThatLeavesATail) {
  expect_all_modes(strided(same_pads(plain({1, 9, 32, 32}, {3, 9, 5, 5}, kFirst), 1), {3, 3}));
}

// pytorch/pytorch#68868: the kernel's gradient of a grouped Conv3d differed between CPU and GPU; here with 12 channels.
TEST(MuseumOfGradients, GroupsInThreeDimensions) {
  expect_all_modes(
      strided(same_pads(feature_groups(plain({1, 12, 7, 7, 4}, {12, 4, 2, 2, 2}, kVolume), 3), 1), {4, 4, 1}));
}

// pytorch/pytorch#51430: nn.grad's gradient of the kernel was wrong with groups, in one, two and three dimensions.
TEST(MuseumOfGradients, KernelOfGroups) {
  expect_all_modes(feature_groups(plain({2, 4, 7}, {6, 2, 3}, kLine), 2));
  expect_all_modes(feature_groups(plain({2, 4, 7, 6}, {6, 2, 3, 2}, kFirst), 2));
  expect_all_modes(feature_groups(plain({2, 4, 5, 4, 3}, {6, 2, 3, 2, 2}, kVolume), 2));
}

// pytorch/pytorch#23889 and #13008: gradients of the input did not take dilation into account.
TEST(MuseumOfGradients, DilationOfTheKernel) {
  expect_all_modes(spread(plain({1, 1, 5, 5}, {1, 1, 3, 3}, kFirst), {1, 1}, {2, 2}));
}

// pytorch/pytorch#15501, where the numbers were doubted and are right.
TEST(MuseumOfGradients, DilationWithStride) {
  const ConvCase c = spread(strided(same_pads(plain({2, 1, 2}, {2, 1, 2}, kLine), 1), {2}), {1}, {2});
  const Tensor x = reshape(numbers({7, 3, 3, 2}), c.lhs), w = reshape(numbers({3, 6, 4, 2}), c.rhs);
  const auto [y, pullback] = vjp(c, {x, w});
  EXPECT_EQ(values(y), Values({18, 6, 12, 4}));
  EXPECT_EQ(values(pullback(ones(y.shape(), DType::Float64))[1]), Values({0, 5, 0, 5}));
  expect_all_modes(c);
}

// PKUFlyingPig/CMU10-714#6: a gradient of 17 x 17 for an input of 16 x 16.
TEST(MuseumOfGradients, LargeKernelWithStride) {
  expect_all_modes(strided(same_pads(plain({1, 16, 16, 1}, {7, 7, 1, 1}, kLast), 2), {3, 3}));
}

// mlpack/mlpack#2986: Backward added a gradient of 5 x 5 to one of 6 x 6 and aborted.
TEST(MuseumOfGradients, EvenInputWithStrideTwo) {
  expect_all_modes(strided(plain({1, 1, 6, 6}, {1, 1, 3, 3}, kFirst), {2, 2}));
}

// f-dangel/backpack#30: derivatives only worked if the stride divided in + 2 pad - dilation (kernel - 1) - 1.
TEST(MuseumOfGradients, StrideThatDoesNotDivide) {
  for (const std::int64_t in : {7, 8, 9, 10})
    expect_all_modes(spread(strided(same_pads(plain({1, 2, in}, {2, 2, 3}, kLine), 1), {3}), {1}, {2}));
}

// tracel-ai/burn#1891: the kernel's gradient of a strided depthwise convolution was assembled with wrong shapes.
TEST(MuseumOfGradients, StridedDepthwiseKernel) {
  const ConvCase c = strided(same_pads(feature_groups(plain({1, 4, 4, 4}, {4, 1, 3, 3}, kFirst), 4), 1), {2, 2});
  const Tensor w = reshape(arange(36, DType::Float32), c.rhs);
  const auto [y, pullback] = vjp(c, {reshape(arange(64, DType::Float32), c.lhs), w});
  const Values dx = values(pullback(ones(y.shape()))[0]);
  EXPECT_EQ(Values(dx.begin(), dx.begin() + 12), Values({4, 8, 4, 5, 8, 16, 8, 10, 4, 8, 4, 5}));
  expect_all_modes(c);
}

// tensorflow/tensorflow#50397: the backward pass of a grouped Conv1D asked for a kernel of 896 elements, not 224.
TEST(MuseumOfGradients, GroupsInOneDimension) {
  expect_all_modes(feature_groups(plain({2, 12, 32}, {7, 8, 4}, {"NWC", "WIO", "NWC"}), 4));
}

// fujitsu/oneDNN#43: the gradient of the input could be wrong with strides, more than 16 channels and narrow rows.
TEST(MuseumOfGradients, ManyChannelsInNarrowRows) {
  expect_all_modes(strided(same_pads(plain({1, 64, 8}, {17, 64, 3}, kLine), 1), {2}));
}

// tensorflow/tensorflow#11092 and #1991: SAME with a stride above the kernel meant negative padding, and forward and
// backward disagreed.
TEST(MuseumOfGradients, SameWithAStrideAboveTheKernel) {
  const ConvOptions same{.window_strides = 2, .padding = "SAME"};
  const Tensor x = reshape(arange(1, 17, 1), {1, 1, 4, 4});
  EXPECT_EQ(values(conv_general_dilated(x, ones({1, 1, 1, 1}), same)), Values({1, 3, 9, 11}));
  expect_all_modes(strided(plain({1, 1, 4, 4}, {1, 1, 1, 1}, kFirst), {2, 2}));
  expect_all_modes(strided(padded(plain({1, 1, 7, 7}, {1, 1, 2, 2}, kFirst), {{-1, 0}, {0, -1}}), {4, 4}));
}

// pytorch/pytorch#1972: the second derivative failed with groups; apache/mxnet#10002: there was none at all.
TEST(MuseumOfGradients, SecondDerivativeWithGroups) {
  expect_all_modes(same_pads(feature_groups(plain({2, 2, 6, 6}, {2, 1, 3, 3}, kFirst), 2), 1));
}

// jax-ml/jax#563: the transpose rule forgot rhs_dilation, which the second derivative of a strided convolution has.
TEST(MuseumOfGradients, SecondDerivativeWithDilation) {
  expect_all_modes(spread(plain({1, 32, 32, 1}, {16, 16, 1, 1}, kLast), {1, 1}, {2, 2}));
  expect_all_modes(strided(padded(plain({1, 8, 8, 2}, {3, 3, 2, 3}, kLast), {{0, 1}, {0, 1}}), {2, 2}));
}

// jax-ml/jax#380: the gradient of a gradient step permuted the axes of its kernels wrongly.
TEST(MuseumOfGradients, SecondDerivativeInMixedLayouts) {
  expect_all_modes(plain({2, 8, 8, 1}, {3, 3, 1, 10}, kLast));
  expect_all_modes(plain({8, 2, 1, 7}, {3, 10, 2, 1}, {"HNCW", "HOWI", "CHNW"}));
}

// pytorch/xla#2333: a gradient penalty through a convolution of stride 2 crashed.
TEST(MuseumOfGradients, SecondDerivativeWithStride) {
  expect_all_modes(strided(same_pads(plain({2, 3, 12, 12}, {5, 3, 3, 3}, kFirst), 1), {2, 2}));
}

// pytorch/pytorch#19912: with 2 groups of 2 and 8 channels the second group's part of the result was zero.
TEST(MuseumOfResults, GroupsOfPointwiseFeatures) {
  const ConvCase c = feature_groups(plain({1, 4, 1, 1}, {16, 2, 1, 1}, kFirst), 2);
  const Tensor x = reshape(numbers({0, 0, 0, 1}), c.lhs);
  EXPECT_EQ(values(c(x, ones(c.rhs, DType::Float64))), Values({0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}));
  expect_all_modes(c);
}

// Tencent/ncnn#315: a dilated depthwise convolution left its output as it was.
TEST(MuseumOfResults, DilatedDepthwise) {
  expect_all_modes(spread(same_pads(feature_groups(plain({1, 4, 5, 5}, {4, 1, 3, 3}, kFirst), 4), 2), {1, 1}, {2, 2}));
}

// tenstorrent/tt-metal#19542: the extent of one axis was computed with the dilation of the other.
TEST(MuseumOfResults, DilationsOfTheirOwn) {
  expect_all_modes(spread(plain({1, 2, 9, 14}, {3, 2, 3, 3}, kFirst), {1, 1}, {1, 4}));
}

// pytorch/pytorch#187742 and onnx/onnx#7721: extents inferred from another axis' stride or padding.
TEST(MuseumOfResults, StridesAndPadsOfTheirOwn) {
  const ConvCase strides = strided(plain({1, 3, 32, 32}, {6, 3, 3, 3}, kFirst), {2, 3});
  EXPECT_EQ(strides(ones(strides.lhs), ones(strides.rhs)).shape(), Shape({1, 6, 15, 10}));
  const ConvCase pads = strided(padded(plain({1, 1, 7, 5}, {1, 1, 3, 3}, kFirst), {{1, 1}, {0, 0}}), {2, 2});
  EXPECT_EQ(pads(ones(pads.lhs), ones(pads.rhs)).shape(), Shape({1, 1, 4, 2}));
  expect_all_modes(pads);
}

// tensorflow/tensorflow#17654: which side of an even image SAME pads.
TEST(MuseumOfResults, SamePadsTheEnd) {
  const ConvOptions options{.window_strides = 2, .padding = "SAME", .dimension_numbers = {"NHWC", "HWIO", "NHWC"}};
  const Tensor w = reshape(arange(9, DType::Float32), {3, 3, 1, 1});
  EXPECT_EQ(values(conv_general_dilated(ones({1, 2, 2, 1}), w, options)), Values({8}));
  EXPECT_EQ(values(conv_general_dilated(ones({1, 1, 1, 1}), w, options)), Values({4}));
}

// modular/modular#6129: wrong with groups and a kernel of 128 positions.
TEST(MuseumOfResults, LongKernelWithGroups) {
  expect_all_modes(same_pads(feature_groups(plain({1, 8, 20}, {8, 4, 128}, kLine), 2), 64));
}

// modular/modular#6248: wrong from 8 input channels on, where vectors begin.
TEST(MuseumOfResults, ChannelsAroundAVector) {
  for (const std::int64_t channels : {6, 7, 8, 9, 16, 17})
    expect_all_modes(plain({1, 6, channels}, {3, channels, 2 * channels}, {"NWC", "WIO", "NWC"}));
}

// ml-explore/mlx#2504: wrong with a kernel larger than the image that it still fits by padding.
TEST(MuseumOfResults, KernelLargerThanTheImage) {
  expect_all_modes(same_pads(plain({1, 61, 61, 1}, {62, 62, 1, 1}, kLast), 1));
}

}  // namespace
}  // namespace cotangent::testing
