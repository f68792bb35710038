// Winograd convolution: its cost, and its entry.
#include <fmt/format.h>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_winograd_plans.h"

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

void convolve_by_winograd(const ConvProblem& problem, const float* lhs, const float* rhs, float* out) {
  const WinogradProblem winograd(problem);
  if (winograd.weight_gradient) winograd_gradient(winograd, lhs, rhs, out);
  else winograd_forward(winograd, lhs, rhs, out);
}

}  // namespace cotangent::kernels
