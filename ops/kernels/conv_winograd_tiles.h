// The stages of Winograd convolution: tiles and weights to transformed elements and back, in any layout. Internal.
#pragma once

#include "cotangent/core/memory.h"
#include "cotangent/ops/kernels/conv_epilogue.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"
#include "cotangent/ops/kernels/conv_winograd.h"
#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/isa/winograd.h"

namespace cotangent::kernels {

constexpr std::int64_t kLine = 16;  // elements of a cache line

// A buffer of one call or task, from the cache of tensor memory.
class FloatBuffer {
 public:
  explicit FloatBuffer(std::int64_t elements)
      : memory_(elements > 0 ? allocate(static_cast<std::size_t>(elements) * sizeof(float)) : nullptr) {}
  float* data() const { return reinterpret_cast<float*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

// Transformed tiles and weights are matrices, one for each position of a transformed tile.
//   lhs:    [position][tile][lhs block][feature, up to whole vectors]
//   panels: [position][panel][row][panel width], where rows are what a product sums over: the features of lhs for
//           weights, tiles for the large operand of a weight gradient
//   sums:   [position][row][panel][panel width], where rows are tiles, or the features of lhs
// A panel is a part of the features of one large block.
class WinogradStages {
 public:
  explicit WinogradStages(const WinogradProblem& problem);

  std::int64_t positions() const { return problem_.points * problem_.points; }
  std::int64_t panels() const { return problem_.large_blocks() * panels_per_block_; }
  std::int64_t panel_width() const { return tile_.panel_width; }
  std::int64_t tile_rows() const { return tile_.tile_rows; }
  std::int64_t width(std::int64_t panel) const;  // features of a panel
  std::int64_t whole_width(std::int64_t panel) const { return whole(width(panel)); }
  // Elements of a row of transformed lhs: all blocks, each of whole vectors.
  std::int64_t block_features() const { return block_features_; }
  std::int64_t lhs_row() const { return lhs_row_; }

  // From one matrix to the next: at least so many elements, but no power of two, whose lines would share a cache set.
  static std::int64_t spread(std::int64_t elements);

  // A range of tiles of lhs, from where the group starts, to the matrices that start at `to`.
  void transform_lhs(const float* lhs, Range tiles, float* to, std::int64_t position_step) const;

  // Weights: features `in` of lhs of every block, and one panel. `to` is the panel's first row.
  void expand_small(const float* small, Range in, std::int64_t panel, float* to, std::int64_t position_step) const;

  // A range of tiles of the large operand; panel p goes to `to` + p * panel_step, the first tile to its first row.
  void expand_large(const float* large, Range tiles, float* to, std::int64_t panel_step,
                    std::int64_t position_step) const;

  // Sums of a range of tiles and panels to the output; `sums` is the first tile's and the first panel's. The bias is
  // null, or has one number for each feature, and whole vectors that may be read.
  void contract_large(const float* sums, std::int64_t row_step, std::int64_t position_step, Range tiles, Range panels,
                      const ConvEpilogue<float>& epilogue, float* large) const;

  // Sums to weights: features `in` of one block of lhs, and one panel. `sums` is the first one's.
  void contract_small(const float* sums, std::int64_t row_step, std::int64_t position_step, std::int64_t lhs_block,
                      Range in, std::int64_t panel, float* small) const;

  // The most elements that one of these calls allocates, for so many tiles at once.
  std::int64_t call_workspace(std::int64_t tiles) const;

 private:
  std::int64_t whole(std::int64_t features) const {
    return (features + matrix_.lanes - 1) / matrix_.lanes * matrix_.lanes;
  }
  // Parts of planes that are copied, unless they can be transformed in place: runs of tiles, of the input or of the
  // large operand with its features, of sums with a panel's; and small positions.
  std::int64_t lhs_copy(std::int64_t tiles) const;
  std::int64_t large_copy(std::int64_t tiles, std::int64_t features) const;
  std::int64_t small_copy() const;
  void gather(const Plane& plane, std::int64_t feature_step, std::int64_t features, const float* from, Range rows,
              Range columns, float* to) const;
  void scatter(const Plane& plane, std::int64_t feature_step, std::int64_t features, Range rows, Range columns,
               const float* from, std::int64_t from_row, float* to) const;
  bool in_place(std::int64_t feature_step, std::int64_t features) const;

  // The small positions of some features of both kinds, in memory and dense: [feature of lhs][position][panel width].
  void copy_small(const Plane& plane, Range in, Range out, bool to_memory, float* memory, float* dense) const;

  const WinogradProblem& problem_;
  const TileShape tile_;
  const MatrixKernels<float>& matrix_;
  const WinogradKernels<float>& kernels_;
  std::int64_t panels_per_block_, block_features_, lhs_row_;
};

}  // namespace cotangent::kernels
