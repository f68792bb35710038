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
  return products >= kLongSum * sums;
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

// Elements that a plan allocates.
template <class T>
std::int64_t workspace_of(const ConvProblem& problem, const DepthwisePlan& plan) {
  switch (plan.layout) {
    case DepthwiseLayout::First: return channels_first_workspace<T>(problem);
    case DepthwiseLayout::Planes: return planes_workspace<T>(problem);
    case DepthwiseLayout::Blocks: return channel_blocks_workspace<T>(problem);
    default: return copies_workspace<T>(problem, plan);
  }
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
  const DepthwisePlan plan(problem, element_size);
  const bool pixels = plan.layout == DepthwiseLayout::First || plan.layout == DepthwiseLayout::Planes;
  if (!pixels && problem.groups < kFewGroups) {
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
  } else if (plan.layout == DepthwiseLayout::Planes) {
    cost.multiply_adds = planes_multiply_adds(problem, element_size);
    cost.products = fmt::format("channels first: vectors of {} pixels of a plane", lanes);
  } else {
    cost.multiply_adds = cost.multiply_adds / problem.groups * plan.groups;
    cost.products = fmt::format("channels last: vectors of {} channels{}", lanes,
                                plan.layout == DepthwiseLayout::Copied   ? " of a copy"
                                : plan.layout == DepthwiseLayout::Blocks ? " of copies of blocks"
                                                                         : "");
  }
  cost.workspace = element_size * (element_size == sizeof(float) ? workspace_of<float>(problem, plan)
                                                                 : workspace_of<double>(problem, plan));
  return cost;
}

template <class T>
void convolve_depthwise(const ConvProblem& given, const T* lhs, const T* rhs, T* out) {
  const auto is_empty = [](const ConvAxis& axis) { return axis.in == 0 || axis.kernel == 0; };
  if (given.in_features == 0 || std::any_of(given.axes.begin(), given.axes.end(), is_empty))
    return convolve_by_definition(given, lhs, rhs, out);  // zeros: there are no elements to point to
  const ConvProblem problem = with_two_axes(given);
  const DepthwisePlan plan(problem, sizeof(T));
  if (plan.layout == DepthwiseLayout::First) convolve_channels_first(problem, lhs, rhs, out);
  else if (plan.layout == DepthwiseLayout::Planes) convolve_planes(problem, lhs, rhs, out);
  else if (plan.layout == DepthwiseLayout::Blocks) convolve_channel_blocks(problem, lhs, rhs, out);
  else convolve_copies(problem, plan, lhs, rhs, out);
}

template void convolve_depthwise(const ConvProblem&, const float*, const float*, float*);
template void convolve_depthwise(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
