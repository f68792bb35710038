// ConvProblem: what is left of a convolution once layout, padding and groups are resolved. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "cotangent/core/shape.h"
#include "cotangent/ops/conv_algorithm.h"
#include "cotangent/ops/conv_dimension_numbers.h"
#include "cotangent/ops/window.h"

namespace cotangent::kernels {

// The attributes of the primitive: every option as numbers, one per spatial axis.
struct ConvAttributes {
  std::vector<std::int64_t> window_strides;
  Pads padding;
  std::vector<std::int64_t> lhs_dilation, rhs_dilation;
  ConvDimensionNumbers dimension_numbers;
  std::int64_t feature_group_count = 1, batch_group_count = 1;
  ConvLimits limits = {};
  bool relu = false;  // of the result, bias and all
};

// One spatial axis: output x reads kernel k and input y where y * lhs_dilation = x * stride + k * rhs_dilation - low.
// The steps are elements of memory from one input, kernel or output position to the next.
struct ConvAxis {
  std::int64_t in, kernel, out;
  std::int64_t stride, lhs_dilation, rhs_dilation, low;
  std::int64_t lhs_step, rhs_step, out_step;

  bool operator==(const ConvAxis&) const = default;
};

// True if there is no window: each output reads the input at its own position.
inline bool is_pointwise(const ConvAxis& axis) {
  return axis.kernel == 1 && axis.stride == 1 && axis.lhs_dilation == 1 && axis.low == 0 && axis.in == axis.out;
}

// For every group g, batch m, output feature p and output position x:
//   out[g, m, p, x] = sum over input features i and kernel positions k of lhs[g, m, i, y(x, k)] * rhs[g, p, i, k]
// All indices address memory through steps alone, so that any layout and both kinds of groups are one problem.
struct ConvProblem {
  std::int64_t groups, batch, in_features, out_features;
  std::int64_t lhs_group, lhs_batch, lhs_feature;               // steps of lhs along g, m, i
  std::int64_t rhs_group, rhs_out_feature, rhs_in_feature;      // steps of rhs along g, p, i
  std::int64_t out_group, out_batch, out_feature;               // steps of the output along g, m, p
  std::int64_t lhs_offset = 0, rhs_offset = 0, out_offset = 0;  // where each one starts
  std::vector<ConvAxis> axes;

  bool operator==(const ConvProblem&) const = default;
};

ConvProblem make_conv_problem(const Shape& lhs, const Shape& rhs, const Shape& output,
                              const ConvAttributes& attributes);

// The same problem from the start of all tensors: what costs are asked of, where there are no elements to point to.
inline ConvProblem without_offsets(ConvProblem problem) {
  problem.lhs_offset = problem.rhs_offset = problem.out_offset = 0;
  return problem;
}

// True if zeros lie between elements of lhs.
bool is_dilated(const ConvProblem& problem);

// True for the gradient of a kernel that had a few windows, but no more of them than positions and no less than a
// quarter of those: channels of lhs are images, and the terms of a sum lie far apart.
bool has_large_kernel(const ConvProblem& problem);

// The same problem with lhs and rhs in each other's place.
ConvProblem swap_operands(const ConvProblem& problem);

// The same problem as several without lhs dilation, which share no output element and multiply no inserted zero. A
// phase that meets zeros only has a kernel of extent 0.
std::vector<ConvProblem> split_phases(const ConvProblem& problem);

}  // namespace cotangent::kernels
