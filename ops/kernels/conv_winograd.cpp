// Winograd convolution: its cost, and its entry.
#include <fmt/format.h>

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
  const std::int64_t in = winograd.lhs_blocks() * winograd.in_features,
                     out = winograd.large_blocks() * winograd.large_features, tiles = winograd.tiles();
  const std::int64_t rows = winograd.weight_gradient ? in : tiles, terms = winograd.weight_gradient ? tiles : in;
  cost.products = fmt::format("{} x [{} x {}] [{} x {}]", winograd.groups * winograd.points * winograd.points, rows,
                              terms, terms, out);
  const WinogradStages stages(winograd);
  const auto bytes = [](const auto& plan) {
    return static_cast<std::int64_t>(sizeof(float)) * (plan.workspace + num_threads() * plan.task_workspace);
  };
  cost.workspace = winograd.weight_gradient ? bytes(WinogradGradientPlan(stages, winograd))
                                            : bytes(WinogradForwardPlan(stages, winograd));
  return cost;
}

bool winograd_pays(const ConvProblem& problem) {
  constexpr double kSlower = 1.45;             // a multiply-add here, compared with one of a direct convolution
  constexpr std::int64_t kLeastFeatures = 12;  // fewer waste vectors, of which transforms have more than products
  const WinogradProblem winograd(problem);
  if (!winograd.refusal.empty() || std::min(winograd.in_features, winograd.large_features) < kLeastFeatures)
    return false;
  double direct = static_cast<double>(problem.groups * problem.batch) *
                  static_cast<double>(problem.in_features * problem.out_features);
  for (const ConvAxis& axis : problem.axes)
    direct *= static_cast<double>(axis.out * axis.kernel) / static_cast<double>(axis.lhs_dilation);
  return winograd.estimate() * kSlower < direct;
}

void convolve_by_winograd(const ConvProblem& problem, const float* lhs, const float* rhs, float* out) {
  const WinogradProblem winograd(problem);
  if (winograd.weight_gradient) winograd_gradient(winograd, lhs, rhs, out);
  else winograd_forward(winograd, lhs, rhs, out);
}

}  // namespace cotangent::kernels
