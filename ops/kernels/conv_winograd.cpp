// Winograd convolution: its cost, and its entry.
#include <fmt/format.h>

#include <limits>
#include <utility>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_few_outputs_plan.h"
#include "cotangent/ops/kernels/conv_winograd_plans.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {

ConvCost winograd_cost(const ConvProblem& problem) {
  const WinogradProblem winograd(problem);
  ConvCost cost;
  cost.refusal = winograd.refusal;
  if (!cost.refusal.empty()) return cost;
  cost.multiply_adds = static_cast<std::int64_t>(winograd.multiply_adds());
  const std::int64_t in = winograd.small_blocks() * winograd.in_features,
                     out = winograd.large_blocks() * winograd.large_features,
                     tiles = winograd.tiles() * winograd.slices();
  const std::int64_t rows = winograd.weight_gradient ? in : tiles, terms = winograd.weight_gradient ? tiles : in;
  cost.products =
      fmt::format("{} x ({} x {}) x ({} x {})", winograd.groups * winograd.positions(), rows, terms, terms, out);
  const WinogradStages stages(winograd);
  const auto bytes = [](const auto& plan) {
    return static_cast<std::int64_t>(sizeof(float)) * (plan.workspace + num_threads() * plan.task_workspace);
  };
  cost.workspace = winograd.weight_gradient ? bytes(WinogradGradientPlan(stages, winograd))
                                            : bytes(WinogradForwardPlan(stages, winograd));
  return cost;
}

// Fitted to measurements of 2855 random problems, with vectors of 8 and 16: a transformed element, which comes from
// memory, takes as long as kTransform multiply-adds, one of the weights as kSmallWeights or, where they are too many
// for the nearer caches, kLargeWeights. Where a kernel is read as an image and has as many positions as the output,
// which are few, elements take twice as long: tiles are mostly border, and sums of many short products leave the cache.
// So they do where the image is small beside the kernel. An element of a line takes kLineTransform, and half as long
// again where dilation scatters a line, which costs most where channels are apart, or its windows are pairs. Features
// too few for a vector do not pay for lines, and for folds those of lhs alone. What folds, lines and sliding axes gain
// was measured on 3463 more problems, with vectors of 16; few features, phases, and vectors that features do not fill
// on 3894, on a processor whose multiply-adds take twice as long beside its memory: kTransform lies between what fits
// that one, 9, and what fits the other, 20.
WinogradTimes winograd_times(const ConvProblem& problem) {
  constexpr double kTransform = 12, kLineTransform = 9, kSmallWeights = 27, kLargeWeights = 59, kLargeBytes = 8 << 20;
  // The rate of the exact algorithm that would be chosen instead, for phases and folds, phases of few features, outputs
  // of one vector, long sums, and kernels nearly as large as the picture; else 1.
  constexpr double kPhases = 1.1, kFewPhases = 1.2, kOneVector = 0.9, kLongSum = 0.87, kLargeKernel = 0.55;
  constexpr std::int64_t kLeastFeatures = 16;  // of a line's operands, and of the output of a fold
  const WinogradProblem winograd(problem);
  double direct = static_cast<double>(problem.groups * problem.batch) *
                  static_cast<double>(problem.in_features * problem.out_features);
  const bool skips_zeros = long_sum_skips_zeros(problem, sizeof(float));
  bool phases = false, dilated = false;  // that tiles are taken from
  std::int64_t outputs = 1, window = 1;
  for (const ConvAxis& axis : problem.axes) {
    outputs *= axis.out;
    window *= axis.kernel;
    phases = phases || axis.lhs_dilation > 1 || (winograd.weight_gradient ? axis.rhs_dilation : axis.stride) > 1;
    dilated = dilated || (winograd.weight_gradient ? axis.stride : axis.rhs_dilation) > 1;
    direct *= skips_zeros ? static_cast<double>(axis.out * axis.in)
                          : static_cast<double>(axis.out * axis.kernel) / static_cast<double>(axis.lhs_dilation);
  }
  if (!winograd.refusal.empty()) return {std::numeric_limits<double>::infinity(), direct};
  const bool folds = winograd.fold > 0;
  if (((winograd.line || folds) && winograd.large_features < kLeastFeatures) ||
      (winograd.line && winograd.in_features < kLeastFeatures))
    return {std::numeric_limits<double>::infinity(), direct};
  const bool kernel_gradient = winograd.weight_gradient && window > outputs;
  // Exact algorithms waste nothing on them, but in kernel gradients of planes.
  const bool few_features = winograd.is_packed() && (!winograd.weight_gradient || winograd.lhs.feature == 1);
  const bool slow = skips_zeros || (winograd.weight_gradient && !kernel_gradient);
  const bool scattered = winograd.line && dilated, pairs = winograd.line && winograd.taps == 2;
  const double transform = (winograd.line ? kLineTransform : kTransform) * (slow ? 2 : 1) * (pairs ? 1.5 : 1) *
                           (!scattered                  ? 1
                            : winograd.lhs.feature == 1 ? 1.5
                                                        : 2.5);
  const double bytes = winograd.expanded() * sizeof(float);
  const auto filled = [](std::int64_t count, std::int64_t vector) {  // of the vectors in which they are added up
    return static_cast<double>(count) / static_cast<double>(ceiling_quotient(count, vector) * vector);
  };
  const std::int64_t lanes = tile_shape<float>(1).lanes;
  if (problem.out_features > kFewOutputs) direct /= filled(problem.out_features, lanes);
  const double estimate = winograd.multiply_adds() / filled(winograd.large_features, kLine) +
                          transform * winograd.transformed() +
                          (bytes < kLargeBytes ? kSmallWeights : kLargeWeights) * winograd.expanded();
  const double rate = skips_zeros                     ? 1
                      : has_large_kernel(problem)     ? kLargeKernel
                      : phases && few_features        ? kFewPhases
                      : phases || folds               ? kPhases
                      : problem.out_features <= lanes ? kOneVector
                      : kernel_gradient && !dilated   ? kLongSum
                                                      : 1;
  return {estimate, direct / rate};
}

void convolve_by_winograd(const ConvProblem& problem, const float* lhs, const float* rhs, float* out) {
  convolve_by_winograd_with(problem, lhs, rhs, {}, out);
}

void convolve_by_winograd_with(const ConvProblem& problem, const float* lhs, const float* rhs,
                               const ConvEpilogue<float>& epilogue, float* out) {
  const WinogradProblem winograd(problem);
  if (winograd.weight_gradient) {
    if (winograd.swapped) std::swap(lhs, rhs);
    winograd_gradient(winograd, lhs, rhs, out);
    finish(problem, epilogue, out);
  } else {
    winograd_forward(winograd, lhs, rhs, epilogue, out);
  }
}

}  // namespace cotangent::kernels
