// Winograd convolution: a convolution as tiles of a window of stride 1 over planes. Internal.
//
// On every axis y * ld = x * s + k * d - low ties an input position y to an output position x and a kernel position k,
// and the equation stays the same when x and k change places with s and d. So a forward convolution, an input gradient
// and a weight gradient are one thing: x is the index with many positions ("large": that of the output, or of the
// cotangent when the weights are sought) and k the one with few ("small"). Winograd's transforms take two axes, or one
// that is folded: a window of 9 positions of a line is one of 3 x 3 in lines of 3 that follow one another, as
//   x = 3 a + b,  k = 3 i + j,  y = 3 (a + i) + (b + j),
// or a single one, where tiles are lines.
// On the other axes, and between channels, everything is a sum of products:
//   forward:  large(x) = sum over k and i of lhs(y) * small(k)      V = B^T d B,  U = G g G^T,   Y = A^T (V U) A
//   weights:  small(k) = sum over x and n of lhs(y) * large(x)      V = B^T d B,  W = G dY G^T,  dW = A^T (V^T W) A
// Along one of the other axes, that which slides, windows share the transformed slices of lhs.
#pragma once

#include <array>
#include <vector>

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

constexpr std::int64_t kLine = 16;  // elements of a cache line
constexpr std::int64_t whole_lines(std::int64_t elements) { return (elements + kLine - 1) / kLine * kLine; }

constexpr std::int64_t kMostPhases = 4;  // of a stride or a dilation on one axis

// One spatial axis in those terms: y * lhs_dilation = x * stride + k * dilation - low.
struct LargeSmallAxis {
  std::int64_t lhs, large, small;  // extents
  std::int64_t stride, dilation, lhs_dilation, low;
  std::int64_t lhs_step, large_step, small_step;
};
constexpr LargeSmallAxis kPoint{1, 1, 1, 1, 1, 1, 0, 0, 0, 0};  // an axis of one position

// The positions origin + scale * i of an axis.
struct Progression {
  std::int64_t origin, scale;

  // The i whose positions lie in [0, extent).
  Range inside(std::int64_t extent) const;
};

// A tiled axis cut so that what is left is y = x + k: dilation by interleaved planes (residues of x); stride by blocks
// of lhs (residues of y) that are summed, or found, apart; lhs dilation by blocks of the large operand (residues of x),
// shifted so that all of them share the windows of lhs.
class TiledAxis : public LargeSmallAxis {
 public:
  TiledAxis() = default;
  explicit TiledAxis(const LargeSmallAxis& axis);

  Progression lhs_at(std::int64_t residue, std::int64_t lhs_block) const;
  Progression large_at(std::int64_t residue, std::int64_t large_block) const;
  Progression small_at(std::int64_t lhs_block, std::int64_t large_block) const;
  // Those positions of lhs that windows see: tiles reach further, and what lies there must not tinge what is summed.
  Range seen(Range positions) const;

  std::int64_t residues = 1, lhs_blocks = 1, large_blocks = 1;
  std::int64_t taps = 0;     // small positions in a block, the most
  std::int64_t windows = 0;  // large positions in a residue and block, with the shift, the most

 private:
  std::array<std::int64_t, kMostPhases> tap_{}, shift_{};  // of large blocks
  std::int64_t first_ = 0;                                 // what y - x - k is
};

// What a tensor looks like to Winograd's tiles: steps of groups, and of features that stay apart.
struct FeatureSteps {
  std::int64_t offset, group, image, feature;
};

// A plane of a tensor: position (i, j) at offset + i * step[0] + j * step[1], if it is valid. Of one row, if folded.
struct Plane {
  std::int64_t offset;
  std::array<std::int64_t, 2> step;
  std::array<Range, 2> valid;
};

// Consecutive tiles of one row of tiles. If folded, rows count positions within a fold, and columns count folds.
struct TileRun {
  std::int64_t first, count;  // from the first tile of the range on
  std::int64_t plane, row, column;
};

// Some tiles of each of some slices of the large operand.
struct TileBlock {
  Range tiles, slices;
};

// The whole problem.
class WinogradProblem {
 public:
  // With the axes to tile and the family of points that cost least, or a refusal.
  explicit WinogradProblem(const ConvProblem& problem);

  std::string refusal;
  bool weight_gradient = false;
  bool swapped = false;  // lhs is the problem's rhs, which is a weight gradient's other operand
  std::int64_t groups = 0, images = 0, in_features = 0, large_features = 0;  // in_features are those of lhs
  FeatureSteps lhs{}, large{};
  std::int64_t small_offset = 0, small_group = 0, small_in = 0, small_large = 0;  // steps of in and large features

  int family = 0;
  std::int64_t points = 0, taps = 0, tile = 0;  // points = taps + tile - 1
  std::int64_t fold = 0;                        // positions of a fold, which are `taps`, or 0
  bool line = false;                            // tiles have one row

  std::int64_t positions() const { return points * rows_of(points); }              // of a transformed tile
  std::int64_t rows_of(std::int64_t columns) const { return line ? 1 : columns; }  // of what has so many columns

  // Slices of the large operand along the axis that slides, positions of its window, and slices of lhs that so many
  // adjacent ones see: window position k of slice x is lhs slice x * slice_stride() + k.
  std::int64_t slices() const { return slide_.large; }
  std::int64_t slice_taps() const { return slide_.small; }
  std::int64_t slice_stride() const { return slide_.stride; }
  std::int64_t lhs_slices(std::int64_t slices) const { return (slices - 1) * slide_.stride + slide_.small; }

  std::int64_t outer_taps() const { return outer_taps_; }  // window positions on axes that neither slide nor are tiled
  // Parts of lhs that are summed or found apart, at each window position of the sliding axis, and at all of them.
  std::int64_t lhs_blocks() const { return outer_taps_ * axes_[0].lhs_blocks * axes_[1].lhs_blocks; }
  std::int64_t small_blocks() const { return slide_.small * lhs_blocks(); }
  // True if blocks of lhs share vectors, which the features of one alone would leave mostly empty.
  bool is_packed() const { return lhs_blocks() > 1 && in_features < lanes_; }
  // Elements of a block of transformed lhs and of all of them: whole vectors.
  std::int64_t block_features() const { return is_packed() ? in_features : whole(in_features); }
  std::int64_t row_features() const { return whole(lhs_blocks() * block_features()); }
  std::int64_t whole(std::int64_t features) const { return (features + lanes_ - 1) / lanes_ * lanes_; }
  std::int64_t large_blocks() const { return axes_[0].large_blocks * axes_[1].large_blocks; }
  std::int64_t tile_rows() const { return tile_rows_; }
  std::int64_t tile_columns() const { return tile_columns_; }
  std::int64_t tiles() const { return planes_ * tile_rows_ * tile_columns_; }  // of a slice
  double multiply_adds() const;
  double transformed() const;  // elements of both operands and the result, in whole lines of the cache
  double expanded() const;     // elements of the weights

  // A plane that windows read: nothing is valid where an outer axis reads beyond the border.
  Plane lhs_plane(std::int64_t plane, std::int64_t block, std::int64_t slice) const;
  Plane large_plane(std::int64_t plane, std::int64_t block, std::int64_t slice) const;
  Plane small_plane(std::int64_t small_block, std::int64_t large_block) const;

  // Calls visitor(TileRun) for all of [tiles.first, tiles.second) of a slice. The grids into which dilation divides a
  // row follow one another, since they share lines of memory where features come first.
  template <class Visitor>
  void for_each_run(Range tiles, Visitor visitor) const {
    for (std::int64_t t = tiles.first; t < tiles.second;) {
      const std::int64_t column = t % tile_columns_, run = t / tile_columns_;
      const std::int64_t count = std::min(tile_columns_ - column, tiles.second - t);
      const std::int64_t grids = axes_[1].residues, row = run / grids;
      visitor(TileRun{t - tiles.first, count, row / tile_rows_ * grids + run % grids, row % tile_rows_, column});
      t += count;
    }
  }

 private:
  double estimate() const;  // of the time, in multiply-adds: to compare families of points and pairs of axes
  // Which axes become the rows and the columns of tiles: two, or one and itself folded, or one alone.
  enum class Tiled { Square, Fold, Line };
  bool arrange(const ConvProblem& problem, bool gradient, Tiled tiled, std::size_t first, std::size_t second);
  bool cut_tiles();

  void choose_slide();  // of the outer axes

  std::int64_t lanes_;  // of a vector
  LargeSmallAxis slide_ = kPoint;
  std::vector<LargeSmallAxis> outer_;
  std::int64_t outer_taps_ = 1, planes_ = 0, tile_rows_ = 0, tile_columns_ = 0;
  std::array<TiledAxis, 2> axes_;
};

}  // namespace cotangent::kernels
