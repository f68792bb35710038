// Winograd convolution: its cost, and its entry.
#include <fmt/format.h>

#include <limits>
#include <utility>

#include "cotangent/core/parallel.h"
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
// So they do where the image is small beside the kernel, and where one of several axes with windows is folded. An
// element of a line takes kLineTransform, and half as long again where dilation scatters a line, which costs most where
// channels are apart, or its windows are pairs. Few features pay where tiles are squares only. What folds, lines and
// sliding axes gain was measured on 3463 more problems, with vectors of 16, few features and phases on 774, on a
// processor whose multiply-adds take twice as long beside its memory: kTransform lies between what fits that one, 9,
// and what fits the other, 20.
WinogradTimes winograd_times(const ConvProblem& problem) {
  constexpr double kTransform = 12, kLineTransform = 9, kSmallWeights = 27, kLargeWeights = 59, kLargeBytes = 8 << 20;
  // The rate of the exact algorithm that would be chosen instead, for phases and folds, outputs of one vector, and long
  // sums; else 1.
  constexpr double kPhases = 1.1, kOneVector = 0.9, kLongSum = 0.87;
  constexpr std::int64_t kLeastFeatures = 16;  // of either operand, where tiles are no squares
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
  const std::int64_t features = std::min(winograd.in_features, winograd.large_features);
  if ((winograd.line || winograd.fold > 0) && features < kLeastFeatures)
    return {std::numeric_limits<double>::infinity(), direct};
  const bool kernel_gradient = winograd.weight_gradient && window > outputs;
  const bool folds = winograd.fold > 0, slow = skips_zeros || (winograd.weight_gradient && !kernel_gradient) ||
                                               (folds && winograd.outer_taps() * winograd.slice_taps() > 1);
  const bool scattered = winograd.line && dilated, pairs = winograd.line && winograd.taps == 2;
  const double transform = (winograd.line ? kLineTransform : kTransform) * (slow ? 2 : 1) * (pairs ? 1.5 : 1) *
                           (!scattered                  ? 1
                            : winograd.lhs.feature == 1 ? 1.5
                                                        : 2.5);
  const double bytes = winograd.expanded() * sizeof(float);
  const double filled = static_cast<double>(winograd.large_features) /
                        static_cast<double>(whole_lines(winograd.large_features));  // of what products add up
  const double estimate = winograd.multiply_adds() / filled + transform * winograd.transformed() +
                          (bytes < kLargeBytes ? kSmallWeights : kLargeWeights) * winograd.expanded();
  const double rate = skips_zeros                                          ? 1
                      : phases || folds                                    ? kPhases
                      : problem.out_features <= tile_shape<float>(1).lanes ? kOneVector
                      : kernel_gradient && !dilated                        ? kLongSum
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
