// How the work of Winograd convolution is cut.
#include "cotangent/ops/kernels/conv_winograd_plans.h"

#include <algorithm>

namespace cotangent::kernels {
namespace {

// Elements, of which half of a level-2 cache of 512 KiB or more holds 64 Ki.
constexpr std::int64_t kTileElements = 80 << 10;   // transformed tiles of a task, about
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
constexpr std::int64_t kGradientElements = 128 << 10;  // transformed tiles of a task, of both operands
constexpr std::int64_t kSumsInCache = 1 << 20;         // sums that a task adds to
constexpr std::int64_t kSplits = 8;
constexpr std::int64_t kStageRows = 64;

std::int64_t round_up(std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit * unit; }

}  // namespace

WinogradForwardPlan::WinogradForwardPlan(const WinogradStages& stages, const WinogradProblem& problem) {
  const std::int64_t positions = stages.positions(), unit = stages.tile_rows(), tiles = problem.tiles();
  terms = problem.lhs_blocks() * problem.in_features;
  sum_block = kSumBlock;
  panel = terms * stages.panel_width();
  weight_position = WinogradStages::spread(stages.panels() * panel);
  weight_group = positions * weight_position;
  weight_block = std::min<std::int64_t>(problem.in_features, 64);

  const std::int64_t per_tile = positions * stages.lhs_row();
  const std::int64_t share = round_up((tiles + kTasks - 1) / kTasks, unit);
  task_tiles = std::max(4 * unit, kTileElements / per_tile / unit * unit);
  task_tiles = std::min({task_tiles, std::max(2 * unit, share), tiles});
  const std::int64_t tasks = (tiles + task_tiles - 1) / task_tiles * problem.groups;
  by_stage = weight_group > kWeightElements || (tasks < kFewTasks && weight_group > kFewWeights);
  fetches = !by_stage && weight_group > kFetched;
  if (by_stage) {
    sum_row = stages.panels() * stages.panel_width();
    chunk = std::min(tiles, std::max(unit, kChunkElements / (positions * (stages.lhs_row() + sum_row)) / unit * unit));
    task_tiles = kStageTiles;
    task_panels = std::min(stages.panels(), kStagePanels);
  } else {
    const bool in_cache = task_tiles * per_tile <= kMostInCache;
    task_panels =
        std::clamp<std::int64_t>(kSumElements / (positions * task_tiles * stages.panel_width()), 1, stages.panels());
    if (!in_cache) task_panels = stages.panels();
    sum_row = task_panels * stages.panel_width();
    chunk = task_tiles;
  }
  const std::int64_t buffers =
      positions * (WinogradStages::spread(chunk * stages.lhs_row()) + WinogradStages::spread(chunk * sum_row));
  workspace = problem.groups * weight_group + (by_stage ? buffers : 0);
  task_workspace = stages.call_workspace(task_tiles) + (by_stage ? 0 : buffers);
}

WinogradGradientPlan::WinogradGradientPlan(const WinogradStages& stages, const WinogradProblem& problem) {
  const std::int64_t positions = stages.positions(), tiles = problem.tiles();
  const std::int64_t rows = problem.lhs_blocks() * problem.in_features;
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
    chunk = std::min(tiles, std::max(kStageTiles, kChunkElements / per_tile));
    task_tiles = kStageTiles;
  } else {
    const std::int64_t most = std::clamp<std::int64_t>(kGradientElements / per_tile, 32, 256);
    splits = std::clamp<std::int64_t>(tiles / (2 * most), 1, kSplits);
    const std::int64_t part = (tiles + splits - 1) / splits, turns = (part + most - 1) / most;
    task_tiles = chunk = (part + turns - 1) / turns;
  }
  const std::int64_t buffers =
      positions * (WinogradStages::spread(chunk * stages.lhs_row()) + WinogradStages::spread(chunk * large_row));
  workspace = by_stage ? sums + buffers : problem.groups * splits * sums;
  task_workspace = stages.call_workspace(task_tiles) + (by_stage ? 0 : buffers);
}

}  // namespace cotangent::kernels
