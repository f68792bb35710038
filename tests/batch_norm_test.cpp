// Tests of batch normalization: against its definition in every layout, far from zero, and its gradient.
#include "cotangent/ops/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::sample;

struct Layout {
  Shape shape;
  int axis;
};

// Few, some and many features; first, in the middle and last; runs and rows that are not multiples of anything.
const std::vector<Layout> kLayouts{
    {{50, 1}, -1},     {{7, 11, 3}, -1}, {{40'000, 3}, 1},    {{300, 5, 64}, 2},    {{9, 100}, -1},   {{150, 1500}, -1},
    {{2, 3, 5, 7}, 1}, {{4, 3, 600}, 1}, {{2, 2, 70'001}, 1}, {{3, 130, 2, 2}, -3}, {{6, 40, 50}, 0}, {{5}, 0},
    {{1, 7, 1}, 1},    {{20, 1025}, 1},  {{65, 1, 130}, -1},  {{1, 6}, 0},          {{3, 2, 17}, 1}};

// Plain sums in double: mean and variance of each feature.
void define(const Tensor& x, int axis, std::vector<double>& mean, std::vector<double>& variance) {
  const int at = axis < 0 ? axis + x.ndim() : axis;
  std::int64_t inner = 1;
  for (int k = at + 1; k < x.ndim(); ++k) inner *= x.dim(k);
  const std::int64_t features = x.dim(at), count = x.size() / features;
  const auto feature = [&](std::size_t i) {
    return i / static_cast<std::size_t>(inner) % static_cast<std::size_t>(features);
  };
  mean.assign(static_cast<std::size_t>(features), 0);
  variance = mean;
  const auto elements = x.data<double>();
  for (std::size_t i = 0; i < elements.size(); ++i) mean[feature(i)] += elements[i] / static_cast<double>(count);
  for (std::size_t i = 0; i < elements.size(); ++i)
    variance[feature(i)] += std::pow(elements[i] - mean[feature(i)], 2) / static_cast<double>(count);
}

Tensor pair_of(const std::vector<double>& mean, const std::vector<double>& variance) {
  std::vector<double> both = mean;
  both.insert(both.end(), variance.begin(), variance.end());
  return Tensor::from_data<double>({2, static_cast<std::int64_t>(mean.size())}, both);
}

TEST(FeatureMoments, AreTheDefinitionInEveryLayout) {
  for (const auto& [shape, axis] : kLayouts) {
    SCOPED_TRACE(to_string(shape));
    const Tensor x = sample(shape, -1, 3, 4).to(DType::Float32).to(DType::Float64);
    std::vector<double> mean, variance;
    define(x, axis, mean, variance);
    expect_near(feature_moments(x, axis), pair_of(mean, variance), 1e-13);
    expect_near(feature_moments(x.to(DType::Float32), axis), pair_of(mean, variance), 3e-7);
  }
  EXPECT_TRUE(all(is_nan(feature_moments(zeros({0, 3})))).item<bool>());
}

// A step far larger than what is to be measured on either side of it, and a mean far larger than both.
TEST(FeatureMoments, DoNotCancel) {
  for (const auto& [shape, axis] : {Layout{{100'000, 2}, 1}, Layout{{2, 100'000}, 0}}) {
    const Tensor x = (sample(shape, -1, 1, 5) + 3000).to(DType::Float32).to(DType::Float64);
    std::vector<double> mean, variance;
    define(x, axis, mean, variance);
    const Tensor moments = feature_moments(x.to(DType::Float32), axis);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(moments.data<float>()[i], mean[i], 3000 * 6e-8);
      EXPECT_NEAR(moments.data<float>()[2 + i], variance[i], 1e-6 * variance[i]);
    }
  }
  const Tensor step = concatenate({zeros({70'000, 1}), full({30'000, 1}, 1e4)}, 0);
  const Tensor of_step = feature_moments(step), of_constant = feature_moments(full({100'000, 3}, 0.1));
  EXPECT_NEAR(of_step.data<float>()[1], 0.21e8, 0.21e8 * 1e-6);
  EXPECT_EQ(of_constant.data<float>()[4], 0);  // a constant has none at all
}

// Composed out of other operations.
Tensor compose(const Tensor& x, const Tensor& weight, const Tensor& bias, int axis) {
  std::vector<int> others;
  Shape aligned;
  for (int k = 0; k < x.ndim(); ++k) {
    const bool features = k == (axis < 0 ? axis + x.ndim() : axis);
    aligned.push_back(features ? x.dim(k) : 1);
    if (!features) others.push_back(k);
  }
  const auto mean_of = [&](const Tensor& y) { return others.empty() ? y : mean(y, others, true); };
  const Tensor centered = x - mean_of(x);
  return centered * rsqrt(mean_of(square(centered)) + 1e-5) * reshape(weight, aligned) + reshape(bias, aligned);
}

TEST(BatchNorm, AndItsGradientAreTheCompositionInEveryLayout) {
  for (const auto& [shape, axis] : kLayouts) {
    SCOPED_TRACE(to_string(shape));
    const int feature_axis = axis;
    const auto rounded = [](const Tensor& numbers) { return numbers.to(DType::Float32).to(DType::Float64); };
    const Tensor x = rounded(sample(shape, -1, 3, 4)), g = rounded(sample(shape, -1, 1, 6));
    const std::int64_t features = x.dim(axis);
    const Tensor weight = rounded(sample({features}, 0.5, 2, 7)), bias = rounded(sample({features}, -1, 1, 8));
    const auto primitive = [&](const Tensor& a, const Tensor& w, const Tensor& b) {
      return batch_norm(a, feature_moments(stop_gradient(a), feature_axis), w, b, feature_axis);
    };
    const auto composed = [&](const Tensor& a, const Tensor& w, const Tensor& b) {
      return compose(a, w, b, feature_axis);
    };
    const Vjp expected = vjp(composed, {x, weight, bias});
    const Tensors expected_grads = expected.pullback(g);
    for (DType dtype : {DType::Float64, DType::Float32}) {
      const double tolerance = dtype == DType::Float64 ? 1e-11 : 2e-5;
      const Vjp actual = vjp(primitive, {x.to(dtype), weight.to(dtype), bias.to(dtype)});
      expect_near(actual.value, expected.value, tolerance);
      const Tensors grads = actual.pullback(g.to(dtype));
      for (std::size_t i = 0; i < 3; ++i) expect_near(grads[i], expected_grads[i], tolerance);
    }
  }
}

TEST(BatchNorm, ItsActivationIsOneOfItsResult) {
  for (const auto& [shape, axis] : kLayouts)
    for (DType dtype : {DType::Float64, DType::Float32})
      for (const auto normalize : {batch_norm, normalize_features}) {
        SCOPED_TRACE(to_string(shape));
        const int feature_axis = axis;
        const Tensor x = sample(shape, -1, 3, 4).to(dtype), g = sample(shape, -1, 1, 6).to(dtype);
        const Tensor weight = sample({x.dim(axis)}, 0.5, 2, 7).to(dtype),
                     bias = sample({x.dim(axis)}, -1, 1, 8).to(dtype);
        const auto with = [&](Activation activation) {
          return vjp(
              [&](const Tensor& a, const Tensor& w, const Tensor& b) {
                const Tensor moments = feature_moments(stop_gradient(a), feature_axis);
                const Tensor y = normalize(a, moments, w, b, feature_axis, 1e-5, activation);
                return activation == Activation::None ? relu(y) : y;
              },
              {x, weight, bias});
        };
        const Vjp fused = with(Activation::Relu), apart = with(Activation::None);
        expect_near(fused.value, apart.value, 0);
        const Tensors actual = fused.pullback(g), expected = apart.pullback(g);
        for (std::size_t i = 0; i < 3; ++i) expect_near(actual[i], expected[i], 0);
      }
  const Tensor x = sample({40, 20}).to(DType::Float32);
  EXPECT_TRUE(all(is_nan(batch_norm(x, feature_moments(x), full({20}, NAN), zeros({20}), 1, 1e-5, Activation::Relu)))
                  .item<bool>());
}

// The sums of the last cotangent are kept; another one must not be given them.
TEST(BatchNorm, ItsPullbackTakesOneCotangentAfterTheOther) {
  const Tensor x = sample({6, 3}, -1, 1, 1), weight = sample({3}, 1, 2, 2), bias = sample({3}, 1, 2, 3);
  const Vjp derivative = vjp([](const Tensor& a, const Tensor& w,
                                const Tensor& b) { return batch_norm(a, feature_moments(stop_gradient(a)), w, b); },
                             {x, weight, bias});
  for (std::uint64_t seed : {4u, 5u, 4u}) {
    const Tensor g = sample({6, 3}, -1, 1, seed);
    expect_near(derivative.pullback(g)[2], sum(g, 0), 1e-14);
    const Tensor again = derivative.pullback(2.0 * g)[0];
    expect_near(again, 2.0 * derivative.pullback(g)[0], 1e-14);
  }
}

TEST(BatchNorm, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const auto& [shape, axis] : {Layout{{3000, 50}, 1}, Layout{{4, 6, 9000}, 1}}) {
    const Tensor x = sample(shape).to(DType::Float32), ones_of = ones({x.dim(1)});
    std::vector<Tensors> results;
    for (int count : {1, 2, 3}) {
      set_num_threads(count);
      const Vjp derivative =
          vjp([](const Tensor& a, const Tensor& w,
                 const Tensor& b) { return batch_norm(a, feature_moments(stop_gradient(a), 1), w, b, 1); },
              {x, ones_of, ones_of});
      results.push_back(derivative.pullback(derivative.value));
      results.back().push_back(derivative.value);
    }
    set_num_threads(threads);
    for (std::size_t other : {1u, 2u})
      for (std::size_t i = 0; i < results[0].size(); ++i) {
        const auto a = results[0][i].data<float>(), b = results[other][i].data<float>();
        EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0);
      }
  }
}

TEST(NormalizeFeatures, TakesAnyMoments) {
  const Tensor x = sample({4, 3}), moments = sample({2, 3}, 0.5, 1, 2), one = ones({3}, DType::Float64);
  const Tensor mean = slice_in_dim(moments, 0, 1), variance = slice_in_dim(moments, 1, 2);
  expect_near(normalize_features(x, moments, one, one), (x - mean) / sqrt(variance + 1e-5) + 1, 1e-14);
}

TEST(BatchNorm, NamesTheInputThatDoesNotFit) {
  const Tensor x = ones({4, 3}), moments = ones({2, 3}), weight = ones({3});
  expect_error([&] { batch_norm(x, ones({3}), weight, weight); },
               "batch_norm: moments must be Float32 (2, 3) for an input of Float32 (4, 3) with its features along axis "
               "1, got Float32 (3,)");
  expect_error([&] { batch_norm(x, moments, ones({4}), weight); }, "batch_norm: weight must be Float32 (3,)");
  expect_error([&] { normalize_features(x, moments, weight, ones({3}, DType::Float64)); },
               "normalize_features: bias must be Float32 (3,)");
  expect_error([&] { feature_moments(x, 2); }, "feature_moments: axis 2 is outside [-2, 2)");
  expect_error([&] { feature_moments(arange(3)); }, "feature_moments: needs Float32 or Float64");
}

}  // namespace
}  // namespace cotangent
