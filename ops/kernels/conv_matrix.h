// A convolution as a product of matrices: out(row, feature) = sum over q of columns(row, q) * weights(q, feature),
// where a row is a batch entry and an output position, and q an input feature and a kernel position. Internal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// One of the axes that make up a matrix index, outermost first.
struct IndexAxis {
  std::int64_t extent;
  std::int64_t lhs_step;       // elements of lhs
  std::int64_t other_step;     // of the output for a row's axis, of rhs for a reduction's
  std::int64_t position_step;  // how far it moves the input position on ...
  int spatial;                 // ... this spatial axis; -1 for batch and feature
};

// An index cut into axes, without those of extent 1.
struct MatrixIndex {
  std::vector<IndexAxis> axes;
  std::size_t spatial_axes = 0;
  std::int64_t extent = 1;
  std::int64_t lhs_panel = 1, other_panel = 1;  // so many indices in a row lie at equal distances in memory
  std::int64_t unit = 1;                        // the innermost axis, where it continues the next one in lhs

  std::int64_t lhs_step() const { return axes.empty() ? 1 : axes.back().lhs_step; }
  std::int64_t other_step() const { return axes.empty() ? 1 : axes.back().other_step; }
};

// Rows in the order of the output's memory, the reduction in that of lhs. For problems without lhs dilation.
MatrixIndex row_index(const ConvProblem& problem);
MatrixIndex reduction_index(const ConvProblem& problem);

// Walks over an index: where it is in lhs, in the other tensor, and on each spatial axis.
class Cursor {
 public:
  Cursor(const MatrixIndex& index, std::int64_t begin);
  void advance();

  std::int64_t lhs = 0, other = 0;
  std::vector<std::int64_t> position;

 private:
  void move(std::size_t axis, std::int64_t by);

  const MatrixIndex& index_;
  std::vector<std::int64_t> at_;
};

// Where lhs is read for row 0 and q 0, relative to its start: with padding, before it.
std::int64_t lhs_origin(const ConvProblem& problem);

using Range = std::pair<std::int64_t, std::int64_t>;  // [first, second)

constexpr std::int64_t length(const Range& range) { return range.second - range.first; }

// `count` units at equal distances in lhs, some of which may hang over its borders along one spatial axis. Offsets are
// those of the first one: in lhs, in the other tensor, and from the start of the range.
struct Run {
  std::int64_t count, lhs, other, begin;
};

// A range of an index as runs along its innermost axis: the same for every value of the other index of the columns.
class Runs {
 public:
  // Units are single elements, or with `merge` those that are adjacent in lhs and are valid or not together.
  Runs(const ConvProblem& problem, const MatrixIndex& index, Range range, bool merge);

  // Which units of run `r` lie inside lhs, where the other index is at `cursor`.
  Range valid(std::size_t r, const Cursor& cursor) const;

  std::vector<Run> runs;
  std::int64_t unit = 1, step = 1;  // elements in a unit; elements of lhs from one unit to the next

 private:
  const ConvProblem& problem_;
  std::vector<std::int64_t> positions_;  // where each run starts on each spatial axis
  std::int64_t position_step_ = 0;       // on the axis that the runs follow
  std::size_t followed_;                 // that axis, or the number of spatial axes if they follow none
};

// [0, extent) cut into blocks that do not cross multiples of `panel`, which divides the extent.
struct Blocks {
  std::int64_t extent = 0, panel = 1, block = 1;

  std::int64_t per_panel() const { return (panel + block - 1) / block; }
  std::int64_t count() const { return extent / panel * per_panel(); }
  Range range(std::int64_t i) const {
    const std::int64_t start = i / per_panel() * panel, begin = start + i % per_panel() * block;
    return {begin, std::min(begin + block, start + panel)};
  }
};

// Calls visitor(position on each axis) for all positions of the kernel, row-major.
template <class Visitor>
void for_each_tap(const ConvProblem& problem, Visitor visitor) {
  std::vector<std::int64_t> tap(problem.axes.size(), 0);
  for (const ConvAxis& axis : problem.axes)
    if (axis.kernel == 0) return;
  for (bool more = true; more;) {
    visitor(tap);
    more = false;
    for (std::size_t d = tap.size(); d-- > 0 && !more;) {
      more = ++tap[d] < problem.axes[d].kernel;
      if (!more) tap[d] = 0;
    }
  }
}

// The positions of a kernel, row-major, as one run: its step is 0 if they are not evenly spaced in memory, or only one.
struct EvenTaps {
  std::int64_t count = 1, step = 0;
};
inline EvenTaps even_taps(const ConvProblem& problem) {
  EvenTaps run;
  bool even = true;
  for (std::size_t d = problem.axes.size(); d-- > 0;) {
    const ConvAxis& axis = problem.axes[d];
    if (axis.kernel == 1) continue;
    if (run.count == 1) run.step = axis.rhs_step;
    else even = even && axis.rhs_step == run.count * run.step;
    run.count *= axis.kernel;
  }
  return even ? run : EvenTaps{run.count, 0};
}

constexpr std::int64_t ceiling_quotient(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// [0, extent) in about equal blocks of at most `most`.
inline Blocks cut_evenly(std::int64_t extent, std::int64_t most) {
  most = std::clamp<std::int64_t>(most, 1, extent);
  return {extent, extent, ceiling_quotient(extent, ceiling_quotient(extent, most))};
}

}  // namespace cotangent::kernels
