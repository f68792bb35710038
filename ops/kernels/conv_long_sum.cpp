// Convolution with few outputs, each a long sum: what the gradient of a kernel is.
//
// Here the window is as large as an image, and the batch of the problem are channels: they lie closest in memory. So
// rows of a tile product are pairs of an output position and a channel, its terms the positions of the window, and its
// columns a panel of output features. The sum is cut into chunks of window positions: the part of lhs beneath a chunk
// is gathered to a band, the part of rhs packed into panels, and their products added to accumulators that stay in
// cache. Chunks fall into splits with accumulators of their own, whose number depends on the problem alone and which
// are added in order, so that the bits do not depend on the number of threads.
#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTasks = 16;                    // enough for a few threads to share evenly
constexpr std::int64_t kAccumulatorBytes = 512 << 10;  // of a task
constexpr std::int64_t kChunkBytes = 256 << 10;        // of band and panels
constexpr std::int64_t kLeastTerms = 64, kMostTerms = 256,
                       kMostTermsOfFew = 1024;    // of a chunk: a panel of them stays in L1
constexpr std::int64_t kFewChannels = 16;         // that share a line of the cache
constexpr std::int64_t kFewTiles = 8;             // of rows, for which rhs is read where it lies
constexpr std::int64_t kPartialBytes = 64 << 20;  // the most that all splits' accumulators take
constexpr std::int64_t kTwoLines = 128;           // bytes: pixels at multiples of it would share half of the cache

// The same problem with lhs and rhs in each other's place. Where y = x * stride + k - low ties the positions of input,
// output and window, k = y + x' * stride - low' does with x' = out - 1 - x, that is, with the output written backwards.
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
    axis.low = (axis.out - 1) * axis.stride - axis.low;
    swapped.out_offset += (axis.out - 1) * axis.out_step;
    axis.out_step = -axis.out_step;
  }
  return swapped;
}

// True if lhs has more channels to fill panels with than rhs has features.
bool is_better_swapped(const ConvProblem& problem, std::int64_t lanes) {
  return problem.out_features <= lanes && problem.out_features < problem.batch &&
         std::all_of(problem.axes.begin(), problem.axes.end(),
                     [](const ConvAxis& axis) { return axis.rhs_dilation == 1 && axis.in > 0; });
}

template <class T>
class LongSum {
 public:
  LongSum(const ConvProblem& problem, const T* lhs, const T* rhs, T* out)
      : problem_(in_memory_order(problem)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset),
        axes_{problem.lhs_batch, problem.lhs_feature},
        panels_{problem.out_features, problem.out_features, kernels_.panel_width} {
    for (const ConvAxis& axis : problem_.axes) positions_ *= axis.out;
    plan();
  }

  void run() const {
    const std::int64_t tasks = problem_.groups * channel_blocks_.count() * panel_blocks_.count();
    const std::int64_t size = accumulator_size();
    const Workspace<T> partial(tasks * splits_ * size);
    const Blocks shares{chunks(), chunks(), ceiling_quotient(chunks(), splits_)};
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

  ConvCost cost() const {
    std::int64_t terms = problem_.in_features;
    for (const ConvAxis& axis : problem_.axes) terms *= axis.kernel;
    const std::int64_t rows = positions_ * problem_.batch,
                       tasks = problem_.groups * channel_blocks_.count() * panel_blocks_.count();
    ConvCost cost;
    cost.multiply_adds = problem_.groups * rows * terms * problem_.out_features;
    cost.products = fmt::format("{} x ({} x {}) x ({} x {})", problem_.groups * chunks(), rows, terms / chunks(),
                                terms / chunks(), problem_.out_features);
    cost.workspace = static_cast<std::int64_t>(sizeof(T)) *
                     (tasks * splits_ * accumulator_size() + num_threads() * (band_elements_ + panel_elements_));
    return cost;
  }

 private:
  struct Task {
    std::int64_t group;
    Range channels, panels;
  };
  // Window positions of some images: rows and columns are those on the last two axes.
  struct Chunk {
    Range images, rows, columns;
    std::vector<std::int64_t> position;  // on the others
  };

  const ConvAxis& row_axis() const { return problem_.axes[problem_.axes.size() - 2]; }
  const ConvAxis& column_axis() const { return problem_.axes.back(); }

  static std::int64_t input_extent(const ConvAxis& axis, std::int64_t positions) {
    return (positions - 1) * axis.rhs_dilation + (axis.out - 1) * axis.stride + 1;
  }

  // How outputs and sum are cut: depends on the problem alone.
  void plan() {
    const std::int64_t element = sizeof(T), width = kernels_.panel_width;
    std::int64_t channels = problem_.batch, panels = panels_.count();
    while (positions_ * channels * panels * width * element > kAccumulatorBytes && (panels > 4 || channels > 32)) {
      const bool fewer_panels = panels > 4 && (positions_ * channels <= panels * width || channels <= 32);
      (fewer_panels ? panels : channels) = ceiling_quotient(fewer_panels ? panels : channels, 2);
    }
    channel_blocks_ = cut_evenly(problem_.batch, channels);
    panel_blocks_ = cut_evenly(panels_.count(), panels);
    pixel_step_ = channel_blocks_.block;
    if (pixel_step_ * element % kTwoLines == 0) pixel_step_ += kTwoLines / 2 / element;

    const ConvAxis &rows = row_axis(), &columns = column_axis();
    std::int64_t others = 1, plane = 1;
    for (std::size_t d = 0; d + 2 < problem_.axes.size(); ++d) {
      others *= problem_.axes[d].kernel;
      plane *= input_extent(problem_.axes[d], 1);
    }
    const std::int64_t wanted =
        std::clamp<std::int64_t>(kChunkBytes / element / (channel_blocks_.block + panel_blocks_.block * width),
                                 kLeastTerms, channel_blocks_.block <= kFewChannels ? kMostTermsOfFew : kMostTerms);
    column_blocks_ = cut_evenly(columns.kernel, columns.kernel <= 2 * wanted ? columns.kernel : wanted);
    row_blocks_ = cut_evenly(rows.kernel, std::max<std::int64_t>(1, wanted / column_blocks_.block));
    const bool whole = others == 1 && row_blocks_.count() == 1 && column_blocks_.count() == 1;
    image_blocks_ = cut_evenly(problem_.in_features,
                               whole ? std::max<std::int64_t>(1, wanted / (rows.kernel * columns.kernel)) : 1);
    band_elements_ = image_blocks_.block * plane * input_extent(rows, row_blocks_.block) *
                     input_extent(columns, column_blocks_.block) * pixel_step_;
    chunk_pixels_ = image_blocks_.block * row_blocks_.block * column_blocks_.block;
    // Packing pays only if enough rows read what was packed.
    rhs_in_place_ = problem_.rhs_out_feature == 1 && problem_.out_features % width == 0 &&
                    positions_ * channel_blocks_.block <= kFewTiles * kernels_.tile_rows;
    panel_elements_ = rhs_in_place_ ? 0 : panel_blocks_.block * chunk_pixels_ * width;

    const std::int64_t tasks = problem_.groups * channel_blocks_.count() * panel_blocks_.count();
    splits_ = std::clamp<std::int64_t>(ceiling_quotient(kTasks, tasks), 1, chunks());
    splits_ = std::clamp<std::int64_t>(kPartialBytes / (tasks * accumulator_size() * element), 1, splits_);
  }

  std::int64_t accumulator_size() const {
    return positions_ * channel_blocks_.block * panel_blocks_.block * kernels_.panel_width;
  }

  std::int64_t chunks() const {
    std::int64_t count = image_blocks_.count() * row_blocks_.count() * column_blocks_.count();
    for (std::size_t d = 0; d + 2 < problem_.axes.size(); ++d) count *= problem_.axes[d].kernel;
    return count;
  }

  Chunk chunk_at(std::int64_t index) const {
    Chunk chunk;
    chunk.columns = column_blocks_.range(index % column_blocks_.count());
    index /= column_blocks_.count();
    chunk.rows = row_blocks_.range(index % row_blocks_.count());
    index /= row_blocks_.count();
    chunk.position.resize(problem_.axes.size() - 2);
    for (std::size_t d = chunk.position.size(); d-- > 0; index /= problem_.axes[d].kernel)
      chunk.position[d] = index % problem_.axes[d].kernel;
    chunk.images = image_blocks_.range(index);
    return chunk;
  }

  Task task_at(std::int64_t index) const {
    const std::int64_t panels = index % panel_blocks_.count(), rest = index / panel_blocks_.count();
    return {rest / channel_blocks_.count(), channel_blocks_.range(rest % channel_blocks_.count()),
            panel_blocks_.range(panels)};
  }

  // The window positions of a chunk on axis d.
  Range positions(const Chunk& chunk, std::size_t d) const {
    if (d < chunk.position.size()) return {chunk.position[d], chunk.position[d] + 1};
    return d == chunk.position.size() ? chunk.rows : chunk.columns;
  }

  // Sets `to` to the products of some chunks: panels, then rows, then features.
  void accumulate(const Task& task, Range chunk_range, T* to) const {
    const std::int64_t width = kernels_.panel_width, row_count = positions_ * length(task.channels);
    const Workspace<T> copy(band_elements_), panels(panel_elements_);
    if (!rhs_in_place_) std::fill_n(panels.data(), panel_elements_, T{0});  // beyond the last feature
    std::vector<std::int64_t> rows, out_rows;
    for (std::int64_t row = 0; row < row_count; ++row) out_rows.push_back(row * width);
    for (std::int64_t c = chunk_range.first; c < chunk_range.second; ++c) {
      const Chunk chunk = chunk_at(c);
      const BandView<T> view = view_band(task, chunk, copy.data());
      if (!rhs_in_place_) pack_panels(task, chunk, panels.data());
      const std::vector<Segment> segments = find_segments(chunk, view);
      list_rows(task, view, rows);
      for (std::int64_t p = 0; p < length(task.panels); ++p)
        kernels_.multiply({.lhs = view.data,
                           .rows = rows.data(),
                           .row_count = row_count,
                           .lhs_step = column_axis().rhs_dilation * view.steps.back(),
                           .rhs = rhs_in_place_
                                      ? rhs_ + task.group * problem_.rhs_group + (task.panels.first + p) * width
                                      : panels.data() + p * chunk_pixels_ * width,
                           .rhs_step = rhs_in_place_ ? column_axis().rhs_step : width,
                           .segments = segments.data(),
                           .segment_count = std::ssize(segments),
                           .terms = nullptr,
                           .out = to + p * row_count * width,
                           .out_rows = out_rows.data(),
                           .width = width,
                           .bias = nullptr,
                           .add = c > chunk_range.first});
    }
  }

  BandView<T> view_band(const Task& task, const Chunk& chunk, T* copy) const {
    BandBox band{chunk.images, task.channels, {}};
    for (std::size_t d = 0; d < problem_.axes.size(); ++d) {
      const ConvAxis& axis = problem_.axes[d];
      const Range range = positions(chunk, d);
      const std::int64_t low = range.first * axis.rhs_dilation - axis.low;
      band.positions.emplace_back(low, low + input_extent(axis, length(range)));
    }
    const T* const lhs = lhs_ + task.group * problem_.lhs_group;
    const auto step = column_axis().lhs_step * static_cast<std::int64_t>(sizeof(T));
    return band_in_place(problem_, axes_, band) && step % kTwoLines != 0
               ? view_in_place(problem_, axes_, band, lhs)
               : gather_band(problem_, axes_, band, lhs, pixel_step_, copy);
  }

  // Calls visitor(image, y, offset in rhs of the first column) for each row of a chunk's window positions.
  template <class Visitor>
  void for_each_line(const Chunk& chunk, Visitor visitor) const {
    std::int64_t corner = chunk.columns.first * column_axis().rhs_step;
    for (std::size_t d = 0; d < chunk.position.size(); ++d) corner += chunk.position[d] * problem_.axes[d].rhs_step;
    for (std::int64_t image = chunk.images.first; image < chunk.images.second; ++image)
      for (std::int64_t y = chunk.rows.first; y < chunk.rows.second; ++y)
        visitor(image - chunk.images.first, y - chunk.rows.first,
                corner + image * problem_.rhs_in_feature + y * row_axis().rhs_step);
  }

  // All features of a window position together; whole rows that follow each other in memory, as one.
  void pack_panels(const Task& task, const Chunk& chunk, T* to) const {
    const std::int64_t width = kernels_.panel_width, step = column_axis().rhs_step,
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

  std::vector<Segment> find_segments(const Chunk& chunk, const BandView<T>& view) const {
    const std::size_t r = problem_.axes.size() - 2;
    const std::int64_t columns = length(chunk.columns);
    std::vector<Segment> segments;
    for_each_line(chunk, [&](std::int64_t image, std::int64_t y, std::int64_t at) {
      segments.push_back({image * view.image_step + y * row_axis().rhs_dilation * view.steps[r],
                          rhs_in_place_ ? at : std::ssize(segments) * columns * kernels_.panel_width, columns});
    });
    return segments;
  }

  // Where each pair of an output position and a channel finds its first term.
  void list_rows(const Task& task, const BandView<T>& view, std::vector<std::int64_t>& rows) const {
    rows.clear();
    std::vector<std::int64_t> at(problem_.axes.size(), 0);
    for (std::int64_t position = 0; position < positions_; ++position) {
      std::int64_t start = 0;
      for (std::size_t d = 0; d < at.size(); ++d) start += at[d] * problem_.axes[d].stride * view.steps[d];
      for (std::int64_t channel = 0; channel < length(task.channels); ++channel) rows.push_back(start + channel);
      advance(at);
    }
  }

  void advance(std::vector<std::int64_t>& at) const {
    for (std::size_t d = at.size(); d-- > 0;) {
      if (++at[d] < problem_.axes[d].out) return;
      at[d] = 0;
    }
  }

  void write(const Task& task, const T* from) const {
    const std::int64_t width = kernels_.panel_width, channels = length(task.channels);
    T* const out = out_ + task.group * problem_.out_group + task.channels.first * problem_.out_batch;
    for (std::int64_t p = task.panels.first; p < task.panels.second; ++p) {
      const Range features = panels_.range(p);
      std::vector<std::int64_t> at(problem_.axes.size(), 0);
      for (std::int64_t position = 0; position < positions_; ++position, from += channels * width, advance(at)) {
        T* to = out + features.first * problem_.out_feature;
        for (std::size_t d = 0; d < at.size(); ++d) to += at[d] * problem_.axes[d].out_step;
        kernels_.copy({channels, length(features), from, width, 1, to, problem_.out_batch, problem_.out_feature});
      }
    }
  }

  const ConvProblem problem_;
  const T *lhs_, *rhs_;
  T* out_;
  const BandAxes axes_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  const Blocks panels_;
  Blocks panel_blocks_, channel_blocks_, image_blocks_, row_blocks_, column_blocks_;
  bool rhs_in_place_ = false;
  std::int64_t positions_ = 1, pixel_step_ = 0, splits_ = 1, band_elements_ = 0, panel_elements_ = 0, chunk_pixels_ = 0;
};

}  // namespace

ConvCost long_sum_cost(const ConvProblem& problem, std::int64_t element_size) {
  for (const ConvAxis& axis : problem.axes) {
    if (axis.lhs_dilation != 1) return {.refusal = "lhs is dilated; it serves each phase of such a problem"};
    if (axis.kernel == 0) return {.refusal = "nothing is summed"};
  }
  if (problem.in_features == 0) return {.refusal = "nothing is summed"};
  const auto cost_of = [&]<class T>(T) {
    const bool swap = is_better_swapped(problem, table<MatrixKernels<T>>().lanes);
    return LongSum<T>(without_offsets(swap ? swap_operands(problem) : problem), nullptr, nullptr, nullptr).cost();
  };
  return element_size == sizeof(float) ? cost_of(float{}) : cost_of(double{});
}

template <class T>
void convolve_long_sum(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  if (is_better_swapped(problem, table<MatrixKernels<T>>().lanes))
    LongSum<T>(swap_operands(problem), rhs, lhs, out).run();
  else LongSum<T>(problem, lhs, rhs, out).run();
}

template void convolve_long_sum(const ConvProblem&, const float*, const float*, float*);
template void convolve_long_sum(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
