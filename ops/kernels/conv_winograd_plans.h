// How the work of Winograd convolution is cut. Depends on the problem and the instruction set, never on threads.
// Internal.
#pragma once

#include "cotangent/ops/kernels/conv_winograd_tiles.h"

namespace cotangent::kernels {

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
  std::int64_t chunk;
  std::int64_t task_tiles, task_panels;
  std::int64_t sum_row;                    // elements from one tile's sums to the next
  std::int64_t workspace, task_workspace;  // elements for all tasks, and for each that runs
};

struct WinogradGradientPlan {
  WinogradGradientPlan(const WinogradStages& stages, const WinogradProblem& problem);

  std::int64_t sum_panel, sum_position, sums;  // elements of the sums of a panel, of a position, and of all positions
  bool fetches;                                // sums, of which there are more than a cache holds
  bool by_stage;                               // transforms of a chunk of tiles, then products
  std::int64_t chunk;
  std::int64_t splits;  // of the tiles, each with its own sums, when not by stage
  std::int64_t task_tiles, task_rows;
  std::int64_t sum_block;     // tiles that are added at once
  std::int64_t weight_block;  // features of lhs whose sums are contracted in one task
  std::int64_t workspace, task_workspace;
};

void winograd_forward(const WinogradProblem& problem, const float* lhs, const float* small,
                      const ConvEpilogue<float>& epilogue, float* large);
void winograd_gradient(const WinogradProblem& problem, const float* lhs, const float* large, float* small);

}  // namespace cotangent::kernels
