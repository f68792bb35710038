// ConvPlan: how the matrix product of a convolution is cut into tiles. Internal.
#pragma once

#include <cstdint>

#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {

// OpenBLAS multiplies matrices without packing them up to so many multiply-adds, where it has kernels of AVX-512.
constexpr std::int64_t kUnpackedProduct = 1'000'000;
constexpr std::int64_t kFewWeights = 2048;  // of a group, with which it does so for enough rows at once

constexpr std::int64_t kWorthwhilePanel = 128;  // shorter stretches of memory are packed rather than used in place

// Depends on the problem alone, never on the number of threads.
struct ConvPlan {
  // For a problem without lhs dilation and with no extent of 0, of elements of that many bytes.
  ConvPlan(const ConvProblem& problem, std::int64_t element_size);

  // Elements of the largest tile of the output, and how many such tiles there are in all groups.
  std::int64_t tile_elements() const { return row_blocks.block * feature_blocks.block; }
  std::int64_t tiles(const ConvProblem& problem) const {
    return problem.groups * row_blocks.count() * feature_blocks.count();
  }

  const MatrixIndex rows, reduction;
  bool columns_in_place;       // every window lies inside lhs, so that columns may be there already
  bool rows_inner;             // rows are adjacent in a tile of columns, rather than the terms of a sum
  bool turns_weights;          // packed so that features are adjacent, which they are not in rhs
  bool weight_features_inner;  // features are adjacent in packed weights
  bool out_features_inner;     // and in a tile of the output
  bool weights_packed;         // all at once, before the tiles
  Blocks row_blocks, reduction_blocks, feature_blocks;
  std::int64_t splits;  // of the sum, each with a partial result

 private:
  void choose_layouts(const ConvProblem& problem);
  void choose_blocks(const ConvProblem& problem, std::int64_t element_size);
};

}  // namespace cotangent::kernels
