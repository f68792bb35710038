// Winograd convolution: its cost, and its entry.
#include <fmt/format.h>

#include "cotangent/ops/kernels/conv_winograd_plans.h"

namespace cotangent::kernels {

ConvCost winograd_cost(const ConvProblem& problem) {
  const WinogradProblem winograd(problem);
  ConvCost cost;
  cost.refusal = winograd.refusal;
  if (!cost.refusal.empty()) return cost;
  cost.multiply_adds = static_cast<std::int64_t>(winograd.multiply_adds());
  return cost;
}

void convolve_by_winograd(const ConvProblem& problem, const float* lhs, const float* rhs, float* out) {
  const WinogradProblem winograd(problem);
  if (winograd.weight_gradient) winograd_gradient(winograd, lhs, rhs, out);
  else winograd_forward(winograd, lhs, rhs, out);
}

}  // namespace cotangent::kernels
