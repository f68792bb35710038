// Winograd convolution forced on random problems, forward and both gradients, against the definition in Float64.
#include <gtest/gtest.h>

#include <random>

#include "conv_reference.h"
#include "cotangent/ops/kernels/convolve.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

const Letters kLast{"NHWC", "HWIO", "NHWC"}, kFirst{"NCHW", "OIHW", "NCHW"};
const Letters kLine{"NWC", "WIO", "NWC"}, kPlaneLine{"NCW", "OIW", "NCW"};
const Letters kVolume{"NDHWC", "DHWIO", "NDHWC"}, kPlaneVolume{"NCDHW", "OIDHW", "NCDHW"};

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

std::vector<ConvCase> cases() {
  const Letters swapped_last{"NHWC", "HWOI", "NHWC"}, swapped_first{"NCHW", "IOHW", "NCHW"};
  const Pads same{{1, 1}, {1, 1}};
  return {
      // whole vectors and tails of channels, both layouts and others
      padded(plain({2, 13, 11, 32}, {3, 3, 32, 24}, kLast), same),
      padded(plain({2, 14, 19, 15}, {35, 14, 3, 3}, kFirst), {{1, 2}, {0, 1}}),
      padded(plain({2, 9, 16, 5}, {3, 3, 5, 7}, kLast), same),
      padded(plain({2, 32, 12, 12}, {32, 32, 3, 3}, kFirst), same),
      plain({2, 12, 10, 20}, {18, 20, 3, 3}, {"NHWC", "OIHW", "NCHW"}),
      plain({2, 20, 12, 10}, {3, 3, 20, 18}, {"NCHW", "HWIO", "NHWC"}),
      plain({12, 10, 20, 2}, {20, 3, 17, 3}, {"HWCN", "IHOW", "WNCH"}),
      // borders: asymmetric and negative padding, one pixel, windows in the padding alone
      padded(plain({1, 10, 12, 16}, {3, 3, 16, 16}, kLast), {{-2, 3}, {4, -1}}),
      padded(plain({1, 1, 1, 16}, {3, 3, 16, 16}, kLast), same),
      padded(plain({1, 16, 1, 2}, {16, 16, 3, 3}, kFirst), {{1, 1}, {5, 6}}),
      padded(plain({70, 3, 3, 8}, {3, 3, 8, 8}, kLast), {{0, 0}, {0, 0}}),
      padded(plain({3, 7, 7, 72}, {3, 3, 72, 40}, kLast), same),
      // other windows
      padded(plain({3, 9, 10, 20}, {5, 5, 20, 18}, kLast), {{2, 2}, {2, 2}}),
      padded(plain({3, 20, 9, 14}, {18, 20, 5, 5}, kFirst), {{2, 1}, {2, 3}}),
      padded(plain({2, 14, 15, 16}, {2, 2, 16, 24}, kLast), {{1, 0}, {0, 1}}),
      padded(plain({2, 14, 15, 16}, {4, 4, 16, 24}, kLast), {{1, 2}, {0, 1}}),
      // strides: 4x4 with 2, and windows that do not fill their phases
      strided(padded(plain({2, 16, 17, 16}, {4, 4, 16, 24}, kLast), same), {2, 2}),
      strided(padded(plain({2, 12, 15, 18}, {20, 12, 4, 4}, kFirst), {{1, 2}, {0, 1}}), {2, 2}),
      strided(padded(plain({2, 15, 18, 12}, {5, 5, 12, 20}, kLast), {{2, 2}, {1, 2}}), {2, 2}),
      strided(padded(plain({2, 15, 18, 12}, {3, 3, 12, 20}, kLast), same), {2, 2}),
      strided(padded(plain({2, 15, 18, 12}, {3, 2, 12, 20}, kLast), same), {2, 1}),
      strided(padded(plain({1, 25, 26, 8}, {7, 9, 8, 8}, kLast), {{3, 3}, {4, 3}}), {3, 3}),
      // input gradients: kernels with swapped features, and dilated inputs
      padded(plain({2, 12, 12, 40}, {3, 3, 24, 40}, swapped_last), same),
      padded(plain({2, 40, 12, 12}, {40, 24, 3, 3}, swapped_first), same),
      spread(padded(plain({2, 9, 10, 40}, {4, 4, 24, 40}, swapped_last), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 24, 9, 10}, {24, 18, 4, 4}, swapped_first), {{1, 2}, {2, 3}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 9, 10, 16}, {4, 4, 3, 16}, swapped_last), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 9, 10, 8}, {5, 6, 8, 8}, kLast), {{3, 2}, {4, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 9, 10, 8}, {7, 8, 8, 8}, kLast), {{3, 2}, {4, -2}}), {3, 3}, {1, 1}),
      // dilation
      spread(padded(plain({2, 17, 18, 16}, {3, 3, 16, 16}, kLast), {{2, 2}, {2, 2}}), {1, 1}, {2, 2}),
      spread(padded(plain({2, 16, 17, 18}, {16, 16, 3, 3}, kFirst), {{3, 3}, {2, 1}}), {1, 1}, {3, 2}),
      // groups
      feature_groups(padded(plain({2, 12, 13, 24}, {3, 3, 8, 30}, kLast), same), 3),
      feature_groups(padded(plain({2, 24, 12, 13}, {30, 8, 3, 3}, kFirst), same), 3),
      batch_groups(padded(plain({6, 12, 11, 24}, {3, 3, 24, 30}, kLast), same), 3),
      // other ranks
      padded(plain({2, 5, 10, 11, 12}, {3, 3, 3, 12, 10}, kVolume), {{1, 1}, {1, 0}, {1, 1}}),
      padded(plain({2, 12, 5, 10, 11}, {10, 12, 3, 3, 3}, kPlaneVolume), {{1, 1}, {1, 0}, {1, 1}}),
      strided(padded(plain({2, 5, 10, 11, 8}, {4, 4, 4, 8, 8}, kVolume), {{1, 1}, {1, 1}, {1, 1}}), {2, 2, 2}),
      padded(plain({1, 8, 3, 4, 7, 6}, {8, 8, 2, 1, 3, 3}, {"NCXYZW", "OIXYZW", "NCXYZW"}),
             {{1, 0}, {0, 0}, {1, 1}, {1, 1}}),
      // one axis, folded: windows that are squares and parts of them, in whole vectors and not, with several rows of
      // tiles, at borders that no tile fills, in phases and grids, and windows too large on one of several axes
      padded(plain({2, 61, 16}, {9, 16, 32}, kLine), {{4, 4}}),
      padded(plain({3, 18, 50}, {17, 18, 7}, kPlaneLine), {{3, 3}}),
      padded(plain({2, 90, 32}, {13, 32, 48}, kLine), {{5, 6}}),
      padded(plain({2, 16, 83}, {16, 16, 25}, kPlaneLine), {{12, 12}}),
      padded(plain({1, 9, 16}, {9, 16, 16}, kLine), {{8, 8}}),
      padded(plain({2, 40, 16}, {4, 16, 16}, kLine), {{-3, 9}}),
      strided(padded(plain({2, 65, 16}, {15, 16, 20}, kLine), {{7, 7}}), {2}),
      spread(padded(plain({2, 16, 40}, {20, 16, 9}, kPlaneLine), {{8, 8}}), {1}, {3}),
      spread(padded(plain({2, 30, 16}, {16, 16, 16}, kLine), {{7, 8}}), {2}, {1}),
      feature_groups(padded(plain({2, 70, 32}, {8, 16, 32}, kLine), {{4, 3}}), 2),
      padded(plain({2, 12, 30, 16}, {7, 7, 16, 16}, kLast), {{3, 3}, {3, 3}}),
      padded(plain({2, 14, 11, 26}, {12, 14, 2, 9}, kFirst), {{1, 0}, {4, 4}}),
      padded(plain({1, 5, 16, 6, 16}, {3, 8, 2, 16, 16}, kVolume), {{1, 1}, {4, 3}, {1, 0}}),
      padded(plain({2, 700, 256}, {9, 256, 256}, kLine), {{4, 4}}),
      // one axis alone, of short windows: sequences, windows that are no squares, slices of which one axis is tiled
      padded(plain({2, 61, 32}, {3, 32, 48}, kLine), {{1, 1}}),
      padded(plain({3, 18, 50}, {17, 18, 3}, kPlaneLine), {{2, 0}}),
      padded(plain({2, 40, 16}, {5, 16, 16}, kLine), {{-1, 4}}),
      spread(padded(plain({2, 40, 16}, {2, 16, 20}, kLine), {{8, 0}}), {1}, {8}),
      strided(padded(plain({2, 41, 16}, {4, 16, 20}, kLine), {{1, 1}}), {2}),
      padded(plain({2, 9, 30, 16}, {1, 3, 16, 16}, kLast), {{0, 0}, {1, 1}}),
      padded(plain({2, 14, 30, 9}, {12, 14, 3, 1}, kFirst), {{1, 1}, {0, 0}}),
      padded(plain({2, 13, 20, 16}, {2, 5, 16, 24}, kLast), {{1, 0}, {2, 2}}),
      padded(plain({1, 300, 256}, {3, 256, 512}, kLine), {{1, 1}}),
      // an axis that slides: in pieces, with strides, with tiles of several images, few and many channels
      padded(plain({1, 90, 8, 7, 64}, {3, 3, 3, 64, 32}, kVolume), {{1, 1}, {1, 1}, {1, 1}}),
      padded(plain({3, 21, 33, 6, 5}, {16, 21, 4, 3, 3}, kPlaneVolume), {{2, 3}, {1, 1}, {1, 1}}),
      strided(padded(plain({2, 23, 12, 9, 16}, {4, 3, 3, 16, 24}, kVolume), {{1, 2}, {1, 1}, {1, 0}}), {2, 1, 1}),
      strided(padded(plain({1, 161, 4, 4, 64}, {3, 3, 3, 64, 32}, kVolume), {{1, 1}, {1, 1}, {1, 1}}), {2, 1, 1}),
      padded(plain({5, 4, 4, 5, 16}, {2, 3, 3, 16, 16}, kVolume), {{-1, 2}, {1, 1}, {1, 1}}),
      feature_groups(padded(plain({2, 6, 9, 9, 32}, {3, 3, 3, 16, 32}, kVolume), {{1, 1}, {1, 1}, {1, 1}}), 2),
      padded(plain({1, 7, 9, 8, 176}, {3, 3, 3, 176, 240}, kVolume), {{1, 1}, {1, 1}, {1, 1}}),
      padded(plain({1, 144, 30, 8, 8}, {80, 144, 3, 3, 3}, kPlaneVolume), {{1, 1}, {1, 1}, {1, 1}}),
      padded(plain({2, 50, 40, 20}, {7, 8, 20, 18}, kLast), {{3, 3}, {4, 3}}),
      // many channels: everything for all tiles at once
      padded(plain({2, 7, 7, 256}, {3, 3, 256, 256}, kLast), same),
      padded(plain({2, 256, 7, 7}, {256, 256, 3, 3}, kFirst), same),
      feature_groups(padded(plain({3, 14, 14, 272}, {3, 3, 136, 528}, kLast), same), 2),
      // phases of few features, which share vectors: of two axes, of three, in either layout, beyond borders
      strided(padded(plain({2, 23, 22, 3}, {7, 7, 3, 20}, kLast), {{3, 2}, {2, 3}}), {2, 2}),
      strided(padded(plain({2, 3, 17, 20}, {18, 3, 5, 5}, kFirst), {{-1, 6}, {9, -2}}), {3, 3}),
      strided(padded(plain({1, 9, 10, 11, 2}, {4, 4, 4, 2, 16}, kVolume), {{1, 1}, {1, 2}, {2, 1}}), {2, 2, 2}),
      feature_groups(strided(padded(plain({2, 14, 13, 6}, {4, 4, 3, 32}, kLast), same), {2, 2}), 2),
      // five points: phases and windows of which tiles of 4, 3 and 2 outputs waste least, with 512 channels too
      strided(padded(plain({2, 16, 16, 512}, {4, 4, 512, 24}, kLast), same), {2, 2}),
      strided(padded(plain({3, 20, 8, 24}, {18, 20, 4, 4}, kFirst), same), {2, 2}),
      spread(padded(plain({2, 7, 7, 512}, {4, 4, 20, 512}, swapped_last), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      padded(plain({2, 3, 9, 512}, {3, 3, 512, 20}, kLast), same),
      padded(plain({2, 20, 6, 5}, {18, 20, 3, 3}, kFirst), same),
      padded(plain({3, 2, 4, 48}, {4, 4, 48, 33}, kLast), {{1, 2}, {2, 1}}),
  };
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

INSTANTIATE_TEST_SUITE_P(Cases, ConvWinograd, ::testing::ValuesIn(cases()));

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
