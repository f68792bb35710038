// Convolution with few outputs, each a long sum: what the gradient of a kernel is.
//
// Here the window is as large as an image, and the batch of the problem are channels: they lie closest in memory. So
// rows of a tile product are pairs of an output position and a channel, its terms the positions of the window, and its
// columns a panel of output features. The sum is cut into chunks of window positions: the part of lhs beneath a chunk
// is gathered to a band, the part of rhs packed into panels, and their products added to accumulators that stay in
// cache. Chunks fall into splits with accumulators of their own, whose number depends on the problem alone and which
// are added in order, so that the bits do not depend on the number of threads. Few output features are folded first.
#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_fold.h"
#include "cotangent/ops/kernels/conv_long_sum_plan.h"
#include "cotangent/ops/kernels/conv_long_sum_planes.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kShortRun = 8;        // of terms, which are rather listed one by one
constexpr std::int64_t kMostCrowding = 256;  // bytes from pixel to pixel: sharing cache costs less than a copy

template <class T>
class LongSum : private LongSumPlan {
 public:
  LongSum(const ConvProblem& problem, const T* lhs, const T* rhs, T* out)
      : LongSumPlan(problem, sizeof(T)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset),
        axes_{problem.lhs_batch, problem.lhs_feature} {}

  void run() const {
    const std::int64_t tasks = task_count(), chunks = chunks_.count(), size = accumulator_size();
    const Workspace<T> partial(tasks * splits_ * size);
    const Blocks shares{chunks, chunks, ceiling_quotient(chunks, splits_)};
    parallel_for(tasks * splits_, 1, [&](std::int64_t index, std::int64_t) {
      T* const to = partial.data() + index * size;
      const std::int64_t split = index % splits_;
      if (split < shares.count()) accumulate(task_at(index / splits_), shares.range(split), to);
      else std::fill_n(to, size, T{0});
    });
    parallel_for(tasks, 1, [&](std::int64_t index, std::int64_t) {
      const Task task = task_at(index);
      T* const sum = partial.data() + index * splits_ * size;
      for (std::int64_t split = 1; split < splits_; ++split)
        for (std::int64_t i = 0; i < size; ++i) sum[i] += sum[split * size + i];
      write(task, sum);
    });
  }

 private:
  // Sets `to` to the products of some chunks: panels, then rows, then features.
  void accumulate(const Task& task, Range chunk_range, T* to) const {
    const std::int64_t width = tile_.panel_width, row_count = positions_ * length(task.channels);
    const Workspace<T> copy(band_elements_), panels(panel_elements_);
    if (problem_.out_features % width != 0)
      std::fill_n(panels.data(), panel_elements_, T{0});  // beyond the last feature
    std::vector<std::int64_t> rows, out_rows, terms;
    std::vector<Ahead> ahead;
    for (std::int64_t position = 0; position < positions_; ++position)
      for (std::int64_t channel = 0; channel < length(task.channels); ++channel)
        out_rows.push_back(row_of(task, position, channel) * width);
    for (std::int64_t c = chunk_range.first; c < chunk_range.second; ++c) {
      const Box chunk = chunks_.at(c);
      const BandView<T> view = view_band(task, chunk, copy.data());
      if (!rhs_in_place_) pack_panels(task, chunk, panels.data());
      const std::vector<Segment> segments = find_segments(chunk, view);
      list_rows(task, view, planes_in_place_ ? axes_.channel_step : 1, rows);
      const std::int64_t step = column_axis().rhs_dilation * view.steps.back();
      const bool listed = !rhs_in_place_ && length(chunk.columns) <= kShortRun;
      if (listed) list_terms(segments, step, terms);
      ahead.assign(static_cast<std::size_t>(length(task.panels)), {});
      if (!listed && c + 1 < chunk_range.second) find_ahead(task, chunks_.at(c + 1), row_count, ahead);
      for (std::int64_t p = 0; p < length(task.panels); ++p) {
        const Ahead& next = ahead[static_cast<std::size_t>(p)];
        kernels_.multiply({.lhs = view.data,
                           .rows = rows.data(),
                           .row_count = row_count,
                           .lhs_step = step,
                           .rhs = rhs_in_place_
                                      ? rhs_ + task.group * problem_.rhs_group + (task.panels.first + p) * width
                                      : panels.data() + p * chunk_pixels_ * width,
                           .rhs_step = rhs_in_place_ ? column_axis().rhs_step : width,
                           .segments = listed ? nullptr : segments.data(),
                           .segment_count = listed ? std::ssize(terms) : std::ssize(segments),
                           .terms = terms.data(),
                           .out = to + p * row_count * width,
                           .out_rows = out_rows.data(),
                           .width = width,
                           .bias = nullptr,
                           .add = c > chunk_range.first,
                           .ahead = next.any ? (next.of_lhs ? lhs_ : rhs_) + next.from : nullptr,
                           .ahead_row = next.row,
                           .ahead_term = next.term});
      }
    }
  }

  BandView<T> view_band(const Task& task, const Box& chunk, T* copy) const {
    BandBox band{chunk.images, task.channels, {}};
    for (std::size_t d = 0; d < problem_.axes.size(); ++d) {
      const ConvAxis& axis = problem_.axes[d];
      const Range range = chunk.range(d);
      const std::int64_t low = range.first * axis.rhs_dilation - axis.low;
      band.positions.emplace_back(low, low + input_extent(axis, length(range)));
    }
    const T* const lhs = lhs_ + task.group * problem_.lhs_group;
    if (planes_in_place_) return view_in_place(problem_, axes_, band, lhs);
    const auto step = column_axis().lhs_step * static_cast<std::int64_t>(sizeof(T));
    const bool crowded = step % kTwoLines == 0 && (step == 0 || step > kMostCrowding);  // without an axis, it is 0
    return band_in_place(problem_, axes_, band) && !crowded
               ? view_in_place(problem_, axes_, band, lhs)
               : gather_band(problem_, axes_, band, lhs, pixel_step_, copy);
  }

  // All features of a window position together; whole rows that follow each other in memory, as one.
  void pack_panels(const Task& task, const Box& chunk, T* to) const {
    const std::int64_t width = tile_.panel_width, step = column_axis().rhs_step,
                       feature_step = problem_.rhs_out_feature, first = task.panels.first,
                       last = std::min(task.panels.second, problem_.out_features / width);
    const bool joined =
        length(chunk.columns) == column_axis().kernel && row_axis().rhs_step == column_axis().kernel * step;
    const std::int64_t positions = length(chunk.columns) * (joined ? length(chunk.rows) : 1);
    const T* const rhs = rhs_ + task.group * problem_.rhs_group;
    for_each_line(chunk, [&](std::int64_t, std::int64_t y, std::int64_t at) {
      if (joined && y > 0) return;
      const auto copy = [&](std::int64_t panel, std::int64_t features, std::int64_t count) {
        kernels_.copy({positions, features, rhs + at + panel * width * feature_step, step, feature_step,
                       to + (panel - first) * chunk_pixels_ * width, width, 1, count, width * feature_step,
                       chunk_pixels_ * width});
      };
      if (first < last) copy(first, width, last - first);
      if (last < task.panels.second) copy(last, problem_.out_features % width, 1);
      to += positions * width;
    });
  }

  std::vector<Segment> find_segments(const Box& chunk, const BandView<T>& view) const {
    const std::size_t r = problem_.axes.size() - 2;
    const std::int64_t columns = length(chunk.columns);
    std::vector<Segment> segments;
    for_each_line(chunk, [&](std::int64_t image, std::int64_t y, std::int64_t at) {
      segments.push_back({image * view.image_step + y * row_axis().rhs_dilation * view.steps[r],
                          rhs_in_place_ ? at : std::ssize(segments) * columns * tile_.panel_width, columns});
    });
    return segments;
  }

  static void list_terms(const std::vector<Segment>& segments, std::int64_t step, std::vector<std::int64_t>& terms) {
    terms.clear();
    for (const Segment& segment : segments)
      for (std::int64_t t = 0; t < segment.count; ++t) terms.push_back(segment.lhs + t * step);
  }

  // Where each pair of an output position and a channel finds its first term.
  void list_rows(const Task& task, const BandView<T>& view, std::int64_t channel_step,
                 std::vector<std::int64_t>& rows) const {
    rows.clear();
    std::vector<std::int64_t> at(problem_.axes.size(), 0);
    for (std::int64_t position = 0; position < positions_; ++position) {
      std::int64_t start = 0;
      for (std::size_t d = 0; d < at.size(); ++d) start += at[d] * problem_.axes[d].stride * view.steps[d];
      for (std::int64_t channel = 0; channel < length(task.channels); ++channel)
        rows.push_back(start + channel * channel_step);
      advance(at);
    }
  }

  void advance(std::vector<std::int64_t>& at) const {
    for (std::size_t d = at.size(); d-- > 0;) {
      if (++at[d] < problem_.axes[d].out) return;
      at[d] = 0;
    }
  }

  // Sums lie position by position; or, where the output has the positions of a channel side by side and then those of
  // the next, as it has them, so that they are written in runs.
  std::int64_t row_of(const Task& task, std::int64_t position, std::int64_t channel) const {
    if (!in_runs_) return position * length(task.channels) + channel;
    return channel * positions_ + (adjacent_ > 0 ? position : positions_ - 1 - position);
  }

  void write(const Task& task, const T* from) const {
    const std::int64_t width = tile_.panel_width, channels = length(task.channels),
                       lowest = adjacent_ < 0 ? 1 - positions_ : 0;
    T* const out = out_ + task.group * problem_.out_group + task.channels.first * problem_.out_batch;
    for (std::int64_t p = task.panels.first; p < task.panels.second; ++p, from += positions_ * channels * width) {
      const Range features = panels_.range(p);
      T* const to = out + features.first * problem_.out_feature;
      const auto copy = [&](std::int64_t count, std::int64_t row, std::int64_t step, std::int64_t at,
                            std::int64_t out_at) {
        kernels_.copy(
            {count, length(features), from + row * width, step * width, 1, to + out_at, at, problem_.out_feature});
      };
      if (in_runs_) {
        copy(positions_ * channels, 0, 1, 1, lowest);
      } else if (adjacent_ != 0 && positions_ >= tile_.lanes) {
        const std::int64_t first = adjacent_ < 0 ? (positions_ - 1) * channels : 0;
        for (std::int64_t channel = 0; channel < channels; ++channel)
          copy(positions_, first + channel, adjacent_ * channels, 1, channel * problem_.out_batch + lowest);
      } else {
        std::vector<std::int64_t> at(problem_.axes.size(), 0);
        for (std::int64_t position = 0; position < positions_; ++position, advance(at)) {
          std::int64_t out_at = 0;
          for (std::size_t d = 0; d < at.size(); ++d) out_at += at[d] * problem_.axes[d].out_step;
          copy(channels, position * channels, 1, problem_.out_batch, out_at);
        }
      }
    }
  }

  // 1 or -1 if the output has its positions side by side, in their order or the reverse; else 0.
  std::int64_t find_adjacent() const {
    if (positions_ == 1 || problem_.out_feature == 1) return 0;
    std::int64_t step = 0, extent = 1;
    for (std::size_t d = problem_.axes.size(); d-- > 0;) {
      const ConvAxis& axis = problem_.axes[d];
      if (axis.out == 1) continue;
      if (step == 0) step = axis.out_step;
      if (std::abs(step) != 1 || axis.out_step != step * extent) return 0;
      extent *= axis.out;
    }
    return step;
  }

  const T *lhs_, *rhs_;
  T* out_;
  const BandAxes axes_;
  const std::int64_t adjacent_ = find_adjacent();
  const bool in_runs_ = adjacent_ != 0 && problem_.out_batch == positions_;  // channel after channel
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
};

// A problem as it is computed: with its operands in each other's place, and folded, where that pays.
struct Arrangement {
  Arrangement(const ConvProblem& given, std::int64_t element_size)
      : swapped(is_better_swapped(given, element_size)),
        problem(swapped ? swap_operands(given) : given),
        fold(find_fold(problem, tile_shape(element_size, 1).lanes)) {}

  const bool swapped;
  const ConvProblem problem;
  const Fold fold;
};

}  // namespace

ConvCost long_sum_cost(const ConvProblem& problem, std::int64_t element_size) {
  const Arrangement arranged(problem, element_size);
  for (const ConvAxis& axis : problem.axes) {
    if (axis.lhs_dilation != 1 && !arranged.swapped)
      return {.refusal = "lhs is dilated; it serves each phase of such a problem"};
    if (axis.kernel == 0) return {.refusal = "nothing is summed"};
  }
  if (problem.in_features == 0) return {.refusal = "nothing is summed"};
  if (has_plane_sums(arranged.problem, element_size)) return plane_sums_cost(arranged.problem, element_size);
  if (arranged.fold.count == 1) return LongSumPlan(arranged.problem, element_size).cost();
  const ConvProblem folded = fold_positions(arranged.problem, arranged.fold);
  ConvCost cost = LongSumPlan(folded, element_size).cost();
  cost.workspace += element_size * folded_size(folded);
  return cost;
}

bool long_sum_serves_dilated(const ConvProblem& problem, std::int64_t element_size) {
  return is_better_swapped(problem, element_size) && long_sum_cost(problem, element_size).refusal.empty();
}

template <class T>
void convolve_long_sum(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  const Arrangement arranged(problem, sizeof(T));
  if (arranged.swapped) std::swap(lhs, rhs);
  if (has_plane_sums(arranged.problem, sizeof(T))) return convolve_plane_sums(arranged.problem, lhs, rhs, out);
  if (arranged.fold.count == 1) return LongSum<T>(arranged.problem, lhs, rhs, out).run();
  const ConvProblem folded = fold_positions(arranged.problem, arranged.fold);
  const Workspace<T> sums(folded_size(folded));
  LongSum<T>(folded, lhs, rhs, sums.data()).run();
  unfold(arranged.problem, folded, arranged.fold, sums.data(), out);
}

template void convolve_long_sum(const ConvProblem&, const float*, const float*, float*);
template void convolve_long_sum(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
