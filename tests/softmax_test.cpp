// Tests of softmax, log_softmax and logsumexp: golden values, extreme numbers, every axis, threads.
#include "cotangent/ops/softmax.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::numbers;
using testing::sample;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor golden(const std::string& name) { return testing::golden(name, "elementwise"); }

bool all_nan(const Tensor& x) { return all(is_nan(x)).item<bool>(); }

TEST(Softmax, MeetsTheGoldenValuesOnEveryAxis) {
  const Tensor x = golden("reduce.x"), narrow = x.to(DType::Float32);
  for (int axis = 0; axis < 3; ++axis) {
    const std::string suffix = fmt::format(".{}", axis);
    expect_near(softmax(x, axis), golden("softmax" + suffix), 1e-15);
    expect_near(softmax(x, axis - 3), golden("softmax" + suffix), 1e-15);
    expect_near(softmax(narrow, axis), golden("softmax" + suffix), 2e-7);
    expect_near(log_softmax(x, axis), golden("log_softmax" + suffix), 1e-15);
    expect_near(log_softmax(narrow, axis), golden("log_softmax" + suffix), 2e-7);
  }
  expect_near(logsumexp(x, {0, 2}), golden("logsumexp"), 1e-15);
  expect_near(logsumexp(x, {0, -1}, true), reshape(golden("logsumexp"), {1, 4, 1}), 1e-15);
}

TEST(Softmax, IsStableForNumbersOfAnySize) {
  for (DType dtype : {DType::Float32, DType::Float64}) {
    for (double shift : {-1e4, 0.0, 1e4}) {
      const Tensor x = numbers({shift, shift - 1, shift - 2}).to(dtype);
      const double total = 1 + std::exp(-1.0) + std::exp(-2.0);
      for (bool first_axis : {false, true}) {  // along rows and along columns
        const auto oriented = [&](const Tensor& row) { return reshape(row, first_axis ? Shape{3, 1} : Shape{1, 3}); };
        const Tensor expected = numbers({1 / total, std::exp(-1.0) / total, std::exp(-2.0) / total});
        expect_near(softmax(oriented(x), first_axis ? 0 : 1), oriented(expected), 1e-7);
        expect_near(log_softmax(oriented(x), first_axis ? 0 : 1), oriented(log(expected)), 1e-7);
      }
      expect_near(logsumexp(x), numbers({shift + std::log(total)}).to(dtype).with_shape({}), 1e-7);
    }
    const Tensor far = numbers({-1e4, 0, 1e4}).to(dtype);
    expect_near(softmax(far), numbers({0, 0, 1}), 0);
    expect_near(log_softmax(far), numbers({-2e4, -1e4, 0}), 0);
    EXPECT_EQ(logsumexp(far).to(DType::Float64).item<double>(), 1e4);
  }
}

TEST(Softmax, MeetsInfinities) {
  const Tensor masked = numbers({-kInfinity, 0, 0, -kInfinity}), nothing = full({4}, -kInfinity, DType::Float64);
  for (const Shape& shape : {Shape{1, 4}, Shape{4, 1}}) {
    const int axis = shape[0] == 1 ? 1 : 0;
    expect_near(softmax(reshape(masked, shape), axis), reshape(numbers({0, 0.5, 0.5, 0}), shape), 0);
    const Tensor logarithms = log_softmax(reshape(masked, shape), axis);
    EXPECT_EQ(logarithms.data<double>()[0], -kInfinity);
    EXPECT_TRUE(all_nan(softmax(reshape(nothing, shape), axis)));
    EXPECT_TRUE(all_nan(log_softmax(reshape(nothing, shape), axis)));
    EXPECT_TRUE(all_nan(softmax(reshape(numbers({0, kInfinity, 0, 0}), shape), axis)));
    EXPECT_TRUE(all_nan(softmax(reshape(numbers({0, std::nan(""), 0, 0}), shape), axis)));
  }
  EXPECT_EQ(logsumexp(nothing).item<double>(), -kInfinity);
  EXPECT_EQ(logsumexp(numbers({0, kInfinity})).item<double>(), kInfinity);
  EXPECT_EQ(logsumexp(masked).item<double>(), std::log(2.0));
}

TEST(Softmax, TakesZeroSizeAndRefusesTheRest) {
  EXPECT_EQ(softmax(zeros({0, 3})).shape(), Shape({0, 3}));
  EXPECT_EQ(log_softmax(zeros({3, 0})).shape(), Shape({3, 0}));
  const Tensor none = logsumexp(zeros({2, 0}), 1);
  EXPECT_EQ(none.shape(), Shape({2}));
  EXPECT_EQ(none.data<float>()[1], -std::numeric_limits<float>::infinity());
  expect_error([] { softmax(arange(3)); }, "softmax: needs Float32 or Float64");
  expect_error([] { softmax(ones({2, 3}), 2); }, "softmax: axis 2 is outside [-2, 2)");
  expect_error([] { log_softmax(ones({})); }, "log_softmax: axis -1 of a single number");
  expect_error([] { logsumexp(arange(3)); }, "logsumexp: needs Float32 or Float64");
}

// Long rows, wide tiles and many rows, against the definition in Float64; the same bits for any number of threads.
TEST(Softmax, IsTheDefinitionForLargeShapes) {
  for (const auto& [shape, axis] : std::vector<std::pair<Shape, int>>{
           {{3, 20'000}, 1}, {{20'000, 3}, 0}, {{5, 7, 2500}, 1}, {{4000, 10}, 1}, {{10, 4000}, 0}}) {
    const Tensor x = sample(shape, -8, 8, 5), e = exp(x), narrow = x.to(DType::Float32);
    SCOPED_TRACE(to_string(shape));
    expect_near(softmax(x, axis), e / sum(e, axis, true), 1e-15);
    expect_near(log_softmax(x, axis), x - log(sum(e, axis, true)), 1e-15);
    expect_near(softmax(narrow, axis), e / sum(e, axis, true), 1e-6);
    const int before = num_threads();
    set_num_threads(1);
    const Tensor alone = log_softmax(narrow, axis);
    for (int threads : {2, 3}) {
      set_num_threads(threads);
      EXPECT_TRUE(all(equal(log_softmax(narrow, axis), alone)).item<bool>());
    }
    set_num_threads(before);
  }
}

// The loss of every row by plain loops.
double expected_cross_entropy(const Tensor& logits, const Tensor& targets, double smoothing) {
  const std::int64_t count = logits.dim(-1);
  const auto x = logits.data<double>();
  const auto classes = targets.data<std::int64_t>();
  double total = 0;
  for (std::int64_t row = 0; row < targets.size(); ++row) {
    double exps = 0;
    for (std::int64_t j = 0; j < count; ++j) exps += std::exp(x[static_cast<std::size_t>(row * count + j)]);
    for (std::int64_t j = 0; j < count; ++j) {
      const double target =
          smoothing / static_cast<double>(count) + (classes[static_cast<std::size_t>(row)] == j ? 1 - smoothing : 0);
      total -= target * (x[static_cast<std::size_t>(row * count + j)] - std::log(exps));
    }
  }
  return total / static_cast<double>(targets.size());
}

TEST(SoftmaxCrossEntropy, IsItsDefinition) {
  for (const std::int64_t rows : {1, 7, 900})
    for (const std::int64_t count : {1, 3, 10, 5000}) {
      if (rows * count > 40000) continue;
      const Tensor logits = sample({rows, count}, -3, 3, 5);
      std::vector<std::int64_t> classes;
      for (std::int64_t row = 0; row < rows; ++row) classes.push_back(row * 7 % count);
      const Tensor targets = Tensor::from_data<std::int64_t>({rows}, classes);
      for (const double smoothing : {0.0, 0.3, 1.0}) {
        const double expected = expected_cross_entropy(logits, targets, smoothing);
        EXPECT_NEAR(softmax_cross_entropy(logits, targets, smoothing).item<double>(), expected,
                    1e-13 * expected + 1e-14);
        EXPECT_NEAR(softmax_cross_entropy(logits.to(DType::Float32), targets, smoothing).item<float>(), expected,
                    1e-6 * expected + 1e-6);
      }
    }
}

TEST(SoftmaxCrossEntropy, IgnoresMaskedClassesAndNotNaN) {
  const Tensor classes = Tensor::from_data<std::int64_t>({1}, std::vector<std::int64_t>{1});
  const auto loss = [&](const Tensor& x) { return softmax_cross_entropy(x, classes); };
  const Tensor masked = numbers({-kInfinity, 2, 2}).with_shape({1, 3});
  EXPECT_NEAR(loss(masked).item<double>(), std::log(2), 1e-15);
  expect_near(grad(loss)(masked), numbers({0, -0.5, 0.5}).with_shape({1, 3}), 1e-15);
  EXPECT_EQ(loss(numbers({0, -kInfinity}).with_shape({1, 2})).item<double>(), kInfinity);
  EXPECT_TRUE(all_nan(loss(numbers({0, 1, std::nan("")}).with_shape({1, 3}))));
}

TEST(SoftmaxCrossEntropy, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const Tensor logits = sample({4096, 10}, -3, 3, 6).to(DType::Float32);
  const Tensor classes = zeros({4096}, DType::Int64);
  const auto loss = [&](const Tensor& x) { return softmax_cross_entropy(x, classes, 0.1); };
  set_num_threads(1);
  const Tensor one = loss(logits), one_grad = grad(loss)(logits);
  set_num_threads(3);
  expect_near(loss(logits), one, 0);
  expect_near(grad(loss)(logits), one_grad, 0);
  set_num_threads(threads);
}

TEST(SoftmaxCrossEntropy, RefusesWhatDoesNotFit) {
  const Tensor one = zeros({1}, DType::Int64);
  expect_error(
      [&] {
        softmax_cross_entropy(zeros({2, 3}), one);
      },
      "softmax_cross_entropy: needs logits (..., classes) and Int64 targets (...), got Float32 (2, 3)");
  expect_error([&] { softmax_cross_entropy(zeros({1, 3}), one + 3); }, "targets must be in [0, 3), got 3");
  expect_error([&] { softmax_cross_entropy(zeros({1, 3}), one, 2); }, "label_smoothing must be in [0, 1], got 2");
  expect_error([&] { softmax_cross_entropy(zeros({0, 3}), zeros({0}, DType::Int64)); }, "needs at least one example");
}

}  // namespace
}  // namespace cotangent
