// convolve: the choice of an algorithm.
#include "cotangent/ops/kernels/convolve.h"

#include <algorithm>

namespace cotangent::kernels {
namespace {

bool has_output(const ConvProblem& problem) {
  return problem.batch > 0 && problem.out_features > 0 &&
         std::all_of(problem.axes.begin(), problem.axes.end(), [](const ConvAxis& axis) { return axis.out > 0; });
}

}  // namespace

template <class T>
void convolve(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  if (!has_output(problem)) return;
  if (depthwise_cost(problem, sizeof(T)).refusal.empty()) convolve_depthwise(problem, lhs, rhs, out);
  else convolve_by_im2col(problem, lhs, rhs, out);
}

template void convolve(const ConvProblem&, const float*, const float*, float*);
template void convolve(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
