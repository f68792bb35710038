// Winograd convolution forced on random problems, forward and both gradients, against the definition in Float64.
#include <gtest/gtest.h>

#include <random>

#include "conv_winograd_cases.h"
#include "cotangent/ops/kernels/convolve.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

Tensor normal(const Shape& shape, std::uint64_t seed) {
  return random::normal(random::key(static_cast<std::int64_t>(seed)), shape);
}

void expect_winograd(const ConvCase& c, double tolerance, std::uint64_t seed = 1) {
  SCOPED_TRACE(to_string(c));
  ASSERT_EQ(kernels::winograd_cost(problem_of(c)).refusal, "");
  const Tensor lhs = normal(c.lhs, seed), rhs = normal(c.rhs, seed + 1);
  const Values expected =
      values(solve<double>(c, kernels::convolve_by_definition<double>, lhs.to(DType::Float64), rhs.to(DType::Float64)));
  EXPECT_LT(relative_error(values(solve<float>(c, kernels::convolve_by_winograd, lhs, rhs)), expected), tolerance);
}

// Decoders whose phases are chosen one by one, each in its place of the kernel and of the output.
TEST(ConvWinogradPhases, AgreeWithTheDefinitionOneByOne) {
  for (const ConvCase& c :
       {spread(padded(plain({4, 16, 16, 64}, {4, 4, 64, 48}, kLast), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
        spread(padded(plain({4, 64, 16, 16}, {48, 64, 4, 4}, kFirst), {{2, 2}, {2, 2}}), {2, 2}, {1, 1})}) {
    SCOPED_TRACE(to_string(c));
    const Tensor lhs = normal(c.lhs, 1), rhs = normal(c.rhs, 2);
    const ConvExplanation e = explain(lhs, rhs, c.options());
    EXPECT_EQ(name(e.algorithm), "Winograd");
    EXPECT_EQ(e.phases, 4);
    const Values expected = values(
        solve<double>(c, kernels::convolve_by_definition<double>, lhs.to(DType::Float64), rhs.to(DType::Float64)));
    EXPECT_LT(relative_error(values(conv_general_dilated(lhs, rhs, c.options())), expected), 2e-5);
  }
}

// Results within 2e-5 of the definition, and the same bits for any number of threads.
class ConvWinograd : public ::testing::TestWithParam<ConvCase> {};

TEST_P(ConvWinograd, AgreesWithTheDefinition) { expect_winograd(GetParam(), 2e-5); }

TEST_P(ConvWinograd, GivesTheWeightGradient) { expect_winograd(weight_gradient(GetParam()), 2e-5); }

TEST_P(ConvWinograd, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const ConvCase& c : {GetParam(), weight_gradient(GetParam())}) {
    const Tensor lhs = normal(c.lhs, 3), rhs = normal(c.rhs, 4);
    set_num_threads(1);
    const Values expected = values(solve<float>(c, kernels::convolve_by_winograd, lhs, rhs));
    for (int count : {2, 3}) {
      set_num_threads(count);
      EXPECT_EQ(values(solve<float>(c, kernels::convolve_by_winograd, lhs, rhs)), expected) << count << " threads";
    }
  }
  set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvWinograd, ::testing::ValuesIn(winograd_cases()));

struct Random {
  std::mt19937_64 generator;

  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(high - low + 1));
  }
};

// Random problems and their weight gradients; those that are refused are left out, and at least so many are not.
void sweep(std::uint64_t seed, int runs, int least, ConvCase (*problem)(Random&)) {
  Random random{std::mt19937_64(seed)};
  int served = 0;
  for (int run = 0; run < runs; ++run) {
    const ConvCase c = problem(random);
    if (reference_shape(c).elements() == 0) continue;
    for (const ConvCase& q : {c, weight_gradient(c)}) {
      if (!kernels::winograd_cost(problem_of(q)).refusal.empty()) continue;
      expect_winograd(q, 2e-5, random.generator() % 1000000);
      ++served;
    }
  }
  EXPECT_GT(served, least);
}

ConvCase random_picture(Random& random) {
  static const std::vector<Letters> layouts{kLast,
                                            kFirst,
                                            {"NHWC", "HWOI", "NHWC"},
                                            {"NCHW", "IOHW", "NCHW"},
                                            {"CHWN", "IHWO", "HWNC"},
                                            {"HCNW", "WOIH", "CWHN"}};
  const auto shape = [](std::string_view spec, std::string_view names, const std::vector<std::int64_t>& extents) {
    Shape result;
    for (char axis : spec) result.push_back(extents[names.find(axis)]);
    return result;
  };
  const Letters& letters = layouts[static_cast<std::size_t>(random.pick(0, 5))];
  const std::int64_t groups = random.pick(0, 4) == 0 ? 2 : 1, in = random.pick(1, 20),
                     out = groups * random.pick(1, 20);
  const bool batch_grouped = groups > 1 && random.pick(0, 1) == 0;
  const std::int64_t k = random.pick(2, 6), n = random.pick(1, 3), height = random.pick(1, 14),
                     width = random.pick(1, 14), columns = random.pick(0, 3) == 0 ? random.pick(2, 6) : k;
  ConvCase c = plain(
      shape(letters.lhs, "NCHW", {n * (batch_grouped ? groups : 1), in * (batch_grouped ? 1 : groups), height, width}),
      shape(letters.rhs, "OIHW", {out, in, k, columns}), letters);
  (batch_grouped ? c.batch_groups : c.feature_groups) = groups;
  const std::int64_t option = random.pick(0, 4), factor = random.pick(2, 3);
  for (std::size_t d = 0; d < 2; ++d) {
    c.pads[d] = {random.pick(-1, 4), random.pick(0, 4)};
    if (option == 1) c.strides[d] = factor;
    if (option == 2) c.lhs_dilation[d] = factor;
    if (option == 3) c.rhs_dilation[d] = factor;
  }
  return c;
}

ConvCase random_line(Random& random) {
  const std::int64_t n = random.pick(1, 3), in = 4 * random.pick(1, 8), out = 4 * random.pick(1, 8),
                     length = random.pick(1, 120), k = random.pick(2, 25);
  ConvCase c = random.pick(0, 1) == 0 ? plain({n, length, in}, {k, in, out}, kLine)
                                      : plain({n, in, length}, {out, in, k}, kPlaneLine);
  c.pads[0] = {random.pick(-2, k), random.pick(0, k)};
  const std::int64_t option = random.pick(0, 6), factor = random.pick(2, 3);
  if (option == 1) c.strides[0] = factor;
  if (option == 2) c.lhs_dilation[0] = factor;
  if (option == 3) c.rhs_dilation[0] = factor;
  return c;
}

ConvCase random_volume(Random& random) {
  const std::int64_t groups = random.pick(0, 3) == 0 ? 2 : 1, n = random.pick(1, 3), in = random.pick(1, 20),
                     out = groups * random.pick(1, 20), depth = random.pick(1, 24), height = random.pick(1, 9),
                     width = random.pick(1, 9), k = random.pick(2, 4), taps = random.pick(1, 6);
  ConvCase c = random.pick(0, 1) == 0
                   ? plain({n, depth, height, width, groups * in}, {taps, k, k, in, out}, kVolume)
                   : plain({n, groups * in, depth, height, width}, {out, in, taps, k, k}, kPlaneVolume);
  c.feature_groups = groups;
  for (auto& pad : c.pads) pad = {random.pick(-1, 3), random.pick(0, 3)};
  const std::int64_t option = random.pick(0, 5), factor = random.pick(2, 3);
  const std::size_t axis = option < 3 ? 0 : static_cast<std::size_t>(random.pick(0, 2));
  if (option == 0 || option == 3) c.strides[axis] = factor;
  if (option == 1) c.lhs_dilation[axis] = factor;
  if (option == 2) c.rhs_dilation[axis] = factor;
  return c;
}

TEST(ConvWinogradSweep, AgreesWithTheDefinition) { sweep(20261124, 1000, 700, random_picture); }
TEST(ConvWinogradSweep, AgreesWithTheDefinitionOnLines) { sweep(20261128, 600, 800, random_line); }
TEST(ConvWinogradSweep, AgreesWithTheDefinitionOnVolumes) { sweep(20261129, 300, 250, random_volume); }

TEST(ConvWinogradAccuracy, HoldsForManyChannels) {
  for (std::int64_t channels : {64, 128, 256, 512}) {
    const std::int64_t images = channels < 256 ? 2 : 1, extent = channels < 256 ? 14 : 10;
    const ConvCase c =
        padded(plain({images, extent, extent, channels}, {3, 3, channels, channels}, kLast), {{1, 1}, {1, 1}});
    expect_winograd(c, 2e-5);
    expect_winograd(weight_gradient(c), 2e-5);
  }
  const ConvCase wide = padded(plain({1, 14, 14, 256}, {5, 5, 256, 64}, kLast), {{2, 2}, {2, 2}});
  expect_winograd(wide, 2e-5);
  expect_winograd(weight_gradient(wide), 2e-5);
  for (std::int64_t taps : {9, 16, 25}) {
    const ConvCase line = padded(plain({2, 200, 512}, {taps, 512, 64}, kLine), {{taps / 2, taps / 2}});
    expect_winograd(line, 2e-5);
    expect_winograd(weight_gradient(line), 2e-5);
  }
}

// A weight gradient sums over every pixel of every image.
TEST(ConvWinogradAccuracy, HoldsForManyPixels) {
  expect_winograd(weight_gradient(padded(plain({8, 56, 56, 16}, {3, 3, 16, 16}, kLast), {{1, 1}, {1, 1}})), 2e-5);
  expect_winograd(weight_gradient(padded(plain({8, 56, 56, 16}, {5, 5, 16, 16}, kLast), {{2, 2}, {2, 2}})), 2e-5);
}

// Tiles reach beyond the last window, where what lies may be anything.
TEST(ConvWinogradBorder, IgnoresWhatNoWindowSees) {
  for (ConvCase c : {padded(plain({1, 9, 9, 16}, {3, 3, 16, 16}, kLast), {{0, -2}, {-1, -1}}),
                     strided(plain({1, 13, 13, 16}, {4, 4, 16, 16}, kLast), {2, 2}),
                     padded(plain({1, 30, 16}, {9, 16, 16}, kLine), {{-1, -3}}),
                     padded(plain({1, 16, 30}, {16, 16, 8}, kPlaneLine), {{-1, -3}})}) {
    SCOPED_TRACE(to_string(c));
    const Tensor rhs = normal(c.rhs, 2);
    const Tensor lhs = normal(c.lhs, 1);
    Tensor hidden = normal(c.lhs, 1);
    std::vector<bool> seen(static_cast<std::size_t>(c.lhs.elements()), false);
    for_each_product(c, [&](std::size_t l, std::size_t, std::size_t) { seen[l] = true; });
    std::int64_t unseen = 0;
    for (std::size_t i = 0; i < seen.size(); ++i)
      if (!seen[i]) hidden.mutable_data<float>()[i] = std::numeric_limits<float>::infinity(), ++unseen;
    EXPECT_GT(unseen, 0);
    const auto solved = [&](const Tensor& input) {
      return values(solve<float>(c, kernels::convolve_by_winograd, input, rhs));
    };
    EXPECT_EQ(solved(hidden), solved(lhs));
  }
}

TEST(ConvWinogradCost, SaysWhyItRefuses) {
  const auto refusal = [](const ConvCase& c) { return kernels::winograd_cost(problem_of(c)).refusal; };
  EXPECT_NE(refusal(plain({2, 9, 9, 8}, {1, 1, 8, 8}, kLast)), "");
  EXPECT_EQ(refusal(plain({2, 19, 19, 8}, {2, 3, 8, 8}, kLast)), "");
  EXPECT_NE(refusal(plain({2, 99, 8}, {26, 8, 8}, kLine)), "");
  EXPECT_NE(refusal(plain({2, 9, 8}, {9, 8, 8}, kLine)), "");  // one output
  EXPECT_NE(refusal(spread(strided(plain({2, 19, 19, 8}, {4, 4, 8, 8}, kLast), {2, 2}), {1, 1}, {2, 2})), "");
}

TEST(ConvWinogradCost, CountsWhatItExecutes) {
  const kernels::ConvCost cost =
      kernels::winograd_cost(problem_of(padded(plain({2, 8, 12, 16}, {3, 3, 16, 32}, kLast), {{1, 1}, {1, 1}})));
  EXPECT_EQ(cost.multiply_adds, 2 * (2 * 3) * 36 * 16 * 32);  // tiles of 4x4 outputs, 36 products each
  EXPECT_EQ(cost.products, "36 x (12 x 16) x (16 x 32)");
  EXPECT_GE(cost.workspace, 36 * (16 * 32 + 12 * (16 + 32)) * 4);
  const kernels::ConvCost folded =
      kernels::winograd_cost(problem_of(padded(plain({2, 60, 16}, {9, 16, 32}, kLine), {{4, 4}})));
  EXPECT_EQ(folded.multiply_adds, 2 * 7 * 25 * 16 * 32);  // tiles of 3 folds of 3 outputs
}

}  // namespace
}  // namespace cotangent::testing
