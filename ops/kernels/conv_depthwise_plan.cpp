// DepthwisePlan: the choice of a layout, and for which problems depthwise kernels are best.
#include "cotangent/ops/kernels/conv_depthwise_plan.h"

#include <algorithm>

#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/conv_depthwise_blocks.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kLeastGroups = 4;   // fewer are left to others, but for filters of rows
constexpr std::int64_t kManyPictures = 4;  // of one channel, whose positions are summed once for all of them

constexpr std::int64_t kLeastVectorsOfPlane = 4;  // where channels could fill vectors instead

// Pairs of features in a group, where a row of pixels is passed over for each, or channels are copied ...
constexpr std::int64_t kMostPairsOfRows = 4;
constexpr std::int64_t kMostPairsOfSums = 2;         // ... and in a weight gradient of few groups, ...
constexpr std::int64_t kMostPairsOfCopiedSums = 16;  // ... or of copied channels

// Groups that fill so many vectors of channels that all pairs are served; of planes, so many for each group.
constexpr std::int64_t kManyGroups = 16, kPairsOfPlanes = 2;

// Pictures smaller than their kernel: most products meet padding, and others leave these out.
bool is_mostly_padding(const ConvProblem& problem, std::int64_t element_size) {
  std::int64_t window = 1, in = 1;
  for (const ConvAxis& axis : problem.axes) {
    window *= axis.kernel;
    in *= axis.in;
  }
  return long_sum_skips_zeros(problem, element_size) ||
         (problem.in_features == 1 && problem.batch >= kManyPictures && window >= in && !is_dilated(problem));
}

// True if blocks of channels are better copied: windows over planes.
bool blocks_pay(const ConvProblem& problem, std::int64_t element_size) {
  const ConvAxis& row = problem.axes[problem.axes.size() - 2];
  const bool signal = problem.axes.size() == 2 && row.kernel == 1 && row.out == 1;
  return !signal && DepthwiseBlocks(problem, element_size).serves();
}

// True if each of many groups has few features of its own, as in ResNeXt: others would leave most of a vector empty, or
// pass over each plane as often. Of planes, blocks have to be full, unless others would have to pick pixels.
bool fills_vectors(const ConvProblem& problem, std::int64_t pairs, std::int64_t lanes) {
  if (problem.groups < kManyGroups || pairs > kMostDepthwisePairs) return false;
  if (problem.axes.back().lhs_step != 1) return true;
  const bool strides = std::any_of(problem.axes.begin(), problem.axes.end(),
                                   [](const ConvAxis& axis) { return axis.stride > 1 || axis.lhs_dilation > 1; });
  return (strides || problem.groups % lanes == 0) && pairs <= kPairsOfPlanes * problem.groups &&
         !std::all_of(problem.axes.begin(), problem.axes.end(), is_pointwise);
}

}  // namespace

ConvProblem with_two_axes(ConvProblem problem) {
  while (problem.axes.size() < 2) problem.axes.insert(problem.axes.begin(), ConvAxis{1, 1, 1, 1, 1, 1, 0, 0, 0, 0});
  return problem;
}

std::int64_t depthwise_lanes(std::int64_t element_size) {
  return element_size == sizeof(float) ? table<DepthwiseKernels<float>>().lanes
                                       : table<DepthwiseKernels<double>>().lanes;
}

DepthwisePlan::DepthwisePlan(const ConvProblem& problem, std::int64_t element_size) : groups(problem.groups) {
  const std::int64_t lanes = depthwise_lanes(element_size);
  const bool long_sums = sums_are_long(problem), enough = groups >= lanes;
  const ConvAxis& column = problem.axes.back();
  copy_rhs = problem.rhs_group != 1;
  copy_out = problem.out_group != 1 && !long_sums;
  if (enough && problem.lhs_group == 1 && !(long_sums && copy_rhs)) return;
  const bool blocks = blocks_pay(problem, element_size), planes = planes_serve(problem, element_size);
  const bool rows = column.lhs_step == 1 && (long_sums ? column.kernel : column.out) * 4 >= lanes && column.in > 1;
  const bool small = blocks && problem.axes[0].in * column.in < kLeastVectorsOfPlane * lanes;
  if (rows || planes) {
    layout = planes && !small ? DepthwiseLayout::Planes : blocks ? DepthwiseLayout::Blocks : DepthwiseLayout::First;
    copy_rhs = copy_out = false;
    return;
  }
  copy_lhs = problem.lhs_group != 1;
  layout = enough && blocks && copy_lhs && copy_out ? DepthwiseLayout::Blocks : DepthwiseLayout::Copied;
  if (enough) return;
  groups = lanes;
  copy_lhs = copy_rhs = true;
  copy_out = !long_sums;
}

bool depthwise_pays(const ConvProblem& given, std::int64_t element_size) {
  const ConvProblem problem = with_two_axes(given);
  const std::int64_t lanes = depthwise_lanes(element_size);
  const DepthwiseLayout layout = DepthwisePlan(problem, element_size).layout;
  const bool few_groups = problem.groups < kLeastGroups, long_sums = sums_are_long(problem);
  if (layout == DepthwiseLayout::Last) return !few_groups;
  if (is_mostly_padding(problem, element_size)) return false;
  const std::int64_t pairs = problem.out_features * (long_sums ? problem.batch : problem.in_features);
  if (layout == DepthwiseLayout::Copied || layout == DepthwiseLayout::Blocks)
    return !few_groups &&
           (pairs <= (long_sums ? kMostPairsOfCopiedSums : kMostPairsOfRows) || fills_vectors(problem, pairs, lanes));
  if (few_groups && is_dilated(problem)) return false;
  if (!long_sums) return pairs <= kMostPairsOfRows;
  if (layout == DepthwiseLayout::First && problem.axes.back().kernel < lanes)
    return pairs == 1 && !few_groups;  // a vector of sums is not filled
  return pairs <= (few_groups ? kMostPairsOfSums : kMostPairsOfRows);
}

}  // namespace cotangent::kernels
