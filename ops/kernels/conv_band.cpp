// Bands: copies of what a piece of a convolution reads.
#include "cotangent/ops/kernels/conv_band.h"

#include <algorithm>

#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

// True if the pair has no window: each output reads the input at its own position.
bool merges_as_output(const ConvAxis& outer, const ConvAxis& inner) {
  return is_pointwise(outer) && is_pointwise(inner) && outer.lhs_step == inner.in * inner.lhs_step &&
         outer.out_step == inner.out * inner.out_step;
}

// True if the pair has a single output, which reads all of the input.
bool merges_as_window(const ConvAxis& outer, const ConvAxis& inner) {
  const auto complete = [](const ConvAxis& axis) {
    return axis.out == 1 && axis.lhs_dilation * axis.rhs_dilation == 1 && axis.low == 0 && axis.in == axis.kernel;
  };
  return complete(outer) && complete(inner) && outer.lhs_step == inner.in * inner.lhs_step &&
         outer.rhs_step == inner.kernel * inner.rhs_step;
}

}  // namespace

std::int64_t BandBox::pixels() const {
  std::int64_t count = 1;
  for (const Range& range : positions) count *= length(range);
  return count;
}

bool band_in_place(const ConvProblem& problem, const BandAxes& axes, const BandBox& box) {
  if (axes.channel_step != 1 && length(box.channels) > 1) return false;
  for (std::size_t d = 0; d < box.positions.size(); ++d)
    if (box.positions[d].first < 0 || box.positions[d].second > problem.axes[d].in) return false;
  return true;
}

template <class T>
BandView<T> view_in_place(const ConvProblem& problem, const BandAxes& axes, const BandBox& box, const T* lhs) {
  BandView<T> view{
      lhs + box.images.first * axes.image_step + box.channels.first * axes.channel_step, axes.image_step, {}};
  for (std::size_t d = 0; d < box.positions.size(); ++d) {
    view.data += box.positions[d].first * problem.axes[d].lhs_step;
    view.steps.push_back(problem.axes[d].lhs_step);
  }
  return view;
}

template <class T>
BandView<T> gather_band(const ConvProblem& problem, const BandAxes& axes, const BandBox& box, const T* lhs,
                        std::int64_t pixel_step, T* to) {
  const MatrixKernels<T>& kernels = table<MatrixKernels<T>>();
  const std::size_t last = box.positions.size() - 1, r = last - 1;
  BandView<T> view{to, pixel_step, std::vector<std::int64_t>(box.positions.size())};
  for (std::size_t d = box.positions.size(); d-- > 0;) {
    view.steps[d] = view.image_step;
    view.image_step *= length(box.positions[d]);
  }
  const auto inside = [&](std::size_t d) {
    const Range range = box.positions[d];
    const auto clamp = [&](std::int64_t at) { return std::clamp<std::int64_t>(at, 0, length(range)); };
    return Range{clamp(-range.first), clamp(problem.axes[d].in - range.first)};
  };
  const Range columns = inside(last), rows = inside(r);
  const bool any = columns.first < columns.second && rows.first < rows.second;
  const std::int64_t row_count = length(box.positions[r]), row_size = view.steps[r];
  const std::int64_t corner = (box.positions[r].first + rows.first) * problem.axes[r].lhs_step +
                              (box.positions[last].first + columns.first) * problem.axes[last].lhs_step;
  std::vector<std::int64_t> at(r, 0);  // on the other axes, from the box's corner
  for (std::int64_t image = box.images.first; image < box.images.second; ++image) {
    std::fill(at.begin(), at.end(), 0);
    for (bool more = true; more; to += row_count * row_size) {
      const T* from = lhs + image * axes.image_step + box.channels.first * axes.channel_step;
      bool empty = !any;
      for (std::size_t d = 0; d < r; ++d) {
        const std::int64_t position = box.positions[d].first + at[d];
        empty = empty || position < 0 || position >= problem.axes[d].in;
        from += position * problem.axes[d].lhs_step;
      }
      for (std::int64_t y = 0; y < row_count; ++y) {
        T* const row = to + y * row_size;
        const bool outside = empty || y < rows.first || y >= rows.second;
        std::fill(row, row + (outside ? row_size : columns.first * pixel_step), T{0});
        if (!outside) std::fill(row + columns.second * pixel_step, row + row_size, T{0});
      }
      if (!empty)
        kernels.copy({length(columns), length(box.channels), from + corner, problem.axes[last].lhs_step,
                      axes.channel_step, to + rows.first * row_size + columns.first * pixel_step, pixel_step, 1,
                      length(rows), problem.axes[r].lhs_step, row_size});
      more = false;
      for (std::size_t d = r; d-- > 0 && !more;) {
        more = ++at[d] < length(box.positions[d]);
        if (!more) at[d] = 0;
      }
    }
  }
  return view;
}

ConvProblem in_memory_order(const ConvProblem& problem) {
  ConvProblem result = problem;
  std::stable_sort(result.axes.begin(), result.axes.end(),
                   [](const ConvAxis& a, const ConvAxis& b) { return a.lhs_step > b.lhs_step; });
  for (std::size_t d = result.axes.size(); d-- > 1;) {
    ConvAxis &outer = result.axes[d - 1], &inner = result.axes[d];
    if (!merges_as_output(outer, inner) && !merges_as_window(outer, inner)) continue;
    inner.in *= outer.in;
    inner.kernel *= outer.kernel;
    inner.out *= outer.out;
    result.axes.erase(result.axes.begin() + static_cast<std::ptrdiff_t>(d) - 1);
  }
  while (result.axes.size() < 2) result.axes.insert(result.axes.begin(), {1, 1, 1, 1, 1, 1, 0, 0, 0, 0});
  return result;
}

template BandView<float> view_in_place(const ConvProblem&, const BandAxes&, const BandBox&, const float*);
template BandView<double> view_in_place(const ConvProblem&, const BandAxes&, const BandBox&, const double*);
template BandView<float> gather_band(const ConvProblem&, const BandAxes&, const BandBox&, const float*, std::int64_t,
                                     float*);
template BandView<double> gather_band(const ConvProblem&, const BandAxes&, const BandBox&, const double*, std::int64_t,
                                      double*);

}  // namespace cotangent::kernels
