// The table of depthwise kernels: sums over windows, in which a vector holds adjacent channels or adjacent positions.
// Internal; plain data, so that code compiled for different instruction sets can share it.
#pragma once

#include <cstdint>

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

// Windows of 3 x 3 with stride 1: one or two rows of output, of which `width` adjacent channels are done.
template <class T>
struct SlidingRows {
  const T* lhs[4];           // the input rows that they see: output rows + 2 of them
  std::int64_t lhs_step[4];  // from pixel to pixel; 0 in a row of zeros, which is a single pixel
  std::int64_t in, low;      // pixels of an input row, and how many zeros the first window sees before it
  std::int64_t out_pixels;
  std::int64_t rows;   // of output: 1 or 2
  std::int64_t width;  // at least a vector
  // Forward: rhs holds 9 pixels of weights and out `rows` rows. Weight gradient: rhs holds `rows` rows of cotangent,
  // and out gets 9 pixels of dense vectors.
  const T* rhs[2];
  T* out[2];
  std::int64_t rhs_step, rhs_row;  // between pixels; between rows of weights
  std::int64_t out_step, out_row;
  bool add;  // to the weight gradient that `out` holds
  Ahead<T> ahead;
};

template <class T>
struct DepthwiseKernels {
  int lanes;  // elements of a vector
  void (*sum_windows)(const WindowSums<T>&);
  void (*slide)(const SlidingRows<T>&);           // forward
  void (*slide_gradient)(const SlidingRows<T>&);  // weight gradient
  void (*take)(const StridedRows<T>&);            // to adjacent places
  void (*put)(const StridedRows<T>&);             // from adjacent places
};

}  // namespace cotangent::kernels
