// The algebra of convolutions, tried at random: results, and derivatives to order three in the modes r, f, rr, fr, rf
// and rrr, for every parameter at once and by every algorithm. Data are small whole numbers, so that all is exact.
//
// COTANGENT_PROPERTY_RUNS is the number of trials, COTANGENT_PROPERTY_SEED chooses others, and COTANGENT_PROPERTY_FIRST
// starts at a later one, such as the index of a failure.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>

#include "conv_generator.h"
#include "conv_modes.h"
#include "named_convs.h"

namespace cotangent::testing {
namespace {

// Every algorithm that serves in place of the one chosen. What Winograd and Fft may round is in proportion to the
// largest sum that there could be.
template <class T>
std::string fault_of_algorithms(const ConvTrial& trial) {
  const ConvCase c = trial.parameters.conv();
  if (reference_shape(c).elements() == 0) return "";
  const DType dtype = dtype_of<T>();
  const Tensor lhs = whole_numbers(c.lhs, dtype, trial.data), rhs = whole_numbers(c.rhs, dtype, trial.data + 1);
  const Values expected = reference_conv(c, values(lhs), values(rhs));
  std::string fault = difference("the definition", solve<T>(c, kernels::convolve_by_definition<T>, lhs, rhs), expected);
  std::size_t index = 0;
  for (const Algorithm<T> algorithm : algorithms<T>()) {
    if (!fault.empty()) return fault;
    fault = difference(fmt::format("algorithms()[{}]", index++), solve<T>(c, algorithm, lhs, rhs), expected);
  }
  std::int64_t terms = trial.parameters.in_features;
  for (const ConvParameters::Axis& axis : trial.parameters.axes) terms *= axis.window;
  const double allowed = (std::is_same_v<T, float> ? 2e-5 : 1e-13) * 16 * static_cast<double>(terms);
  for (const ConvAlgorithm algorithm : {ConvAlgorithm::Winograd, ConvAlgorithm::Fft}) {
    if (!fault.empty() || !serves(algorithm, c, dtype)) continue;
    ConvOptions options = c.options();
    options.algorithm = algorithm;
    const Values got = values(conv_general_dilated(lhs, rhs, options));
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (!(std::abs(got[i] - expected[i]) <= allowed))
        fault = fmt::format("{}: element {} is {} instead of {}", name(algorithm), i, got[i], expected[i]);
  }
  return fault;
}

// What is wrong with the convolution of a trial, or with `conv` in its place.
std::string fault_of(const ConvTrial& trial, const Convolution& conv) try {
  const DType wide = trial.widens ? DType::Float64 : trial.dtype;
  return ConvModes(trial.parameters.conv(), conv, trial.dtype, wide, trial.activation, trial.data).fault();
} catch (const std::exception& error) {
  return error.what();
}
std::string fault_of(const ConvTrial& trial) {
  std::string fault = fault_of(trial, trial);
  if (fault.empty())
    fault = trial.dtype == DType::Float32 ? fault_of_algorithms<float>(trial) : fault_of_algorithms<double>(trial);
  return fault;
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

TEST(ConvProperty, AllDerivativesEqualTheDefinition) {
  const std::uint64_t runs = setting("COTANGENT_PROPERTY_RUNS", 5000), seed = setting("COTANGENT_PROPERTY_SEED", 1),
                      first = setting("COTANGENT_PROPERTY_FIRST", 0);
  for (std::uint64_t index = first; index < first + runs; ++index) {
    const ConvTrial trial = ConvGenerator(seed, index)();
    const std::string fault = fault_of(trial);
    if (fault.empty()) continue;
    const ConvTrial least = shrink(trial, [](const ConvTrial& t) { return !fault_of(t).empty(); });
    FAIL() << "seed " << seed << ", index " << index << ": " << fault << "\n  " << to_string(trial)
           << "\nshrunk: " << fault_of(least) << "\n  " << to_string(least);
  }
  std::cout << fmt::format("{} trials of seed {} from the {}th on agree with the definition\n", runs, seed, first);
}

TEST(ConvProperty, TrialsReachEverything) {
  std::map<std::string, int> count;
  constexpr int kTrials = 2000;
  for (std::uint64_t index = 0; index < kTrials; ++index) {
    const ConvTrial t = ConvGenerator(1, index)();
    const ConvCase c = t.parameters.conv();
    const bool empty = reference_shape(c).elements() == 0;
    ++count[fmt::format("rank {}", c.strides.size())];
    ++count[empty ? "no output" : "output"];
    if (c.lhs.elements() == 0) ++count["no input"];
    if (t.widens) ++count["preferred type"];
    if (t.activation == Activation::Relu) ++count["relu"];
    if (c.feature_groups > 1) ++count[t.parameters.in_features == 1 ? "depthwise" : "feature groups"];
    if (c.batch_groups > 1) ++count["batch groups"];
    for (const ConvParameters::Axis& a : t.parameters.axes) {
      if (a.stride > dilated_extent(a.window, a.rhs_dilation)) ++count["stride over window"];
      if (a.stride > 1 && a.lhs_dilation > 1 && a.rhs_dilation > 1) ++count["all three spread"];
      if (a.low < 0 || a.high < 0) ++count["crops"];
      if (a.low < 0 && a.lhs_dilation > 1) ++count["crops inserted zeros"];
      if (a.low >= dilated_extent(a.window, a.rhs_dilation)) ++count["windows on padding"];
    }
    if (empty) continue;
    for (const ConvAlgorithm algorithm : kAllAlgorithms)
      if (serves(algorithm, c, t.dtype)) ++count[std::string(name(algorithm))];
  }
  EXPECT_EQ(count.size(), 26u);
  for (const auto& [what, times] : count) EXPECT_GE(times, kTrials / 100) << what;
}

// --- The property itself is tested with faults that are planted.

// The smallest trial on which `conv`, made for each trial, differs from the definition.
template <class Make>
ConvTrial least_failure(Make conv, int runs = 200) {
  const auto fails = [&](const ConvTrial& t) { return !fault_of(t, conv(t)).empty(); };
  for (std::uint64_t index = 0; index < static_cast<std::uint64_t>(runs); ++index)
    if (const ConvTrial trial = ConvGenerator(7, index)(); fails(trial)) return shrink(trial, fails);
  ADD_FAILURE() << "no trial has found the fault";
  return {};
}

// Groups forgotten in the gradient of lhs where there are strides, as of ml-explore/mlx#3800.
TEST(ConvPropertyFaults, WrongFirstDerivativeOfGroupsWithStrides) {
  const ConvTrial least = least_failure([](const ConvTrial& t) -> Convolution {
    const ConvParameters& p = t.parameters;
    const bool hit = p.feature_groups > 1 &&
                     std::any_of(p.axes.begin(), p.axes.end(), [](const auto& axis) { return axis.stride > 1; });
    return [t, hit](const Tensor& x, const Tensor& w) { return hit ? t(x, w) + t(x - stop_gradient(x), w) : t(x, w); };
  });
  EXPECT_EQ(source(least.parameters.conv()),
            "ConvCase{{1, 2, 1}, {2, 1, 1}, {2}, {{0, 0}}, {1}, {1}, {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}, 2, 1}");
}

// Value and gradients are right; the derivative of a gradient in the other operand is missing.
TEST(ConvPropertyFaults, WrongSecondDerivativeOnly) {
  const auto conv = [](const ConvTrial& t) -> Convolution {
    return [t](const Tensor& x, const Tensor& w) {
      return t(x, stop_gradient(w)) + t(stop_gradient(x), w) - stop_gradient(t(x, w));
    };
  };
  const ConvTrial least = least_failure(conv);
  EXPECT_EQ(fault_of(least, conv(least)).substr(0, 3), "rr,");
  EXPECT_EQ(source(least.parameters.conv()),
            "ConvCase{{1, 1}, {1, 1}, {}, {}, {}, {}, {{0, 1}, {0, 1}, {0, 1}}, 1, 1}");
}

// Pads cropped before the dilation instead of after it.
TEST(ConvPropertyFaults, WrongForward) {
  const ConvTrial least = least_failure([](const ConvTrial& t) -> Convolution {
    ConvTrial changed = t;
    for (ConvParameters::Axis& axis : changed.parameters.axes)
      if (axis.low < 0 && axis.in > -axis.low) axis.low *= axis.lhs_dilation;
    return changed.parameters.legal() ? changed : t;
  });
  EXPECT_EQ(least.parameters.axes.size(), 1u) << to_string(least);
  EXPECT_EQ(least.parameters.axes[0].low, -1) << to_string(least);
  EXPECT_EQ(least.parameters.axes[0].lhs_dilation, 2) << to_string(least);
}

// From any trial that has it to the one with nothing else.
TEST(ConvPropertyFaults, ShrinkToTheLeastCase) {
  const auto fails = [](const ConvTrial& t) {
    const ConvParameters& p = t.parameters;
    return p.batch_groups > 1 && p.out_features >= 2 && std::any_of(p.axes.begin(), p.axes.end(), [](const auto& axis) {
             return axis.stride > axis.window && axis.lhs_dilation > 2 && axis.low < 0;
           });
  };
  int found = 0;
  for (std::uint64_t index = 0; index < 3000; ++index) {
    const ConvTrial trial = ConvGenerator(3, index)();
    if (!fails(trial)) continue;
    ++found;
    const ConvTrial least = shrink(trial, fails);
    EXPECT_EQ(source(least.parameters.conv()),
              "ConvCase{{2, 1, 1}, {4, 1, 1}, {2}, {{-1, 0}}, {3}, {1}, {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}, 1, 2}")
        << to_string(trial);
    EXPECT_EQ(least.dtype, DType::Float64);
    EXPECT_EQ(least.activation, Activation::None);
    EXPECT_FALSE(least.widens);
  }
  EXPECT_GT(found, 20);
}

// What is printed can be pasted.
TEST(ConvPropertyFaults, SourceIsCode) {
  const ConvCase c = ConvCase{{1, 2, 3}, {4, 1, 2}, {2}, {{-1, 1}}, {2}, {1}, {{0, 1, 2}, {0, 2, 1}, {2, 1, 0}}, 2, 1};
  EXPECT_EQ(source(c),
            "ConvCase{{1, 2, 3}, {4, 1, 2}, {2}, {{-1, 1}}, {2}, {1}, {{0, 1, 2}, {0, 2, 1}, {2, 1, 0}}, 2, 1}");
  EXPECT_EQ(c.pads, (Pads{{-1, 1}}));
}

}  // namespace
}  // namespace cotangent::testing
