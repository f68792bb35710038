// LongSumPlan: the choice of tasks and chunks.
#include "cotangent/ops/kernels/conv_long_sum_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTasks = 16;                    // enough for a few threads to share evenly
constexpr std::int64_t kAccumulatorBytes = 512 << 10;  // of a task,
constexpr std::int64_t kShortSum = 512;                // terms without a window: to cut them costs more than ...
constexpr std::int64_t kShortSumBytes = 256 << 10;     // ... smaller accumulators, of more tasks
constexpr std::int64_t kChunkBytes = 256 << 10;        // of band and panels
constexpr std::int64_t kLeastTerms = 64, kMostTerms = 256,
                       kMostTermsOfFew = 1024;    // of a chunk: a panel of them stays in L1
constexpr std::int64_t kFewChannels = 16;         // that share a line of the cache
constexpr std::int64_t kFewTiles = 12;            // of rows, for which rhs is read where it lies
constexpr std::int64_t kPartialBytes = 64 << 20;  // the most that all splits' accumulators take

// What is swapped has no lhs dilation then.
bool may_be_swapped(const ConvProblem& problem) {
  return std::all_of(problem.axes.begin(), problem.axes.end(),
                     [](const ConvAxis& axis) { return axis.rhs_dilation == 1 && axis.in > 0; });
}

// True if rows of lhs are pixels, and the only window meets all of them: that is the gradient of a 1x1 kernel.
bool has_planes(const ConvProblem& problem) {
  return !problem.axes.empty() && problem.lhs_batch != 1 && problem.axes.back().lhs_step == 1 &&
         std::all_of(problem.axes.begin(), problem.axes.end(), [](const ConvAxis& axis) {
           return axis.out == 1 && axis.in == axis.kernel && axis.lhs_dilation * axis.rhs_dilation == 1 &&
                  axis.low == 0;
         });
}

}  // namespace

bool is_better_swapped(const ConvProblem& problem, std::int64_t element_size) {
  if (long_sum_skips_zeros(problem, element_size)) return true;
  const std::int64_t lanes = tile_shape(element_size, 1).lanes;
  if (!may_be_swapped(problem) || problem.out_features == problem.batch) return false;
  if (problem.out_features < problem.batch) return problem.out_features <= lanes;
  // Of two operands in planes, the smaller one is packed.
  return problem.batch >= lanes && has_planes(problem) && problem.rhs_out_feature != 1 &&
         problem.axes.back().rhs_step == 1;
}

// Swapped, lhs is the window, and the batch fills vectors.
bool long_sum_skips_zeros(const ConvProblem& problem, std::int64_t element_size) {
  std::int64_t window = 1, in = 1;
  for (const ConvAxis& axis : problem.axes) {
    window *= axis.kernel;
    in *= axis.in;
  }
  return 2 * in <= window && problem.batch >= tile_shape(element_size, 1).lanes && may_be_swapped(problem);
}

LongSumPlan::LongSumPlan(const ConvProblem& problem, std::int64_t element_size)
    : problem_(in_memory_order(problem)),
      tile_(tile_shape(element_size, problem.out_features)),
      element_size_(element_size),
      panels_{problem.out_features, problem.out_features, tile_.panel_width} {
  for (const ConvAxis& axis : problem_.axes) positions_ *= axis.out;
  cut_output();
  cut_sum();
}

ConvCost LongSumPlan::cost() const {
  std::int64_t terms = problem_.in_features;
  for (const ConvAxis& axis : problem_.axes) terms *= axis.kernel;
  const std::int64_t rows = positions_ * problem_.batch, tasks = task_count(), chunks = chunks_.count();
  ConvCost cost;
  cost.multiply_adds = problem_.groups * rows * terms * problem_.out_features;
  cost.products = fmt::format("{} x ({} x {}) x ({} x {})", problem_.groups * chunks, rows, terms / chunks,
                              terms / chunks, problem_.out_features);
  cost.workspace =
      element_size_ * (tasks * splits_ * accumulator_size() + num_threads() * (band_elements_ + panel_elements_));
  return cost;
}

void LongSumPlan::cut_output() {
  const std::int64_t element = element_size_, width = tile_.panel_width;
  std::int64_t terms = problem_.in_features;
  for (const ConvAxis& axis : problem_.axes) terms *= axis.kernel;
  const std::int64_t most = positions_ == 1 && terms <= kShortSum ? kShortSumBytes : kAccumulatorBytes;
  std::int64_t channels = problem_.batch, panels = panels_.count();
  while (positions_ * channels * panels * width * element > most && (panels > 4 || channels > 32)) {
    const bool fewer_panels = panels > 4 && (positions_ * channels <= panels * width || channels <= 32);
    (fewer_panels ? panels : channels) = ceiling_quotient(fewer_panels ? panels : channels, 2);
  }
  channel_blocks_ = cut_evenly(problem_.batch, channels);
  panel_blocks_ = cut_evenly(panels_.count(), panels);
  pixel_step_ = channel_blocks_.block;
  if (pixel_step_ * element % kTwoLines == 0) pixel_step_ += kTwoLines / 2 / element;
}

void LongSumPlan::cut_sum() {
  const std::int64_t element = element_size_, width = tile_.panel_width;
  const ConvAxis &rows = row_axis(), &columns = column_axis();
  std::int64_t others = 1, plane = 1;
  for (std::size_t d = 0; d + 2 < problem_.axes.size(); ++d) {
    others *= problem_.axes[d].kernel;
    chunks_.others.push_back(problem_.axes[d].kernel);
    plane *= input_extent(problem_.axes[d], 1);
  }
  const std::int64_t wanted =
      std::clamp<std::int64_t>(kChunkBytes / element / (channel_blocks_.block + panel_blocks_.block * width),
                               kLeastTerms, channel_blocks_.block <= kFewChannels ? kMostTermsOfFew : kMostTerms);
  chunks_.columns = cut_evenly(columns.kernel, columns.kernel <= 2 * wanted ? columns.kernel : wanted);
  chunks_.rows = cut_evenly(rows.kernel, std::max<std::int64_t>(1, wanted / chunks_.columns.block));
  const bool whole = others == 1 && chunks_.rows.count() == 1 && chunks_.columns.count() == 1;
  chunks_.images =
      cut_evenly(problem_.in_features, whole ? std::max<std::int64_t>(1, wanted / (rows.kernel * columns.kernel)) : 1);
  band_elements_ = chunks_.images.block * plane * input_extent(rows, chunks_.rows.block) *
                   input_extent(columns, chunks_.columns.block) * pixel_step_;
  chunk_pixels_ = chunks_.most();
  planes_in_place_ = has_planes(problem_);
  // Packing pays only if enough rows read what was packed.
  rhs_in_place_ = problem_.rhs_out_feature == 1 && problem_.out_features % width == 0 &&
                  positions_ * channel_blocks_.block <= kFewTiles * tile_.tile_rows;
  panel_elements_ = rhs_in_place_ ? 0 : panel_blocks_.block * chunk_pixels_ * width;

  const std::int64_t tasks = task_count();
  splits_ = std::clamp<std::int64_t>(ceiling_quotient(kTasks, tasks), 1, chunks_.count());
  splits_ = std::clamp<std::int64_t>(kPartialBytes / (tasks * accumulator_size() * element), 1, splits_);
}

LongSumPlan::Task LongSumPlan::task_at(std::int64_t index) const {
  const std::int64_t panels = index % panel_blocks_.count(), rest = index / panel_blocks_.count();
  return {rest / channel_blocks_.count(), channel_blocks_.range(rest % channel_blocks_.count()),
          panel_blocks_.range(panels)};
}

}  // namespace cotangent::kernels
