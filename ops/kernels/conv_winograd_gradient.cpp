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
    for (std::int64_t block = 0; block < problem.small_blocks(); ++block)
      for (std::int64_t i = 0; i < problem.in_features; ++i) {
        lhs_rows_.push_back(block / problem.lhs_blocks() * plan_.slice_step +
                            block % problem.lhs_blocks() * stages_.block_features() + i);
        sum_rows_.push_back((block * problem.in_features + i) * stages_.panel_width());
      }
  }

  void run() const {
    if (plan_.by_stage) run_stages();
    else run_splits();
  }

 private:
  std::int64_t rows() const { return static_cast<std::int64_t>(lhs_rows_.size()); }

  // The tiles of a block as terms of a sum: so many at once as plan_.sum_block says, about.
  struct Terms {
    std::vector<Segment> segments;
    std::vector<std::size_t> ends;  // of segments that are summed at once
  };
  Terms find_terms(const TileBlock& block) const {
    const std::int64_t tiles = length(block.tiles), slices = length(block.slices);
    const bool adjacent = problem_.slice_stride() == 1 && tiles == plan_.cut.tiles.block;
    const std::int64_t runs = adjacent ? 1 : slices, run = tiles * slices / runs;
    Terms terms;
    std::int64_t count = 0;
    for (std::int64_t r = 0; r < runs; ++r)
      for (std::int64_t t = 0; t < run;) {
        const std::int64_t some = std::min(run - t, plan_.sum_block - count);
        terms.segments.push_back({r * problem_.slice_stride() * plan_.slice_step + t * stages_.lhs_row(),
                                  (r * run + t) * stages_.panel_width(), some});
        t += some;
        count += some;
        if (count < plan_.sum_block && (t < run || r + 1 < runs)) continue;
        terms.ends.push_back(terms.segments.size());
        count = 0;
      }
    return terms;
  }

  // sums = the products of some transformed tiles, or sums += them, for ranges of rows and panels at one position.
  // Where sums are many, each tile of them fetches the one after it.
  void multiply(const float* tiles, const float* panels, std::int64_t panel_step, const Terms& terms, Range rows,
                Range panel_range, bool add, float* sums) const {
    const auto first_row = static_cast<std::size_t>(rows.first);
    const std::int64_t next = stages_.tile_rows() * stages_.panel_width();
    for (std::int64_t p = panel_range.first; p < panel_range.second; ++p) {
      std::size_t begin = 0;
      for (const std::size_t end : terms.ends) {
        std::int64_t count = 0;
        for (std::size_t i = begin; i < end; ++i) count += terms.segments[i].count;
        matrix_.multiply({.lhs = tiles,
                          .rows = lhs_rows_.data() + rows.first,
                          .row_count = length(rows),
                          .lhs_step = stages_.lhs_row(),
                          .rhs = panels + p * panel_step,
                          .rhs_step = stages_.panel_width(),
                          .segments = terms.segments.data() + begin,
                          .segment_count = static_cast<std::int64_t>(end - begin),
                          .out = sums + p * plan_.sum_panel,
                          .out_rows = sum_rows_.data() + rows.first,
                          .width = stages_.whole_width(p),
                          .bias = nullptr,
                          .add = add || begin > 0,
                          .ahead = plan_.fetches ? sums + p * plan_.sum_panel + sum_rows_[first_row] + next : nullptr,
                          .ahead_row = stages_.panel_width(),
                          .ahead_term = ceiling_quotient(next, count)});
        begin = end;
      }
    }
  }

  void run_splits() const {
    const std::int64_t groups = problem_.groups, positions = stages_.positions(), blocks = plan_.cut.count();
    const std::int64_t lhs_position = WinogradStages::spread(plan_.cut.lhs_tiles() * stages_.lhs_row()),
                       panel_step = plan_.cut.large_tiles() * stages_.panel_width(),
                       large_position = WinogradStages::spread(stages_.panels() * panel_step);
    const FloatBuffer sums(groups * plan_.splits * plan_.sums);
    parallel_for(groups * plan_.splits, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / plan_.splits, split = task % plan_.splits;
      const FloatBuffer lhs(positions * lhs_position), large(positions * large_position);
      float* const to = sums.data() + task * plan_.sums;
      const Range part{split * blocks / plan_.splits, (split + 1) * blocks / plan_.splits};
      for (std::int64_t b = part.first; b < part.second; ++b) {
        const TileBlock block = plan_.cut.at(b);
        const Terms terms = find_terms(block);
        stages_.transform_lhs(lhs_ + group * problem_.lhs.group, seen(problem_, block), lhs.data(), lhs_position,
                              plan_.slice_step);
        stages_.expand_large(large_ + group * problem_.large.group, block, large.data(), panel_step, large_position,
                             length(block.tiles));
        static thread_local bool backwards = false;
        backwards = !backwards;
        for (std::int64_t i = 0; i < positions; ++i) {
          const std::int64_t position = backwards ? positions - 1 - i : i;
          multiply(lhs.data() + position * lhs_position, large.data() + position * large_position, panel_step, terms,
                   {0, rows()}, {0, stages_.panels()}, b > part.first, to + position * plan_.sum_position);
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
    const std::int64_t positions = stages_.positions();
    const std::int64_t lhs_position = WinogradStages::spread(plan_.cut.lhs_tiles() * stages_.lhs_row()),
                       panel_step = plan_.cut.large_tiles() * stages_.panel_width(),
                       large_position = WinogradStages::spread(stages_.panels() * panel_step);
    const FloatBuffer lhs(positions * lhs_position), large(positions * large_position), sums(plan_.sums);
    const Blocks row_blocks{rows(), rows(), plan_.task_rows};
    for (std::int64_t group = 0; group < problem_.groups; ++group) {
      for (std::int64_t b = 0; b < plan_.cut.count(); ++b) {
        const TileBlock chunk = plan_.cut.at(b);
        const Terms terms = find_terms(chunk);
        const std::int64_t slice_rows = length(chunk.tiles);
        parallel_for_parts(seen(problem_, chunk), plan_.task_tiles, [&](const TileBlock& part, const TilePlace& at) {
          stages_.transform_lhs(lhs_ + group * problem_.lhs.group, part,
                                lhs.data() + at.slice * plan_.slice_step + at.tile * stages_.lhs_row(), lhs_position,
                                plan_.slice_step);
        });
        parallel_for_parts(chunk, plan_.task_tiles, [&](const TileBlock& part, const TilePlace& at) {
          stages_.expand_large(large_ + group * problem_.large.group, part,
                               large.data() + (at.slice * slice_rows + at.tile) * stages_.panel_width(), panel_step,
                               large_position, slice_rows);
        });
        parallel_for(positions * row_blocks.count(), 1, [&](std::int64_t task, std::int64_t) {
          const std::int64_t position = task / row_blocks.count();
          multiply(lhs.data() + position * lhs_position, large.data() + position * large_position, panel_step, terms,
                   row_blocks.range(task % row_blocks.count()), {0, stages_.panels()}, b > 0,
                   sums.data() + position * plan_.sum_position);
        });
      }
      contract(group, sums.data());
    }
  }

  // All sums of a group to weights.
  void contract(std::int64_t group, const float* sums) const {
    const std::int64_t blocks = problem_.small_blocks(), panels = stages_.panels(), in_features = problem_.in_features;
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
