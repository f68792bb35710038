// Tests of the losses against PyTorch and against their definitions at the extremes.
#include <gtest/gtest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::golden;
using testing::wave;

template <class T>
Tensor vector(const std::vector<T>& values) {
  return Tensor::from_data<T>({static_cast<std::int64_t>(values.size())}, values);
}

// The gradients in the golden files are of the loss times wave(5) = sin(5).
void expect_gradient(const Function& loss, const Tensor& x, const std::string& name) {
  expect_near(loss({x}), golden(name + ".y"));
  expect_near(std::sin(5.0) * grad(loss)(x), golden(name + ".dx"));
}

TEST(CrossEntropy, AgreesWithPyTorch) {
  const Tensor logits = 4 * wave({5, 3}, 0);
  for (const Tensor& targets : {vector<std::int64_t>({0, 2, 1, 2, 0}), vector<std::int32_t>({0, 2, 1, 2, 0}),
                                vector<std::uint8_t>({0, 2, 1, 2, 0})}) {
    expect_gradient([&](const Tensor& x) { return nn::cross_entropy(x, targets); }, logits, "cross_entropy");
    expect_gradient([&](const Tensor& x) { return nn::cross_entropy(x, targets, {.label_smoothing = 0.1}); }, logits,
                    "cross_entropy_smooth");
  }
}

TEST(CrossEntropy, TakesMoreAxesAndExtremeLogits) {
  const Tensor targets = vector<std::int64_t>({0, 2, 1, 2});
  const Tensor logits = wave({2, 2, 3}, 0);
  EXPECT_DOUBLE_EQ(nn::cross_entropy(logits, reshape(targets, {2, 2})).item<double>(),
                   nn::cross_entropy(reshape(logits, {4, 3}), targets).item<double>());
  EXPECT_NEAR(nn::cross_entropy(zeros({1, 10}), vector<std::int64_t>({3})).item<float>(), std::log(10.0), 1e-6);
  const Tensor sure = Tensor::from_data<float>({1, 2}, std::vector<float>{1e4f, -1e4f});
  EXPECT_EQ(nn::cross_entropy(sure, vector<std::int64_t>({0})).item<float>(), 0);
  EXPECT_EQ(nn::cross_entropy(sure, vector<std::int64_t>({1})).item<float>(), 2e4f);
}

TEST(CrossEntropy, NamesTheLabelThatIsNoClass) {
  expect_error(
      [] {
        nn::cross_entropy(zeros({3, 10}), vector<std::int64_t>({1, 2, 10}));
      },
      "cross_entropy: targets must be in [0, 10), the one at (2,) is 10");
  expect_error(
      [] {
        nn::cross_entropy(zeros({2, 2, 3}), reshape(vector<std::int32_t>({0, 1, -1, 0}), {2, 2}));
      },
      "the one at (1, 0) is -1");
  expect_error([] { nn::cross_entropy(zeros({1, 0}), vector<std::int64_t>({0})); }, "targets must be in [0, 0)");
}

TEST(CrossEntropy, RefusesOtherShapesAndDtypes) {
  const Tensor one = vector<std::int64_t>({0});
  expect_error(
      [&] {
        nn::cross_entropy(zeros({2, 3}), one);
      },
      "targets must be class numbers (Int64, Int32 or UInt8) of shape (2,) for logits Float32 (2, 3), got Int64 (1,)");
  expect_error([&] { nn::cross_entropy(zeros({1, 3}), zeros({1})); }, "got Float32 (1,)");
  expect_error([&] { nn::cross_entropy(zeros({1, 3}), Tensor()); }, "got a null Tensor");
  expect_error([&] { nn::cross_entropy(arange(1), one); },
               "logits must be Float32 or Float64 (..., classes), got Int64");
  expect_error([&] { nn::cross_entropy(zeros({}), one); }, "got Float32 ()");
  expect_error([&] { nn::cross_entropy(zeros({0, 3}), zeros({0}, DType::Int64)); }, "needs at least one example");
  expect_error(
      [&] {
        nn::cross_entropy(zeros({1, 3}), one, {.label_smoothing = NAN});
      },
      "label_smoothing must be in [0, 1], got nan");
}

TEST(Mse, AgreesWithPyTorch) {
  const Tensor target = wave({4, 3}, 1), x = wave({4, 3}, 0);
  expect_near(nn::mse(x, target), golden("mse.y"));
  const auto [dx, dtarget] = grad(nn::mse)(x, target);
  expect_near(std::sin(5.0) * dx, golden("mse.dinput"));
  expect_near(std::sin(5.0) * dtarget, golden("mse.dtarget"));
  expect_error([] { nn::mse(zeros({3, 1}), zeros({3})); }, "mse: both must be Float32 or both Float64, of one shape");
  expect_error([] { nn::mse(zeros({3}), Tensor()); }, "got Float32 (3,) and a null Tensor");
  expect_error([] { nn::mse(zeros({0}), zeros({0})); }, "mse: needs at least one element");
}

TEST(BinaryCrossEntropy, AgreesWithPyTorch) {
  const Tensor target = (wave({4, 3}, 1) + 1) / 2, x = 40 * wave({4, 3}, 0);
  expect_near(nn::binary_cross_entropy_with_logits(x, target), golden("bce.y"));
  const auto [dx, dtarget] = grad(nn::binary_cross_entropy_with_logits)(x, target);
  expect_near(std::sin(5.0) * dx, golden("bce.dinput"));
  expect_near(std::sin(5.0) * dtarget, golden("bce.dtarget"));
}

TEST(BinaryCrossEntropy, IsStableAtTheExtremes) {
  const auto loss = [](double logit, double target) {
    return nn::binary_cross_entropy_with_logits(full({1}, logit, DType::Float64), full({1}, target, DType::Float64))
        .item<double>();
  };
  EXPECT_DOUBLE_EQ(loss(1000, 0), 1000);
  EXPECT_DOUBLE_EQ(loss(-1000, 1), 1000);
  EXPECT_DOUBLE_EQ(loss(1000, 1), 0);
  EXPECT_DOUBLE_EQ(loss(50, 1), std::exp(-50));
  EXPECT_DOUBLE_EQ(loss(0, 1), std::log(2));
  expect_error([&] { loss(0, 1.5); }, "binary_cross_entropy_with_logits: targets must be in [0, 1], got 1.5");
  expect_error([&] { loss(0, NAN); }, "got nan");
}

TEST(Accuracy, CountsWhatIsRight) {
  const Tensor logits = Tensor::from_data<float>({3, 2}, std::vector<float>{1, 2, 4, 3, 5, 6});
  EXPECT_NEAR(nn::accuracy(logits, vector<std::int64_t>({1, 0, 0})), 2.0 / 3, 1e-12);
  expect_error(
      [&] {
        nn::accuracy(logits, vector<std::int64_t>({1, 0, 2}));
      },
      "accuracy: targets must be in [0, 2), the one at (2,) is 2");
}

}  // namespace
}  // namespace cotangent
