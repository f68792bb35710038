// How the work of Winograd convolution is cut.
#include "cotangent/ops/kernels/conv_winograd_plans.h"

#include <algorithm>

namespace cotangent::kernels {
namespace {

// Elements, of which half of a level-2 cache of 512 KiB or more holds 64 Ki.
constexpr std::int64_t kTileElements = 80 << 10;   // transformed tiles of a task, about
constexpr std::int64_t kSlidElements = 160 << 10;  // the same, if slices share them
constexpr std::int64_t kMostInCache = 112 << 10;   // more of them are not read again for each block of panels
constexpr std::int64_t kSumElements = 32 << 10;    // sums of a block of panels
constexpr std::int64_t kChunkElements = 6 << 20;   // both of all tiles of a chunk
constexpr std::int64_t kWeightElements = 4 << 20;  // more are read once for a chunk, not for every task

constexpr std::int64_t kFetched = 128 << 10;  // weights or sums, more of which do not stay in cache beside tiles

constexpr std::int64_t kTasks = 8;     // enough for a few threads to share evenly
constexpr std::int64_t kFewTasks = 4;  // too few, unless weights are no more than ...
constexpr std::int64_t kFewWeights = 1 << 18;
constexpr std::int64_t kStageTiles = 8;   // in a task that only transforms
constexpr std::int64_t kStagePanels = 8;  // in a task that only multiplies
constexpr std::int64_t kSumBlock = 256;   // terms: a longer sum in one go loses accuracy

// Weight gradients.
constexpr std::int64_t kGradientElements = 128 << 10;       // transformed tiles of a task, of both operands
constexpr std::int64_t kSumsInCache = 1 << 20;              // sums that a task adds to
constexpr std::int64_t kLeastTiles = 32, kMostTiles = 256;  // of these, whatever they take
constexpr std::int64_t kLeastSlidTiles = 80;                // of lhs, if slices share them
constexpr std::int64_t kSplits = 8;
constexpr std::int64_t kStageRows = 64;

std::int64_t round_up(std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit * unit; }

TileCut cut_into(const WinogradProblem& problem, std::int64_t tiles, std::int64_t slices) {
  return {{problem.tiles(), problem.tiles(), tiles},
          {problem.slices(), problem.slices(), slices},
          problem.lhs_slices(slices)};
}

// Into blocks of at most so many tiles of lhs, if not of a single one, with as many slices of each as may be, which
// share what they see. Of several slices, whole rows of tiles, or parts of one.
TileCut cut_for(const WinogradProblem& problem, std::int64_t lhs_tiles) {
  const std::int64_t columns = problem.tile_columns();
  for (std::int64_t pieces = 1;; ++pieces) {
    const std::int64_t slices = ceiling_quotient(problem.slices(), pieces);
    std::int64_t tiles = lhs_tiles / problem.lhs_slices(slices);
    if (tiles == 0 && slices > 1) continue;
    if (slices > 1 && tiles > columns) tiles -= tiles % columns;
    return cut_into(problem, std::clamp<std::int64_t>(tiles, 1, problem.tiles()), slices);
  }
}

}  // namespace

WinogradForwardPlan::WinogradForwardPlan(const WinogradStages& stages, const WinogradProblem& problem) {
  const std::int64_t positions = stages.positions(), unit = stages.tile_rows(), tiles = problem.tiles();
  terms = problem.small_blocks() * problem.in_features;
  sum_block = kSumBlock;
  panel = terms * stages.panel_width();
  weight_position = WinogradStages::spread(stages.panels() * panel);
  weight_group = positions * weight_position;
  weight_block = std::min<std::int64_t>(problem.in_features, 64);

  const std::int64_t per_tile = positions * stages.lhs_row();
  if (problem.slices() == 1) {
    const std::int64_t most = std::max(4 * unit, kTileElements / per_tile / unit * unit);
    const std::int64_t share = round_up((tiles + kTasks - 1) / kTasks, unit);
    cut = cut_into(problem, std::min({most, std::max(2 * unit, share), tiles}), 1);
  } else {
    cut = cut_for(problem, std::max(4 * unit, kSlidElements / per_tile));
    cut.tiles.block = std::min(cut.tiles.block, ceiling_quotient(tiles * cut.slices.count(), kTasks));
  }
  by_stage = weight_group > kWeightElements || (cut.count() * problem.groups < kFewTasks && weight_group > kFewWeights);
  fetches = !by_stage && weight_group > kFetched;
  if (by_stage) {
    sum_row = stages.panels() * stages.panel_width();
    cut = cut_for(problem, std::max(unit, kChunkElements / (positions * (stages.lhs_row() + sum_row)) / unit * unit));
    task_tiles = kStageTiles;
    task_panels = std::min(stages.panels(), kStagePanels);
  } else {
    const bool in_cache = problem.slices() > 1 || cut.lhs_tiles() * per_tile <= kMostInCache;
    task_panels = std::clamp<std::int64_t>(kSumElements / (positions * cut.large_tiles() * stages.panel_width()), 1,
                                           stages.panels());
    if (!in_cache) task_panels = stages.panels();
    sum_row = task_panels * stages.panel_width();
    task_tiles = cut.tiles.block;
  }
  slice_step = cut.tiles.block * stages.lhs_row();
  const std::int64_t buffers = positions * (WinogradStages::spread(cut.lhs_tiles() * stages.lhs_row()) +
                                            WinogradStages::spread(cut.large_tiles() * sum_row));
  workspace = problem.groups * weight_group + (by_stage ? buffers : 0);
  task_workspace = stages.call_workspace(task_tiles) + (by_stage ? 0 : buffers);
}

WinogradGradientPlan::WinogradGradientPlan(const WinogradStages& stages, const WinogradProblem& problem) {
  const std::int64_t positions = stages.positions(), tiles = problem.tiles();
  const std::int64_t rows = problem.small_blocks() * problem.in_features;
  const std::int64_t large_row = stages.panels() * stages.panel_width();
  sum_panel = rows * stages.panel_width();
  sum_position = WinogradStages::spread(stages.panels() * sum_panel);
  sums = positions * sum_position;
  sum_block = kSumBlock;
  weight_block = 16;
  task_rows = round_up(std::min(rows, kStageRows), stages.tile_rows());
  const std::int64_t per_tile = positions * (stages.lhs_row() + large_row);
  fetches = sums > kFetched;
  by_stage = sums > kSumsInCache;
  splits = 1;
  if (by_stage) {
    cut = cut_for(problem, std::max(kStageTiles, kChunkElements / per_tile));
    task_tiles = kStageTiles;
  } else {
    const std::int64_t least = problem.slices() == 1 ? kLeastTiles : kLeastSlidTiles,
                       most = std::clamp<std::int64_t>(kGradientElements / per_tile, least, kMostTiles);
    if (problem.slices() == 1) {
      splits = std::clamp<std::int64_t>(tiles / (2 * most), 1, kSplits);
      const std::int64_t part = ceiling_quotient(tiles, splits);
      cut = cut_into(problem, ceiling_quotient(part, ceiling_quotient(part, most)), 1);
    } else {
      cut = cut_for(problem, most);
      splits = std::clamp<std::int64_t>(cut.count() / 2, 1, kSplits);
    }
    task_tiles = cut.tiles.block;
  }
  slice_step = cut.tiles.block * stages.lhs_row();
  const std::int64_t buffers = positions * (WinogradStages::spread(cut.lhs_tiles() * stages.lhs_row()) +
                                            WinogradStages::spread(cut.large_tiles() * large_row));
  workspace = by_stage ? sums + buffers : problem.groups * splits * sums;
  task_workspace = stages.call_workspace(task_tiles) + (by_stage ? 0 : buffers);
}

}  // namespace cotangent::kernels
