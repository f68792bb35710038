// A convolution as a product of matrices: the indices.
#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {
namespace {

// How many of the innermost indices lie at equal distances, by one of the steps.
std::int64_t uniform_panel(const std::vector<IndexAxis>& axes, std::int64_t IndexAxis::*step) {
  std::int64_t panel = 1;
  for (std::size_t j = axes.size(); j-- > 0;) {
    if (j + 1 < axes.size() && axes[j].*step != axes[j + 1].*step * axes[j + 1].extent) break;
    panel *= axes[j].extent;
  }
  return panel;
}

MatrixIndex make_index(const std::vector<IndexAxis>& axes, std::int64_t IndexAxis::*order) {
  MatrixIndex index;
  index.spatial_axes = axes.size() - 1;
  for (const IndexAxis& axis : axes) {
    index.extent *= axis.extent;
    if (axis.extent != 1) index.axes.push_back(axis);
  }
  std::stable_sort(index.axes.begin(), index.axes.end(),
                   [order](const IndexAxis& a, const IndexAxis& b) { return a.*order > b.*order; });
  index.lhs_panel = uniform_panel(index.axes, &IndexAxis::lhs_step);
  index.other_panel = uniform_panel(index.axes, &IndexAxis::other_step);
  if (index.axes.size() >= 2) {
    const IndexAxis &last = index.axes.back(), &next = index.axes[index.axes.size() - 2];
    if (last.spatial < 0 && last.lhs_step == 1 && next.spatial >= 0 && next.lhs_step == last.extent)
      index.unit = last.extent;
  }
  return index;
}

}  // namespace

MatrixIndex row_index(const ConvProblem& problem) {
  std::vector<IndexAxis> axes{{problem.batch, problem.lhs_batch, problem.out_batch, 0, -1}};
  for (const ConvAxis& axis : problem.axes)
    axes.push_back({axis.out, axis.stride * axis.lhs_step, axis.out_step, axis.stride,
                    static_cast<int>(&axis - problem.axes.data())});
  return make_index(axes, &IndexAxis::other_step);
}

MatrixIndex reduction_index(const ConvProblem& problem) {
  std::vector<IndexAxis> axes{{problem.in_features, problem.lhs_feature, problem.rhs_in_feature, 0, -1}};
  for (const ConvAxis& axis : problem.axes)
    axes.push_back({axis.kernel, axis.rhs_dilation * axis.lhs_step, axis.rhs_step, axis.rhs_dilation,
                    static_cast<int>(&axis - problem.axes.data())});
  return make_index(axes, &IndexAxis::lhs_step);
}

std::int64_t lhs_origin(const ConvProblem& problem) {
  std::int64_t origin = 0;
  for (const ConvAxis& axis : problem.axes) origin -= axis.low * axis.lhs_step;
  return origin;
}

Runs::Runs(const ConvProblem& problem, const MatrixIndex& index, Range range, bool merge)
    : problem_(problem), followed_(problem.axes.size()) {
  if (merge && range.first % index.unit == 0 && range.second % index.unit == 0) unit = index.unit;
  std::int64_t extent = 1;
  if (!index.axes.empty()) {
    const IndexAxis& axis = index.axes[index.axes.size() - (unit > 1 ? 2 : 1)];
    extent = axis.extent;
    step = axis.lhs_step;
    position_step_ = axis.position_step;
    if (axis.spatial >= 0) followed_ = static_cast<std::size_t>(axis.spatial);
  }
  for (std::int64_t begin = range.first; begin < range.second;) {
    const std::int64_t at = begin / unit, count = std::min(range.second / unit - at, extent - at % extent);
    const Cursor cursor(index, begin);
    runs.push_back({count, cursor.lhs, cursor.other, begin - range.first});
    positions_.insert(positions_.end(), cursor.position.begin(), cursor.position.end());
    begin += count * unit;
  }
}

Range Runs::valid(std::size_t r, const Cursor& cursor) const {
  const std::int64_t* const position = positions_.data() + r * problem_.axes.size();
  Range units{0, runs[r].count};
  for (std::size_t d = 0; d < problem_.axes.size(); ++d) {
    const std::int64_t in = problem_.axes[d].in, start = cursor.position[d] + position[d] - problem_.axes[d].low;
    if (d == followed_) {
      if (start < 0) units.first = std::min(units.second, (position_step_ - 1 - start) / position_step_);
      units.second = start < in ? std::min(units.second, (in - 1 - start) / position_step_ + 1) : 0;
    } else if (start < 0 || start >= in) {
      return {0, 0};
    }
  }
  return units.first < units.second ? units : Range{0, 0};
}

Cursor::Cursor(const MatrixIndex& index, std::int64_t begin)
    : position(index.spatial_axes, 0), index_(index), at_(index.axes.size(), 0) {
  for (std::size_t j = index.axes.size(); j-- > 0; begin /= index.axes[j].extent) move(j, begin % index.axes[j].extent);
}

void Cursor::advance() {
  for (std::size_t j = at_.size(); j-- > 0;) {
    if (at_[j] + 1 < index_.axes[j].extent) return move(j, 1);
    move(j, -at_[j]);
  }
}

void Cursor::move(std::size_t axis, std::int64_t by) {
  const IndexAxis& moved = index_.axes[axis];
  at_[axis] += by;
  lhs += by * moved.lhs_step;
  other += by * moved.other_step;
  if (moved.spatial >= 0) position[static_cast<std::size_t>(moved.spatial)] += by * moved.position_step;
}

}  // namespace cotangent::kernels
