// DirectPlan: the choice of tasks.
#include "cotangent/ops/kernels/conv_direct_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_few_positions.h"
#include "cotangent/ops/kernels/conv_points.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTasks = 16;             // enough for a few threads to share evenly
constexpr std::int64_t kBandBytes = 512 << 10;  // of a task, unless a single row of outputs needs more
constexpr std::int64_t kLeastRows = 128;        // of a task, where there are as many
constexpr std::int64_t kMostRows = 4096;
constexpr std::int64_t kLeastTiles = 4;                 // of a task, of images that have few outputs
constexpr std::int64_t kLeastProducts = 1 << 21;        // of a task, which should take longer than setting it up
constexpr std::int64_t kMoreProducts = 4;               // times as many of short sums, with much overlap of small bands
constexpr std::int64_t kWeightBytesPerRow = 16 << 10;   // a task reads all weights, which so many rows should pay for
constexpr std::int64_t kPointBytes = 512 << 10;         // of the pixels of a task without windows, which stay in L2
constexpr std::int64_t kWeightBytesPerPoint = 4 << 10;  // of such a task, for which more rows cost nothing
constexpr std::int64_t kFewRows = 256;                  // that do not pay for packing all weights first ...
constexpr std::int64_t kManyWeights = 128 << 10;        // ... of as many bytes
constexpr std::int64_t kLeastChunk = 64;                // adjacent terms, for which weights need not be packed
constexpr std::int64_t kMostPhases = 64;                // each of which a task sets up
constexpr std::int64_t kFewChannels = 16;               // packed, so that a row of the window is one run
constexpr std::int64_t kWays = 8;                       // of a set of the cache
constexpr std::int64_t kPanelsInPlace = 4;              // of a task: enough of a line of weights for prefetching

std::int64_t phases_of(const ConvAxis& axis) {
  return std::min(axis.out, axis.lhs_dilation / std::gcd(axis.stride, axis.lhs_dilation));
}

// The same problem with a batch that continues its only axis, as channels last do without a window, as part of it.
ConvProblem batch_merged(ConvProblem problem) {
  ConvAxis& last = problem.axes.back();
  const bool single = std::all_of(problem.axes.begin(), problem.axes.end() - 1,
                                  [](const ConvAxis& axis) { return is_pointwise(axis) && axis.out == 1; });
  if (!single || !is_pointwise(last) || problem.lhs_batch != last.in * last.lhs_step ||
      problem.out_batch != last.out * last.out_step)
    return problem;
  last.in *= problem.batch;
  last.out *= problem.batch;
  problem.batch = 1;
  return problem;
}

// Why a problem cannot be solved so.
std::string refusal(const ConvProblem& problem) {
  std::int64_t phases = 1;
  for (const ConvAxis& axis : problem.axes) {
    if (axis.kernel == 0) return "nothing is summed";
    phases *= std::min(phases_of(axis), kMostPhases + 1);
  }
  if (problem.in_features == 0) return "nothing is summed";
  return phases > kMostPhases ? "its lhs is dilated too far; it serves each phase of such a problem" : "";
}

}  // namespace

DirectPlan::DirectPlan(const ConvProblem& problem, std::int64_t element_size)
    : problem_(batch_merged(in_memory_order(problem))),
      tile_(tile_shape(element_size, problem.out_features)),
      element_size_(element_size),
      panels_{problem.out_features, problem.out_features, tile_.panel_width} {
  dots_ = problem_.out_features <= tile_.few_rows && problem_.in_features >= tile_.lanes;
  channels_ = dots_ ? ceiling_quotient(problem_.in_features, tile_.lanes) * tile_.lanes : problem_.in_features;
  list_phases();
  cover_windows();
  cut_output();
  read_weights_once();
}

void DirectPlan::list_phases() {
  column_phases_ = phases_of(problem_.axes.back());
  for (ConvProblem& phase : split_phases(problem_)) {
    std::int64_t taps = 1;
    for (const ConvAxis& axis : phase.axes) taps *= axis.kernel;
    phases_.push_back({std::move(phase), taps * channels_, weight_elements()});
    terms_ += phases_.back().terms;
  }
}

void DirectPlan::cover_windows() {
  for (std::size_t d = 0; d < problem_.axes.size(); ++d) {
    Cover cover{.out = 0, .stride = phases_.front().problem.axes[d].stride, .low = 0, .extent = 0};
    std::int64_t high = 0;  // the end of windows, from x * stride on
    for (const DirectPhase& phase : phases_) {
      const ConvAxis& axis = phase.problem.axes[d];
      cover.out = std::max(cover.out, axis.out);
      if (phase.terms == 0) continue;
      const std::int64_t end = (axis.kernel - 1) * axis.rhs_dilation + 1 - axis.low;
      high = cover.extent == 0 ? end : std::max(high, end);
      cover.low = cover.extent == 0 ? axis.low : std::max(cover.low, axis.low);
      cover.extent = high + cover.low;
    }
    cover.extent = std::max<std::int64_t>(1, cover.extent);
    covers_.push_back(cover);
  }
  points_ = std::all_of(covers_.begin(), covers_.end(), [](const Cover& cover) { return cover.extent == 1; });
}

ConvCost DirectPlan::cost() const {
  ConvCost cost;
  std::map<std::int64_t, std::int64_t> counts;  // of phases, by their terms
  for (const DirectPhase& phase : phases_) {
    std::int64_t rows = problem_.batch;
    for (const ConvAxis& axis : phase.problem.axes) rows *= axis.out;
    cost.multiply_adds +=
        problem_.groups * rows * phase.terms / channels_ * problem_.in_features * problem_.out_features;
    if (phase.terms > 0) ++counts[phase.terms];
  }
  for (const auto& [terms, count] : counts)
    cost.products +=
        fmt::format("{}{} x ({} x {}) x ({} x {})", cost.products.empty() ? "" : " + ",
                    problem_.groups * boxes_.count() * count, row_most_, terms, terms, problem_.out_features);
  cost.phases = std::ssize(phases_);
  cost.workspace =
      element_size_ * (weight_elements() + num_threads() * (chunk_elements() + band_elements_ +
                                                            row_most_ * column_phases_ * tile_.panel_width)) +
      num_threads() * 2 * row_most_ * column_phases_ * static_cast<std::int64_t>(sizeof(std::int64_t));
  return cost;
}

void DirectPlan::cut_output() {
  const std::int64_t element = element_size_;
  pixel_step_ = channels_;
  if (pixel_step_ * element % kSetBytes == 0) pixel_step_ += 64 / element;
  const std::int64_t weight_bytes = terms_ * problem_.out_features * element;
  const std::int64_t products = terms_ <= kShortSum && !points_ ? kMoreProducts * kLeastProducts : kLeastProducts;
  const std::int64_t wanted =
      std::clamp(std::max(weight_bytes / kWeightBytesPerRow,
                          products / (std::max(std::int64_t{1}, terms_) * problem_.out_features)),
                 kLeastRows, kMostRows);
  const Cover &rows = row_cover(), &columns = covers_.back();
  std::int64_t plane = pixel_step_ * element, others = 1;
  for (std::size_t d = 0; d + 2 < covers_.size(); ++d) {
    plane *= covers_[d].extent;
    others *= covers_[d].out;
    boxes_.others.push_back(covers_[d].out);
  }
  if (points_) {  // nothing overlaps, and whole tiles are best
    const std::int64_t points = std::min(std::max(wanted, weight_bytes / kWeightBytesPerPoint), kPointBytes / plane);
    const std::int64_t most = std::max(tile_.tile_rows, points);
    boxes_.columns = cut_evenly(columns.out, most / tile_.tile_rows * tile_.tile_rows);
    boxes_.columns.block = ceiling_quotient(boxes_.columns.block, tile_.tile_rows) * tile_.tile_rows;
  } else {
    boxes_.columns = cut_evenly(columns.out, columns.out <= 2 * wanted ? columns.out : wanted);
  }
  const auto band_bytes = [&](std::int64_t row_count) {
    return plane * rows.input_extent(row_count) * columns.input_extent(boxes_.columns.block);
  };
  std::int64_t most = std::max<std::int64_t>(1, wanted / boxes_.columns.block);
  while (most > 1 && band_bytes(std::min(most, rows.out)) > kBandBytes) --most;
  boxes_.rows = cut_evenly(rows.out, most);
  // About as many lines, with the fewest tiles: the last one of a task overlaps the one before.
  const auto tiles = [&](std::int64_t lines) {
    return rows.out / lines * ceiling_quotient(lines * boxes_.columns.block, tile_.tile_rows) +
           ceiling_quotient(rows.out % lines * boxes_.columns.block, tile_.tile_rows);
  };
  for (std::int64_t lines = ceiling_quotient(most, 2); lines <= std::min(rows.out, 2 * most); ++lines)
    if (tiles(lines) < tiles(boxes_.rows.block) && band_bytes(lines) <= kBandBytes)
      boxes_.rows = {rows.out, rows.out, lines};
  std::int64_t images = 1;
  if (others == 1 && boxes_.rows.count() == 1 && boxes_.columns.count() == 1)
    images = std::clamp<std::int64_t>(wanted / (rows.out * columns.out), 1, 2 * kBandBytes / band_bytes(rows.out) + 1);
  const std::int64_t pieces = problem_.groups * others * boxes_.rows.count() * boxes_.columns.count();
  const std::int64_t least = ceiling_quotient(kLeastTiles * tile_.tile_rows, rows.out * columns.out);
  images = std::min(images, std::max({std::int64_t{1}, problem_.batch * pieces / kTasks, least}));
  boxes_.images = cut_evenly(problem_.batch, images);
  const std::int64_t tasks = pieces * boxes_.images.count();
  const std::int64_t panel_tasks = tasks < kTasks ? std::min(panels_.count(), ceiling_quotient(kTasks, tasks)) : 1;
  panel_blocks_ = cut_evenly(panels_.count(), ceiling_quotient(panels_.count(), panel_tasks));
  row_most_ = boxes_.most();
  band_elements_ = boxes_.images.block * band_bytes(boxes_.rows.block) / element;
}

// Where few rows would read what was packed, weights are multiplied chunk by chunk where they lie, if output features
// are adjacent there. If input features are, each panel's are packed just before they are multiplied.
void DirectPlan::read_weights_once() {
  std::int64_t rows = problem_.batch;
  for (const Cover& cover : covers_) rows *= cover.out;
  if (dots_ || rows > kFewRows || problem_.out_feature != 1 || problem_.in_features < kLeastChunk ||
      problem_.out_features % tile_.panel_width != 0 || weight_elements() * element_size_ < kManyWeights)
    return;
  if (problem_.rhs_out_feature == 1) {
    rhs_in_place_ = true;
    panel_blocks_ = cut_evenly(panels_.count(), std::max(panel_blocks_.block, kPanelsInPlace));
  } else {
    packs_chunks_ = problem_.rhs_in_feature == 1 && boxes_.count() == 1;
  }
  if (rhs_in_place_ || packs_chunks_)
    for (DirectPhase& phase : phases_) phase.weights = 0;  // none are packed
}

bool DirectPlan::may_read_in_place() const {
  const ConvAxis& columns = phases_.front().problem.axes.back();
  if (channels_ != problem_.in_features) return false;
  const bool narrow = problem_.in_features < kFewChannels;
  if (narrow && columns.lhs_step == problem_.in_features && columns.rhs_dilation == 1) return true;  // one run
  return !(narrow && covers_.back().extent > 1) &&
         !(columns.lhs_step * columns.stride * element_size_ % kSetBytes == 0 && tile_.tile_rows > kWays);
}

std::int64_t DirectPlan::phase_weights(const DirectPhase& phase) const {
  if (rhs_in_place_ || packs_chunks_) return 0;
  return problem_.groups * phase.terms * (dots_ ? problem_.out_features : panels_.count() * tile_.panel_width);
}

std::int64_t DirectPlan::weight_elements() const {
  std::int64_t elements = 0;
  for (const DirectPhase& phase : phases_) elements += phase_weights(phase);
  return elements;
}

std::int64_t DirectPlan::rhs_offset(const ConvProblem& problem, const std::vector<std::int64_t>& tap) {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem.axes[d].rhs_step;
  return at;
}

ConvCost direct_cost(const ConvProblem& problem, std::int64_t element_size) {
  if (std::string why = refusal(problem); !why.empty()) return {.refusal = std::move(why)};
  if (serves_few_positions(problem, element_size)) return few_positions_cost(problem, element_size);
  if (serves_points(problem, element_size)) return points_cost(problem, element_size);
  return DirectPlan(problem, element_size).cost();
}

bool direct_serves_dilated(const ConvProblem& problem) { return refusal(problem).empty(); }

}  // namespace cotangent::kernels
