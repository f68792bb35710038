// Tests of random integers, choices, categories and the tails of distributions, against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "cotangent/core/random.h"
#include "expect_error.h"

namespace cotangent::random {
namespace {

using testing::expect_error;

template <class T>
std::vector<T> values(const Tensor& tensor) {
  return {tensor.data<T>().begin(), tensor.data<T>().end()};
}

// Expects each number to come up as often as its probability says, within four standard deviations.
void expect_frequencies(const Tensor& drawn, const std::vector<double>& probabilities) {
  const auto numbers = values<std::int64_t>(drawn);
  const auto n = static_cast<double>(numbers.size());
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i], count = static_cast<double>(std::ranges::count(numbers, std::int64_t(i)));
    EXPECT_NEAR(count, n * p, 4 * std::sqrt(n * p * (1 - p)) + 1e-9) << "number " << i;
  }
}

// The remainder of a number that two words make.
TEST(Randint, IsTheRemainderOfTwoWords) {
  for (const std::int64_t span : {1, 2, 7, 1000, 65535, 65536}) {
    const std::vector<Key> keys = split(Key(1701));
    const auto high = bits<std::uint32_t>(keys[0], 200), low = bits<std::uint32_t>(keys[1], 200);
    const auto drawn = values<std::int32_t>(randint(Key(1701), {200}, -5, -5 + span));
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const std::uint64_t whole = std::uint64_t{high[i]} << 32 | low[i];
      EXPECT_EQ(drawn[i], static_cast<std::int64_t>(whole % static_cast<std::uint64_t>(span)) - 5) << span;
    }
  }
}

TEST(Randint, IsTheRemainderOfTwoWordsInInt64) {
  __extension__ using Wide = unsigned __int128;
  const std::int64_t span = 3'000'000'000;
  const std::vector<Key> keys = split(Key(3));
  const auto high = bits<std::uint64_t>(keys[0], 200), low = bits<std::uint64_t>(keys[1], 200);
  const auto drawn = values<std::int64_t>(randint(Key(3), {200}, 1, 1 + span, DType::Int64));
  for (std::size_t i = 0; i < drawn.size(); ++i)
    EXPECT_EQ(drawn[i], static_cast<std::int64_t>((Wide{high[i]} << 64 | low[i]) % Wide{3'000'000'000}) + 1);
}

TEST(Randint, ReachesTheLimitsOfItsType) {
  const auto bytes = values<std::uint8_t>(randint(Key(0), {20'000}, 0, 256, DType::UInt8));
  EXPECT_EQ(std::set<std::uint8_t>(bytes.begin(), bytes.end()).size(), 256u);
  // All 2^32 numbers: the remainder of the low words is these words.
  const std::int64_t lowest = std::numeric_limits<std::int32_t>::min();
  const auto low = bits<std::uint32_t>(split(Key(1))[1], 50);
  const auto drawn = values<std::int32_t>(randint(Key(1), {50}, lowest, -lowest));
  for (std::size_t i = 0; i < drawn.size(); ++i) EXPECT_EQ(drawn[i], static_cast<std::int64_t>(low[i]) + lowest);
  for (const std::int64_t number :
       values<std::int64_t>(randint(Key(2), {50}, std::numeric_limits<std::int64_t>::min(),
                                    std::numeric_limits<std::int64_t>::min() + 3, DType::Int64)))
    EXPECT_LE(number, std::numeric_limits<std::int64_t>::min() + 2);
}

TEST(Choice, WithReplacementIsUniform) {
  const Tensor drawn = choice(Key(4), 5, {200, 100});
  EXPECT_EQ(drawn.shape(), Shape({200, 100}));
  expect_frequencies(drawn, std::vector<double>(5, 0.2));
  EXPECT_EQ(values<std::int64_t>(choice(Key(4), 5, {7}))[6], values<std::int32_t>(randint(Key(4), {7}, 0, 5))[6]);
  EXPECT_EQ(values<std::int64_t>(choice(Key(4), 1, {})), std::vector<std::int64_t>{0});
  for (const std::int64_t number : values<std::int64_t>(choice(Key(4), std::int64_t{1} << 40, {100})))
    EXPECT_LT(number, std::int64_t{1} << 40);
}

TEST(Choice, WithoutReplacementBeginsAPermutation) {
  const auto order = values<std::int64_t>(permutation(Key(5), 50));
  const auto drawn = values<std::int64_t>(choice(Key(5), 50, {2, 4}, false));
  EXPECT_TRUE(std::equal(drawn.begin(), drawn.end(), order.begin()));
}

TEST(Choice, FollowsProbabilities) {
  const std::vector<double> p{0.1, 0, 0.4, 0.5, 0};
  const Tensor weights = Tensor::from_data<double>({5}, std::vector<double>{1, 0, 4, 5, 0});
  expect_frequencies(choice(Key(6), 5, {20'000}, true, weights), p);
  expect_frequencies(
      choice(Key(6), 5, {20'000}, true, Tensor::from_data<float>({5}, std::vector<float>{1, 0, 4, 5, 0})), p);
}

// The second of two different numbers: sum over the first one of p_i p_j / (1 - p_i).
TEST(Choice, DifferentNumbersFollowProbabilities) {
  const std::vector<double> p{0.2, 0, 0.3, 0.5};
  const Tensor weights = Tensor::from_data<double>({4}, p);
  constexpr std::int64_t kDraws = 5000;
  Tensor first = Tensor::uninitialized({kDraws}, DType::Int64), second = Tensor::uninitialized({kDraws}, DType::Int64);
  for (std::int64_t i = 0; i < kDraws; ++i) {
    const auto pair = values<std::int64_t>(choice(Key(i), 4, {2}, false, weights));
    first.mutable_data<std::int64_t>()[static_cast<std::size_t>(i)] = pair[0];
    second.mutable_data<std::int64_t>()[static_cast<std::size_t>(i)] = pair[1];
    EXPECT_NE(pair[0], pair[1]);
  }
  std::vector<double> q(4, 0);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j)
      if (i != j) q[j] += p[i] * p[j] / (1 - p[i]);
  expect_frequencies(first, p);
  expect_frequencies(second, q);
}

TEST(Categorical, IsTheArgmaxOfLogitsPlusGumbelNumbers) {
  const Tensor logits = normal(Key(7), {3, 4, 2}, DType::Float64);
  const Tensor noise = gumbel(Key(8), {5, 3, 4, 2}, DType::Float64);
  const auto drawn = values<std::int64_t>(categorical(Key(8), logits, 1, Shape{5, 3, 2}));
  for (std::size_t r = 0; r < 5; ++r)
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t k = 0; k < 2; ++k) {
        const auto score = [&](std::size_t c) {
          return logits.data<double>()[(i * 4 + c) * 2 + k] + noise.data<double>()[((r * 3 + i) * 4 + c) * 2 + k];
        };
        for (std::size_t c = 0; c < 4; ++c)
          EXPECT_GE(score(static_cast<std::size_t>(drawn[(r * 3 + i) * 2 + k])), score(c));
      }
  EXPECT_EQ(categorical(Key(8), logits).shape(), Shape({3, 4}));
  EXPECT_EQ(categorical(Key(8), zeros({0, 3})).shape(), Shape({0}));
}

TEST(Categorical, FollowsTheSoftmax) {
  const float none = -std::numeric_limits<float>::infinity();
  const Tensor logits = Tensor::from_data<float>({4}, std::vector<float>{0, std::log(3.0f), none, 1});
  const double total = 1 + 3 + std::exp(1.0);
  expect_frequencies(categorical(Key(9), logits, 0, Shape{20'000}), {1 / total, 3 / total, 0, std::exp(1.0) / total});
}

TEST(TruncatedNormal, StaysInsideAndFollowsTheNormal) {
  for (const DType dtype : {DType::Float32, DType::Float64})
    visit_floating(dtype, [&]<class T>() {
      const T infinity = std::numeric_limits<T>::infinity();
      for (const auto& [lower, upper] : {std::pair<T, T>(-1, 0.5), {2, 3}, {-infinity, infinity}, {T{0.5}, infinity}}) {
        auto draw = values<T>(
            truncated_normal(Key(10), static_cast<double>(lower), static_cast<double>(upper), {20'000}, dtype));
        std::sort(draw.begin(), draw.end());
        EXPECT_GT(draw.front(), lower);
        EXPECT_LT(draw.back(), upper);
        EXPECT_TRUE(std::isfinite(draw.front()) && std::isfinite(draw.back()));
        // Kolmogorov and Smirnov's distance: below 1.95 / sqrt(n) in 999 cases of 1000.
        const auto normal_cdf = [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; };
        const double below = normal_cdf(lower), width = normal_cdf(upper) - below;
        double distance = 0;
        for (std::size_t i = 0; i < draw.size(); ++i)
          distance = std::max(distance, std::fabs((normal_cdf(draw[i]) - below) / width -
                                                  static_cast<double>(i) / static_cast<double>(draw.size())));
        EXPECT_LT(distance, 1.95 / std::sqrt(20'000.0));
      }
    });
}

TEST(ExponentialAndGumbel, AreFunctionsOfUniforms) {
  const auto u = values<double>(uniform(Key(11), {1000}, DType::Float64));
  const auto e = values<double>(exponential(Key(11), {1000}, DType::Float64));
  const auto g = values<double>(gumbel(Key(11), {1000}, DType::Float64));
  for (std::size_t i = 0; i < u.size(); ++i) {
    EXPECT_NEAR(std::exp(-e[i]), 1 - u[i], 1e-15);
    EXPECT_NEAR(std::exp(-std::exp(-g[i])), u[i], 1e-14);
  }
  EXPECT_NEAR(std::accumulate(e.begin(), e.end(), 0.0) / 1000, 1, 4 / std::sqrt(1000.0));
  EXPECT_EQ(exponential(Key(0), {2, 0}).shape(), Shape({2, 0}));
}

TEST(Choices, TakeEmptyShapes) {
  EXPECT_EQ(randint(Key(0), {0, 2}, 0, 5).dtype(), DType::Int32);
  EXPECT_EQ(choice(Key(0), 0, {0}).shape(), Shape({0}));
  EXPECT_EQ(choice(Key(0), 3, {0, 2}, false).dtype(), DType::Int64);
  EXPECT_EQ(choice(Key(0), 2, {0}, true, zeros({2})).size(), 0);
  EXPECT_EQ(categorical(Key(0), zeros({3, 2}), 1, Shape{0, 3}).shape(), Shape({0, 3}));
}

TEST(Choices, RefuseWhatMakesNoSense) {
  const Key key(0);
  const double infinity = std::numeric_limits<double>::infinity();
  expect_error([&] { randint(key, {3}, 5, 5); }, "randint: needs minval < maxval and numbers of Int32, got 5 and 5");
  expect_error([&] { randint(key, {3}, 0, 257, DType::UInt8); }, "numbers of UInt8, got 0 and 257");
  expect_error([&] { randint(key, {3}, -1, 2, DType::UInt8); }, "numbers of UInt8, got -1 and 2");
  expect_error([&] { randint(key, {3}, 0, std::int64_t{1} << 32); }, "numbers of Int32, got 0 and 4294967296");
  expect_error([&] { randint(key, {3}, 0, 2, DType::Float32); }, "randint: needs Int32, Int64 or UInt8, got Float32");
  expect_error([&] { randint(key, {-1}, 0, 2); }, "extents must not be negative");
  expect_error([&] { choice(key, 0, {1}); }, "choice: cannot take 1 numbers from 0");
  expect_error([&] { choice(key, -2, {0}); }, "choice: cannot take 0 numbers from -2");
  expect_error([&] { choice(key, 3, {2, 2}, false); }, "choice: cannot take 4 different numbers from 3");
  const auto weights = [](std::vector<double> p) {
    return Tensor::from_data<double>({static_cast<std::int64_t>(p.size())}, p);
  };
  expect_error(
      [&] {
        choice(key, 3, {1}, true, weights({1, 2}));
      },
      "choice: needs a probability for each of the 3 numbers, got shape (2,)");
  expect_error([&] { choice(key, 2, {1}, true, weights({1, -2})); }, "must be finite and not negative, got -2 for 1");
  expect_error([&] { choice(key, 2, {1}, true, weights({NAN, 2})); }, "must be finite and not negative, got nan for 0");
  expect_error(
      [&] {
        choice(key, 2, {1}, true, weights({1e308, 1e308}));
      },
      "sum of the probabilities is beyond Float64");
  expect_error([&] { choice(key, 2, {1}, true, weights({0, 0})); }, "only 0 probabilities are not 0");
  expect_error(
      [&] {
        choice(key, 3, {2}, false, weights({0, 1, 0}));
      },
      "only 1 probabilities are not 0, too few for 2 different numbers");
  expect_error([&] { choice(key, 2, {1}, true, zeros({2}, DType::Int32)); }, "needs Float32 or Float64, got Int32");
  expect_error(
      [&] {
        categorical(key, weights({0, infinity}));
      },
      "must not be NaN or infinity, got inf for category 1");
  expect_error([&] { categorical(key, weights({NAN})); }, "must not be NaN or infinity, got nan for category 0");
  expect_error([&] { categorical(key, full({2, 3}, -infinity)); }, "categorical: no category of line 0 is possible");
  expect_error([&] { categorical(key, zeros({2, 0})); }, "no category of line 0 is possible");
  expect_error([&] { categorical(key, zeros({2, 3}), 2); }, "axis 2");
  expect_error(
      [&] {
        categorical(key, zeros({2, 3}), -1, Shape{2, 3});
      },
      "must end with (2,), the shape of the logits without axis 1, got (2, 3)");
  expect_error([&] { truncated_normal(key, 2, 1, {3}); }, "truncated_normal: needs lower < upper");
  expect_error([&] { truncated_normal(key, NAN, 1, {3}); }, "got nan and 1");
  expect_error([&] { truncated_normal(key, 6, 7, {3}); }, "got 6 and 7");
  expect_error([&] { gumbel(key, {3}, DType::Int64); }, "gumbel: needs Float32 or Float64, got Int64");
}

}  // namespace
}  // namespace cotangent::random
