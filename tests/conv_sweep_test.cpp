// A random sweep of convolutions: every option at once, forward and both derivatives, against the definition. Data are
// small integers, so that results are exact whatever the order of summation.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "conv_reference.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

using Generator = std::mt19937_64;

std::int64_t pick(Generator& generator, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(high - low + 1));
}

std::vector<int> permutation(Generator& generator, std::size_t n) {
  std::vector<int> result(n);
  std::iota(result.begin(), result.end(), 0);
  for (std::size_t i = n; i > 1; --i)
    std::swap(result[i - 1], result[static_cast<std::size_t>(pick(generator, 0, static_cast<std::int64_t>(i) - 1))]);
  return result;
}

std::vector<int> spec(Generator& generator, std::size_t rank, std::int64_t kind) {
  std::vector<int> result(rank);
  std::iota(result.begin(), result.end(), 0);
  if (kind == 0) return result;  // channels first
  if (kind > 2) return permutation(generator, rank);
  result[1] = static_cast<int>(rank) - 1;  // channels last
  for (std::size_t j = 2; j < rank; ++j) result[j] = static_cast<int>(j) - 1;
  return result;
}

// A legal convolution of at most a few thousand products.
ConvCase random_case(Generator& generator) {
  ConvCase c;
  const auto n = static_cast<std::size_t>(std::array{0, 1, 1, 2, 2, 2, 3, 4}[generator() % 8]);
  const std::int64_t most = std::array{0, 9, 6, 4, 3}[n];
  const std::int64_t kind = pick(generator, 0, 4);
  c.numbers = {spec(generator, n + 2, kind), spec(generator, n + 2, kind), spec(generator, n + 2, kind)};
  if (kind == 2) c.numbers.rhs_spec = permutation(generator, n + 2);
  const bool zeros = pick(generator, 0, 11) == 0;
  const std::int64_t groups = std::array{1, 1, 1, 1, 2, 3, 9}[generator() % 7];
  (pick(generator, 0, 1) == 0 ? c.feature_groups : c.batch_groups) = groups;
  const auto extent = [&](std::int64_t high) { return pick(generator, zeros ? 0 : 1, high); };
  const std::int64_t in_features = extent(3);
  c.lhs = Shape(std::vector<std::int64_t>(n + 2));
  c.rhs = c.lhs;
  const auto set = [](Shape& shape, int axis, std::int64_t value) { shape[static_cast<std::size_t>(axis)] = value; };
  set(c.lhs, c.numbers.lhs_spec[0], extent(3) * c.batch_groups);
  set(c.lhs, c.numbers.lhs_spec[1], in_features * c.feature_groups);
  set(c.rhs, c.numbers.rhs_spec[0], extent(3) * groups);
  set(c.rhs, c.numbers.rhs_spec[1], in_features);
  for (std::size_t d = 0; d < n; ++d) {
    const std::int64_t in = extent(most), k = pick(generator, 1, 3);
    set(c.lhs, c.numbers.lhs_spec[d + 2], in);
    set(c.rhs, c.numbers.rhs_spec[d + 2], k);
    c.strides.push_back(pick(generator, 0, 1) == 0 ? 1 : pick(generator, 2, 4));
    c.lhs_dilation.push_back(pick(generator, 0, 1) == 0 ? 1 : pick(generator, 2, 4));
    c.rhs_dilation.push_back(pick(generator, 0, 1) == 0 ? 1 : pick(generator, 2, 4));
    const std::int64_t dilated = dilated_extent(in, c.lhs_dilation[d]);
    const std::int64_t low = pick(generator, -3, 4);
    c.pads.emplace_back(
        low, pick(generator, std::max<std::int64_t>(-3, -dilated - low), 4 + std::max<std::int64_t>(0, -low)));
  }
  return c;
}

template <class T>
void expect_all_algorithms(const ConvCase& c, const Tensor& lhs, const Tensor& rhs, const Values& expected) {
  ASSERT_EQ(values(solve<T>(c, kernels::convolve_by_definition<T>, lhs, rhs)), expected);
  for (Algorithm<T> algorithm : algorithms<T>()) ASSERT_EQ(values(solve<T>(c, algorithm, lhs, rhs)), expected);
}

TEST(ConvSweep, ForwardAndBothDerivativesEqualTheDefinition) {
  Generator generator(20260823);
  int empty = 0;
  for (int run = 0; run < 2000; ++run) {
    const ConvCase c = random_case(generator);
    SCOPED_TRACE(to_string(c));
    const DType dtype = run % 2 == 0 ? DType::Float32 : DType::Float64;
    const Tensor lhs = whole_numbers(c.lhs, dtype, generator()), rhs = whole_numbers(c.rhs, dtype, generator());
    const auto [out, pullback] = vjp(c, {lhs, rhs});
    ASSERT_EQ(out.shape(), reference_shape(c));
    ASSERT_EQ(values(out), reference_conv(c, values(lhs), values(rhs)));
    if (out.size() == 0) ++empty;
    else if (dtype == DType::Float32) expect_all_algorithms<float>(c, lhs, rhs, values(out));
    else expect_all_algorithms<double>(c, lhs, rhs, values(out));

    const Tensor g = whole_numbers(out.shape(), dtype, generator());
    const Tensors cotangents = pullback(g);
    const ReferenceVjps expected = reference_vjps(c, values(lhs), values(rhs), values(g));
    ASSERT_EQ(cotangents[0].shape(), c.lhs);
    ASSERT_EQ(values(cotangents[0]), expected.lhs);
    ASSERT_EQ(cotangents[1].shape(), c.rhs);
    ASSERT_EQ(values(cotangents[1]), expected.rhs);
  }
  EXPECT_GT(empty, 50);
}

// The convolution is linear in each operand, so that differences with step 1 are exact.
TEST(ConvSweep, DerivativesToOrderTwoAgreeWithFiniteDifferences) {
  Generator generator(7);
  for (int run = 0; run < 40; ++run) {
    const ConvCase c = random_case(generator);
    SCOPED_TRACE(to_string(c));
    EXPECT_EQ(
        check_grads(c, {sample(c.lhs, -1, 1, generator()), sample(c.rhs, -1, 1, generator())}, {.order = 2, .step = 1}),
        "");
  }
}

}  // namespace
}  // namespace cotangent::testing
