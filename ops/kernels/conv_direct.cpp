// Direct convolution: windows are multiplied where they lie, without columns.
//
// A task is a box of output positions of some images. What it reads is read in place where channels are adjacent and no
// window hangs over the border, and else copied to a band first: that is where other layouts are transposed and borders
// become zeros. Rows of a tile product are output positions, its terms the channels beneath each kernel position, and
// its columns a panel of output features, whose weights have been packed side by side. Where output features are too
// few to fill a vector, each has its weights in a row, and vectors run along the terms.
//
// Of a dilated input, a task computes all phases, which read the same pixels. Those of columns lie side by side in the
// output; where its features are not adjacent, their tiles are interleaved, so that whole runs are written.
#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_direct_plan.h"
#include "cotangent/ops/kernels/conv_few_positions.h"
#include "cotangent/ops/kernels/conv_points.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kWideBytes = 128 << 10;  // of weights, which all panels take in turn for each tile of rows

template <class T>
class Direct : private DirectPlan {
 public:
  Direct(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : DirectPlan(problem, sizeof(T)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs),
        bias_(epilogue.bias),
        relu_(epilogue.relu),
        out_(out),
        axes_{problem.lhs_feature, problem.lhs_batch} {}

  void run() {
    const Workspace<T> weights(weight_elements());
    weights_ = weights.data();
    if (weight_elements() > 0) pack_weights(weights.data());
    const std::int64_t boxes = boxes_.count(), panel_tasks = panel_blocks_.count();
    parallel_for(problem_.groups * boxes * panel_tasks, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t rest = task / panel_tasks;
      compute(rest / boxes, rest % boxes, panel_blocks_.range(task % panel_tasks));
    });
  }

 private:
  void pack_weights(T* to) const {
    const auto phases = std::ssize(phases_), panels = panels_.count();
    parallel_for(phases * problem_.groups * panels, 1, [&](std::int64_t task, std::int64_t) {
      const DirectPhase& phase = phases_[static_cast<std::size_t>(task % phases)];
      const std::int64_t group = task / phases / panels, p = task / phases % panels;
      const T* const rhs = rhs_ + phase.problem.rhs_offset + group * problem_.rhs_group;
      if (dots_) pack_rows(phase, rhs, to + phase.weights + group * problem_.out_features * phase.terms);
      else pack_panel(phase.problem, panels_.range(p), rhs, to + phase.weights + panel_offset(phase, group, p));
    });
  }

  std::int64_t panel_offset(const DirectPhase& phase, std::int64_t group, std::int64_t panel) const {
    return (group * panels_.count() + panel) * phase.terms * tile_.panel_width;
  }

  // The weights of each output feature in a row: kernel positions, then input features with zeros beyond the last.
  void pack_rows(const DirectPhase& phase, const T* rhs, T* to) const {
    std::fill_n(to, problem_.out_features * phase.terms, T{0});
    for (std::int64_t row = 0; row < problem_.out_features; ++row)
      for_each_tap(phase.problem, [&](const std::vector<std::int64_t>& tap) {
        kernels_.copy({problem_.in_features, 1, rhs + row * problem_.rhs_out_feature + rhs_offset(phase.problem, tap),
                       problem_.rhs_in_feature, 1, to, 1, 1});
        to += channels_;
      });
  }

  // Terms in the order of kernel positions, then features; the panel's features side by side, zeros beyond the last.
  void pack_panel(const ConvProblem& phase, Range features, const T* rhs, T* to) const {
    const std::int64_t width = tile_.panel_width, terms = problem_.in_features;
    const EvenTaps taps = even_taps(phase);
    const T* const from = rhs + features.first * problem_.rhs_out_feature;
    if (length(features) < width) std::fill_n(to, taps.count * terms * width, T{0});
    // Positions closest in memory: a copy of those of a feature reads each line once.
    if (taps.step != 0 && problem_.rhs_in_feature != 1 && problem_.rhs_out_feature != 1) {
      for (std::int64_t i = 0; i < terms; ++i)
        kernels_.copy({length(features), taps.count, from + i * problem_.rhs_in_feature, problem_.rhs_out_feature,
                       taps.step, to + i * width, 1, terms * width});
      return;
    }
    for_each_tap(phase, [&](const std::vector<std::int64_t>& tap) {
      kernels_.copy({terms, length(features), from + rhs_offset(phase, tap), problem_.rhs_in_feature,
                     problem_.rhs_out_feature, to, width, 1});
      to += terms * width;
    });
  }

  void compute(std::int64_t group, std::int64_t index, Range panel_range) const {
    const Box box = boxes_.at(index);
    BandBox band{box.images, {0, problem_.in_features}, {}};
    for (std::size_t d = 0; d < covers_.size(); ++d) {
      const Cover& cover = covers_[d];
      const Range range = box.range(d);
      const std::int64_t low = range.first * cover.stride - cover.low;
      band.positions.emplace_back(low, low + cover.input_extent(length(range)));
    }
    const T* const lhs = lhs_ + group * problem_.lhs_group;
    const bool in_place = may_read_in_place() && band_in_place(problem_, axes_, band);
    const Workspace<T> copy(in_place ? 0 : length(band.images) * band.pixels() * pixel_step_);
    if (channels_ != problem_.in_features)
      std::fill_n(copy.data(), length(band.images) * band.pixels() * pixel_step_, T{0});
    const BandView<T> view = in_place ? view_in_place(problem_, axes_, band, lhs)
                                      : gather_band(problem_, axes_, band, lhs, pixel_step_, copy.data());
    for (std::size_t first = 0; first < phases_.size(); first += static_cast<std::size_t>(column_phases_))
      multiply(group, box, view, panel_range, &phases_[first]);
  }

  // The sums of the phases whose outputs lie in the same rows.
  void multiply(std::int64_t group, const Box& box, const BandView<T>& view, Range panel_range,
                const DirectPhase* phases) const {
    const std::int64_t width = tile_.panel_width;
    const bool adjacent = problem_.out_feature == 1;
    const auto sums_nothing = [](const DirectPart& part) { return part.phase->terms == 0; };
    std::vector<DirectPart> parts;
    for (std::int64_t c = 0; c < column_phases_; ++c)
      parts.push_back(make_part(phases[c], c, box, view.image_step, view.steps));
    const Lines lines = lines_of(group, box, phases);
    const bool whole_pixels =
        adjacent && problem_.axes.back().out_step == problem_.out_features && length(panel_range) == panels_.count();
    if (whole_pixels && bias_ == nullptr && std::any_of(parts.begin(), parts.end(), sums_nothing)) {
      clear(box, phases, lines);
      std::erase_if(parts, sums_nothing);
    }
    if (rhs_in_place_ || packs_chunks_) {
      for (const DirectPart& part : parts) multiply_chunks(group, part, view, panel_range);
      std::erase_if(parts, [&](const DirectPart& part) { return !sums_nothing(part); });
    }
    std::int64_t widest = 0;  // of the phases' sums
    for (const DirectPart& part : parts) widest = std::max(widest, part.phase->terms);
    const bool wide = adjacent && !dots_ && length(panel_range) * widest * width * sizeof(T) <= kWideBytes;
    const std::int64_t count = wide ? length(panel_range) : 1;  // of panels at once
    const Workspace<T> tile(adjacent ? 0 : tile_rows_of(box) * width);
    std::vector<T> bias(static_cast<std::size_t>(bias_ == nullptr ? 0 : count * width));
    for (std::int64_t p = panel_range.first; p < panel_range.second; p += count) {
      const Range features{panels_.range(p).first, panels_.range(p + count - 1).second};
      T* const to = out_ + group * problem_.out_group + features.first * problem_.out_feature;
      if (bias_ != nullptr)
        std::copy_n(bias_ + group * problem_.out_features + features.first, length(features), bias.begin());
      for (const DirectPart& part : parts)
        multiply_panels(group, part, view, p, length(features), bias_ == nullptr ? nullptr : bias.data(),
                        adjacent ? to + part.phase->problem.out_offset : tile.data());
      if (!adjacent) write(box, phases, lines, features, tile.data());
    }
  }

  void multiply_panels(std::int64_t group, const DirectPart& part, const BandView<T>& view, std::int64_t panel,
                       std::int64_t width, const T* bias, T* out) const {
    const T* const weights = weights_ + part.phase->weights;
    const bool listed = !part.terms.empty();
    if (part.row_count == 0) return;
    if (dots_)
      kernels_.dot_products({.lhs = view.data,
                             .rows = part.rows.data(),
                             .row_count = part.row_count,
                             .rhs = weights + group * problem_.out_features * part.phase->terms,
                             .rhs_column = part.phase->terms,
                             .segments = part.segments.data(),
                             .segment_count = std::ssize(part.segments),
                             .out = out,
                             .out_rows = part.out_rows.data(),
                             .columns = problem_.out_features,
                             .bias = bias,
                             .relu = relu_});
    else
      kernels_.multiply({.lhs = view.data,
                         .rows = part.rows.data(),
                         .row_count = part.row_count,
                         .lhs_step = 1,
                         .rhs = weights + panel_offset(*part.phase, group, panel),
                         .rhs_step = tile_.panel_width,
                         .segments = listed ? nullptr : part.segments.data(),
                         .segment_count = listed ? part.phase->terms : std::ssize(part.segments),
                         .terms = part.terms.data(),
                         .out = out,
                         .out_rows = part.out_rows.data(),
                         .width = width,
                         .bias = bias,
                         .panel_step = part.phase->terms * tile_.panel_width,
                         .relu = relu_,
                         .fetch_out = problem_.out_feature == 1 && part.phase->terms <= kShortSum});
  }

  // Lines of outputs of which the phases have their columns side by side.
  struct Lines {
    T* first;
    std::int64_t count, columns;
  };
  Lines lines_of(std::int64_t group, const Box& box, const DirectPhase* phases) const {
    const ConvProblem& first = phases->problem;
    const std::size_t r = covers_.size() - 2;
    const Range rows = clipped(box.rows, first.axes[r]);
    Lines lines{out_ + first.out_offset + group * problem_.out_group + rows.first * first.axes[r].out_step +
                    box.columns.first * first.axes.back().out_step,
                length(rows), 0};
    for (std::int64_t c = 0; c < column_phases_; ++c)
      lines.columns += length(clipped(box.columns, phases[c].problem.axes.back()));
    for (std::size_t d = 0; d < r; ++d) {
      if (box.position[d] >= first.axes[d].out) lines.count = 0;
      lines.first += box.position[d] * first.axes[d].out_step;
    }
    return lines;
  }

  void write(const Box& box, const DirectPhase* phases, const Lines& lines, Range features, const T* tile) const {
    const std::int64_t row_size = length(box.columns) * column_phases_ * tile_.panel_width;
    T* const out = lines.first + features.first * problem_.out_feature;
    if (lines.count == 0) return;
    for (std::int64_t image = box.images.first; image < box.images.second; ++image, tile += length(box.rows) * row_size)
      kernels_.copy({lines.columns, length(features), tile, tile_.panel_width, 1, out + image * problem_.out_batch,
                     problem_.axes.back().out_step, problem_.out_feature, lines.count, row_size,
                     row_axis(phases->problem).out_step});
  }

  // Zeros in the order of memory, for phases that sum nothing between those that do.
  void clear(const Box& box, const DirectPhase* phases, const Lines& lines) const {
    for (std::int64_t image = box.images.first; image < box.images.second; ++image)
      for (std::int64_t y = 0; y < lines.count; ++y)
        std::fill_n(lines.first + image * problem_.out_batch + y * row_axis(phases->problem).out_step,
                    lines.columns * problem_.out_features, T{0});
  }

  // The products of few rows: some terms of all panels after another, of weights that are read once.
  void multiply_chunks(std::int64_t group, const DirectPart& part, const BandView<T>& view, Range panel_range) const {
    const ConvProblem& phase = part.phase->problem;
    const std::int64_t width = tile_.panel_width;
    const Workspace<T> packed(chunk_elements());
    const T* const rhs = rhs_ + phase.rhs_offset + group * problem_.rhs_group;
    std::int64_t done = 0;  // of the terms
    for_each_tap(phase, [&](const std::vector<std::int64_t>& tap) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * phase.axes[d].rhs_dilation * view.steps[d];
      for (std::int64_t first = 0; first < problem_.in_features; first += kChunkTerms) {
        const std::int64_t count = std::min(kChunkTerms, problem_.in_features - first);
        const Segment terms{at + first, 0, count};
        for (std::int64_t p = panel_range.first; p < panel_range.second; ++p) {
          const std::int64_t feature = panels_.range(p).first;
          const T* const weights =
              rhs + rhs_offset(phase, tap) + first * problem_.rhs_in_feature + feature * problem_.rhs_out_feature;
          if (packs_chunks_)
            kernels_.copy({count, width, weights, 1, problem_.rhs_out_feature, packed.data(), width, 1});
          kernels_.multiply(
              {.lhs = view.data,
               .rows = part.rows.data(),
               .row_count = part.row_count,
               .lhs_step = 1,
               .rhs = packs_chunks_ ? packed.data() : weights,
               .rhs_step = packs_chunks_ ? width : problem_.rhs_in_feature,
               .segments = &terms,
               .segment_count = 1,
               .out = out_ + phase.out_offset + group * problem_.out_group + feature,
               .out_rows = part.out_rows.data(),
               .width = width,
               .bias = bias_ == nullptr || done > 0 ? nullptr : bias_ + group * problem_.out_features + feature,
               .add = done > 0,
               .relu = relu_ && done + count == part.phase->terms});
        }
        done += count;
      }
    });
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
  if (serves_few_positions(problem, sizeof(T))) convolve_few_positions(problem, lhs, rhs, epilogue, out);
  else if (serves_points(problem, sizeof(T))) convolve_points(problem, lhs, rhs, epilogue, out);
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
