// How the work of Winograd convolution is cut.
#include "cotangent/ops/kernels/conv_winograd_plans.h"

#include <algorithm>
#include <cstdlib>

namespace cotangent::kernels {
namespace {

std::int64_t env(const char* n, std::int64_t d) {
  const char* v = std::getenv(n);
  return v ? std::atoll(v) : d;
}

std::int64_t round_up(std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit * unit; }

}  // namespace

WinogradForwardPlan::WinogradForwardPlan(const WinogradStages& stages, const WinogradProblem& problem) {
  const std::int64_t kTileElements = env("TE", 80 << 10), kSumElements = env("SE", 32 << 10), kChunkElements = 6 << 20;
  const std::int64_t kTasks = env("TASKS", 8);
  const std::int64_t positions = stages.positions(), unit = stages.tile_rows(), tiles = problem.tiles();
  terms = problem.lhs_blocks() * problem.in_features;
  panel = terms * stages.panel_width();
  weight_position = WinogradStages::spread(stages.panels() * panel);
  weight_group = positions * weight_position;
  weight_block = std::min<std::int64_t>(problem.in_features, 64);

  const std::int64_t per_tile = positions * stages.lhs_row();
  task_tiles = std::max<std::int64_t>(env("MINT", 4) * unit, kTileElements / per_tile / unit * unit);
  const std::int64_t share = round_up((tiles + kTasks - 1) / kTasks, unit);
  task_tiles = std::min(task_tiles, std::max(2 * unit, share));
  task_tiles = std::min(task_tiles, tiles);
  const std::int64_t sums_per_panel = positions * task_tiles * stages.panel_width();
  task_panels = std::clamp<std::int64_t>(kSumElements / sums_per_panel, 1, stages.panels());
  if (task_tiles * per_tile > env("L2", 112 << 10)) task_panels = stages.panels();
  by_stage =
      env("STAGE", (weight_group > (2 << 20)) || ((tiles / task_tiles) * problem.groups < 4 && weight_group > 1 << 18));
  sum_row = task_panels * stages.panel_width();
  if (by_stage) {
    sum_row = stages.panels() * stages.panel_width();
    chunk = std::clamp<std::int64_t>(kChunkElements / (positions * (stages.lhs_row() + sum_row)) / unit * unit, unit,
                                     tiles);
    chunk = std::min(chunk, tiles);
    task_tiles = 8;
    task_panels = std::max<std::int64_t>(1, std::min<std::int64_t>(stages.panels(), 8));
  }
}

WinogradGradientPlan::WinogradGradientPlan(const WinogradStages& stages, const WinogradProblem& problem) {
  const std::int64_t positions = stages.positions(), tiles = problem.tiles();
  const std::int64_t rows = problem.lhs_blocks() * problem.in_features, width = stages.panels() * stages.panel_width();
  sum_row = width;
  sum_position = WinogradStages::spread(rows * sum_row);
  sums = positions * sum_position;
  weight_block = 16;
  task_rows = round_up(std::min<std::int64_t>(rows, 64), stages.tile_rows());
  const std::int64_t per_tile = positions * (stages.lhs_row() + width);
  by_stage = env("GSTAGE", sums > (3 << 17));
  splits = 1;
  chunk = tiles;
  if (by_stage) {
    chunk = std::clamp<std::int64_t>((6 << 20) / per_tile, 8, tiles < 8 ? 8 : tiles);
    chunk = std::min(chunk, tiles);
    task_tiles = 8;
  } else {
    task_tiles = std::clamp<std::int64_t>(env("GTE", 256 << 10) / per_tile, env("GMIN", 32), env("GMAX", 256));
    splits = std::clamp<std::int64_t>(tiles / (2 * task_tiles), 1, env("SPLITS", 8));
    const std::int64_t part = (tiles + splits - 1) / splits, turns = (part + task_tiles - 1) / task_tiles;
    task_tiles = (part + turns - 1) / turns;
  }
}

}  // namespace cotangent::kernels
