// Winograd convolution: weight gradients.
//
// Weights are sums over tiles, so that tiles are what the products sum over. While the sums of all positions fit in
// cache, a task adds up the tiles of one split, some at a time: the number of splits depends on the shape alone, and
// they are added in order. Otherwise both operands are transformed for a chunk of tiles, and products are shared out by
// position and rows, each of which is summed by one task.
#include <algorithm>
#include <vector>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_winograd_plans.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {
namespace {

class WinogradGradient {
 public:
  WinogradGradient(const WinogradProblem& problem, const float* lhs, const float* large, float* small)
      : problem_(problem),
        stages_(problem),
        plan_(stages_, problem),
        matrix_(table<MatrixKernels<float>>()),
        lhs_(lhs + problem.lhs.offset),
        large_(large + problem.large.offset),
        small_(small + problem.small_offset) {
    for (std::int64_t block = 0; block < problem.lhs_blocks(); ++block)
      for (std::int64_t i = 0; i < problem.in_features; ++i) {
        lhs_rows_.push_back(block * stages_.block_features() + i);
        sum_rows_.push_back((block * problem.in_features + i) * stages_.panel_width());
      }
  }

  void run() const {
    if (plan_.by_stage) run_stages();
    else run_splits();
  }

 private:
  std::int64_t rows() const { return static_cast<std::int64_t>(lhs_rows_.size()); }

  // sums = the products of some transformed tiles, or sums += them, for ranges of rows and panels at one position.
  // Where sums are many, each tile of them fetches the one after it.
  void multiply(const float* tiles, const float* panels, std::int64_t panel_step, std::int64_t count, Range rows,
                Range panel_range, bool add, float* sums) const {
    const auto first_row = static_cast<std::size_t>(rows.first);
    const std::int64_t next = stages_.tile_rows() * stages_.panel_width();
    for (std::int64_t p = panel_range.first; p < panel_range.second; ++p)
      for (std::int64_t t = 0; t < count; t += plan_.sum_block) {
        const Segment segment{t * stages_.lhs_row(), t * stages_.panel_width(), std::min(plan_.sum_block, count - t)};
        matrix_.multiply({.lhs = tiles,
                          .rows = lhs_rows_.data() + rows.first,
                          .row_count = length(rows),
                          .lhs_step = stages_.lhs_row(),
                          .rhs = panels + p * panel_step,
                          .rhs_step = stages_.panel_width(),
                          .segments = &segment,
                          .segment_count = 1,
                          .out = sums + p * plan_.sum_panel,
                          .out_rows = sum_rows_.data() + rows.first,
                          .width = stages_.whole_width(p),
                          .bias = nullptr,
                          .add = add || t > 0,
                          .ahead = plan_.fetches ? sums + p * plan_.sum_panel + sum_rows_[first_row] + next : nullptr,
                          .ahead_row = stages_.panel_width(),
                          .ahead_term = ceiling_quotient(next, segment.count)});
      }
  }

  void run_splits() const {
    const std::int64_t tiles = problem_.tiles(), groups = problem_.groups, positions = stages_.positions();
    const std::int64_t lhs_position = WinogradStages::spread(plan_.task_tiles * stages_.lhs_row()),
                       panel_step = plan_.task_tiles * stages_.panel_width(),
                       large_position = WinogradStages::spread(stages_.panels() * panel_step);
    const FloatBuffer sums(groups * plan_.splits * plan_.sums);
    parallel_for(groups * plan_.splits, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / plan_.splits, split = task % plan_.splits;
      const FloatBuffer lhs(positions * lhs_position), large(positions * large_position);
      float* const to = sums.data() + task * plan_.sums;
      const Range part{split * tiles / plan_.splits, (split + 1) * tiles / plan_.splits};
      for (std::int64_t t = part.first; t < part.second; t += plan_.task_tiles) {
        const Range some{t, std::min(t + plan_.task_tiles, part.second)};
        stages_.transform_lhs(lhs_ + group * problem_.lhs.group, some, lhs.data(), lhs_position);
        stages_.expand_large(large_ + group * problem_.large.group, some, large.data(), panel_step, large_position);
        static thread_local bool backwards = false;
        backwards = !backwards;
        for (std::int64_t i = 0; i < positions; ++i) {
          const std::int64_t position = backwards ? positions - 1 - i : i;
          multiply(lhs.data() + position * lhs_position, large.data() + position * large_position, panel_step,
                   length(some), {0, rows()}, {0, stages_.panels()}, t > part.first,
                   to + position * plan_.sum_position);
        }
      }
    });
    if (plan_.splits > 1)
      parallel_for(groups * positions, 1, [&](std::int64_t task, std::int64_t) {
        float* const total =
            sums.data() + task / positions * plan_.splits * plan_.sums + task % positions * plan_.sum_position;
        for (std::int64_t split = 1; split < plan_.splits; ++split) {
          const float* const more = total + split * plan_.sums;
          for (std::int64_t i = 0; i < stages_.panels() * plan_.sum_panel; ++i) total[i] += more[i];
        }
      });
    for (std::int64_t group = 0; group < groups; ++group)
      contract(group, sums.data() + group * plan_.splits * plan_.sums);
  }

  void run_stages() const {
    const std::int64_t positions = stages_.positions(), tiles = problem_.tiles();
    const std::int64_t lhs_position = WinogradStages::spread(plan_.chunk * stages_.lhs_row()),
                       panel_step = plan_.chunk * stages_.panel_width(),
                       large_position = WinogradStages::spread(stages_.panels() * panel_step);
    const FloatBuffer lhs(positions * lhs_position), large(positions * large_position), sums(plan_.sums);
    const Blocks row_blocks{rows(), rows(), plan_.task_rows};
    for (std::int64_t group = 0; group < problem_.groups; ++group) {
      for (std::int64_t first = 0; first < tiles; first += plan_.chunk) {
        const std::int64_t count = std::min(plan_.chunk, tiles - first);
        parallel_for(count, plan_.task_tiles, [&](std::int64_t begin, std::int64_t end) {
          const Range some{first + begin, first + end};
          stages_.transform_lhs(lhs_ + group * problem_.lhs.group, some, lhs.data() + begin * stages_.lhs_row(),
                                lhs_position);
          stages_.expand_large(large_ + group * problem_.large.group, some,
                               large.data() + begin * stages_.panel_width(), panel_step, large_position);
        });
        parallel_for(positions * row_blocks.count(), 1, [&](std::int64_t task, std::int64_t) {
          const std::int64_t position = task / row_blocks.count();
          multiply(lhs.data() + position * lhs_position, large.data() + position * large_position, panel_step, count,
                   row_blocks.range(task % row_blocks.count()), {0, stages_.panels()}, first > 0,
                   sums.data() + position * plan_.sum_position);
        });
      }
      contract(group, sums.data());
    }
  }

  // All sums of a group to weights.
  void contract(std::int64_t group, const float* sums) const {
    const std::int64_t blocks = problem_.lhs_blocks(), panels = stages_.panels(), in_features = problem_.in_features;
    const Blocks in{in_features, in_features, std::min<std::int64_t>(in_features, plan_.weight_block)};
    parallel_for(in.count() * blocks * panels, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t panel = task % panels, block = task / panels % blocks;
      const Range range = in.range(task / panels / blocks);
      stages_.contract_small(
          sums + panel * plan_.sum_panel + (block * in_features + range.first) * stages_.panel_width(),
          stages_.panel_width(), plan_.sum_position, block, range, panel, small_ + group * problem_.small_group);
    });
  }

  const WinogradProblem& problem_;
  const WinogradStages stages_;
  const WinogradGradientPlan plan_;
  const MatrixKernels<float>& matrix_;
  const float *lhs_, *large_;
  float* small_;
  std::vector<std::int64_t> lhs_rows_, sum_rows_;
};

}  // namespace

void winograd_gradient(const WinogradProblem& problem, const float* lhs, const float* large, float* small) {
  WinogradGradient(problem, lhs, large, small).run();
}

}  // namespace cotangent::kernels
