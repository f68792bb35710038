// DirectPlan: the choice of tasks.
#include "cotangent/ops/kernels/conv_direct_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
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
constexpr std::int64_t kPanelsInPlace = 4;              // of a task: enough of a line of weights for prefetching

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

// Why a problem without lhs dilation cannot be solved so.
std::string refusal(const ConvProblem& problem) {
  for (const ConvAxis& axis : problem.axes) {
    if (axis.lhs_dilation != 1) return "lhs is dilated; it serves each phase of such a problem";
    if (axis.kernel == 0) return "nothing is summed";
  }
  return problem.in_features == 0 ? "nothing is summed" : "";
}

}  // namespace

DirectPlan::DirectPlan(const ConvProblem& problem, std::int64_t element_size)
    : problem_(batch_merged(in_memory_order(problem))),
      tile_(tile_shape(element_size, problem.out_features)),
      element_size_(element_size),
      panels_{problem.out_features, problem.out_features, tile_.panel_width} {
  for (const ConvAxis& axis : problem_.axes) taps_ *= axis.kernel;
  dots_ = problem_.out_features <= tile_.few_rows && problem_.in_features >= tile_.lanes;
  channels_ = dots_ ? ceiling_quotient(problem_.in_features, tile_.lanes) * tile_.lanes : problem_.in_features;
  terms_ = taps_ * channels_;
  cut_output();
  read_weights_once();
}

ConvCost DirectPlan::cost() const {
  ConvCost cost;
  std::int64_t rows = problem_.batch;
  for (const ConvAxis& axis : problem_.axes) rows *= axis.out;
  cost.multiply_adds = problem_.groups * rows * taps_ * problem_.in_features * problem_.out_features;
  cost.products = fmt::format("{} x ({} x {}) x ({} x {})", problem_.groups * boxes_.count(), row_most_, terms_, terms_,
                              problem_.out_features);
  cost.workspace =
      element_size_ *
          (weight_elements() + num_threads() * (chunk_elements() + band_elements_ + row_most_ * tile_.panel_width)) +
      num_threads() * 2 * row_most_ * static_cast<std::int64_t>(sizeof(std::int64_t));
  return cost;
}

void DirectPlan::cut_output() {
  const std::int64_t element = element_size_;
  pixel_step_ = channels_;
  if (pixel_step_ * element % kSetBytes == 0) pixel_step_ += 64 / element;
  const std::int64_t weight_bytes = terms_ * problem_.out_features * element;
  const std::int64_t products = terms_ <= kShortSum && taps_ > 1 ? kMoreProducts * kLeastProducts : kLeastProducts;
  const std::int64_t wanted = std::clamp(
      std::max(weight_bytes / kWeightBytesPerRow, products / (terms_ * problem_.out_features)), kLeastRows, kMostRows);
  const ConvAxis &rows = row_axis(), &columns = column_axis();
  std::int64_t plane = pixel_step_ * element, others = 1;
  for (std::size_t d = 0; d + 2 < problem_.axes.size(); ++d) {
    plane *= dilated_extent(problem_.axes[d].kernel, problem_.axes[d].rhs_dilation);
    others *= problem_.axes[d].out;
    boxes_.others.push_back(problem_.axes[d].out);
  }
  if (taps_ == 1) {  // nothing overlaps, and whole tiles are best
    const std::int64_t points = std::min(std::max(wanted, weight_bytes / kWeightBytesPerPoint), kPointBytes / plane);
    const std::int64_t most = std::max(tile_.tile_rows, points);
    boxes_.columns = cut_evenly(columns.out, most / tile_.tile_rows * tile_.tile_rows);
    boxes_.columns.block = ceiling_quotient(boxes_.columns.block, tile_.tile_rows) * tile_.tile_rows;
  } else {
    boxes_.columns = cut_evenly(columns.out, columns.out <= 2 * wanted ? columns.out : wanted);
  }
  const auto band_bytes = [&](std::int64_t row_count) {
    return plane * input_extent(rows, row_count) * input_extent(columns, boxes_.columns.block);
  };
  std::int64_t most = std::max<std::int64_t>(1, wanted / boxes_.columns.block);
  while (most > 1 && band_bytes(std::min(most, rows.out)) > kBandBytes) --most;
  boxes_.rows = cut_evenly(rows.out, most);
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
  for (const ConvAxis& axis : problem_.axes) rows *= axis.out;
  if (dots_ || rows > kFewRows || problem_.out_feature != 1 || problem_.in_features < kLeastChunk ||
      problem_.out_features % tile_.panel_width != 0 || weight_elements() * element_size_ < kManyWeights)
    return;
  if (problem_.rhs_out_feature == 1) {
    rhs_in_place_ = true;
    panel_blocks_ = cut_evenly(panels_.count(), std::max(panel_blocks_.block, kPanelsInPlace));
  } else {
    packs_chunks_ = problem_.rhs_in_feature == 1 && boxes_.count() == 1;
  }
}

std::int64_t DirectPlan::weight_elements() const {
  if (rhs_in_place_ || packs_chunks_) return 0;
  return problem_.groups * terms_ * (dots_ ? problem_.out_features : panels_.count() * tile_.panel_width);
}

std::int64_t DirectPlan::rhs_offset(const std::vector<std::int64_t>& tap) const {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem_.axes[d].rhs_step;
  return at;
}

ConvCost direct_cost(const ConvProblem& problem, std::int64_t element_size) {
  if (std::string why = refusal(problem); !why.empty()) return {.refusal = std::move(why)};
  if (serves_points(problem, element_size)) return points_cost(problem, element_size);
  return DirectPlan(problem, element_size).cost();
}

}  // namespace cotangent::kernels
