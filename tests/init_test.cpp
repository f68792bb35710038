// Tests of initial values: their moments, orthogonality, and the default stream of keys.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;
namespace init = nn::init;

struct Moments {
  double mean = 0, variance = 0, largest = 0;
};

Moments moments(const Tensor& x) {
  Moments result;
  const double n = static_cast<double>(x.size());
  for (const double element : x.data<double>()) {
    result.mean += element / n;
    result.variance += element * element / n;
    result.largest = std::max(result.largest, std::abs(element));
  }
  return result;
}

struct Scheme {
  const char* name;
  Tensor (*normal)(const random::Key&, const Shape&, DType);
  Tensor (*uniform)(const random::Key&, const Shape&, DType);
  double variance;
};

// 3 * 5 * 40 = 600 values come in, 3 * 5 * 60 = 900 go out; 36,000 samples make the variance certain to about 1 %.
TEST(Init, HasTheVarianceOfItsScheme) {
  const Shape shape{3, 5, 40, 60};
  for (const Scheme& scheme : {Scheme{"he", init::he_normal, init::he_uniform, 2.0 / 600},
                               Scheme{"glorot", init::glorot_normal, init::glorot_uniform, 2.0 / 1500},
                               Scheme{"lecun", init::lecun_normal, init::lecun_uniform, 1.0 / 600}}) {
    SCOPED_TRACE(scheme.name);
    const Moments normal = moments(scheme.normal(random::Key(1), shape, DType::Float64));
    EXPECT_NEAR(normal.mean, 0, 4 * std::sqrt(scheme.variance / 36000));
    EXPECT_NEAR(normal.variance, scheme.variance, 0.03 * scheme.variance);
    EXPECT_GT(normal.largest, 3 * std::sqrt(scheme.variance));
    const Moments uniform = moments(scheme.uniform(random::Key(2), shape, DType::Float64));
    EXPECT_NEAR(uniform.mean, 0, 4 * std::sqrt(scheme.variance / 36000));
    EXPECT_NEAR(uniform.variance, scheme.variance, 0.03 * scheme.variance);
    EXPECT_LE(uniform.largest, std::sqrt(3 * scheme.variance));
  }
}

TEST(Init, IsOrthogonalInTheSmallerDirection) {
  for (const Shape& shape : {Shape{3, 3, 2, 5}, Shape{4, 4}, Shape{2, 7}}) {
    const Tensor weight = init::orthogonal(random::Key(3), shape, DType::Float64);
    ASSERT_EQ(weight.shape(), shape);
    const std::int64_t columns = shape[shape.size() - 1], rows = shape.elements() / columns;
    const auto w = weight.data<double>();
    const auto at = [&](std::int64_t row, std::int64_t column) {
      return w[static_cast<std::size_t>(row * columns + column)];
    };
    for (std::int64_t i = 0; i < std::min(rows, columns); ++i)
      for (std::int64_t j = 0; j < std::min(rows, columns); ++j) {
        double product = 0;
        for (std::int64_t k = 0; k < std::max(rows, columns); ++k)
          product += rows >= columns ? at(k, i) * at(k, j) : at(i, k) * at(j, k);
        EXPECT_NEAR(product, i == j, 1e-12) << to_string(shape) << " " << i << " " << j;
      }
  }
  EXPECT_EQ(init::orthogonal(random::Key(3), {0, 3}).shape(), Shape({0, 3}));
}

// A factorization as such leaves signs that depend on its algorithm: the first element would never be positive.
TEST(Init, IsOrthogonalWithoutAPreferredSign) {
  int positive = 0;
  for (std::int64_t seed = 0; seed < 100; ++seed) {
    const Tensor q = init::orthogonal(random::Key(seed), {3, 3}, DType::Float32);
    positive += q.data<float>()[0] > 0;
  }
  EXPECT_NEAR(positive, 50, 20);
}

TEST(Init, TakesTheNumbersGiven) {
  const random::Key key(4);
  EXPECT_NEAR(moments(init::normal(key, {20000}, 0.5, DType::Float64)).variance, 0.25, 0.01);
  const Tensor range = init::uniform(key, {1000}, 2, 3);
  EXPECT_TRUE(std::ranges::all_of(range.data<float>(), [](float x) { return x >= 2 && x < 3; }));
  const Tensor sevens = init::constant(key, {2}, 7), nothing = init::zeros(key, {2}, DType::Float64);
  EXPECT_EQ(sevens.data<float>()[1], 7);
  EXPECT_EQ(nothing.data<double>()[1], 0);
}

TEST(Init, RefusesShapesWithoutFansAndOtherDtypes) {
  const random::Key key(5);
  expect_error([&] { init::he_normal(key, {3}); },
               "he_normal: needs a shape (..., in, out) of at least two axes, got (3,)");
  expect_error([&] { init::orthogonal(key, {3}); }, "orthogonal: needs a shape");
  expect_error([&] { init::lecun_uniform(key, {3, 3}, DType::Int32); }, "Float32 or Float64");
  expect_error([&] { init::orthogonal(key, {3, 3}, DType::Int32); }, "Float32 or Float64");
  expect_error([&] { init::normal(key, {3}, NAN); }, "normal: the standard deviation must be finite and >= 0, got nan");
  expect_error([&] { init::glorot_normal(key, {-3, 3}); }, "-3");
  EXPECT_EQ(init::he_normal(key, {0, 3}).size(), 0);
}

TEST(DefaultStream, RestartsWithItsSeed) {
  nn::seed(7);
  const random::Key first = nn::next_key(), second = nn::next_key();
  EXPECT_NE(first, second);
  nn::seed(7);
  EXPECT_EQ(nn::next_key(), first);
  nn::seed(8);
  EXPECT_NE(nn::next_key(), first);
}

TEST(DefaultStream, GivesEveryThreadOtherKeys) {
  constexpr std::size_t kThreads = 4, kEach = 500;
  nn::seed(0);
  std::vector<std::vector<random::Key>> taken(kThreads);
  std::vector<std::thread> threads;
  for (auto& keys : taken)
    threads.emplace_back([&keys] {
      for (std::size_t i = 0; i < kEach; ++i) keys.push_back(nn::next_key());
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::array<std::uint32_t, 2>> distinct;
  for (const auto& keys : taken)
    for (const random::Key& key : keys) distinct.insert(key.words());
  EXPECT_EQ(distinct.size(), kThreads * kEach);
}

}  // namespace
}  // namespace cotangent
