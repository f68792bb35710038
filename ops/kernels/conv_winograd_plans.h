// How the work of Winograd convolution is cut. Depends on the problem and the instruction set, never on threads.
// Internal.
#pragma once

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_winograd_tiles.h"

namespace cotangent::kernels {

// All tiles, cut into such blocks.
struct TileCut {
  Blocks tiles, slices;
  std::int64_t lhs_slices;  // that a block sees, at most

  std::int64_t lhs_tiles() const { return tiles.block * lhs_slices; }
  std::int64_t large_tiles() const { return tiles.block * slices.block; }
  std::int64_t count() const { return tiles.count() * slices.count(); }
  TileBlock at(std::int64_t index) const {
    return {tiles.range(index / slices.count()), slices.range(index % slices.count())};
  }
};

// What a block of tiles sees: the same tiles in slices of lhs.
inline TileBlock seen(const WinogradProblem& problem, const TileBlock& block) {
  const std::int64_t first = block.slices.first * problem.slice_stride();
  return {block.tiles, {first, first + problem.lhs_slices(length(block.slices))}};
}

// How many slices, and tiles of a slice, of a block come before a part of it.
struct TilePlace {
  std::int64_t slice, tile;
};

// In parallel: visitor(part, its place) for parts of so many tiles of one slice.
template <class Visitor>
void parallel_for_parts(const TileBlock& block, std::int64_t tiles, Visitor visitor) {
  const Blocks parts{length(block.tiles), length(block.tiles), tiles};
  parallel_for(length(block.slices) * parts.count(), 1, [&](std::int64_t task, std::int64_t) {
    const Range part = parts.range(task % parts.count());
    const TilePlace place{task / parts.count(), part.first};
    const std::int64_t first = block.tiles.first, slice = block.slices.first + place.slice;
    visitor(TileBlock{{first + part.first, first + part.second}, {slice, slice + 1}}, place);
  });
}

struct WinogradForwardPlan {
  WinogradForwardPlan(const WinogradStages& stages, const WinogradProblem& problem);

  std::int64_t terms;            // of a sum
  std::int64_t sum_block;        // of them that are added at once, about
  std::int64_t panel;            // elements of a panel of weights at one position
  std::int64_t weight_position;  // from one position of weights to the next, and from one group
  std::int64_t weight_group;
  std::int64_t weight_block;  // features of lhs that are transformed in one task
  bool by_stage;              // every stage for all tiles of a chunk, rather than all stages for a few tiles
  bool fetches;               // weights, of which a task reads more than a cache holds
  TileCut cut;                // into chunks, or into the tiles of a task
  std::int64_t slice_step;    // elements from one slice of transformed lhs to the next
  std::int64_t task_tiles, task_panels;
  std::int64_t sum_row;                    // elements from one tile's sums to the next
  std::int64_t workspace, task_workspace;  // elements for all tasks, and for each that runs
};

struct WinogradGradientPlan {
  WinogradGradientPlan(const WinogradStages& stages, const WinogradProblem& problem);

  std::int64_t sum_panel, sum_position, sums;  // elements of the sums of a panel, of a position, and of all positions
  bool fetches;                                // sums, of which there are more than a cache holds
  bool by_stage;                               // transforms of a chunk of tiles, then products
  TileCut cut;                                 // into what is transformed before it is multiplied
  std::int64_t slice_step;                     // elements from one slice of transformed lhs to the next
  std::int64_t splits;                         // of these blocks, each with its own sums, when not by stage
  std::int64_t task_tiles, task_rows;
  std::int64_t sum_block;     // tiles that are added at once
  std::int64_t weight_block;  // features of lhs whose sums are contracted in one task
  std::int64_t workspace, task_workspace;
};

void winograd_forward(const WinogradProblem& problem, const float* lhs, const float* small,
                      const ConvEpilogue<float>& epilogue, float* large);
void winograd_gradient(const WinogradProblem& problem, const float* lhs, const float* large, float* small);

}  // namespace cotangent::kernels
