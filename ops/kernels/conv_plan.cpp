// ConvPlan: the choice of tiles.
#include "cotangent/ops/kernels/conv_plan.h"

#include <algorithm>

namespace cotangent::kernels {
namespace {

// A tile has at most so many bytes of columns, rows, terms of the sum and features.
constexpr std::int64_t kTileBytes = 512 << 10;
constexpr std::int64_t kMostRows = 2048;
constexpr std::int64_t kWholeReduction = 768;  // a longer sum is cut into tiles of about kReduction terms, ...
constexpr std::int64_t kReduction = 512;
constexpr std::int64_t kMostReduction = 4096;  // ... or more where there are few rows
constexpr std::int64_t kFeatures = 512;

constexpr std::int64_t kLeastUnpacked = 256;  // rows or terms of a tile made so small that OpenBLAS need not pack it

constexpr std::int64_t kTasks = 16;              // enough for a few threads to share evenly
constexpr std::int64_t kWeightBytes = 32 << 20;  // the most weights that are packed at once

// `extent` in about equal blocks of at most `most`, but whole units; `panel` divides the extent.
Blocks cut(std::int64_t extent, std::int64_t panel, std::int64_t most, std::int64_t unit) {
  if (panel < kWorthwhilePanel) panel = extent;
  const std::int64_t blocks = (panel + most - 1) / most;
  std::int64_t block = (panel + blocks - 1) / blocks;
  if (unit <= 2 * most) block = (block + unit - 1) / unit * unit;
  return {extent, panel, block};
}

// True if every window lies inside lhs.
bool no_borders(const ConvProblem& problem) {
  return std::all_of(problem.axes.begin(), problem.axes.end(), [](const ConvAxis& axis) {
    return axis.low <= 0 && (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.rhs_dilation - axis.low < axis.in;
  });
}

// Elements that lie in a row when the index is the inner one of a tile of columns.
std::int64_t run_length(const MatrixIndex& index) {
  if (index.axes.empty()) return 1;
  return index.unit > 1 ? index.unit * index.axes[index.axes.size() - 2].extent : index.axes.back().extent;
}

bool runs_contiguous(const MatrixIndex& index) { return index.lhs_step() == 1; }

}  // namespace

ConvPlan::ConvPlan(const ConvProblem& problem, std::int64_t element_size)
    : rows(row_index(problem)), reduction(reduction_index(problem)) {
  choose_layouts(problem);
  choose_blocks(problem, element_size);
}

void ConvPlan::choose_layouts(const ConvProblem& problem) {
  columns_in_place = no_borders(problem);
  // The index with the longer run becomes the inner one; from 16 elements on, adjacent ones win.
  const std::int64_t row_run = run_length(rows), reduction_run = run_length(reduction);
  const bool long_rows = runs_contiguous(rows) && row_run >= 16,
             long_reduction = runs_contiguous(reduction) && reduction_run >= 16;
  rows_inner = long_rows != long_reduction ? long_rows : row_run > reduction_run;
  out_features_inner = problem.out_feature == 1 || rows.other_step() != 1;
  turns_weights =
      out_features_inner && problem.rhs_out_feature != 1 && reduction.extent * problem.out_features <= kFewWeights;
  weight_features_inner = turns_weights || problem.rhs_out_feature == 1 || reduction.other_step() != 1;
}

void ConvPlan::choose_blocks(const ConvProblem& problem, std::int64_t element_size) {
  const std::int64_t tile = kTileBytes / element_size;
  const std::int64_t row_count = rows.extent, terms = reduction.extent, features = problem.out_features;
  const bool long_sum = terms > 4 * row_count;
  const bool weights_uniform = !turns_weights && reduction.other_panel == terms &&
                               (problem.rhs_out_feature == 1 || reduction.other_step() == 1 || features == 1);
  weights_packed = !weights_uniform && !long_sum && terms * features * problem.groups * element_size <= kWeightBytes;

  std::int64_t most = terms <= kWholeReduction ? terms : kReduction;
  if (row_count * most < tile) most = std::clamp(tile / row_count, most, std::max(most, kMostReduction));
  const std::int64_t unpacked_terms = kUnpackedProduct / std::max<std::int64_t>(1, row_count * features);
  if (unpacked_terms >= kLeastUnpacked) most = std::min(most, unpacked_terms);
  reduction_blocks = cut(terms, weights_packed ? terms : reduction.other_panel, most, reduction.unit);

  most = std::clamp<std::int64_t>(tile / reduction_blocks.block, 32, kMostRows);
  const std::int64_t unpacked_rows = kUnpackedProduct / (reduction_blocks.block * std::min(features, kFeatures));
  if (unpacked_rows >= kLeastUnpacked) most = std::min(most, unpacked_rows);
  if (!long_sum) most = std::min(most, std::max<std::int64_t>(64, row_count * problem.groups / kTasks));
  std::int64_t panel = rows.other_panel;
  if (columns_in_place) panel = std::min(panel, rows.lhs_panel);
  row_blocks = cut(row_count, panel, most, rows.unit);

  most = kFeatures;
  const std::int64_t row_tiles = problem.groups * row_blocks.count();
  if (row_tiles * 2 < kTasks && reduction_blocks.count() < kTasks / 2)
    most = std::clamp<std::int64_t>(features * row_tiles * 2 / kTasks, 64, most);
  feature_blocks = cut(features, features, most, 1);

  const std::int64_t tasks = tiles(problem);
  splits = tasks * 2 < kTasks ? std::min(reduction_blocks.count(), (kTasks + tasks - 1) / tasks) : 1;
}

}  // namespace cotangent::kernels
