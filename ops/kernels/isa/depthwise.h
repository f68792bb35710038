// The table of depthwise kernels: sums over windows, in which a vector holds adjacent channels or adjacent positions.
// Internal; plain data, so that code compiled for different instruction sets can share it.
#pragma once

#include <cstdint>

#include "cotangent/ops/kernels/isa/lane_bits.h"

namespace cotangent::kernels {

// Rows of memory that are wanted next: kernels ask for them a few lines at a time, between their vectors.
template <class T>
struct Ahead {
  static constexpr int kMost = 8;
  const T* rows[kMost];
  int count;
  std::int64_t elements;  // of each
  void add(const T* row) {
    if (count < kMost) rows[count++] = row;
  }
};

// Every stride-th element of some rows, copied to adjacent places, or the reverse.
template <class T>
struct StridedRows {
  std::int64_t rows, count, stride;
  const T* from;
  std::int64_t from_row;
  T* to;
  std::int64_t to_row;
  bool owns_between = false;  // what lies between the elements put may be written, with its own values
};

// Products that are summed: `count` of them at equal distances; or a single one, where each sum reads lhs (or zeros) at
// a place of its own.
template <class T>
struct Taps {
  const T* lhs;         // what the first sum reads, unless there are places
  const T* rhs;         // the factor of all sums
  std::int64_t count;   // 1 with places
  std::int64_t places;  // -1, or where in WindowSums::places the rows x columns of them start
};

// A grid of rows x columns sums over the same taps, each of them `width` elements wide:
//   out(r, c)[j] = sum over taps of lhs(r, c)[j] * rhs[j]     or  ... * rhs[0] where the factors are scalars.
// The last vector ends at `width`, so that it may overlap the one before; there is at least one vector.
template <class T>
struct WindowSums {
  const Taps<T>* taps;
  std::int64_t tap_count;
  const T* const* places;
  std::int64_t lhs_start;           // is added to what all of them say, places excepted
  std::int64_t lhs_step, rhs_step;  // from one product of Taps to the next
  std::int64_t rows, columns;       // rows <= columns, rows * columns <= kMostSums, both <= kMostColumns
  std::int64_t lhs_row, lhs_column, out_row, out_column;
  T* out;
  std::int64_t width;
  bool scalar_factors;
  bool add;    // to what `out` holds
  bool dense;  // vectors follow each other in `out` without overlap
  Ahead<T> ahead;
};
constexpr std::int64_t kMostSums = 12;

// Memory that a tile asks for while it computes: about as much of each row as the tile uses of its like. Null for none.
template <class T>
struct PixelsAhead {
  const T* lhs[2];
  const T* rhs;
  const T* out[2];
};

// A row of a window: where its first tap meets the first column of a tile (if it lies outside the input, where it
// would), and the factors of its taps.
template <class T>
struct TapRow {
  const T* lhs;
  const T* rhs;
};

// Some adjacent pixels of output, of which `width` adjacent channels are done: sums over rows of taps.
template <class T>
struct PixelTile {
  const TapRow<T>* rows;
  std::int64_t row_count;
  std::int64_t taps, stride;                  // what has_tile() tells
  std::int64_t columns;                       // 1, 4, 7 or 8; of pairs of rows 1 to 4
  std::int64_t lhs_start;                     // is added to what all rows say
  std::int64_t lhs_step, rhs_step, out_step;  // from pixel to pixel
  std::int64_t first, last;                   // those pixels inside the input, if the first tap meets pixel 0
  T* out;
  std::int64_t width;  // at least a vector
  PixelsAhead<T> ahead;
  std::int64_t out_row = 0;  // of a pair
};
constexpr bool has_tile(std::int64_t taps, std::int64_t stride) {
  if (stride == 2) return taps == 3 || taps == 5;
  return stride == 1 && (taps == 1 || taps == 2 || taps == 3 || taps == 5 || taps == 7);
}

// Part of a kernel's gradient: adds the products of input pixels and a row of factors to a few rows of sums, which are
// whole vectors of `width` adjacent channels. Sum k meets factor x at input pixel k * sum_pixels + x * factor_pixels.
template <class T>
struct FactorTile {
  std::int64_t rows;  // of sums, 1 to gradient_rows(sums), which all meet factors inside the input
  const T* lhs[3];    // pixel 0 of the input row that each of them meets
  T* out[3];
  const T* rhs;
  std::int64_t sums;   // of a row: 1, 2, 3, 5 or 7
  std::int64_t count;  // of factors, at most kFactors
  std::int64_t sum_pixels, factor_pixels;
  std::int64_t sum_step, factor_step, rhs_step, out_step;  // of lhs from sum to sum and from factor to factor
  std::int64_t first, last;                                // those pixels inside the input
  std::int64_t width;                                      // at least a vector
  PixelsAhead<T> ahead;
};
constexpr bool has_factor_tile(std::int64_t sums) { return sums >= 1 && sums <= 7 && sums != 4 && sums != 6; }
constexpr int gradient_rows(std::int64_t sums) { return sums <= 3 ? 3 : sums == 5 ? 2 : 1; }
constexpr int kFactors = 16;  // the most of a tile

// Pixels of a plane of one channel, row after row without a gap. What lies outside counts as zeros.
template <class T>
struct PlanePixels {
  const T* first;
  std::int64_t low, high;                    // the plane, ...
  std::int64_t readable_low, readable_high;  // ... and memory that may be read, both counted from `first`
};

// Windows of 3 x 3, 5 x 5 or 7 x 7 over a plane, one around each pixel of some of its rows.
template <class T>
struct PlaneWindows {
  PlanePixels<T> lhs;         // from those rows on
  std::int64_t width, count;  // of a row, and pixels of all of them
  // For the vectors of pixels that start at different columns, the masks of the taps 1, 2 ... to the left, then to the
  // right: a vector each, of those lanes where they meet the same row.
  const LaneBits<T>* masks;
  std::int64_t mask_count;
  // Forward: the factors, and the output of the rows.
  const T* rhs;
  std::int64_t rhs_row, rhs_step;
  T* out;
  // Gradient: the cotangent of the rows, and for each factor a vector whose lanes add up to its sum.
  PlanePixels<T> cotangent;
  T* sums;
};

template <class T>
struct PlaneKernels {  // null where there are none
  void (*sum)(const PlaneWindows<T>&);
  void (*add_gradient)(const PlaneWindows<T>&);
};
constexpr int kPlaneSizes = 3;  // windows of 3, 5 and 7

template <class T>
struct DepthwiseKernels {
  int lanes;  // elements of a vector
  void (*sum_windows)(const WindowSums<T>&);
  void (*tile)(const PixelTile<T>&);
  void (*tile_pair)(const PixelTile<T>&);  // two rows, windows of 3 x 3 and stride 1; 4 rows of input (null if outside)
  void (*add_gradient)(const FactorTile<T>&);
  PlaneKernels<T> planes[kPlaneSizes];
  void (*take)(const StridedRows<T>&);  // to adjacent places
  void (*put)(const StridedRows<T>&);   // from adjacent places
};

}  // namespace cotangent::kernels
