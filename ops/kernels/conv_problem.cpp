// ConvProblem: from shapes and attributes to extents and steps.
#include "cotangent/ops/kernels/conv_problem.h"

#include <algorithm>
#include <utility>

namespace cotangent::kernels {

ConvProblem make_conv_problem(const Shape& lhs, const Shape& rhs, const Shape& output,
                              const ConvAttributes& attributes) {
  const auto& [lhs_spec, rhs_spec, out_spec] = attributes.dimension_numbers;
  const Strides lhs_steps = row_major_strides(lhs), rhs_steps = row_major_strides(rhs),
                out_steps = row_major_strides(output);
  const auto at = [](const auto& values, int axis) { return values[static_cast<std::size_t>(axis)]; };

  ConvProblem problem{};
  problem.groups = attributes.feature_group_count * attributes.batch_group_count;  // one of them is 1
  problem.batch = at(output, out_spec[0]);
  problem.in_features = at(rhs, rhs_spec[1]);
  problem.out_features = at(rhs, rhs_spec[0]) / problem.groups;
  problem.lhs_batch = at(lhs_steps, lhs_spec[0]);
  problem.lhs_feature = at(lhs_steps, lhs_spec[1]);
  problem.lhs_group = attributes.feature_group_count > 1 ? problem.in_features * problem.lhs_feature
                                                         : problem.batch * problem.lhs_batch;
  problem.rhs_out_feature = at(rhs_steps, rhs_spec[0]);
  problem.rhs_in_feature = at(rhs_steps, rhs_spec[1]);
  problem.rhs_group = problem.out_features * problem.rhs_out_feature;
  problem.out_batch = at(out_steps, out_spec[0]);
  problem.out_feature = at(out_steps, out_spec[1]);
  problem.out_group = problem.out_features * problem.out_feature;
  for (std::size_t d = 0; d < attributes.window_strides.size(); ++d) {
    const int in = lhs_spec[d + 2], kernel = rhs_spec[d + 2], out = out_spec[d + 2];
    problem.axes.push_back({at(lhs, in), at(rhs, kernel), at(output, out), attributes.window_strides[d],
                            attributes.lhs_dilation[d], attributes.rhs_dilation[d], attributes.padding[d].first,
                            at(lhs_steps, in), at(rhs_steps, kernel), at(out_steps, out)});
  }
  return problem;
}

bool is_dilated(const ConvProblem& problem) {
  return std::any_of(problem.axes.begin(), problem.axes.end(),
                     [](const ConvAxis& axis) { return axis.lhs_dilation != 1; });
}

// Where y * d = x * stride + k * e - low ties the positions of input, output and window, k * e = x' * stride + y * d -
// low' does with x' = out - 1 - x, that is, with the output written backwards.
bool has_large_kernel(const ConvProblem& problem) {
  constexpr std::int64_t kWindows = 4;
  std::int64_t windows = 1, positions = 1;
  for (const ConvAxis& axis : problem.axes) {
    if (axis.lhs_dilation > 1) return false;
    windows *= axis.kernel;
    positions *= axis.out;
  }
  return problem.lhs_batch < problem.lhs_feature && problem.batch > 1 && problem.in_features > 1 && windows > 1 &&
         windows <= positions && positions <= kWindows * windows;
}

ConvProblem swap_operands(const ConvProblem& problem) {
  ConvProblem swapped = problem;
  std::swap(swapped.batch, swapped.out_features);
  std::swap(swapped.out_batch, swapped.out_feature);
  std::swap(swapped.lhs_group, swapped.rhs_group);
  std::swap(swapped.lhs_batch, swapped.rhs_out_feature);
  std::swap(swapped.lhs_feature, swapped.rhs_in_feature);
  std::swap(swapped.lhs_offset, swapped.rhs_offset);
  for (ConvAxis& axis : swapped.axes) {
    std::swap(axis.in, axis.kernel);
    std::swap(axis.lhs_step, axis.rhs_step);
    std::swap(axis.lhs_dilation, axis.rhs_dilation);
    axis.low = (axis.out - 1) * axis.stride - axis.low;
    swapped.out_offset += (axis.out - 1) * axis.out_step;
    axis.out_step = -axis.out_step;
  }
  return swapped;
}

}  // namespace cotangent::kernels
