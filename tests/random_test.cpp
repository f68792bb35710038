// Tests of random numbers: known answers of JAX, the properties that its mode promises, and errors.
#include "cotangent/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cotangent/core/erfinv.h"
#include "cotangent/core/parallel.h"
#include "cotangent/core/threefry.h"
#include "expect_error.h"

namespace cotangent::random {
namespace {

using testing::expect_error;

template <class T>
std::vector<T> values(const Tensor& tensor) {
  return {tensor.data<T>().begin(), tensor.data<T>().end()};
}

template <class T>
void expect_near(const Tensor& tensor, const std::vector<T>& expected, double relative) {
  ASSERT_EQ(tensor.size(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(tensor.data<T>()[i], expected[i], relative * std::fabs(expected[i])) << "element " << i;
}

TEST(Threefry, KnownAnswersOfRandom123) {
  EXPECT_EQ(threefry2x32({0, 0}, {0, 0}), (Words{0x6b200159, 0x99ba4efe}));
  EXPECT_EQ(threefry2x32({~0u, ~0u}, {~0u, ~0u}), (Words{0x1cb996fc, 0xbb002be7}));
  EXPECT_EQ(threefry2x32({0x13198a2e, 0x03707344}, {0x243f6a88, 0x85a308d3}), (Words{0xc4923a9c, 0x483df7a0}));
}

TEST(Key, HoldsTheHalvesOfItsSeed) {
  EXPECT_EQ(Key(0).words(), (Words{0, 0}));
  EXPECT_EQ(Key(1701).words(), (Words{0, 1701}));
  EXPECT_EQ(Key(-1).words(), (Words{4294967295u, 4294967295u}));
  EXPECT_EQ(Key(-3).words(), (Words{4294967295u, 4294967293u}));
  EXPECT_EQ(Key((std::int64_t{1} << 31) + 99).words(), (Words{0, 2147483747u}));
  EXPECT_EQ(Key(-(std::int64_t{1} << 31) - 100).words(), (Words{4294967295u, 2147483548u}));
  EXPECT_EQ(Key::from_words({4294967295u, 4294967293u}), Key(-3));
  EXPECT_NE(Key(0), Key(1));
}

TEST(Split, KnownAnswersOfJax) {
  const auto words = [](std::int64_t seed, std::int64_t count, std::size_t row) {
    return split(Key(seed), count)[row].words();
  };
  EXPECT_EQ(words(0, 2, 0), (Words{1797259609u, 2579123966u}));
  EXPECT_EQ(words(0, 2, 1), (Words{928981903u, 3453687069u}));
  EXPECT_EQ(words(42, 2, 0), (Words{1832780943u, 270669613u}));
  EXPECT_EQ(words(42, 2, 1), (Words{64467757u, 2916123636u}));
  EXPECT_EQ(words(1701, 2, 0), (Words{741045208u, 1847055613u}));
  EXPECT_EQ(words(1701, 2, 1), (Words{85238482u, 2594297577u}));
  EXPECT_EQ(words(1701, 3, 2), (Words{56197195u, 961309823u}));
  EXPECT_EQ(split(Key(0)).size(), 2u);
  EXPECT_TRUE(split(Key(0), 0).empty());
}

TEST(FoldIn, KnownAnswerOfJaxAndTheRowsOfSplit) {
  EXPECT_EQ(fold_in(Key(0), 4).words(), (Words{2285895361u, 433833334u}));
  const std::vector<Key> keys = split(Key(7), 5);
  for (std::uint32_t j = 0; j < 5; ++j) EXPECT_EQ(fold_in(Key(7), j), keys[j]);
}

TEST(Bits, KnownAnswersOfJax) {
  const Key key(1701);
  EXPECT_EQ(bits<std::uint32_t>(key, 6),
            (std::vector<std::uint32_t>{1111271205u, 2679469115u, 974515252u, 521976754u, 2127438447u, 4120601916u}));
  EXPECT_EQ(bits<std::uint64_t>(key, 3),
            (std::vector<std::uint64_t>{3182764935064573181u, 366096495144982249u, 241365115613244543u}));
  EXPECT_EQ(bits<std::uint8_t>(key, 5), (std::vector<std::uint8_t>{37, 59, 52, 178, 111}));
  EXPECT_EQ(bits<std::uint16_t>(key, 5), (std::vector<std::uint16_t>{42789, 29755, 60468, 48050, 8815}));
}

TEST(Uniform, KnownAnswersOfJax) {
  expect_near<float>(uniform(Key(0), {3}), {0.947667f, 0.9785799f, 0.33229148f}, 1e-7);
  EXPECT_FLOAT_EQ(uniform(Key(0), {}).item<float>(), 0.947667f);
  EXPECT_FLOAT_EQ(uniform(split(Key(0))[1], {}).item<float>(), 0.00729382f);
  EXPECT_EQ(values<float>(uniform(Key(1701), {5})),
            (std::vector<float>{0x1.08f298p-2f, 0x1.3f6ae8p-1f, 0x1.d0af6p-3f, 0x1.f1cbap-4f, 0x1.fb3888p-2f}));
  EXPECT_EQ(values<double>(uniform(Key(1701), {3}, DType::Float64)),
            (std::vector<double>{0.17253803285538472, 0.019846130768775838, 0.01308442913550456}));
}

TEST(Uniform, StaysWithinItsLimits) {
  for (DType dtype : {DType::Float32, DType::Float64})
    visit_floating(dtype, [&]<class T>() {
      const Tensor draw = uniform(Key(3), {100, 100}, dtype, -2, 6);
      const auto [low, high] = std::minmax_element(draw.data<T>().begin(), draw.data<T>().end());
      EXPECT_GE(*low, -2);
      EXPECT_LT(*low, -1.99);
      EXPECT_LT(*high, 6);
      EXPECT_GT(*high, 5.99);
      const double mean = std::accumulate(draw.data<T>().begin(), draw.data<T>().end(), 0.0) / 1e4;
      EXPECT_NEAR(mean, 2, 4 * 8 / std::sqrt(12e4));
    });
  EXPECT_EQ(uniform(Key(3), {}, DType::Float32, 5, 5).item<float>(), 5);
}

TEST(Normal, KnownAnswersOfJax) {
  expect_near<float>(normal(Key(42), {3}), {-0.028304616f, 0.46713185f, 0.29570296f}, 2e-6);
  expect_near<float>(normal(Key(1701), {5}), {-0.6472411f, 0.3156411f, -0.74910474f, -1.167362f, -0.011699034f}, 2e-6);
  expect_near<double>(
      normal(Key(1701), {5}, DType::Float64),
      {-0.9441831471449982, -2.0569372575624807, -2.2236966872817883, -0.7861748912248969, 1.4859825645388456}, 1e-13);
  const std::vector<Key> keys = split(Key(1701));
  expect_near<float>(normal(keys[0], {3}), {-1.304116f, -0.62097436f, 0.15579857f}, 2e-6);
  expect_near<float>(normal(keys[1], {3}), {0.88939476f, -0.41590825f, 1.2164283f}, 2e-6);

  const std::vector<float> many = values<float>(normal(Key(1701), {500}));
  EXPECT_NEAR(std::accumulate(many.begin(), many.end(), 0.0), -51.65745, 5e-5);
  EXPECT_NEAR(std::inner_product(many.begin(), many.end(), many.begin(), 0.0), 492.70688, 5e-4);
  EXPECT_NEAR(many.back(), -1.1875168, 3e-6);
}

TEST(Normal, HasTheMomentsOfANormal) {
  const std::vector<double> draw = values<double>(normal(Key(11), {100'000}, DType::Float64));
  const auto moment = [&](int power) {
    double sum = 0;
    for (double x : draw) sum += std::pow(x, power);
    return sum / static_cast<double>(draw.size());
  };
  const double deviation = 1 / std::sqrt(static_cast<double>(draw.size()));
  EXPECT_NEAR(moment(1), 0, 4 * deviation);
  EXPECT_NEAR(moment(2), 1, 4 * std::sqrt(2.0) * deviation);
  EXPECT_NEAR(moment(3), 0, 4 * std::sqrt(15.0) * deviation);
  EXPECT_NEAR(moment(4), 3, 4 * std::sqrt(96.0) * deviation);
}

TEST(Erfinv, InvertsErf) {
  for (double x = -0.999; x < 1; x += 0.001) {
    EXPECT_NEAR(std::erf(erfinv(x)), x, 1e-15);
    EXPECT_NEAR(std::erf(static_cast<double>(erfinv(static_cast<float>(x)))), static_cast<float>(x), 5e-7);
  }
  // Near 1 the complement still tells neighbouring results apart; x * x was rounded to a multiple of 2^-53.
  for (double gap : {1e-4, 1e-7, 1e-10, 1e-14}) {
    const double x = 1 - gap;
    EXPECT_NEAR(std::erfc(erfinv(x)), 1 - x, 0x1p-52);
    EXPECT_EQ(erfinv(-x), -erfinv(x));
  }
  EXPECT_EQ(erfinv(1.0), INFINITY);
  EXPECT_EQ(erfinv(-1.0f), -INFINITY);
  EXPECT_TRUE(std::isnan(erfinv(1.5)));
  EXPECT_TRUE(std::isnan(erfinv(std::nanf(""))));
  EXPECT_EQ(erfinv(0.0), 0);
}

TEST(Bernoulli, ComparesUniformsWithP) {
  const std::vector<float> u = values<float>(uniform(Key(5), {1000}));
  const std::vector<bool> drawn = values<bool>(bernoulli(Key(5), 0.25, {1000}));
  for (std::size_t i = 0; i < u.size(); ++i) EXPECT_EQ(drawn[i], u[i] < 0.25f);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(drawn, true)), 250, 4 * std::sqrt(1000 * 0.25 * 0.75));
  EXPECT_EQ(std::ranges::count(values<bool>(bernoulli(Key(5), 0, {1000})), true), 0);
  EXPECT_EQ(std::ranges::count(values<bool>(bernoulli(Key(5), 1, {1000})), false), 0);
}

// One round up to n = 1625, two up to n = 2642245.
TEST(Permutation, SortsByRandomBits) {
  for (const std::int64_t n : {2, 10, 1625, 1626, 5000}) {
    std::vector<std::int64_t> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), 0);
    Key key(9);
    for (int round = 0; round < (n <= 1625 ? 1 : 2); ++round) {
      const std::vector<Key> keys = split(key);
      const auto words = bits<std::uint32_t>(keys[1], n);
      std::vector<std::size_t> order(words.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return words[a] < words[b]; });
      const std::vector<std::int64_t> before = expected;
      for (std::size_t i = 0; i < order.size(); ++i) expected[i] = before[order[i]];
      key = keys[0];
    }
    EXPECT_EQ(values<std::int64_t>(permutation(Key(9), n)), expected) << n;
    std::sort(expected.begin(), expected.end());
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(expected[static_cast<std::size_t>(i)], i);
  }
  EXPECT_EQ(permutation(Key(9), 0).shape(), Shape({0}));
  EXPECT_EQ(values<std::int64_t>(permutation(Key(9), 1)), std::vector<std::int64_t>{0});
}

TEST(Permutation, IsUnbiased) {
  std::array<int, 6> seen{};
  for (std::int64_t seed = 0; seed < 6000; ++seed) {
    const Tensor drawn = permutation(Key(seed), 3);
    const auto p = drawn.data<std::int64_t>();
    ++seen[static_cast<std::size_t>(2 * p[0] + (p[1] > p[2]))];
  }
  for (int count : seen) EXPECT_NEAR(count, 1000, 4 * std::sqrt(6000 * (1.0 / 6) * (5.0 / 6)));
}

TEST(Random, LongerDrawsExtendShorterOnes) {
  const std::vector<float> longer = values<float>(normal(Key(1), {10'000}));
  std::vector<float> shorter = values<float>(normal(Key(1), {70, 70}));
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

TEST(Random, IsTheSameForAnyNumberOfThreads) {
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> alone = values<float>(normal(Key(1), {50'000}));
  const std::vector<std::int64_t> order = values<std::int64_t>(permutation(Key(1), 50'000));
  set_num_threads(4);
  EXPECT_EQ(values<float>(normal(Key(1), {50'000})), alone);
  EXPECT_EQ(values<std::int64_t>(permutation(Key(1), 50'000)), order);
  set_num_threads(before);
}

TEST(Random, TakesEmptyShapes) {
  EXPECT_EQ(uniform(Key(0), {0, 3}).size(), 0);
  EXPECT_EQ(normal(Key(0), {2, 0}, DType::Float64).shape(), Shape({2, 0}));
  EXPECT_EQ(bernoulli(Key(0), 0.5, {0}).dtype(), DType::Bool);
  EXPECT_TRUE(bits<std::uint64_t>(Key(0), 0).empty());
}

TEST(Random, RefusesWhatMakesNoSense) {
  const Key key(0);
  expect_error([&] { split(key, -1); }, "split: the count must not be negative, got -1");
  expect_error([&] { bits<std::uint32_t>(key, -5); }, "bits: the count must not be negative, got -5");
  expect_error([&] { bits<std::uint64_t>(key, std::int64_t{1} << 60); }, "bits: out of memory for 1152921504606846976");
  expect_error([&] { permutation(key, -2); }, "permutation: the count must not be negative, got -2");
  expect_error([&] { permutation(key, std::int64_t{1} << 60); }, "permutation: out of memory");
  expect_error([&] { uniform(key, {3}, DType::Int32); }, "uniform: needs Float32 or Float64, got Int32");
  expect_error([&] { uniform(key, {3}, DType::Float32, 1, 0); }, "minval <= maxval, got 1 and 0");
  expect_error([&] { uniform(key, {3}, DType::Float32, NAN, 0); }, "the limits must be finite in Float32");
  expect_error([&] { uniform(key, {3}, DType::Float32, 0, 1e39); }, "the limits must be finite in Float32");
  expect_error([&] { uniform(key, {3}, DType::Float64, -1e308, 1e308); }, "as must their distance");
  expect_error([&] { uniform(key, {-3}); }, "extents must not be negative, got shape (-3,)");
  expect_error([&] { normal(key, {3}, DType::Bool); }, "normal: needs Float32 or Float64, got Bool");
  expect_error([&] { bernoulli(key, 1.5, {3}); }, "bernoulli: p must be from 0 to 1, got 1.5");
  expect_error([&] { bernoulli(key, NAN, {3}); }, "bernoulli: p must be from 0 to 1, got nan");
}

}  // namespace
}  // namespace cotangent::random
