// convolve: the choice of an algorithm.
#include "cotangent/ops/kernels/convolve.h"

#include <algorithm>

namespace cotangent::kernels {
namespace {

// Many groups of next to no features, adjacent in memory: each alone would be too small a matrix product.
bool is_depthwise(const ConvProblem& problem) {
  return problem.groups >= 8 && problem.out_features * std::min(problem.in_features, problem.batch) <= 4 &&
         problem.lhs_group <= 4;
}

bool has_output(const ConvProblem& problem) {
  return problem.batch > 0 && problem.out_features > 0 &&
         std::all_of(problem.axes.begin(), problem.axes.end(), [](const ConvAxis& axis) { return axis.out > 0; });
}

std::int64_t product(const ConvProblem& problem, std::int64_t ConvAxis::*extent) {
  std::int64_t result = 1;
  for (const ConvAxis& axis : problem.axes) result *= axis.*extent;
  return result;
}

template <class T>
void convolve_plain(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  const std::int64_t size = static_cast<std::int64_t>(sizeof(T));
  if (!direct_cost(problem, size).refusal.empty()) convolve_by_im2col(problem, lhs, rhs, out);
  else if (product(problem, &ConvAxis::kernel) > product(problem, &ConvAxis::out) &&
           problem.lhs_batch < problem.lhs_feature)
    convolve_long_sum(problem, lhs, rhs, out);
  else if (few_features_cost(problem, size).refusal.empty()) convolve_few_features(problem, lhs, rhs, out);
  else convolve_direct(problem, lhs, rhs, out);
}

}  // namespace

template <class T>
void convolve(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  if (!has_output(problem)) return;
  if (is_depthwise(problem)) convolve_depthwise(problem, lhs, rhs, out);
  else
    for (const ConvProblem& phase : split_phases(problem)) convolve_plain(phase, lhs, rhs, out);
}

template void convolve(const ConvProblem&, const float*, const float*, float*);
template void convolve(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
