// Tests of the other layers: dense, sequential, dropout, normalization, pooling.
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
using testing::golden;
using testing::set_waves;
using testing::wave;

TEST(Linear, AgreesWithPyTorch) { expect_golden("linear", nn::Linear(4, 2), wave({3, 4}, 0)); }

TEST(Linear, TakesAnyNumberOfAxes) {
  nn::Linear linear(4, 2);
  set_waves(linear);
  expect_near(linear(wave({3, 2, 4}, 0)), reshape(linear(wave({6, 4}, 0)), {3, 2, 2}));
  expect_near(linear(wave({4}, 0)), reshape(linear(wave({1, 4}, 0)), {2}));
  EXPECT_EQ(linear(zeros({0, 4}, DType::Float64)).shape(), Shape({0, 2}));
  EXPECT_EQ(nn::parameters(linear).size(), 2u);
  nn::Linear without(4, 2, {.bias = false});
  EXPECT_EQ(nn::parameters(without).size(), 1u);
}

TEST(Linear, RefusesWhatDoesNotFit) {
  const nn::Linear linear(4, 2);
  expect_error([&] { linear(ones({3, 5})); }, "Linear(4 -> 2): needs an input of shape (..., 4), got Float32 (3, 5)");
  expect_error([&] { linear(Tensor()); }, "got a null Tensor");
  expect_error([&] { linear(ones({3, 4}, DType::Float64)); }, "input and weight must have one dtype");
  expect_error([] { nn::Linear(0, 2); }, "Linear: needs at least one feature in and out, got 0 and 2");
}

TEST(Flatten, KeepsTheFirstAxis) {
  EXPECT_EQ(nn::flatten(ones({2, 3, 4})).shape(), Shape({2, 12}));
  EXPECT_EQ(nn::flatten(ones({2})).shape(), Shape({2, 1}));
  EXPECT_EQ(nn::flatten(ones({0, 3, 4})).shape(), Shape({0, 12}));
  expect_error([] { nn::flatten(ones({})); }, "flatten: needs a first axis");
}

nn::Sequential decoder() {
  return nn::Sequential{nn::Linear(4, 3 * 3 * 2), relu,
                        [](const Tensor& h) {
                          return reshape(h, {h.dim(0), 3, 3, 2});
                        },
                        nn::ConvTranspose2D(2, 1, 4, {.strides = 2, .padding = Padding::Same}), tanh};
}

TEST(Sequential, CallsLayersFunctionsAndLambdasInOrder) {
  nn::Sequential net = decoder();
  EXPECT_EQ(net.size(), 5u);
  EXPECT_EQ(net(ones({2, 4})).shape(), Shape({2, 6, 6, 1}));
  std::vector<std::string> paths;
  for (const auto& [path, tensor] : nn::named_parameters(net)) paths.push_back(path);
  EXPECT_EQ(paths, (std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"}));
  EXPECT_EQ(nn::Sequential()(full({}, 3)).item<float>(), 3);
}

TEST(Sequential, CopiesAsAValue) {
  nn::Sequential net = decoder();
  nn::Sequential copy = net, assigned;
  assigned = net;
  const Tensor before = net(ones({1, 4}));
  nn::Sequential{net};
  const auto [loss, grads] = nn::value_and_grad(net, [&] { return sum(square(net(ones({1, 4})))); });
  nn::SGD({.lr = 0.5}).step(net, grads);
  EXPECT_FALSE(all_close(net(ones({1, 4})), before));
  EXPECT_TRUE(all_close(copy(ones({1, 4})), before, 0, 0));
  EXPECT_TRUE(all_close(assigned(ones({1, 4})), before, 0, 0));
}

TEST(Sequential, NestsAndGrows) {
  nn::Sequential net{decoder(), nn::flatten};
  EXPECT_EQ(nn::named_parameters(net)[2].first, "0.3.weight");
  EXPECT_EQ(nn::Sequential{net}.size(), 2u);
  net.push_back(nn::Linear(36, 2));
  EXPECT_EQ(net(ones({2, 4})).shape(), Shape({2, 2}));
  EXPECT_EQ(nn::named_parameters(net)[4].first, "2.weight");
}

TEST(Dropout, DropsTheRateAndKeepsTheMean) {
  const nn::Dropout dropout(0.25, random::Key(1));
  const Tensor y = dropout(ones({100, 100}));
  std::int64_t dropped = 0;
  for (const float element : y.data<float>()) {
    if (element == 0) ++dropped;
    else EXPECT_FLOAT_EQ(element, 1 / 0.75f);
  }
  EXPECT_NEAR(static_cast<double>(dropped), 2500, 150);
}

TEST(Dropout, DropsOtherElementsAtEachCallAndRepeatsWithItsKey) {
  const nn::Dropout one(0.5, random::Key(2)), two(0.5, random::Key(2));
  const Tensor x = ones({64});
  const Tensor first = one(x), second = one(x);
  EXPECT_FALSE(all_close(first, second));
  EXPECT_TRUE(all_close(two(x), first));
  EXPECT_TRUE(all_close(two(x), second));
}

TEST(Dropout, IsTheIdentityInEvaluationAndAtRateZero) {
  nn::Dropout dropout(0.5);
  nn::eval(dropout);
  const Tensor x = wave({10}, 0);
  expect_near(dropout(x), x, 0);
  expect_near(nn::Dropout(0)(x), x, 0);
}

// What was dropped has no gradient; what was kept is scaled.
TEST(Dropout, ScalesGradientsAsElements) {
  const nn::Dropout forward(0.5, random::Key(3)), backward(0.5, random::Key(3));
  const Tensor ones_in = ones({40});
  expect_near(grad([&](const Tensor& x) { return sum(backward(x)); })(ones_in), forward(ones_in), 0);
}

TEST(Dropout, RefusesImpossibleRatesAndOtherDtypes) {
  expect_error([] { nn::Dropout(1); }, "Dropout: the rate must be in [0, 1), got 1");
  expect_error([] { nn::Dropout(-0.5); }, "got -0.5");
  expect_error([] { nn::Dropout{NAN}; }, "got nan");
  expect_error([] { nn::Dropout(0.5)(arange(3)); }, "Dropout");
}

TEST(BatchNorm, AgreesWithPyTorch) {
  for (const auto& [name, shape] :
       {std::pair("batch_norm1", Shape{6, 3}), std::pair("batch_norm2", Shape{2, 3, 2, 3})}) {
    expect_golden(name, nn::BatchNorm(3), wave(shape, 0));
    nn::BatchNorm norm(3);
    set_waves(norm);
    norm(wave(shape, 0));
    expect_near(norm.running_mean, golden(std::string(name) + ".running_mean"));
    expect_near(norm.running_var, golden(std::string(name) + ".running_var"));
    nn::eval(norm);
    const Tensor mean_before = norm.running_mean;
    expect_near(norm(wave(shape, 3)), golden(std::string(name) + ".eval"));
    expect_near(norm.running_mean, mean_before, 0);
  }
}

TEST(BatchNorm, AppliesItsActivationInTrainingAndEvaluation) {
  nn::BatchNorm fused(3, {.activation = Activation::Relu}), plain(3);
  set_waves(fused), set_waves(plain);
  for (double start : {0.0, 3.0}) {
    expect_near(fused(wave({6, 3}, start)), relu(plain(wave({6, 3}, start))), 0);
    nn::eval(fused), nn::eval(plain);
  }
  EXPECT_FALSE(any(less(fused(wave({6, 3}, 0)), 0)).item<bool>());
  EXPECT_TRUE(any(less(plain(wave({6, 3}, 0)), 0)).item<bool>());
}

TEST(BatchNorm, TakesItsFeaturesFromAnyAxis) {
  nn::BatchNorm last(3), first(3, {.axis = 1});
  set_waves(last), set_waves(first);
  const Tensor x = wave({2, 4, 5, 3}, 0);
  expect_near(first(transpose(x, {0, 3, 1, 2})), transpose(last(x), {0, 3, 1, 2}));
  expect_near(first.running_var, last.running_var);
}

TEST(BatchNorm, KeepsItsRunningStatisticsOutOfEveryGraph) {
  nn::BatchNorm norm(3, {.momentum = 0.5});
  const Tensor x = wave({4, 3}, 0).to(DType::Float32);
  nn::value_and_grad(norm, [&] {
    const Tensor y = sum(norm(x));
    EXPECT_EQ(norm.running_mean.history(), nullptr);
    EXPECT_EQ(norm.running_var.history(), nullptr);
    return y;
  });
  grad([&](const Tensor& input) { return sum(norm(input)); })(x);
  EXPECT_EQ(norm.running_mean.history(), nullptr);
  const Tensor batch_mean = mean(x, 0), batch_var = variance(x, 0, false, 1);
  expect_near(norm.running_mean, 0.75 * batch_mean, 1e-6);
  expect_near(norm.running_var, 0.25 + 0.75 * batch_var, 1e-6);
  EXPECT_EQ(nn::named_buffers(norm)[1].first, "running_var");
  EXPECT_EQ(nn::parameters(norm).size(), 2u);
}

// A mean far from zero is where a one-pass variance loses every digit.
TEST(BatchNorm, IsExactFarFromZero) {
  const nn::BatchNorm norm(1);
  const std::vector<float> values{10000, 10001, 10002, 10003};
  const Tensor y = norm(Tensor::from_data<float>({4, 1}, values));
  EXPECT_NEAR(y.data<float>()[0], -1.5 / std::sqrt(1.25 + 1e-5), 1e-5);
}

TEST(BatchNorm, SecondDerivativesAreRight) {
  nn::BatchNorm norm(2);
  set_waves(norm);
  EXPECT_EQ(check_grads([&](const Tensor& x) { return norm(x); }, {wave({4, 2}, 0)}), "");
}

TEST(BatchNorm, RefusesWhatDoesNotFit) {
  nn::BatchNorm norm(3);
  expect_error(
      [&] {
        norm(ones({4, 2}));
      },
      "BatchNorm(3): needs an input with 3 features along axis -1, got Float32 (4, 2)");
  expect_error([&] { norm(Tensor()); }, "got a null Tensor");
  expect_error([&] { norm(ones({})); }, "got Float32 ()");
  expect_error([&] { norm(ones({1, 3})); }, "training needs at least two values per feature, got 1 in Float32 (1, 3)");
  expect_error([&] { norm(ones({0, 3})); }, "got 0 in");
  expect_error([&] { norm(ones({4, 3}, DType::Float64)); }, "input and weight must have one dtype");
  nn::eval(norm);
  EXPECT_EQ(norm(ones({1, 3})).shape(), Shape({1, 3}));
  expect_error([] { nn::BatchNorm(0); }, "BatchNorm: needs at least one feature, got 0");
  expect_error([] { nn::BatchNorm(3, {.momentum = 1.5}); }, "momentum must be in [0, 1], got 1.5");
  expect_error([] { nn::BatchNorm(3, {.eps = NAN}); }, "eps must be finite and >= 0, got nan");
}

TEST(LayerNorm, AgreesWithPyTorch) { expect_golden("layer_norm", nn::LayerNorm({2, 3}), wave({4, 2, 3}, 0)); }

TEST(LayerNorm, RefusesWhatDoesNotFit) {
  const nn::LayerNorm norm(3);
  EXPECT_EQ(norm(ones({0, 3})).shape(), Shape({0, 3}));
  expect_error(
      [&] {
        norm(ones({3, 2}));
      },
      "LayerNorm(3): needs an input whose shape ends in (3,), got Float32 (3, 2)");
  expect_error([&] { norm(ones({3}, DType::Float64)); }, "input and weight must have one dtype");
  expect_error([] { nn::LayerNorm(Shape{}); }, "LayerNorm: needs a shape with elements, got ()");
  expect_error([] { nn::LayerNorm(0); }, "LayerNorm: needs a shape with elements, got (0,)");
}

TEST(Pool, AgreesWithPyTorch) {
  const Tensor x = wave({1, 5, 6, 2}, 0);
  const auto check = [&](const char* name, const auto& layer) {
    SCOPED_TRACE(name);
    expect_near(layer(x), golden(std::string(name) + ".y"));
    const Tensor g = wave(layer(x).shape(), 5);
    expect_near(grad([&](const Tensor& input) { return sum(layer(input) * g); })(x), golden(std::string(name) + ".dx"));
  };
  check("max_pool", nn::MaxPool({2, 3}, {.strides = {2, 1}}));
  check("avg_pool", nn::AvgPool(2));
}

TEST(Pool, TakesChannelsFirstAndOtherRanks) {
  const Tensor x = wave({2, 4, 6, 3}, 0), first = transpose(x, {0, 3, 1, 2});
  const nn::PoolLayerOptions options{.padding = 1, .layout = nn::Layout::ChannelsFirst};
  expect_near(nn::MaxPool(2, options)(first), transpose(nn::MaxPool(2, {.padding = 1})(x), {0, 3, 1, 2}));
  expect_near(nn::AvgPool(2, options)(first), transpose(nn::AvgPool(2, {.padding = 1})(x), {0, 3, 1, 2}));
  EXPECT_EQ(nn::MaxPool(2)(ones({1, 8, 3})).shape(), Shape({1, 4, 3}));
  EXPECT_EQ(nn::AvgPool(2)(ones({1, 8, 4, 2, 3})).shape(), Shape({1, 4, 2, 1, 3}));
}

TEST(GlobalPool, ReducesAllOfSpace) {
  const Tensor x = wave({2, 4, 6, 3}, 0);
  expect_near(nn::global_avg_pool(x), mean(x, {1, 2}));
  expect_near(nn::global_max_pool(transpose(x, {0, 3, 1, 2}), nn::Layout::ChannelsFirst), nn::global_max_pool(x));
  expect_error([] { nn::global_avg_pool(ones({2, 3})); }, "global_avg_pool: needs an input with a batch, spatial");
  expect_error([] { nn::global_max_pool(ones({2, 0, 3})); }, "global_max_pool: the spatial axes are empty");
}

}  // namespace
}  // namespace cotangent
