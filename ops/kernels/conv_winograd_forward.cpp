// Winograd convolution: forward convolutions and input gradients.
//
// Weights are transformed first, all of them. Then a task takes some tiles through all three stages while they are in
// cache: transformed tiles of lhs, products with one block of panels after another, and the output. Weights pass
// through the cache meanwhile: positions are taken to and fro, so that what was read last is read first, and where
// weights are many each product fetches those of the next. With many features and few tiles there would be few tasks,
// each of which reads all weights; then every stage is a parallel loop of its own over a chunk of tiles, and products
// are shared out by position.
#include <algorithm>
#include <vector>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_winograd_plans.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {
namespace {

class WinogradForward {
 public:
  WinogradForward(const WinogradProblem& problem, const float* lhs, const float* small,
                  const ConvEpilogue<float>& epilogue, float* large)
      : problem_(problem),
        stages_(problem),
        plan_(stages_, problem),
        matrix_(table<MatrixKernels<float>>()),
        lhs_(lhs + problem.lhs.offset),
        small_(small + problem.small_offset),
        large_(large + problem.large.offset),
        relu_(epilogue.relu) {
    cut_sum();
    copy_bias(epilogue.bias);
    for (std::int64_t i = 0; i < plan_.cut.large_tiles(); ++i) sum_rows_.push_back(i * plan_.sum_row);
  }

  void run() const {
    const FloatBuffer weights(problem_.groups * plan_.weight_group);
    expand_weights(weights.data());
    if (plan_.by_stage) run_stages(weights.data());
    else run_tasks(weights.data());
  }

 private:
  // Where each tile of a block starts.
  std::vector<std::int64_t> find_rows(const TileBlock& block) const {
    std::vector<std::int64_t> rows;
    for (std::int64_t slice = 0; slice < length(block.slices); ++slice)
      for (std::int64_t tile = 0; tile < length(block.tiles); ++tile)
        rows.push_back(slice * problem_.slice_stride() * plan_.slice_step + tile * stages_.lhs_row());
    return rows;
  }

  // Segments of the terms of a sum, in blocks of about plan_.sum_block terms: each is added to the last one's result,
  // which is more accurate, and its weights stay in the innermost cache.
  void cut_sum() {
    const std::int64_t features = problem_.in_features, block = stages_.block_features();
    const std::int64_t runs = block == features ? 1 : problem_.lhs_blocks(),  // at each position of the sliding window
        run = problem_.lhs_blocks() * features / runs;
    const std::int64_t parts = (run + plan_.sum_block - 1) / plan_.sum_block;
    std::int64_t terms = 0;
    sum_blocks_.push_back(0);
    for (std::int64_t r = 0; r < problem_.slice_taps() * runs; ++r)
      for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t begin = part * run / parts, count = (part + 1) * run / parts - begin;
        if (terms > 0 && terms + count > plan_.sum_block) {
          sum_blocks_.push_back(segments_.size());
          terms = 0;
        }
        segments_.push_back(
            {r / runs * plan_.slice_step + r % runs * block + begin, (r * run + begin) * stages_.panel_width(), count});
        terms += count;
      }
    sum_blocks_.push_back(segments_.size());
  }

  // The bias of each group, padded to whole panels.
  void copy_bias(const float* bias) {
    if (bias == nullptr) return;
    bias_group_ = ceiling_quotient(problem_.large_features, stages_.panel_width()) * stages_.panel_width();
    bias_.resize(static_cast<std::size_t>(problem_.groups * bias_group_));
    for (std::int64_t group = 0; group < problem_.groups; ++group)
      std::copy_n(bias + group * problem_.large_features, problem_.large_features,
                  bias_.begin() + static_cast<std::ptrdiff_t>(group * bias_group_));
  }
  ConvEpilogue<float> epilogue_of(std::int64_t group) const {
    return {bias_.empty() ? nullptr : bias_.data() + group * bias_group_, relu_};
  }

  void expand_weights(float* to) const {
    const Blocks in{problem_.in_features, problem_.in_features, plan_.weight_block};
    const std::int64_t panels = stages_.panels();
    parallel_for(problem_.groups * panels * in.count(), 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t panel = task / in.count() % panels, group = task / in.count() / panels;
      stages_.expand_small(small_ + group * problem_.small_group, in.range(task % in.count()), panel,
                           to + group * plan_.weight_group + panel * plan_.panel, plan_.weight_position);
    });
  }

  // The products of transformed tiles and a range of panels at one position. Each fetches the weights of the one after
  // it, the last one those at `next`, unless that is null.
  void multiply(const float* tiles, const std::vector<std::int64_t>& tile_rows, const float* weights, Range panels,
                float* sums, const float* next = nullptr) const {
    const std::int64_t count = std::ssize(tile_rows);
    const std::size_t blocks = sum_blocks_.size() - 1;
    const std::int64_t rows = ceiling_quotient(count, stages_.tile_rows()) * stages_.tile_rows(),
                       size = plan_.panel / static_cast<std::int64_t>(blocks);  // of a product's weights, about
    for (std::int64_t p = panels.first; p < panels.second; ++p)
      for (std::size_t b = 0; b < blocks; ++b) {
        const float* const panel = weights + p * plan_.panel;
        const float* ahead = next;
        if (next != nullptr && b + 1 < blocks) ahead = panel + segments_[sum_blocks_[b + 1]].rhs;
        else if (next != nullptr && p + 1 < panels.second) ahead = panel + plan_.panel;
        matrix_.multiply({.lhs = tiles,
                          .rows = tile_rows.data(),
                          .row_count = count,
                          .lhs_step = 1,
                          .rhs = panel,
                          .rhs_step = stages_.panel_width(),
                          .segments = segments_.data() + sum_blocks_[b],
                          .segment_count = static_cast<std::int64_t>(sum_blocks_[b + 1] - sum_blocks_[b]),
                          .out = sums + (p - panels.first) * stages_.panel_width(),
                          .out_rows = sum_rows_.data(),
                          .width = stages_.whole_width(p),
                          .bias = nullptr,
                          .add = b > 0,
                          .ahead = ahead,
                          .ahead_row = ceiling_quotient(size, rows),
                          .ahead_term = kLine});
      }
  }

  void run_tasks(const float* weights) const {
    const Blocks panels{stages_.panels(), stages_.panels(), plan_.task_panels};
    const std::int64_t tile_position = WinogradStages::spread(plan_.cut.lhs_tiles() * stages_.lhs_row()),
                       sum_position = WinogradStages::spread(plan_.cut.large_tiles() * plan_.sum_row);
    parallel_for(problem_.groups * plan_.cut.count(), 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task % problem_.groups;  // groups of a tile share its pages
      const TileBlock block = plan_.cut.at(task / problem_.groups);
      const std::vector<std::int64_t> rows = find_rows(block);
      const FloatBuffer transformed(stages_.positions() * tile_position), sums(stages_.positions() * sum_position);
      stages_.transform_lhs(lhs_ + group * problem_.lhs.group, seen(problem_, block), transformed.data(), tile_position,
                            plan_.slice_step);
      const auto weights_at = [&](std::int64_t position) {
        return weights + group * plan_.weight_group + position * plan_.weight_position;
      };
      for (std::int64_t b = 0; b < panels.count(); ++b) {
        static thread_local bool backwards = false;
        backwards = plan_.fetches && !backwards;
        const std::int64_t last = stages_.positions() - 1, first_panel = panels.range(b).first * plan_.panel;
        for (std::int64_t i = 0; i <= last; ++i) {
          const std::int64_t position = backwards ? last - i : i, next = backwards ? position - 1 : position + 1;
          multiply(transformed.data() + position * tile_position, rows, weights_at(position), panels.range(b),
                   sums.data() + position * sum_position,
                   plan_.fetches && i < last ? weights_at(next) + first_panel : nullptr);
        }
        stages_.contract_large(sums.data(), plan_.sum_row, sum_position, length(block.tiles), block, panels.range(b),
                               epilogue_of(group), large_ + group * problem_.large.group);
      }
    });
  }

  void run_stages(const float* weights) const {
    const Blocks panels{stages_.panels(), stages_.panels(), plan_.task_panels};
    const std::int64_t tile_position = WinogradStages::spread(plan_.cut.lhs_tiles() * stages_.lhs_row()),
                       sum_position = WinogradStages::spread(plan_.cut.large_tiles() * plan_.sum_row);
    const FloatBuffer transformed(stages_.positions() * tile_position), sums(stages_.positions() * sum_position);
    for (std::int64_t turn = 0; turn < problem_.groups * plan_.cut.count(); ++turn) {
      const std::int64_t group = turn / plan_.cut.count();
      const TileBlock chunk = plan_.cut.at(turn % plan_.cut.count());
      const std::vector<std::int64_t> rows = find_rows(chunk);
      parallel_for_parts(seen(problem_, chunk), plan_.task_tiles, [&](const TileBlock& part, const TilePlace& at) {
        stages_.transform_lhs(lhs_ + group * problem_.lhs.group, part,
                              transformed.data() + at.slice * plan_.slice_step + at.tile * stages_.lhs_row(),
                              tile_position, plan_.slice_step);
      });
      parallel_for(stages_.positions() * panels.count(), 1, [&](std::int64_t task, std::int64_t) {
        const std::int64_t position = task / panels.count();
        const Range range = panels.range(task % panels.count());
        multiply(transformed.data() + position * tile_position, rows,
                 weights + group * plan_.weight_group + position * plan_.weight_position, range,
                 sums.data() + position * sum_position + range.first * stages_.panel_width());
      });
      const std::int64_t slice_rows = length(chunk.tiles);
      parallel_for_parts(chunk, plan_.task_tiles, [&](const TileBlock& part, const TilePlace& at) {
        stages_.contract_large(sums.data() + (at.slice * slice_rows + at.tile) * plan_.sum_row, plan_.sum_row,
                               sum_position, slice_rows, part, {0, stages_.panels()}, epilogue_of(group),
                               large_ + group * problem_.large.group);
      });
    }
  }

  const WinogradProblem& problem_;
  const WinogradStages stages_;
  const WinogradForwardPlan plan_;
  const MatrixKernels<float>& matrix_;
  const float *lhs_, *small_;
  float* large_;
  const bool relu_;
  std::int64_t bias_group_ = 0;
  std::vector<float> bias_;
  std::vector<Segment> segments_;
  std::vector<std::size_t> sum_blocks_;  // where each one starts in segments_, and the end
  std::vector<std::int64_t> sum_rows_;
};

}  // namespace

void winograd_forward(const WinogradProblem& problem, const float* lhs, const float* small,
                      const ConvEpilogue<float>& epilogue, float* large) {
  WinogradForward(problem, lhs, small, epilogue, large).run();
}

}  // namespace cotangent::kernels
