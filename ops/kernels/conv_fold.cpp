// Folds: when they pay, and how their outputs add up.
#include "cotangent/ops/kernels/conv_fold.h"

namespace cotangent::kernels {

Fold find_fold(const ConvProblem& problem, std::int64_t lanes) {
  const std::int64_t features = problem.out_features;
  if (features < 1 || lanes % features != 0 || problem.rhs_out_feature != 1) return {};
  const std::int64_t count = lanes / features;
  for (std::size_t d = 0; d < problem.axes.size(); ++d) {
    const ConvAxis& axis = problem.axes[d];
    const bool adjacent = axis.rhs_step == features && axis.kernel % count == 0;
    const bool dense = axis.stride == 1 && axis.lhs_dilation == 1 && axis.rhs_dilation == 1;
    // At least a fifth of the work must be saved.
    if (adjacent && dense && 5 * (axis.out + count - 1) <= 4 * axis.out * count) return {d, count};
  }
  return {};
}

ConvProblem fold_positions(const ConvProblem& problem, const Fold& fold) {
  ConvProblem folded = problem;
  folded.out_features *= fold.count;
  ConvAxis& axis = folded.axes[fold.axis];
  axis.kernel /= fold.count;
  axis.rhs_step *= fold.count;
  axis.rhs_dilation = fold.count;
  axis.out += fold.count - 1;

  folded.out_offset = 0;
  folded.out_feature = 1;
  folded.out_batch = folded.out_features;
  std::int64_t step = folded.out_batch * folded.batch;
  for (std::size_t d = folded.axes.size(); d-- > 0; step *= folded.axes[d].out) folded.axes[d].out_step = step;
  folded.out_group = step;
  return folded;
}

std::int64_t folded_size(const ConvProblem& folded) { return folded.groups * folded.out_group; }

template <class T>
void unfold(const ConvProblem& problem, const ConvProblem& folded, const Fold& fold, const T* sums, T* out) {
  std::int64_t positions = 1;
  for (const ConvAxis& axis : problem.axes) positions *= axis.out;
  const std::int64_t next = folded.axes[fold.axis].out_step + problem.out_features;  // from a summand to the next
  for (std::int64_t group = 0; group < problem.groups; ++group)
    for (std::int64_t position = 0; position < positions; ++position) {
      const T* from = sums + group * folded.out_group;
      T* to = out + problem.out_offset + group * problem.out_group;
      std::int64_t rest = position;
      for (std::size_t d = problem.axes.size(); d-- > 0; rest /= problem.axes[d].out) {
        const std::int64_t at = rest % problem.axes[d].out;
        from += at * folded.axes[d].out_step;
        to += at * problem.axes[d].out_step;
      }
      for (std::int64_t m = 0; m < problem.batch; ++m)
        for (std::int64_t f = 0; f < problem.out_features; ++f) {
          T sum{0};
          for (std::int64_t i = 0; i < fold.count; ++i) sum += from[m * folded.out_batch + f + i * next];
          to[m * problem.out_batch + f * problem.out_feature] = sum;
        }
    }
}

template void unfold(const ConvProblem&, const ConvProblem&, const Fold&, const float*, float*);
template void unfold(const ConvProblem&, const ConvProblem&, const Fold&, const double*, double*);

}  // namespace cotangent::kernels
