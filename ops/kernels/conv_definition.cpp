// Convolution by its definition: plain loops, for any problem. What the fast algorithms are compared with.
#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

// The sum over input features and kernel positions for one output element, one spatial axis after another. `lhs` and
// `rhs` point at the positions chosen on the axes before `d`.
template <class T>
T sum_window(const ConvProblem& problem, std::size_t d, const std::int64_t* x, const T* lhs, const T* rhs) {
  T total{0};
  if (d == problem.axes.size()) {
    for (std::int64_t i = 0; i < problem.in_features; ++i)
      total += lhs[i * problem.lhs_feature] * rhs[i * problem.rhs_in_feature];
    return total;
  }
  const ConvAxis& axis = problem.axes[d];
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    const std::int64_t p = x[d] * axis.stride + k * axis.rhs_dilation - axis.low;
    if (p < 0 || p % axis.lhs_dilation != 0 || p / axis.lhs_dilation >= axis.in) continue;
    total += sum_window(problem, d + 1, x, lhs + p / axis.lhs_dilation * axis.lhs_step, rhs + k * axis.rhs_step);
  }
  return total;
}

}  // namespace

template <class T>
void convolve_by_definition(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  std::int64_t positions = 1;
  for (const ConvAxis& axis : problem.axes) positions *= axis.out;
  const std::int64_t rows = problem.groups * problem.batch * positions;
  parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> x(problem.axes.size());
    for (std::int64_t row = begin; row < end; ++row) {
      std::int64_t rest = row, at = problem.out_offset;
      for (std::size_t d = x.size(); d-- > 0; rest /= problem.axes[d].out) {
        x[d] = rest % problem.axes[d].out;
        at += x[d] * problem.axes[d].out_step;
      }
      const std::int64_t m = rest % problem.batch, g = rest / problem.batch;
      for (std::int64_t p = 0; p < problem.out_features; ++p)
        out[at + g * problem.out_group + m * problem.out_batch + p * problem.out_feature] =
            sum_window(problem, 0, x.data(), lhs + problem.lhs_offset + g * problem.lhs_group + m * problem.lhs_batch,
                       rhs + problem.rhs_offset + g * problem.rhs_group + p * problem.rhs_out_feature);
    }
  });
}

template void convolve_by_definition(const ConvProblem&, const float*, const float*, float*);
template void convolve_by_definition(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
