// Tests of the optimizers against PyTorch's steps, and of gradient clipping.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::golden;
using testing::wave;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Weights {
  Tensor weight;
  void visit(nn::Visitor& v) { v("weight", weight); }
};

// Ten steps with the gradients of tests/golden/make_nn.py.
Tensor ten_steps(nn::Optimizer& optimizer, DType dtype) {
  Weights weights{wave({2, 3}, 0).to(dtype)};
  for (int step = 0; step < 10; ++step)
    optimizer.step(weights, {wave({2, 3}, 1 + step).to(dtype) + 0.5 * weights.weight});
  return weights.weight;
}

template <class Make>
void expect_golden(const std::string& name, Make make) {
  SCOPED_TRACE(name);
  auto in_double = make();
  expect_near(ten_steps(in_double, DType::Float64), golden(name), 1e-11);
  auto in_float = make();
  expect_near(ten_steps(in_float, DType::Float32), golden(name), 2e-6);
}

TEST(Optimizers, StepAsPyTorchDoes) {
  expect_golden("sgd", [] { return nn::SGD({.lr = 0.1}); });
  expect_golden("sgd_momentum", [] { return nn::SGD({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}); });
  expect_golden("sgd_nesterov",
                [] { return nn::SGD({.lr = 0.05, .momentum = 0.8, .nesterov = true, .weight_decay = 0.1}); });
  expect_golden("adam", [] { return nn::Adam({.lr = 0.02}); });
  expect_golden("adam_decay",
                [] { return nn::Adam({.lr = 0.02, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1}); });
  expect_golden("adamw", [] { return nn::AdamW({.lr = 0.02, .weight_decay = 0.2}); });
}

TEST(Optimizers, SgdDecaysWeightsWithoutMomentumToo) {
  Weights weights{full({2}, 2)};
  nn::SGD({.lr = 0.25, .weight_decay = 0.5}).step(weights, {ones({2})});
  EXPECT_EQ(weights.weight.data<float>()[1], 2 - 0.25f * (1 + 0.5f * 2));
}

TEST(Optimizers, LeaveCopiesOfTheModelAndOfThemselvesAlone) {
  Weights weights{ones({3})};
  const Weights before = weights;
  nn::Adam adam({.lr = 0.1});
  adam.step(weights, {ones({3})});
  EXPECT_EQ(before.weight.data<float>()[0], 1);
  EXPECT_NEAR(weights.weight.data<float>()[0], 0.9, 1e-6);
  Weights once = weights, twice = weights;
  nn::Adam copy = adam;
  copy.step(once, {full({3}, 5)});
  adam.step(twice, {full({3}, 5)});
  EXPECT_EQ(once.weight.data<float>()[0], twice.weight.data<float>()[0]);
}

TEST(Optimizers, LearningRateCanBeSetBetweenSteps) {
  Weights weights{ones({1})};
  nn::SGD sgd({.lr = 0.5});
  sgd.step(weights, {ones({1})});
  sgd.set_learning_rate(0.25);
  EXPECT_EQ(sgd.learning_rate(), 0.25);
  sgd.step(weights, {ones({1})});
  EXPECT_FLOAT_EQ(weights.weight.item<float>(), 0.25f);
  expect_error([&] { sgd.set_learning_rate(kNan); }, "SGD: the learning rate must be finite and >= 0, got nan");
}

TEST(Optimizers, RefuseImpossibleOptions) {
  expect_error([] { nn::SGD({.lr = -1}); }, "SGD: the learning rate must be finite and >= 0, got -1");
  expect_error([] { nn::Adam({.lr = kNan}); }, "Adam: the learning rate");
  expect_error([] { nn::AdamW({.lr = INFINITY}); }, "AdamW: the learning rate");
  expect_error([] { nn::SGD({.momentum = 1}); }, "SGD: momentum must be in [0, 1), got 1");
  expect_error([] { nn::SGD({.nesterov = true}); }, "SGD: nesterov needs a momentum > 0");
  expect_error([] { nn::SGD({.weight_decay = kNan}); }, "SGD: weight_decay");
  expect_error([] { nn::Adam({.beta1 = 1}); }, "Adam: beta1 must be in [0, 1), got 1");
  expect_error([] { nn::Adam({.beta2 = -0.1}); }, "Adam: beta2");
  expect_error([] { nn::Adam({.eps = -1}); }, "Adam: eps");
  expect_error([] { nn::AdamW({.weight_decay = -1}); }, "AdamW: weight_decay");
}

TEST(Optimizers, NameTheParameterThatDoesNotFitAndChangeNothing) {
  struct Two {
    Weights a{ones({2})}, b{ones({3})};
    void visit(nn::Visitor& v) { v("a", a), v("b", b); }
  } two;
  nn::SGD sgd({.lr = 1, .momentum = 0.5});
  expect_error([&] { sgd.step(two, {ones({2})}); }, "SGD: the module has 2 parameters, got 1 gradients");
  expect_error(
      [&] {
        sgd.step(two, {ones({2}), ones({2})});
      },
      "the gradient of 'b.weight' must be Float32 (3,), got Float32 (2,)");
  expect_error([&] { sgd.step(two, {ones({2}), Tensor()}); }, "got a null Tensor");
  expect_error([&] { sgd.step(two, {ones({2}), ones({3}, DType::Float64)}); }, "got Float64 (3,)");
  EXPECT_EQ(two.a.weight.data<float>()[0], 1);
  sgd.step(two, {ones({2}), ones({3})});
  expect_error([&] { sgd.step(two.a, {ones({2})}); }, "has 1 parameters, at the first step it had 2");
  two.b.weight = ones({4});
  expect_error([&] { sgd.step(two, {ones({2}), ones({4})}); }, "'b.weight' is Float32 (4,), at the first step");
}

TEST(Optimizers, TakeEmptyParameters) {
  Weights weights{zeros({0, 3})};
  nn::Adam().step(weights, {zeros({0, 3})});
  EXPECT_EQ(weights.weight.shape(), Shape({0, 3}));
}

// Blocks of the one loop over all parameters begin and end inside of them, and some have no elements.
TEST(Optimizers, StepAllParametersAsEachAlone) {
  const int threads = num_threads();
  for (int count : {1, 3}) {
    set_num_threads(count);
    struct Many {
      std::vector<Weights> parts;
      void visit(nn::Visitor& v) {
        for (std::size_t i = 0; i < parts.size(); ++i) v(std::to_string(i), parts[i]);
      }
    } many;
    Tensors grads;
    double phase = 0;
    for (std::int64_t size : {5, 0, 16'384, 40'000, 1, 0, 20'000}) {
      many.parts.push_back({wave({size}, ++phase).to(phase < 4 ? DType::Float32 : DType::Float64)});
      grads.push_back(wave({size}, -phase).to(many.parts.back().weight.dtype()));
    }
    Many alone = many;
    nn::Adam adam({.weight_decay = 0.1});
    for (int step = 0; step < 2; ++step) adam.step(many, grads);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      nn::Adam own({.weight_decay = 0.1});
      for (int step = 0; step < 2; ++step) own.step(alone.parts[i], {grads[i]});
      EXPECT_TRUE(all(equal(alone.parts[i].weight, many.parts[i].weight)).item<bool>()) << i;
    }
  }
  set_num_threads(threads);
}

TEST(ClipGradNorm, TakesLongGradientsWhoseSquaresOverflow) {
  EXPECT_NEAR(nn::clip_grad_norm({full({100'000}, 1e30)}, 1).norm / 1e30, std::sqrt(1e5), 1e-4);
}

TEST(ClipGradNorm, ScalesAllByOneFactor) {
  const nn::ClippedGrads clipped = nn::clip_grad_norm({full({1}, 3), full({1}, 4, DType::Float64)}, 1);
  EXPECT_DOUBLE_EQ(clipped.norm, 5);
  EXPECT_NEAR(clipped.grads[0].item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(clipped.grads[1].item<double>(), 0.8, 1e-6);
  EXPECT_EQ(nn::clip_grad_norm({full({1}, 3)}, 10).grads[0].item<float>(), 3);
  EXPECT_EQ(nn::clip_grad_norm({zeros({2})}, 1).norm, 0);
  expect_error([] { nn::clip_grad_norm({ones({1})}, 0); }, "clip_grad_norm: max_norm must be > 0, got 0");
  expect_error([] { nn::clip_grad_norm({full({1}, kNan)}, 1); }, "the norm of the gradients is nan");
  expect_error([] { nn::clip_grad_norm({arange(2)}, 1); }, "gradient 0 must be Float32 or Float64, got Int64 (2,)");
}

TEST(ClipGradValue, CutsEveryElement) {
  const std::vector<float> values{-3, -0.5, 0, 2};
  const Tensor cut = nn::clip_grad_value({Tensor::from_data<float>({4}, values)}, 1)[0];
  EXPECT_EQ(std::vector<float>(cut.data<float>().begin(), cut.data<float>().end()),
            (std::vector<float>{-1, -0.5, 0, 1}));
  expect_error([] { nn::clip_grad_value({ones({1})}, kNan); }, "clip_grad_value: the limit must be >= 0, got nan");
  expect_error([] { nn::clip_grad_value({Tensor()}, 1); }, "got a null Tensor");
}

}  // namespace
}  // namespace cotangent
