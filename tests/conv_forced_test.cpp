// Every algorithm of convolution through the public call: results, derivatives, memory, accuracy, bits.
#include <gtest/gtest.h>

#include <map>

#include "expect_error.h"
#include "named_convs.h"

namespace cotangent::testing {
namespace {

using enum ConvAlgorithm;

const Letters kLast{"NHWC", "HWIO", "NHWC"}, kFirst{"NCHW", "OIHW", "NCHW"};
constexpr double kTolerance = 2e-5;  // of Float32, relative to the root mean square

ConvOptions with(const ConvCase& c, ConvAlgorithm algorithm) {
  ConvOptions options = c.options();
  options.algorithm = algorithm;
  return options;
}

// Small problems of every kind.
std::vector<ConvCase> cases() {
  const Pads same{{1, 1}, {1, 1}};
  return {
      padded(plain({2, 9, 10, 6}, {3, 3, 6, 5}, kLast), same),
      padded(plain({2, 6, 9, 10}, {5, 6, 3, 3}, kFirst), same),
      padded(plain({3, 9, 10, 3}, {3, 3, 3, 20}, kLast), {{-1, 2}, {3, 0}}),
      strided(padded(plain({2, 11, 12, 3}, {5, 5, 3, 8}, kLast), {{2, 2}, {2, 1}}), {2, 2}),
      plain({2, 9, 10, 20}, {1, 1, 20, 30}, kLast),
      plain({9, 10, 6, 2}, {6, 3, 5, 3}, {"HWCN", "IHOW", "WNCH"}),
      spread(padded(plain({2, 5, 6, 10}, {4, 4, 7, 10}, {"NHWC", "HWOI", "NHWC"}), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 5, 9, 10}, {4, 5, 3, 3}, kFirst), {{2, 2}, {1, 2}}), {1, 1}, {2, 2}),
      feature_groups(padded(plain({2, 9, 10, 24}, {3, 3, 8, 12}, kLast), same), 3),
      feature_groups(padded(plain({2, 9, 10, 32}, {3, 3, 1, 32}, kLast), same), 32),
      feature_groups(padded(plain({2, 10, 9, 20}, {20, 1, 3, 3}, kFirst), same), 10),
      batch_groups(padded(plain({4, 9, 10, 3}, {3, 3, 3, 8}, kLast), same), 2),
      padded(plain({2, 50, 4}, {5, 4, 6}, {"NWC", "WIO", "NWC"}), {{2, 2}}),
      padded(plain({1, 4, 5, 6, 3}, {3, 3, 3, 3, 5}, {"NDHWC", "DHWIO", "NDHWC"}), {{1, 1}, {1, 1}, {1, 0}}),
  };
}

// Data are small whole numbers, with which all but Winograd and Fft are exact.
TEST(ConvForced, EqualsTheDefinition) {
  std::map<ConvAlgorithm, int> served;
  for (const ConvCase& layer : cases())
    for (const ConvCase& c : directions(layer))
      for (const DType dtype : {DType::Float32, DType::Float64}) {
        const Tensor lhs = whole_numbers(c.lhs, dtype, 1), rhs = whole_numbers(c.rhs, dtype, 2);
        const Values expected = reference_conv(c, values(lhs), values(rhs));
        for (const ConvAlgorithm algorithm : kAllAlgorithms) {
          if (!serves(algorithm, c, dtype)) continue;
          ++served[algorithm];
          SCOPED_TRACE(std::string(name(algorithm)) + " " + to_string(c));
          const Values got = values(conv_general_dilated(lhs, rhs, with(c, algorithm)));
          if (algorithm == Winograd || algorithm == Fft) EXPECT_LT(relative_error(got, expected), kTolerance);
          else EXPECT_EQ(got, expected);
        }
      }
  for (const ConvAlgorithm algorithm : kAllAlgorithms) EXPECT_GE(served[algorithm], 8) << name(algorithm);
}

// Windows larger than what they slide over, and strides and dilations that leave the border in the middle of a tile.
TEST(ConvForced, MeetsBorders) {
  const Pads same{{1, 1}, {1, 1}};
  for (const ConvCase& layer : {
           strided(padded(plain({12, 13, 14, 16}, {3, 3, 16, 9}, kLast), {{1, 1}, {2, 1}}), {2, 2}),
           padded(plain({12, 12, 13, 16}, {3, 3, 16, 5}, kLast), {{-1, 2}, {5, -2}}),
           spread(padded(plain({12, 9, 10, 20}, {3, 3, 20, 9}, kLast), {{4, 3}, {0, 9}}), {1, 1}, {3, 4}),
           padded(plain({24, 1, 1, 20}, {4, 4, 20, 17}, kLast), {{3, 3}, {3, 3}}),
           padded(plain({24, 2, 3, 20}, {1, 1, 20, 17}, kLast), {{3, 0}, {1, 4}}),
           strided(
               padded(plain({8, 6, 7, 8, 16}, {3, 3, 3, 16, 9}, {"NDHWC", "DHWIO", "NDHWC"}), {{1, 1}, {1, 1}, {1, 0}}),
               {2, 2, 2}),
           feature_groups(padded(plain({12, 9, 10, 40}, {3, 3, 20, 12}, kLast), same), 2),
           // planes that fill tiles of vectors, or nearly
           plain({2, 20, 12, 16}, {21, 20, 1, 1}, kFirst),
           feature_groups(plain({2, 34, 19, 10}, {26, 17, 1, 1}, kFirst), 2),
           plain({2, 70, 7, 9, 9}, {33, 70, 1, 1, 1}, {"NCDHW", "OIDHW", "NCDHW"}),
       })
    for (const ConvCase& c : directions(layer))
      for (const DType dtype : {DType::Float32, DType::Float64}) {
        const Tensor lhs = whole_numbers(c.lhs, dtype, 1), rhs = whole_numbers(c.rhs, dtype, 2);
        const Values expected = reference_conv(c, values(lhs), values(rhs));
        for (const ConvAlgorithm algorithm : {Direct, LongSum, Im2col, FewFeatures})
          if (serves(algorithm, c, dtype)) {
            EXPECT_EQ(values(conv_general_dilated(lhs, rhs, with(c, algorithm))), expected)
                << name(algorithm) << " " << to_string(c);
          }
      }
}

// Phases share what they read, and those of columns are written together where channels come first. Of unlike extents,
// with gaps between them, some without any term, on one axis of several, or more than a task would set up.
TEST(ConvForced, SolvesPhases) {
  const Letters volumes{"NCDHW", "OIDHW", "NCDHW"};
  for (const ConvCase& c : {
           spread(padded(plain({2, 9, 10, 20}, {3, 3, 20, 70}, kLast), {{1, 2}, {1, 1}}), {2, 2}, {1, 1}),
           spread(padded(plain({2, 20, 9, 10}, {70, 20, 3, 3}, kFirst), {{1, 2}, {1, 1}}), {2, 2}, {1, 1}),
           spread(padded(plain({2, 20, 9, 10}, {17, 20, 5, 4}, kFirst), {{3, -1}, {-2, 5}}), {3, 2}, {1, 1}),
           spread(plain({2, 20, 9, 10}, {17, 20, 1, 2}, kFirst), {2, 3}, {1, 1}),
           spread(plain({3, 20, 9, 10}, {3, 20, 2, 2}, kFirst), {2, 2}, {1, 1}),
           spread(strided(padded(plain({2, 20, 9, 10}, {17, 20, 4, 5}, kFirst), {{2, 2}, {2, 3}}), {2, 2}), {3, 3},
                  {1, 1}),
           spread(padded(plain({2, 20, 9, 10}, {17, 20, 3, 3}, kFirst), {{4, 4}, {5, 2}}), {4, 2}, {2, 3}),
           spread(padded(plain({2, 20, 9, 10}, {17, 20, 3, 3}, kFirst), {{1, 1}, {2, 2}}), {2, 1}, {1, 2}),
           spread(padded(plain({2, 9, 20, 10}, {17, 20, 3, 3}, {"NHCW", "OIHW", "NCWH"}), {{1, 1}, {2, 2}}), {2, 3},
                  {1, 1}),
           spread(padded(plain({2, 10, 3, 4, 5}, {9, 10, 3, 3, 3}, volumes), {{1, 2}, {1, 1}, {1, 2}}), {2, 2, 2},
                  {1, 1, 1}),
           spread(padded(plain({2, 10, 3, 4, 5}, {9, 10, 3, 1, 1}, volumes), {{1, 2}, {0, 0}, {0, 0}}), {2, 1, 1},
                  {1, 1, 1}),
           spread(plain({2, 20, 5, 6}, {17, 20, 2, 2}, kFirst), {9, 9}, {1, 1}),
           spread(plain({1, 20, 30}, {17, 20, 3}, {"NCW", "OIW", "NCW"}), {3}, {1}),
           // a single output, whose window is as long as lhs but meets a part of it
           spread(strided(plain({2, 20, 3, 3}, {17, 20, 3, 3}, kFirst), {5, 5}), {2, 2}, {1, 1}),
           // lines of channels last that are cleared between phases
           spread(padded(plain({2, 9, 10, 20}, {1, 1, 20, 70}, kLast), {{1, 2}, {0, 1}}), {2, 3}, {1, 1}),
           feature_groups(spread(plain({2, 40, 9, 10}, {34, 20, 3, 3}, kFirst), {2, 2}, {1, 1}), 2),
       })
    for (const DType dtype : {DType::Float32, DType::Float64}) {
      const Tensor lhs = whole_numbers(c.lhs, dtype, 1), rhs = whole_numbers(c.rhs, dtype, 2);
      const Values expected = reference_conv(c, values(lhs), values(rhs));
      ASSERT_TRUE(serves(Direct, c, dtype)) << to_string(c);
      EXPECT_EQ(values(conv_general_dilated(lhs, rhs, with(c, Direct))), expected) << to_string(c);
    }
}

// So few positions of planes that many weights are read where they lie: of one picture or more, with borders of unlike
// widths on both sides, none, or what is cut off, strides, dilations, groups, and weights in the order of a gradient.
TEST(ConvForced, ReadsManyWeightsWhereTheyLie) {
  const Letters gradient{"NCHW", "IOHW", "NCHW"};
  for (const ConvCase& c : {
           padded(plain({1, 64, 7, 7}, {68, 64, 3, 3}, kFirst), {{1, 1}, {1, 1}}),
           padded(plain({1, 64, 7, 7}, {64, 60, 3, 3}, gradient), {{1, 1}, {1, 1}}),
           padded(plain({1, 64, 4, 10}, {66, 64, 3, 4}, kFirst), {{0, 3}, {1, 2}}),
           padded(plain({1, 64, 4, 10}, {66, 64, 3, 4}, kFirst), {{2, 0}, {2, 1}}),
           padded(plain({2, 64, 7, 7}, {64, 64, 3, 3}, kFirst), {{1, 1}, {1, 1}}),
           padded(plain({1, 64, 8, 16}, {66, 64, 3, 3}, kFirst), {{-1, -2}, {1, -1}}),
           strided(padded(plain({1, 64, 15, 16}, {64, 64, 3, 3}, kFirst), {{1, 1}, {1, 1}}), {2, 2}),
           strided(padded(plain({3, 64, 9, 22}, {64, 64, 3, 4}, kFirst), {{2, -1}, {0, 3}}), {3, 2}),
           spread(padded(plain({1, 64, 8, 9}, {64, 64, 3, 3}, kFirst), {{2, 2}, {0, 1}}), {1, 1}, {2, 1}),
           feature_groups(padded(plain({1, 120, 7, 7}, {128, 60, 3, 3}, kFirst), {{1, 1}, {1, 1}}), 2),
           padded(plain({1, 64, 60}, {66, 64, 9}, {"NCW", "OIW", "NCW"}), {{4, 4}}),
       })
    for (const DType dtype : {DType::Float32, DType::Float64}) {
      SCOPED_TRACE(to_string(c));
      const Tensor lhs = whole_numbers(c.lhs, dtype, 1), rhs = whole_numbers(c.rhs, dtype, 2),
                   bias = whole_numbers({c.rhs[static_cast<std::size_t>(c.numbers.rhs_spec[0])]}, dtype, 3);
      const Values expected = reference_conv(c, values(lhs), values(rhs));
      EXPECT_EQ(values(conv_general_dilated(lhs, rhs, with(c, Direct))), expected);
      // Its blocks of 16 features are what explain() tells from the other ways of Direct.
      const std::string products = explain_case(c, dtype, {.algorithm = Direct}).products;
      EXPECT_NE(products.find(" x (16 x "), std::string::npos) << products;
      if (c.lhs.size() < 4) continue;
      const Tensor sums = conv_general_dilated(lhs, rhs, with(c, Definition)) + reshape(bias, {-1, 1, 1});
      ConvOptions options = with(c, Direct);
      options.activation = Activation::Relu;
      EXPECT_EQ(values(conv_general_dilated_with_bias(lhs, rhs, bias, options)), values(relu(sums)));
    }
}

TEST(ConvForced, LeavesDerivativesTheirOwnChoice) {
  for (const ConvCase& c : cases()) {
    const Tensor lhs = whole_numbers(c.lhs, DType::Float32, 1), rhs = whole_numbers(c.rhs, DType::Float32, 2),
                 g = whole_numbers(reference_shape(c), DType::Float32, 3);
    const ReferenceVjps expected = reference_vjps(c, values(lhs), values(rhs), values(g));
    for (const ConvAlgorithm algorithm : kAllAlgorithms) {
      if (!serves(algorithm, c, DType::Float32)) continue;
      SCOPED_TRACE(std::string(name(algorithm)) + " " + to_string(c));
      const ConvOptions options = with(c, algorithm);
      const Tensors both =
          vjp([&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, options); }, {lhs, rhs})
              .pullback(g);
      EXPECT_LT(relative_error(values(both[0]), expected.lhs), kTolerance);
      EXPECT_LT(relative_error(values(both[1]), expected.rhs), kTolerance);
    }
  }
}

// Memory comes in size classes an eighth apart, so that blocks are that much larger at most.
void expect_workspace(const ConvCase& c, ConvAlgorithm algorithm, DType dtype) {
  const Tensor lhs = ones(c.lhs, dtype), rhs = ones(c.rhs, dtype);
  const ConvExplanation e = explain_case(c, dtype, {.algorithm = algorithm});
  const std::size_t before = memory_use().live;
  reset_peak_memory();
  const Tensor out = conv_general_dilated(lhs, rhs, with(c, algorithm));
  const auto used = static_cast<std::int64_t>(memory_use().peak - memory_use().live);
  EXPECT_GT(memory_use().live, before);
  EXPECT_LE(used, e.workspace + e.workspace / 8 + 1024)
      << name(algorithm) << " with " << num_threads() << " threads: " << to_string(c) << "\n"
      << to_string(e);
}

TEST(ConvWorkspace, IsNoMoreThanExplained) {
  const int threads = num_threads();
  for (const int count : {1, 2}) {
    set_num_threads(count);
    for (const char* name : {"r64_32_b32", "r256_14", "c5_32x14_64", "r64_56_s2_128", "p1x1_64_256", "cifar_first",
                             "mnist5x5", "dw128_28", "dw128_28_k5", "dw128_28_s2", "grp4_128_28", "dil2_56", "c3d_1_16",
                             "c1d_64_k9", "c1d_1_32_k7", "t128_64_16", "t64_3_32", "lenet_8_16"})
      for (const bool last : {true, false})
        for (const ConvCase& c : directions(case_of(named_problem(name), last, 2)))
          for (const ConvAlgorithm algorithm : kAllAlgorithms)
            if (algorithm != Definition && serves(algorithm, c, DType::Float32))
              expect_workspace(c, algorithm, DType::Float32);
    for (const ConvCase& layer : cases())
      for (const ConvCase& c : directions(layer))
        for (const ConvAlgorithm algorithm : kAllAlgorithms)
          if (serves(algorithm, c, DType::Float64)) expect_workspace(c, algorithm, DType::Float64);
  }
  set_num_threads(threads);
}

// Vectors of sums are kept for a kernel that is small.
TEST(ConvWorkspace, OfALargeKernelsGradientOverPlanesIsBounded) {
  const ConvCase c = plain({8, 3, 64, 64}, {64, 3, 31, 31}, {"NCHW", "OIHW", "NCHW"});
  EXPECT_LT(kernels::long_sum_cost(problem_of(weight_gradient(c)), 4).workspace, std::int64_t{64} << 20);
}

// On normal data, against the definition in Float64.
void expect_accurate(const ConvCase& layer) {
  for (const ConvCase& c : directions(layer)) {
    const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs);
    const Values expected = values(
        solve<double>(c, kernels::convolve_by_definition<double>, lhs.to(DType::Float64), rhs.to(DType::Float64)));
    for (const ConvAlgorithm algorithm : kAllAlgorithms)
      if (serves(algorithm, c, DType::Float32)) {
        EXPECT_LT(relative_error(values(conv_general_dilated(lhs, rhs, with(c, algorithm))), expected), kTolerance)
            << name(algorithm) << " " << to_string(c);
      }
  }
}

TEST(ConvAccuracy, HoldsForManyChannels) {
  const Pads same{{1, 1}, {1, 1}};
  expect_accurate(padded(plain({2, 14, 14, 64}, {3, 3, 64, 64}, kLast), same));
  expect_accurate(padded(plain({1, 256, 9, 9}, {128, 256, 3, 3}, kFirst), same));
  expect_accurate(padded(plain({1, 5, 5, 512}, {3, 3, 512, 256}, kLast), same));
  expect_accurate(plain({2, 9, 9, 512}, {1, 1, 512, 256}, kLast));
  expect_accurate(padded(plain({2, 12, 12, 512}, {3, 3, 512, 3}, kLast), same));
}

TEST(ConvAccuracy, HoldsForLongSums) {
  expect_accurate(padded(plain({8, 56, 56, 8}, {3, 3, 8, 8}, kLast), {{1, 1}, {1, 1}}));
  expect_accurate(padded(plain({8, 3, 64, 64}, {16, 3, 5, 5}, kFirst), {{2, 2}, {2, 2}}));
  expect_accurate(feature_groups(padded(plain({8, 56, 56, 32}, {3, 3, 1, 32}, kLast), {{1, 1}, {1, 1}}), 32));
  expect_accurate(padded(plain({8, 4096, 8}, {9, 8, 8}, {"NWC", "WIO", "NWC"}), {{4, 4}}));
}

// The result and both gradients of every problem of the benchmarks, in small batches.
TEST(ConvThreads, DoNotChangeTheBits) {
  const int threads = num_threads();
  for (const bench::ConvProblem& problem : bench::conv_problems())
    for (const bool last : {true, false}) {
      const ConvCase c = case_of(problem, last, problem.spatial[0] > 100 ? 1 : 2);
      const DType dtype = problem.f64 ? DType::Float64 : DType::Float32;
      const Tensor lhs = random::normal(random::Key(1), c.lhs, dtype),
                   rhs = random::normal(random::Key(2), c.rhs, dtype),
                   g = random::normal(random::Key(3), reference_shape(c), dtype);
      std::vector<Values> expected;
      for (const int count : {1, 2, 3}) {
        set_num_threads(count);
        const auto [y, pullback] = vjp(c, {lhs, rhs});
        const Tensors both = pullback(g);
        std::vector<Values> got{values(y), values(both[0]), values(both[1])};
        if (count == 1) expected = std::move(got);
        else EXPECT_TRUE(got == expected) << problem.name << " with " << count << " threads";
      }
    }
  set_num_threads(threads);
}

}  // namespace
}  // namespace cotangent::testing
