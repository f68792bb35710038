// Convolution with many groups of one feature or few: its cost, and copies where no layout suits.
#include "cotangent/ops/kernels/conv_depthwise.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise_plan.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {

bool sums_are_long(const ConvProblem& problem) {
  std::int64_t products = problem.in_features, sums = problem.batch;
  for (const ConvAxis& axis : problem.axes) {
    products *= axis.kernel;
    sums *= axis.out;
  }
  return products >= 4 * sums;
}

std::int64_t product_count(const ConvProblem& problem) {
  std::int64_t products = problem.groups * problem.batch * problem.in_features * problem.out_features;
  for (const ConvAxis& axis : problem.axes) products *= axis.out * axis.kernel;
  return products;
}

OuterPositions::OuterPositions(const ConvProblem& problem) : problem_(problem) {
  for (std::size_t d = 0; d + 2 < problem.axes.size(); ++d) {
    count_ *= problem.axes[d].out;
    kernel_ *= problem.axes[d].kernel;
  }
}

std::int64_t OuterPositions::out_offset(std::int64_t index) const {
  std::int64_t offset = 0;
  for (std::size_t d = problem_.axes.size() - 2; d-- > 0; index /= problem_.axes[d].out)
    offset += index % problem_.axes[d].out * problem_.axes[d].out_step;
  return offset;
}

std::vector<Slice> OuterPositions::slices(std::int64_t index, Range features) const {
  std::vector<Slice> result;
  for (std::int64_t i = features.first; i < features.second; ++i)
    for (std::int64_t kernel = 0; kernel < kernel_; ++kernel) {
      Slice slice{i * problem_.lhs_feature, i * problem_.rhs_in_feature, kernel};
      bool inside = true;
      std::int64_t rest_out = index, rest_kernel = kernel;
      for (std::size_t d = problem_.axes.size() - 2; d-- > 0;) {
        const ConvAxis& axis = problem_.axes[d];
        const std::int64_t k = rest_kernel % axis.kernel;
        const std::int64_t at = rest_out % axis.out * axis.stride + k * axis.rhs_dilation - axis.low;
        inside = inside && at >= 0 && at < axis.in;
        slice.lhs += at * axis.lhs_step;
        slice.rhs += k * axis.rhs_step;
        rest_out /= axis.out;
        rest_kernel /= axis.kernel;
      }
      if (inside) result.push_back(slice);
    }
  return result;
}

namespace {

constexpr std::int64_t kFewGroups = 8;  // that fill no vector

// An axis of an operand: its steps in the operand, and in a copy with channels last.
struct CopyAxis {
  std::int64_t extent, step, copy_step;
};

// An operand, as axes without groups, and the dense copy of it.
struct CopyShape {
  std::vector<CopyAxis> axes;
  std::int64_t groups, group_step, size;

  // Axes come outermost first; groups become the innermost one, of extent `padded`.
  CopyShape(std::vector<CopyAxis> from, std::int64_t group_count, std::int64_t step, std::int64_t padded)
      : axes(std::move(from)), groups(group_count), group_step(step), size(padded) {
    for (std::size_t d = axes.size(); d-- > 0; size *= axes[d].extent) axes[d].copy_step = size;
    // Blocks are made of the groups and the axis along which the operand is nearest to adjacent.
    const auto nearest = std::min_element(axes.begin(), axes.end(), [](const CopyAxis& a, const CopyAxis& b) {
      return std::pair(a.extent == 1, a.step) < std::pair(b.extent == 1, b.step);
    });
    inner = static_cast<std::size_t>(nearest - axes.begin());
  }
  std::size_t inner;
};

// Copies an operand to its dense copy or, if `back`, from there.
template <class T>
void copy_channels(const CopyShape& shape, bool back, const T* from, T* to) {
  std::int64_t blocks = 1;
  for (std::size_t d = 0; d < shape.axes.size(); ++d)
    if (d != shape.inner) blocks *= shape.axes[d].extent;
  const CopyAxis& inner = shape.axes[shape.inner];
  const std::int64_t elements = std::max<std::int64_t>(1, inner.extent * shape.groups);
  parallel_for(blocks, std::max<std::int64_t>(1, (1 << 14) / elements), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t index = begin; index < end; ++index) {
      std::int64_t rest = index, at = 0, copy_at = 0;
      for (std::size_t d = shape.axes.size(); d-- > 0;) {
        if (d == shape.inner) continue;
        const CopyAxis& axis = shape.axes[d];
        at += rest % axis.extent * axis.step;
        copy_at += rest % axis.extent * axis.copy_step;
        rest /= axis.extent;
      }
      BlockCopy<T> block{inner.extent,     shape.groups, from + at,       inner.step,
                         shape.group_step, to + copy_at, inner.copy_step, 1};
      if (back)
        block = {inner.extent, shape.groups, from + copy_at, inner.copy_step, 1, to + at, inner.step, shape.group_step};
      table<MatrixKernels<T>>().copy(block);
    }
  });
}

CopyShape lhs_shape(const ConvProblem& problem, std::int64_t padded) {
  std::vector<CopyAxis> axes{{problem.batch, problem.lhs_batch, 0}, {problem.in_features, problem.lhs_feature, 0}};
  for (const ConvAxis& axis : problem.axes) axes.push_back({axis.in, axis.lhs_step, 0});
  return {std::move(axes), problem.groups, problem.lhs_group, padded};
}
CopyShape rhs_shape(const ConvProblem& problem, std::int64_t padded) {
  std::vector<CopyAxis> axes{{problem.out_features, problem.rhs_out_feature, 0},
                             {problem.in_features, problem.rhs_in_feature, 0}};
  for (const ConvAxis& axis : problem.axes) axes.push_back({axis.kernel, axis.rhs_step, 0});
  return {std::move(axes), problem.groups, problem.rhs_group, padded};
}
CopyShape out_shape(const ConvProblem& problem, std::int64_t padded) {
  std::vector<CopyAxis> axes{{problem.batch, problem.out_batch, 0}, {problem.out_features, problem.out_feature, 0}};
  for (const ConvAxis& axis : problem.axes) axes.push_back({axis.out, axis.out_step, 0});
  return {std::move(axes), problem.groups, problem.out_group, padded};
}

// Solves the problem with channels last, for which some operands are copied as a whole.
template <class T>
void convolve_copies(const ConvProblem& problem, const DepthwisePlan& plan, const T* lhs, const T* rhs, T* out) {
  const CopyShape lhs_copy = lhs_shape(problem, plan.groups), rhs_copy = rhs_shape(problem, plan.groups),
                  out_copy = out_shape(problem, plan.groups);
  const bool fill = plan.groups > problem.groups;
  const Elements<T> lhs_memory(plan.copy_lhs ? lhs_copy.size : 0, fill),
      rhs_memory(plan.copy_rhs ? rhs_copy.size : 0, fill), out_memory(plan.copy_out ? out_copy.size : 0);
  ConvProblem copied = problem;
  copied.groups = plan.groups;
  if (plan.copy_lhs) {
    copy_channels(lhs_copy, false, lhs + problem.lhs_offset, lhs_memory.data());
    copied.lhs_offset = 0;
    copied.lhs_group = 1;
    copied.lhs_batch = lhs_copy.axes[0].copy_step;
    copied.lhs_feature = lhs_copy.axes[1].copy_step;
    for (std::size_t d = 0; d < copied.axes.size(); ++d) copied.axes[d].lhs_step = lhs_copy.axes[d + 2].copy_step;
  }
  if (plan.copy_rhs) {
    copy_channels(rhs_copy, false, rhs + problem.rhs_offset, rhs_memory.data());
    copied.rhs_offset = 0;
    copied.rhs_group = 1;
    copied.rhs_out_feature = rhs_copy.axes[0].copy_step;
    copied.rhs_in_feature = rhs_copy.axes[1].copy_step;
    for (std::size_t d = 0; d < copied.axes.size(); ++d) copied.axes[d].rhs_step = rhs_copy.axes[d + 2].copy_step;
  }
  if (plan.copy_out) {
    copied.out_offset = 0;
    copied.out_group = 1;
    copied.out_batch = out_copy.axes[0].copy_step;
    copied.out_feature = out_copy.axes[1].copy_step;
    for (std::size_t d = 0; d < copied.axes.size(); ++d) copied.axes[d].out_step = out_copy.axes[d + 2].copy_step;
  }
  convolve_channels_last(copied, problem.groups, plan.copy_lhs ? lhs_memory.data() : lhs,
                         plan.copy_rhs ? rhs_memory.data() : rhs, plan.copy_out ? out_memory.data() : out);
  if (plan.copy_out) copy_channels(out_copy, true, out_memory.data(), out + problem.out_offset);
}

// Elements that the loops allocate, without the copies of operands.
std::int64_t workspace_of(ConvProblem problem, const DepthwisePlan& plan, std::int64_t element_size) {
  const bool single = element_size == sizeof(float);
  if (plan.layout == DepthwiseLayout::First)
    return single ? channels_first_workspace<float>(problem) : channels_first_workspace<double>(problem);
  problem.groups = plan.groups;
  return single ? channels_last_workspace<float>(problem) : channels_last_workspace<double>(problem);
}

}  // namespace

ConvCost depthwise_cost(const ConvProblem& given, std::int64_t element_size) {
  const ConvProblem problem = with_two_axes(given);
  ConvCost cost;
  const std::int64_t pairs = problem.out_features * std::min(problem.in_features, problem.batch);
  if (pairs > kMostDepthwisePairs) {
    cost.refusal = fmt::format("groups have {} x {} features, more than {} products", problem.out_features,
                               std::min(problem.in_features, problem.batch), kMostDepthwisePairs);
    return cost;
  }
  const std::int64_t lanes = depthwise_lanes(element_size);
  const DepthwisePlan plan(problem, lanes);
  if (plan.layout != DepthwiseLayout::First && problem.groups < kFewGroups) {
    cost.refusal = fmt::format("{} groups fill no vector, and rows of pixels are not adjacent", problem.groups);
    return cost;
  }
  for (const ConvProblem& phase : split_phases(problem)) cost.multiply_adds += product_count(phase);
  const bool long_sums = sums_are_long(problem);
  if (plan.layout == DepthwiseLayout::First) {
    const std::int64_t extent = long_sums ? problem.axes.back().kernel : problem.axes.back().out;
    cost.multiply_adds =
        cost.multiply_adds / std::max<std::int64_t>(1, extent) * ((extent + lanes - 1) / lanes * lanes);
    cost.products = fmt::format("channels first: vectors of {} pixels", lanes);
  } else {
    cost.multiply_adds = cost.multiply_adds / problem.groups * plan.groups;
    cost.products = fmt::format("channels last: vectors of {} channels{}", lanes,
                                plan.layout == DepthwiseLayout::Copied ? " of a copy" : "");
    if (plan.copy_lhs) cost.workspace += lhs_shape(problem, plan.groups).size;
    if (plan.copy_rhs) cost.workspace += rhs_shape(problem, plan.groups).size;
    if (plan.copy_out) cost.workspace += out_shape(problem, plan.groups).size;
  }
  cost.workspace += workspace_of(problem, plan, element_size);
  cost.workspace *= element_size;
  return cost;
}

template <class T>
void convolve_depthwise(const ConvProblem& given, const T* lhs, const T* rhs, T* out) {
  const auto is_empty = [](const ConvAxis& axis) { return axis.in == 0 || axis.kernel == 0; };
  if (given.in_features == 0 || std::any_of(given.axes.begin(), given.axes.end(), is_empty))
    return convolve_by_definition(given, lhs, rhs, out);  // zeros: there are no elements to point to
  const ConvProblem problem = with_two_axes(given);
  const DepthwisePlan plan(problem, depthwise_lanes(sizeof(T)));
  if (plan.layout == DepthwiseLayout::First) convolve_channels_first(problem, lhs, rhs, out);
  else convolve_copies(problem, plan, lhs, rhs, out);
}

template void convolve_depthwise(const ConvProblem&, const float*, const float*, float*);
template void convolve_depthwise(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
