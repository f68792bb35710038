// Depthwise convolution of copies: operands whose channels are not adjacent are copied to channels last and back.
#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/conv_depthwise_plan.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kCopyElements = 1 << 14;  // of a block of a copy ...
constexpr std::int64_t kLeastCopied = 64;        // ... of as many positions at least

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
  }
};

// The same axes, neighbours joined that are one run in the operand.
std::vector<CopyAxis> joined(const std::vector<CopyAxis>& axes) {
  std::vector<CopyAxis> result;
  for (const CopyAxis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!result.empty() && result.back().step == axis.extent * axis.step)
      result.back() = {result.back().extent * axis.extent, axis.step, axis.copy_step};
    else result.push_back(axis);
  }
  if (result.empty()) result.push_back({1, 1, 1});
  return result;
}

// Takes the axis along which the operand is nearest to adjacent.
CopyAxis take_nearest(std::vector<CopyAxis>& axes) {
  if (axes.empty()) return {1, 1, 1};
  const auto nearest =
      std::min_element(axes.begin(), axes.end(), [](const CopyAxis& a, const CopyAxis& b) { return a.step < b.step; });
  const CopyAxis result = *nearest;
  axes.erase(nearest);
  return result;
}

// Copies an operand to its dense copy or, if `back`, from there.
template <class T>
void copy_channels(const CopyShape& shape, bool back, const T* from, T* to) {
  // Blocks are made of the groups and the nearest axis; where that is short, as of the features of a group, many blocks
  // along the next one are copied together.
  std::vector<CopyAxis> axes = joined(shape.axes);
  const CopyAxis inner = take_nearest(axes), run = take_nearest(axes);
  const Blocks pieces = cut_evenly(inner.extent, std::max(kLeastCopied, kCopyElements / shape.groups));
  const Blocks runs = cut_evenly(run.extent, std::max<std::int64_t>(1, kCopyElements / (shape.groups * pieces.block)));
  std::int64_t tasks = pieces.count() * runs.count();
  for (const CopyAxis& axis : axes) tasks *= axis.extent;
  parallel_for(tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t index = begin; index < end; ++index) {
      const Range piece = pieces.range(index % pieces.count()),
                  blocks = runs.range(index / pieces.count() % runs.count());
      std::int64_t rest = index / pieces.count() / runs.count(),
                   at = piece.first * inner.step + blocks.first * run.step,
                   copy_at = piece.first * inner.copy_step + blocks.first * run.copy_step;
      for (std::size_t d = axes.size(); d-- > 0;) {
        const CopyAxis& axis = axes[d];
        at += rest % axis.extent * axis.step;
        copy_at += rest % axis.extent * axis.copy_step;
        rest /= axis.extent;
      }
      BlockCopy<T> block{length(piece),    shape.groups, from + at,       inner.step,
                         shape.group_step, to + copy_at, inner.copy_step, 1,
                         length(blocks),   run.step,     run.copy_step};
      if (back)
        block = {length(piece), shape.groups,     from + copy_at, inner.copy_step, 1,       to + at,
                 inner.step,    shape.group_step, length(blocks), run.copy_step,   run.step};
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

}  // namespace

template <class T>
std::int64_t copies_workspace(const ConvProblem& problem, const DepthwisePlan& plan) {
  std::int64_t size = 0;
  if (plan.copy_lhs) size += lhs_shape(problem, plan.groups).size;
  if (plan.copy_rhs) size += rhs_shape(problem, plan.groups).size;
  if (plan.copy_out) size += out_shape(problem, plan.groups).size;
  ConvProblem padded = problem;
  padded.groups = plan.groups;
  return size + channels_last_workspace<T>(padded);
}

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

template std::int64_t copies_workspace<float>(const ConvProblem&, const DepthwisePlan&);
template std::int64_t copies_workspace<double>(const ConvProblem&, const DepthwisePlan&);
template void convolve_copies(const ConvProblem&, const DepthwisePlan&, const float*, const float*, float*);
template void convolve_copies(const ConvProblem&, const DepthwisePlan&, const double*, const double*, double*);

}  // namespace cotangent::kernels
