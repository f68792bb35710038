// Tests of the other layers: dense, sequential, dropout.
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
  expect_error([&] { linear(ones({3, 5})); }, "Linear: needs an input of shape (..., 4), got Float32 (3, 5)");
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

}  // namespace
}  // namespace cotangent
