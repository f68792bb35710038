// TileProduct: the matrix product that every fast convolution comes down to. Internal; plain data, so that code
// compiled for different instruction sets can share it.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// A run of `count` terms of a sum: where its first term lies, relative to a row and to the panel.
struct Segment {
  std::int64_t lhs, rhs, count;
};

// out(row, j) = sum over segments s and terms t of lhs(row, s, t) * rhs(s, t, j), for j = 0 ... width - 1 < panel
// width. Rows lie wherever `rows` says, so that the windows of a convolution are rows without being copied (M. Dukhan,
// "The Indirect Convolution Algorithm", 2019, with the indirection at the rows).
template <class T>
struct TileProduct {
  const T* lhs;              // row i, segment s, term t: lhs[rows[i] + s.lhs + t * lhs_step]
  const std::int64_t* rows;  // row_count of them
  std::int64_t row_count, lhs_step;
  const T* rhs;  // segment s, term t: from rhs[s.rhs + t * rhs_step] on, a panel width of readable elements
  std::int64_t rhs_step;
  const Segment* segments;
  std::int64_t segment_count;
  T* out;                        // row i: out[out_rows[i]] ... out[out_rows[i] + width - 1]
  const std::int64_t* out_rows;  // row_count of them
  std::int64_t width;            // at most the panel width
  const T* bias;                 // a panel width of them, where each sum starts; or null
  bool add;                      // to what `out` holds
};

}  // namespace cotangent::kernels
