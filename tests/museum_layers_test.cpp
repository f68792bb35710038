// The museum of convolution bugs: transposed convolutions, pooling, padding, and models made of them.
#include <gtest/gtest.h>

#include "conv_modes.h"
#include "expect_error.h"

namespace cotangent::testing {
namespace {

Tensor line(const std::vector<double>& data) {
  return reshape(numbers(data), {1, static_cast<std::int64_t>(data.size()), 1});
}

// A layer whose weights are small whole numbers in Float64, and no bias.
template <class Layer>
Layer whole(Layer layer) {
  layer.weight = whole_numbers(layer.weight.shape(), DType::Float64, 7);
  return layer;
}

// Expects that first and second derivatives in input and weight are those of differences.
template <class Layer>
void expect_gradients(const Layer& layer, const Shape& input) {
  const auto f = [&](const Tensor& x, const Tensor& w) {
    Layer copy = layer;
    copy.weight = w;
    return copy(x);
  };
  EXPECT_EQ(check_grads(f, {sample(input), whole(layer).weight}, {.order = 2, .step = 1}), "");
}

double product(const Tensor& a, const Tensor& b) { return sum(a * b).item<double>(); }

// Expects <conv(x), y> = <x, transpose(y)> for layers of these options, whose weights correspond.
void expect_adjoint(std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                    std::int64_t dilation, std::int64_t extra) {
  nn::Conv2D conv =
      whole(nn::Conv2D(2, 3, kernel, {.strides = stride, .padding = pad, .dilation = dilation, .bias = false}));
  nn::ConvTranspose2D transposed(
      3, 2, kernel, {.strides = stride, .padding = pad, .output_padding = extra, .dilation = dilation, .bias = false});
  transposed.weight = transpose(reverse(conv.weight, {0, 1}), {0, 1, 3, 2});
  const Tensor x = whole_numbers({2, extent, extent, 2}, DType::Float64, 1), ax = conv(x),
               y = whole_numbers(ax.shape(), DType::Float64, 2), aty = transposed(y);
  ASSERT_EQ(aty.shape(), x.shape());
  EXPECT_EQ(product(ax, y), product(x, aty));
}

// pytorch/pytorch#1565: with dilation the forward pass was wrong, which gradient checkers cannot see.
TEST(MuseumOfTransposes, Dilation) {
  nn::ConvTranspose1D layer(1, 1, 3, {.strides = 2, .padding = 1, .output_padding = 1, .dilation = 2, .bias = false});
  layer.weight = ones({3, 1, 1}, DType::Float64);
  EXPECT_EQ(values(layer(ones({1, 6, 1}, DType::Float64))), Values({0, 2, 0, 3, 0, 3, 0, 3, 0, 3, 0, 2, 0, 1}));
  expect_gradients(layer, {1, 6, 1});
}

// apache/mxnet#11203: wrong results with dilation, where columns were packed.
TEST(MuseumOfTransposes, DilationIsTheAdjoint) {
  for (const std::int64_t stride : {1, 2, 3}) expect_adjoint(1 + 6 * stride, 3, stride, 2, 2, 0);
}

// pytorch/pytorch#5057: strided transposed convolutions that were no transposes, for want of the output's extent.
TEST(MuseumOfTransposes, OutputPaddingMakesTheAdjoint) {
  for (const std::int64_t extra : {0, 1, 2}) expect_adjoint(10 + extra, 4, 3, 0, 1, extra);
}

// pytorch/pytorch#63314: the gradient of the input took its neighbour's cotangent.
TEST(MuseumOfTransposes, StrideAboveTheKernel) {
  nn::ConvTranspose1D layer(1, 1, 1, {.strides = 2, .bias = false});
  layer.weight = full({1, 1, 1}, -3, DType::Float64);
  const auto [y, pullback] = vjp([&](const Tensor& x) { return layer(x); }, {line({-2, 5})});
  EXPECT_EQ(values(y), Values({6, 0, -15}));
  EXPECT_EQ(values(pullback(line({2, 100, 7}))[0]), Values({-6, -21}));
}

// huggingface/candle#2337: backward exchanged stride and dilation; candle#1460: there was none.
TEST(MuseumOfTransposes, BackwardWithStride) {
  expect_gradients(nn::ConvTranspose2D(2, 3, 3, {.strides = 2, .padding = 1, .bias = false}), {1, 3, 4, 2});
}

// pytorch/pytorch#5112: backward with output_padding above the stride read outside its memory.
TEST(MuseumOfTransposes, OutputPaddingBelowTheDilation) {
  nn::ConvTranspose2D layer(4, 1, 3, {.output_padding = 1, .dilation = 2, .bias = false});
  EXPECT_EQ(layer(ones({1, 1, 1, 4})).shape(), Shape({1, 6, 6, 1}));
  expect_gradients(layer, {1, 1, 1, 4});
  expect_error([] { nn::ConvTranspose2D(4, 1, 3, {.output_padding = 1}); }, "output_padding must be less than");
}

// apache/tvm#8087: wrong gradients with a kernel of 1 x 1.
TEST(MuseumOfTransposes, PointwiseKernel) {
  expect_gradients(nn::ConvTranspose2D(3, 4, 1, {.strides = 2, .padding = 1, .output_padding = 1, .bias = false}),
                   {2, 4, 4, 3});
}

// apple/coreai-torch#57: output_padding was multiplied by the stride.
TEST(MuseumOfTransposes, OutputPaddingCountsElementsOfTheOutput) {
  for (const std::int64_t extra : {0, 1, 4, 7})
    EXPECT_EQ(
        nn::ConvTranspose1D(1, 1, 16, {.strides = 8, .padding = 4, .output_padding = extra})(ones({1, 5, 1})).dim(1),
        4 * 8 - 8 + 15 + extra + 1);
}

// tiny-dnn/tiny-dnn#249: all gradient checks of deconvolutions failed, and padding "same" was wrong forward.
TEST(MuseumOfTransposes, SamePadding) {
  for (const std::int64_t stride : {1, 2})
    expect_gradients(nn::ConvTranspose2D(1, 2, 3, {.strides = stride, .padding = Padding::Same, .bias = false}),
                     {1, 3, 4, 1});
}

// pytorch/pytorch#31005 and #30931: transposed convolutions did not fit into Sequential, nor DCGAN's generator.
TEST(MuseumOfModels, TransposesInSequential) {
  nn::Sequential generator{nn::ConvTranspose2D(8, 4, 4), relu,
                           nn::ConvTranspose2D(4, 1, 4, {.strides = 2, .padding = 1}), tanh};
  EXPECT_EQ(generator(ones({2, 1, 1, 8})).shape(), Shape({2, 8, 8, 1}));
  const Tensor noise = random::normal(random::Key(1), {2, 1, 1, 8});
  EXPECT_EQ(grad([&](const Tensor& z) { return sum(square(generator(z))); })(noise).shape(), noise.shape());
}

// apache/mxnet#10002: WGAN-GP was impossible, because the derivative of a convolution had none.
TEST(MuseumOfModels, GradientPenalty) {
  const Tensor x = sample({2, 5, 5, 2}, -1, 1, 3);
  const auto penalty = [&](const Tensor& first, const Tensor& second) {
    const auto critic = [&](const Tensor& images) {
      const ConvOptions same{.padding = "SAME", .dimension_numbers = {"NHWC", "HWIO", "NHWC"}};
      ConvOptions strided = same;
      strided.window_strides = 2;
      return sum(conv_general_dilated(tanh(conv_general_dilated(images, first, strided)), second, same));
    };
    return square(sqrt(sum(square(grad(critic)(x)))) - 1);
  };
  EXPECT_EQ(check_grads(penalty, {sample({3, 3, 2, 3}, -1, 1, 1), sample({3, 3, 3, 1}, -1, 1, 2)}, {.order = 2}), "");
}

// jax-ml/jax#380: MAML's outer gradient, through a step down the inner one, could not be taken.
TEST(MuseumOfModels, GradientThroughAGradientStep) {
  const Tensor x = sample({1, 5, 5, 1}, -1, 1, 3);
  const auto loss = [&](const Tensor& w) {
    return sum(square(tanh(conv_general_dilated(x, w, {.dimension_numbers = {"NHWC", "HWIO", "NHWC"}}))));
  };
  const auto after = [&](const Tensor& w) { return loss(w - 0.1 * grad(loss)(w)); };
  EXPECT_EQ(check_grads(after, {sample({3, 3, 1, 2}, -1, 1, 1)}, {.order = 2}), "");
}

// Distinct numbers, so that maxima have no ties.
Tensor distinct(const Shape& shape) {
  Tensor result = arange(0, static_cast<double>(shape.elements()), 1, DType::Float64);
  return reshape(sin(37 * result), shape);
}

// jax-ml/jax#274 and #628: max pooling had no forward mode, and no second derivative after a convolution.
TEST(MuseumOfPools, ForwardModeAndHessian) {
  const auto pool = [](const Tensor& t) { return max_pool(t, 2); };
  const Tensor x = reshape(numbers({1, 4, 3, 2}), {1, 2, 2, 1}), v = reshape(numbers({5, 6, 7, 8}), {1, 2, 2, 1});
  EXPECT_EQ(values(jvp(pool, {x}, {v}).tangent), Values({6}));
  const auto f = [&](const Tensor& t, const Tensor& w) {
    return square(pool(conv_general_dilated(t, w, {.dimension_numbers = {"NHWC", "HWIO", "NHWC"}})));
  };
  EXPECT_EQ(check_grads(f, {distinct({1, 4, 4, 1}), ones({1, 1, 1, 1}, DType::Float64)}, {.order = 2}), "");
}

// pytorch/pytorch#4497: MaxPool3d could not be differentiated twice.
TEST(MuseumOfPools, SecondDerivativeInThreeDimensions) {
  const auto f = [](const Tensor& x) { return square(max_pool(x, 2)); };
  EXPECT_EQ(check_grads(f, {distinct({1, 2, 4, 2, 2})}, {.order = 2}), "");
}

// FluxML/NNlib.jl#133: wrong gradients with padding.
TEST(MuseumOfPools, GradientWithPadding) {
  const auto pool = [](const Tensor& x) { return sum(max_pool(x, 2, {.window_strides = 2, .padding = 1})); };
  const Tensor x = reshape(arange(1, 10, 1), {1, 3, 3, 1});
  EXPECT_EQ(values(grad(pool)(x)), Values({1, 0, 1, 0, 0, 0, 1, 0, 1}));
}

// FluxML/Flux.jl#1197: an element that is the maximum of many windows got the gradient of one.
TEST(MuseumOfPools, MaximumOfManyWindows) {
  const auto pool = [](const Tensor& x) { return sum(max_pool(x, 3, {.window_strides = 2, .padding = 1})); };
  Tensor x = arange(1, 25, 1);
  x.mutable_data<float>()[7] = 88;
  const Values gradient = values(grad(pool)(reshape(x, {1, 4, 6, 1})));
  EXPECT_EQ(gradient[7], 4);
  EXPECT_EQ(gradient[11], 1);
}

// pytorch/pytorch#41294: padding of negative numbers was expected to be zero, and is no candidate.
TEST(MuseumOfPools, PaddingIsNeverTheMaximum) {
  const Tensor x = full({1, 3, 3, 1}, -2);
  EXPECT_EQ(values(max_pool(x, 3, {.window_strides = 1, .padding = 1})), Values(9, -2));
}

// pytorch/pytorch#33452 and #22274: unfold had no second derivative.
TEST(MuseumOfPools, PatchesTwice) {
  const auto f = [](const Tensor& x) { return square(conv_general_dilated_patches(x, {2, 3}, {.padding = 1})); };
  EXPECT_EQ(check_grads(f, {sample({1, 2, 3, 4})}, {.order = 2}), "");
}

// pytorch/pytorch#29712: padding_mode 'circular' did nothing; #37844: it padded the other axis.
TEST(MuseumOfPadding, Circular) {
  const Tensor x = whole_numbers({4, 5}, DType::Float64, 1), w = whole_numbers({1, 3}, DType::Float64, 2);
  const Tensor wrapped = concatenate({slice_in_dim(x, 4, 5, 1, 1), x, slice_in_dim(x, 0, 1, 1, 1)}, 1);
  const Tensor expected = signal::correlate2d(wrapped, w, "valid"),
               got = signal::correlate2d(x, w, "same", signal::Boundary::Wrap);
  EXPECT_EQ(got.shape(), x.shape());
  EXPECT_EQ(values(got), values(expected));
}

}  // namespace
}  // namespace cotangent::testing
