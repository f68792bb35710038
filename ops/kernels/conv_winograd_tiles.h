// The stages of Winograd convolution: tiles and weights to transformed elements and back, in any layout. Internal.
#pragma once

#include "cotangent/core/memory.h"
#include "cotangent/ops/kernels/conv_epilogue.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"
#include "cotangent/ops/kernels/conv_winograd.h"
#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/isa/winograd.h"

namespace cotangent::kernels {

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
//   lhs:    [position][slice][tile][lhs block][feature, up to whole vectors], or [lhs block, feature] of few features
//   panels: [position][panel][row][panel width], where rows are what a product sums over: the features of lhs at each
//           position of the sliding window for weights, tiles for the large operand of a weight gradient
//   sums:   [position][row][panel][panel width], where rows are tiles, or these features of lhs
// A panel is a part of the features of one large block. Tiles are those of one slice after the other.
class WinogradStages {
 public:
  explicit WinogradStages(const WinogradProblem& problem);

  std::int64_t positions() const { return problem_.positions(); }
  std::int64_t panels() const { return problem_.large_blocks() * panels_per_block_; }
  std::int64_t panel_width() const { return tile_.panel_width; }
  std::int64_t tile_rows() const { return tile_.tile_rows; }
  std::int64_t width(std::int64_t panel) const;  // features of a panel
  std::int64_t whole_width(std::int64_t panel) const { return whole(width(panel)); }
  // Elements of a block in a row of transformed lhs, whole vectors unless blocks share them, and of the row.
  std::int64_t block_features() const { return problem_.block_features(); }
  std::int64_t lhs_row() const { return lhs_row_; }

  // From one matrix to the next: at least so many elements, but no power of two, whose lines would share a cache set.
  static std::int64_t spread(std::int64_t elements);

  // Tiles of slices of lhs, from where the group starts, to the matrices that start at `to`, with slice_step elements
  // from one slice to the next.
  void transform_lhs(const float* lhs, const TileBlock& tiles, float* to, std::int64_t position_step,
                     std::int64_t slice_step) const;

  // Weights: features `in` of lhs of every block, and one panel. `to` is the panel's first row.
  void expand_small(const float* small, Range in, std::int64_t panel, float* to, std::int64_t position_step) const;

  // Tiles of the large operand; panel p goes to `to` + p * panel_step, the first tile to its first row, and that of the
  // next slice slice_rows further.
  void expand_large(const float* large, const TileBlock& tiles, float* to, std::int64_t panel_step,
                    std::int64_t position_step, std::int64_t slice_rows) const;

  // Sums of some tiles and a range of panels to the output; `sums` is the first tile's and the first panel's, and that
  // of the next slice slice_rows further. The bias is null, or has one number for each feature, and whole vectors that
  // may be read.
  void contract_large(const float* sums, std::int64_t row_step, std::int64_t position_step, std::int64_t slice_rows,
                      const TileBlock& tiles, Range panels, const ConvEpilogue<float>& epilogue, float* large) const;

  // Sums to weights: features `in` of one block of weights, and one panel. `sums` is the first one's.
  void contract_small(const float* sums, std::int64_t row_step, std::int64_t position_step, std::int64_t small_block,
                      Range in, std::int64_t panel, float* small) const;

  // The most elements that one of these calls allocates, for so many tiles at once.
  std::int64_t call_workspace(std::int64_t tiles) const;

 private:
  std::int64_t whole(std::int64_t features) const { return problem_.whole(features); }
  // Parts of planes that are copied, unless they can be transformed in place: runs of tiles, of the input or of the
  // large operand with its features, of sums with a panel's; and small positions.
  std::int64_t lhs_copy(std::int64_t tiles) const;
  std::int64_t large_copy(std::int64_t tiles, std::int64_t features) const;
  std::int64_t small_copy() const;
  bool in_place(std::int64_t feature_step, std::int64_t features) const;

  // The positions of a plane that a run of tiles covers, each of `rows` x `columns` positions: a rectangle of it.
  struct Band {
    Range rows, columns;
  };
  Band band_of(const TileRun& run, std::int64_t rows, std::int64_t columns) const;
  std::int64_t band_size(std::int64_t tiles, std::int64_t rows, std::int64_t columns) const;
  // The rows of a tile of the large operand: all but those beyond a fold.
  std::int64_t large_rows(const TileRun& run) const {
    const std::int64_t rows = problem_.rows_of(problem_.tile);
    return problem_.fold == 0 ? rows : std::min(rows, problem_.fold - run.row * rows);
  }

  // The tiles of a plane, or window, whose rows and columns lie so far apart.
  template <class T>
  Grids<T> grids_of(T* first, std::int64_t row, std::int64_t column) const {
    const std::int64_t fold = problem_.fold;
    if (fold > 0) return {first, column, fold * column, problem_.tile * fold * column};
    return {first, row, column, problem_.tile * column};
  }
  template <class T>
  Grids<T> grids_in(T* memory, const Plane& plane, const Band& band) const {
    return grids_of(memory + plane.offset + band.rows.first * plane.step[0] + band.columns.first * plane.step[1],
                    plane.step[0], plane.step[1]);
  }

  template <class Visitor>
  void for_each_slice_run(const TileBlock& block, Visitor visitor) const {
    for (std::int64_t slice = block.slices.first; slice < block.slices.second; ++slice)
      problem_.for_each_run(block.tiles, [&](const TileRun& run) { visitor(run, slice); });
  }

  // Calls visitor(TileRun, true) for tiles that are transformed in place, and visitor(TileRun, false) for others.
  template <class Visitor>
  void for_each_part(const TileRun& run, const Plane& plane, bool in_place, std::int64_t rows, std::int64_t columns,
                     Visitor visitor) const {
    if (!in_place || problem_.fold == 0) return visitor(run, in_place);
    // Of folded tiles those at the ends are copied: what is missing of them is no rectangle.
    for (std::int64_t first = 0; first < run.count;) {
      TileRun part{run.first + first, 1, run.plane, run.row, run.column + first};
      const Range band = band_of(part, rows, columns).columns;
      const bool whole = band.first >= plane.valid[1].first && band.second <= plane.valid[1].second;
      if (whole)
        part.count =
            std::min(run.count - first, (plane.valid[1].second - band.second) / (problem_.tile * problem_.fold) + 1);
      visitor(part, whole);
      first += part.count;
    }
  }

  using Transform = WinogradTransforms<float>::Transform;
  void transform_in_place(Transform transform, const Plane& plane, const TileRun& run, std::int64_t rows,
                          std::int64_t columns, GridTransform<float> grid) const;
  void gather(const Plane& plane, std::int64_t feature_step, std::int64_t features, const float* from, const Band& band,
              float* to) const;
  void copy_valid(const Plane& plane, std::int64_t feature_step, std::int64_t features, const float* from,
                  const Band& band, float* to, std::int64_t pixel) const;
  void scatter(const Plane& plane, std::int64_t feature_step, std::int64_t features, const Band& band,
               Grids<const float> from, float* to) const;
  void scatter_rows(const Plane& plane, std::int64_t feature_step, std::int64_t features, const Band& band,
                    std::int64_t rows, const float* from, float* to) const;

  // The small positions of some features of both kinds, in memory and dense: [feature of lhs][position][panel width].
  void copy_small(const Plane& plane, Range in, Range out, bool to_memory, float* memory, float* dense) const;

  const WinogradProblem& problem_;
  const TileShape tile_;
  const MatrixKernels<float>& matrix_;
  const WinogradTransforms<float>& kernels_;
  std::int64_t panels_per_block_, lhs_row_;
};

}  // namespace cotangent::kernels
