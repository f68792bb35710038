// Winograd convolution forced on random problems, forward and both gradients, against the definition in Float64.
#include "cotangent/ops/kernels/convolve.h"

#include <gtest/gtest.h>

#include <cmath>

#include "conv_reference.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

const Letters kLast{"NHWC", "HWIO", "NHWC"}, kFirst{"NCHW", "OIHW", "NCHW"};

// The largest error of any element over the root mean square of all.
double error(const Values& values, const Values& expected) {
  double largest = 0, squares = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(values[i] - expected[i]);
    largest = std::isnan(difference) ? difference : std::max(largest, difference);
    squares += expected[i] * expected[i];
  }
  return largest == 0 ? 0 : largest / std::sqrt(squares / static_cast<double>(expected.size()));
}

kernels::ConvProblem problem_of(const ConvCase& c) {
  return kernels::make_conv_problem(
      c.lhs, c.rhs, reference_shape(c),
      {c.strides, c.pads, c.lhs_dilation, c.rhs_dilation, c.numbers, c.feature_groups, c.batch_groups});
}

Tensor normal(const Shape& shape, std::uint64_t seed) {
  return random::normal(random::key(static_cast<std::int64_t>(seed)), shape);
}

// The convolution that computes the gradient of `c` with respect to rhs, and to lhs: as in ops/conv.cpp.
ConvCase weight_gradient(const ConvCase& c) {
  const auto& [lhs_spec, rhs_spec, out_spec] = c.numbers;
  const auto swapped = [](std::vector<int> spec) {
    std::swap(spec[0], spec[1]);
    return spec;
  };
  const Shape out = reference_shape(c);
  ConvCase g = c;
  g.rhs = out;
  std::swap(g.strides, g.rhs_dilation);
  g.numbers = {swapped(lhs_spec), swapped(out_spec), swapped(rhs_spec)};
  std::swap(g.feature_groups, g.batch_groups);
  for (std::size_t d = 0; d < g.pads.size(); ++d) {
    const auto axis = [&](const Shape& shape, const std::vector<int>& spec) {
      return shape[static_cast<std::size_t>(spec[d + 2])];
    };
    const std::int64_t lhs = (axis(c.lhs, lhs_spec) - 1) * c.lhs_dilation[d] + 1;
    const std::int64_t rhs = (axis(c.rhs, rhs_spec) - 1) * c.rhs_dilation[d] + 1;
    const std::int64_t dilated = (axis(out, out_spec) - 1) * c.strides[d] + 1;
    g.pads[d] = {c.pads[d].first, dilated - lhs + rhs - 1 - c.pads[d].first};
  }
  return g;
}

void expect_winograd(const ConvCase& c, double tolerance, std::uint64_t seed = 1) {
  SCOPED_TRACE(to_string(c));
  ASSERT_EQ(kernels::winograd_cost(problem_of(c)).refusal, "");
  const Tensor lhs = normal(c.lhs, seed), rhs = normal(c.rhs, seed + 1);
  const Values expected =
      values(solve<double>(c, kernels::convolve_by_definition<double>, lhs.to(DType::Float64), rhs.to(DType::Float64)));
  EXPECT_LT(error(values(solve<float>(c, kernels::convolve_by_winograd, lhs, rhs)), expected), tolerance);
}

std::vector<ConvCase> cases() {
  return {
      padded(plain({2, 13, 11, 32}, {3, 3, 32, 24}, kLast), {{1, 1}, {1, 1}}),
      padded(plain({2, 19, 14, 15}, {35, 19, 3, 3}, kFirst), {{1, 2}, {0, 1}}),
      padded(plain({3, 9, 10, 20}, {5, 5, 20, 18}, kLast), {{2, 2}, {2, 2}}),
  };
}

class ConvWinograd : public ::testing::TestWithParam<ConvCase> {};

TEST_P(ConvWinograd, AgreesWithTheDefinition) { expect_winograd(GetParam(), 2e-5); }

TEST_P(ConvWinograd, GivesTheWeightGradient) { expect_winograd(weight_gradient(GetParam()), 2e-5); }

INSTANTIATE_TEST_SUITE_P(Cases, ConvWinograd, ::testing::ValuesIn(cases()));

}  // namespace
}  // namespace cotangent::testing
