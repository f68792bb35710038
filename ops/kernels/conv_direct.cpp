// Direct convolution: windows are multiplied where they lie, without columns.
//
// A task is a box of output positions of some images. What it reads is read in place where channels are adjacent and no
// window hangs over the border, and else copied to a band first: that is where other layouts are transposed and borders
// become zeros. Rows of a tile product are output positions, its terms the channels beneath each kernel position, and
// its columns a panel of output features, whose weights have been packed side by side. Where output features are too
// few to fill a vector, each has its weights in a row, and vectors run along the terms.
#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_direct_plan.h"
#include "cotangent/ops/kernels/conv_points.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kFewChannels = 16;       // packed, so that a row of the window is one run
constexpr std::int64_t kShortRun = 8;           // shorter ones are listed term by term
constexpr std::int64_t kWideBytes = 128 << 10;  // of weights, which all panels take in turn for each tile of rows
constexpr std::int64_t kWays = 8;               // of a set of the cache
constexpr std::int64_t kMostStreams = 8;        // that pixels without windows are read in

template <class T>
class Direct : private DirectPlan {
 public:
  Direct(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : DirectPlan(problem, sizeof(T)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        bias_(epilogue.bias),
        relu_(epilogue.relu),
        out_(out + problem.out_offset),
        axes_{problem.lhs_feature, problem.lhs_batch} {}

  void run() {
    const Workspace<T> weights(weight_elements());
    weights_ = weights.data();
    if (dots_) pack_rows(weights.data());
    else if (weight_elements() > 0) pack_panels(weights.data());
    const std::int64_t boxes = boxes_.count(), panel_tasks = panel_blocks_.count();
    parallel_for(problem_.groups * boxes * panel_tasks, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t rest = task / panel_tasks;
      compute(rest / boxes, rest % boxes, panel_blocks_.range(task % panel_tasks));
    });
  }

 private:
  // The weights of each output feature in a row: kernel positions, then input features with zeros beyond the last.
  void pack_rows(T* to) const {
    std::fill_n(to, weight_elements(), T{0});
    for (std::int64_t row = 0; row < problem_.groups * problem_.out_features; ++row) {
      const T* const from = rhs_ + row / problem_.out_features * problem_.rhs_group +
                            row % problem_.out_features * problem_.rhs_out_feature;
      for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
        kernels_.copy({problem_.in_features, 1, from + rhs_offset(tap), problem_.rhs_in_feature, 1, to, 1, 1});
        to += channels_;
      });
    }
  }

  // Terms in the order of kernel positions, then features; a panel of features side by side, zeros beyond the last.
  void pack_panels(T* to) const {
    const std::int64_t width = tile_.panel_width;
    const EvenTaps taps = even_taps(problem_);
    // Positions closest in memory: a copy of those of a feature reads each line once.
    const bool taps_last = taps.step != 0 && problem_.rhs_in_feature != 1 && problem_.rhs_out_feature != 1;
    parallel_for(problem_.groups * panels_.count(), 1, [&](std::int64_t task, std::int64_t) {
      const Range features = panels_.range(task % panels_.count());
      T* panel = to + task * terms_ * width;
      if (length(features) < width) std::fill_n(panel, terms_ * width, T{0});
      const T* const from =
          rhs_ + task / panels_.count() * problem_.rhs_group + features.first * problem_.rhs_out_feature;
      if (taps_last) {
        for (std::int64_t i = 0; i < problem_.in_features; ++i)
          kernels_.copy({length(features), taps.count, from + i * problem_.rhs_in_feature, problem_.rhs_out_feature,
                         taps.step, panel + i * width, 1, problem_.in_features * width});
        return;
      }
      for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
        kernels_.copy({problem_.in_features, length(features), from + rhs_offset(tap), problem_.rhs_in_feature,
                       problem_.rhs_out_feature, panel, width, 1});
        panel += problem_.in_features * width;
      });
    });
  }

  void compute(std::int64_t group, std::int64_t index, Range panel_range) const {
    const Box box = boxes_.at(index);
    BandBox band{box.images, {0, problem_.in_features}, {}};
    for (std::size_t d = 0; d < problem_.axes.size(); ++d) {
      const ConvAxis& axis = problem_.axes[d];
      const Range range = box.range(d);
      const std::int64_t low = range.first * axis.stride - axis.low;
      band.positions.emplace_back(low, low + input_extent(axis, length(range)));
    }
    const T* const lhs = lhs_ + group * problem_.lhs_group;
    const bool in_place = band_in_place(problem_, axes_, band) && (merges_in_place() || !needs_band()) &&
                          channels_ == problem_.in_features;
    const Workspace<T> copy(in_place ? 0 : length(band.images) * band.pixels() * pixel_step_);
    if (channels_ != problem_.in_features)
      std::fill_n(copy.data(), length(band.images) * band.pixels() * pixel_step_, T{0});
    const BandView<T> view = in_place ? view_in_place(problem_, axes_, band, lhs)
                                      : gather_band(problem_, axes_, band, lhs, pixel_step_, copy.data());
    multiply(group, box, view, panel_range);
  }

  // True if pixels are too narrow, or so far apart that those of a tile would evict each other.
  bool needs_band() const {
    const auto step = column_axis().lhs_step * column_axis().stride * static_cast<std::int64_t>(sizeof(T));
    return (problem_.in_features < kFewChannels && column_axis().kernel > 1) ||
           (step % kSetBytes == 0 && tile_.tile_rows > kWays);
  }
  bool merges_in_place() const {
    return column_axis().lhs_step == problem_.in_features && column_axis().rhs_dilation == 1 &&
           problem_.in_features < kFewChannels;
  }

  void multiply(std::int64_t group, const Box& box, const BandView<T>& view, Range panel_range) const {
    const std::vector<Segment> segments = find_segments(view);
    const bool listed = !dots_ && segments.front().count < kShortRun;
    const std::int64_t row_count = length(box.images) * length(box.rows) * length(box.columns);
    const Workspace<std::int64_t> rows(row_count), out_rows(row_count);
    list_rows(box, view, rows.data(), out_rows.data());
    if (rhs_in_place_ || packs_chunks_)
      return multiply_chunks(group, view, panel_range, row_count, rows.data(), out_rows.data());
    std::vector<std::int64_t> terms;
    if (listed)
      for (const Segment& segment : segments)
        for (std::int64_t t = 0; t < segment.count; ++t) terms.push_back(segment.lhs + t);
    const std::int64_t width = tile_.panel_width;
    const bool adjacent = problem_.out_feature == 1;
    const Workspace<T> tile(adjacent ? 0 : row_count * width);
    std::vector<std::int64_t> tile_rows;
    if (!adjacent)
      for (std::int64_t row = 0; row < row_count; ++row) tile_rows.push_back(row * width);
    T* const out = out_ + group * problem_.out_group;
    const bool wide = adjacent && !dots_ && length(panel_range) * terms_ * width * sizeof(T) <= kWideBytes;
    const std::int64_t count = wide ? length(panel_range) : 1;  // of panels at once
    std::vector<T> bias(static_cast<std::size_t>(bias_ == nullptr ? 0 : count * width));
    for (std::int64_t p = panel_range.first; p < panel_range.second; p += count) {
      const Range features{panels_.range(p).first, panels_.range(p + count - 1).second};
      T* const to = out + features.first * problem_.out_feature;
      if (bias_ != nullptr)
        std::copy_n(bias_ + group * problem_.out_features + features.first, length(features), bias.begin());
      if (dots_)
        kernels_.dot_products({.lhs = view.data,
                               .rows = rows.data(),
                               .row_count = row_count,
                               .rhs = weights_ + group * problem_.out_features * terms_,
                               .rhs_column = terms_,
                               .segments = segments.data(),
                               .segment_count = std::ssize(segments),
                               .out = adjacent ? to : tile.data(),
                               .out_rows = adjacent ? out_rows.data() : tile_rows.data(),
                               .columns = problem_.out_features,
                               .bias = bias_ == nullptr ? nullptr : bias.data(),
                               .relu = relu_});
      else
        kernels_.multiply({.lhs = view.data,
                           .rows = rows.data(),
                           .row_count = row_count,
                           .lhs_step = 1,
                           .rhs = weights_ + (group * panels_.count() + p) * terms_ * width,
                           .rhs_step = width,
                           .segments = listed ? nullptr : segments.data(),
                           .segment_count = listed ? terms_ : std::ssize(segments),
                           .terms = terms.data(),
                           .out = adjacent ? to : tile.data(),
                           .out_rows = adjacent ? out_rows.data() : tile_rows.data(),
                           .width = length(features),
                           .bias = bias_ == nullptr ? nullptr : bias.data(),
                           .panel_step = terms_ * width,
                           .relu = relu_,
                           .fetch_out = adjacent && terms_ <= kShortSum});
      if (adjacent) continue;
      const std::int64_t run = length(box.columns), image = run * length(box.rows);
      for (std::int64_t row = 0; row < row_count; row += image)
        kernels_.copy({run, length(features), tile.data() + row * width, width, 1, to + out_rows.data()[row],
                       column_axis().out_step, problem_.out_feature, length(box.rows), run * width,
                       row_axis().out_step});
    }
  }

  // The products of few rows: some terms of all panels after another, of weights that are read once.
  void multiply_chunks(std::int64_t group, const BandView<T>& view, Range panel_range, std::int64_t row_count,
                       const std::int64_t* rows, const std::int64_t* out_rows) const {
    const std::int64_t width = tile_.panel_width;
    const Workspace<T> packed(chunk_elements());
    const T* const rhs = rhs_ + group * problem_.rhs_group;
    std::int64_t done = 0;  // of the terms
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem_.axes[d].rhs_dilation * view.steps[d];
      for (std::int64_t first = 0; first < problem_.in_features; first += kChunkTerms) {
        const std::int64_t count = std::min(kChunkTerms, problem_.in_features - first);
        const Segment terms{at + first, 0, count};
        for (std::int64_t p = panel_range.first; p < panel_range.second; ++p) {
          const std::int64_t feature = panels_.range(p).first;
          const T* const weights =
              rhs + rhs_offset(tap) + first * problem_.rhs_in_feature + feature * problem_.rhs_out_feature;
          if (packs_chunks_)
            kernels_.copy({count, width, weights, 1, problem_.rhs_out_feature, packed.data(), width, 1});
          kernels_.multiply(
              {.lhs = view.data,
               .rows = rows,
               .row_count = row_count,
               .lhs_step = 1,
               .rhs = packs_chunks_ ? packed.data() : weights,
               .rhs_step = packs_chunks_ ? width : problem_.rhs_in_feature,
               .segments = &terms,
               .segment_count = 1,
               .out = out_ + group * problem_.out_group + feature,
               .out_rows = out_rows,
               .width = width,
               .bias = bias_ == nullptr || done > 0 ? nullptr : bias_ + group * problem_.out_features + feature,
               .add = done > 0,
               .relu = relu_ && done + count == terms_});
        }
        done += count;
      }
    });
  }

  // Where the terms of a window lie; a row of the window is one run where its pixels are adjacent.
  std::vector<Segment> find_segments(const BandView<T>& view) const {
    const ConvAxis& columns = column_axis();
    const bool merged = columns.rhs_dilation == 1 && view.steps.back() == channels_;
    const std::int64_t count = channels_ * (merged ? columns.kernel : 1), width = dots_ ? 1 : tile_.panel_width;
    std::vector<Segment> segments;
    std::int64_t done = 0;
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      if (merged && tap.back() > 0) return;
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem_.axes[d].rhs_dilation * view.steps[d];
      segments.push_back({at, done * width, count});
      done += count;
    });
    return segments;
  }

  // Where each output position of a box finds its window and goes. Without windows, a tile reads from as many runs of
  // pixels as it has rows: adjacent pixels of a few lines of the cache would be jumps about in a page of memory, where
  // the processor does not see what to fetch next.
  void list_rows(const Box& box, const BandView<T>& view, std::int64_t* rows, std::int64_t* out_rows) const {
    const std::size_t r = problem_.axes.size() - 2;
    const ConvAxis &row_axis = problem_.axes[r], &columns = problem_.axes[r + 1];
    const bool in_streams = taps_ == 1 && problem_.out_feature == 1;
    std::int64_t corner = 0;
    for (std::size_t d = 0; d < r; ++d) corner += box.position[d] * problem_.axes[d].out_step;
    for (std::int64_t image = box.images.first; image < box.images.second; ++image)
      for (std::int64_t y = box.rows.first; y < box.rows.second; ++y) {
        const std::int64_t from =
            (image - box.images.first) * view.image_step + (y - box.rows.first) * row_axis.stride * view.steps[r];
        const std::int64_t to = corner + image * problem_.out_batch + y * row_axis.out_step;
        const std::int64_t count = length(box.columns), step = columns.stride * view.steps[r + 1];
        const std::int64_t run = in_streams ? ceiling_quotient(count, std::min(tile_.tile_rows, kMostStreams)) : 1;
        for (std::int64_t start = 0; start < run; ++start)
          for (std::int64_t x = start; x < count; x += run) {
            *rows++ = from + x * step;
            *out_rows++ = to + (box.columns.first + x) * columns.out_step;
          }
      }
  }

  const T *lhs_, *rhs_, *bias_;
  const bool relu_;
  T* out_;
  const BandAxes axes_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  const T* weights_ = nullptr;
};

}  // namespace

template <class T>
void convolve_direct_with(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                          T* out) {
  if (serves_points(problem, sizeof(T))) convolve_points(problem, lhs, rhs, epilogue, out);
  else Direct<T>(problem, lhs, rhs, epilogue, out).run();
}

template <class T>
void convolve_direct(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  convolve_direct_with<T>(problem, lhs, rhs, {}, out);
}

template void convolve_direct_with(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void convolve_direct_with(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&,
                                   double*);
template void convolve_direct(const ConvProblem&, const float*, const float*, float*);
template void convolve_direct(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
