// TileProduct: the matrix product that every fast convolution comes down to, and its relatives for few columns, for
// planes and for sums of products. Internal; plain data, so that code compiled for different instruction sets can share
// it.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// A run of `count` terms of a sum: where its first term lies, relative to a row and to the panel.
struct Segment {
  std::int64_t lhs, rhs, count;
};

// out(row, j) = sum over segments s and terms t of lhs(row, s, t) * rhs(s, t, j), for j = 0 ... width - 1, in panels.
// Rows lie wherever `rows` says, so that the windows of a convolution are rows without being copied (M. Dukhan, "The
// Indirect Convolution Algorithm", 2019, with the indirection at the rows).
template <class T>
struct TileProduct {
  const T* lhs;              // row i, segment s, term t: lhs[rows[i] + s.lhs + t * lhs_step]
  const std::int64_t* rows;  // row_count of them
  std::int64_t row_count, lhs_step;
  const T* rhs;  // segment s, term t: from rhs[s.rhs + t * rhs_step] on, a panel width of readable elements
  std::int64_t rhs_step;
  const Segment* segments;              // or, where runs are short, null, and
  std::int64_t segment_count;           // as many single terms as this says:
  const std::int64_t* terms = nullptr;  // row i, term t: lhs[rows[i] + terms[t]], rhs[t * rhs_step]
  T* out;                               // row i: out[out_rows[i]] ... out[out_rows[i] + width - 1]
  const std::int64_t* out_rows;         // row_count of them
  std::int64_t width;                   // at most the panel width, or any with a panel_step
  const T* bias = nullptr;              // whole panels of them, where each sum starts; or null
  bool add = false;                     // to what `out` holds
  std::int64_t panel_step = 0;          // elements of rhs from one panel of columns to the next
  bool relu = false;                    // 0 in place of what is negative, after it was added
  const T* ahead = nullptr;             // what is read next: the rows from i on, term t, column j of a panel's first
  std::int64_t ahead_row = 0;           // one fetch ahead[i * ahead_row + t * ahead_term + j]; or null
  std::int64_t ahead_term = 0;
  bool fetch_out = false;  // before it is written, as for several panels: it lies in memory rather than in a cache
};

// The same for few columns, of which each has its terms side by side: out(row, j) = sum over s and t of
// lhs(row, s, t) * rhs[j * rhs_column + s.rhs + t].
template <class T>
struct DotProducts {
  const T* lhs;
  const std::int64_t* rows;
  std::int64_t row_count;
  const T* rhs;
  std::int64_t rhs_column;
  const Segment* segments;  // whose counts are multiples of the lanes
  std::int64_t segment_count;
  T* out;
  const std::int64_t* out_rows;
  std::int64_t columns;     // at most few_rows of MatrixKernels
  const T* bias = nullptr;  // one for each column, or null
  bool relu = false;        // 0 in place of what is negative
};

// Where a vector of adjacent terms lies in two operands.
struct VectorPair {
  std::int64_t lhs, rhs;
};

// Adds, for each row and column, lhs[rows[row] + v.lhs + lane] * rhs[column * rhs_column + v.rhs + lane] over vectors v
// to the lanes of a vector of sums: those of the columns of a row, row after row.
template <class T>
struct PlaneDots {
  const T* lhs;
  const std::int64_t* rows;
  std::int64_t row_count;
  const T* rhs;
  std::int64_t rhs_column;
  std::int64_t columns;  // at most kPlaneDotColumns
  const VectorPair* vectors;
  std::int64_t vector_count;
  const VectorPair* last_vectors;  // of lines, whose first lanes count as zeros, since other vectors have them
  std::int64_t last_count, lanes_done;
  T* sums;
};
constexpr int kPlaneDotColumns = 4;

// out[j * out_step + f * out_feature] = bias[f] + the sum over t of from[offsets[t] + j * from_step + f], for all
// positions j and features f: eight at most, and four or eight elements are read for them.
template <class T>
struct ShiftedSums {
  const T* from;
  std::int64_t from_step;
  const std::int64_t* offsets;
  std::int64_t terms, positions, features;
  const T* bias;  // or null
  T* out;
  std::int64_t out_step, out_feature;
  bool relu = false;  // 0 in place of what is negative
};

// What is added to sum j of a line, if j is in [first, last): element from + j.
struct LineTerm {
  std::int64_t from, first, last;
};

// Lines of sums, of which one or two take turns in memory: sum j of line i, feature f is
//   out[(j * lines + i) * out_step + f * out_feature] = bias[f] + the sum over its terms t of from[t.from + j + f *
//   from_feature].
// A vector is read where any of its lanes has a term.
template <class T>
struct LineSums {
  const T* from;
  std::int64_t from_feature, features;
  std::int64_t lines;  // 1 or 2
  const LineTerm* terms[2];
  std::int64_t term_count[2], sums[2];  // of each line; the first has as many sums as the second, or one more
  const T* bias;                        // or null
  T* out;
  std::int64_t out_step, out_feature;
  bool relu = false;  // 0 in place of what is negative
};

// Row r, vector v, at its lane j: out[r * out_row + out_vectors[v] + j] = bias[r] + the sum over t of
// weight(t, r) * lhs[terms[t] + vectors[v] + j]. Weights are packed for flat_rows rows at a time, zeros beyond the
// last: term after term, the rows of each side by side.
template <class T>
struct PlaneProduct {
  const T* weights;
  std::int64_t rows;
  const T* lhs;
  const std::int64_t* terms;
  std::int64_t term_count;
  const std::int64_t* vectors;
  std::int64_t vector_count;
  T* out;
  const std::int64_t* out_vectors;
  std::int64_t out_row;
  const T* bias;      // or null
  bool relu = false;  // 0 in place of what is negative
  // What is read next, or null: tile i fetches line i of the cache from ahead + t * ahead_term on at term t, up to
  // ahead_lines of them.
  const T* ahead = nullptr;
  std::int64_t ahead_term = 0, ahead_lines = 0;
};

// A term of a sum: where a row has its weight, lhs the vectors, and the first row of a tile what to fetch meanwhile.
struct WeightTerm {
  std::int64_t weight, lhs, ahead;
};

// Row r, position j: out[r * out_row + j] = bias[r] + the sum over its terms t of
//   weights[r * weight_row + t.weight] * lhs[t.lhs + j],
// of all positions of so many vectors, whose last lanes lhs and out have room for.
template <class T>
struct WeightRows {
  const T* weights;
  std::int64_t weight_row, rows;
  const WeightTerm* terms;
  std::int64_t term_count;
  const T* lhs;
  std::int64_t vectors;
  T* out;
  std::int64_t out_row;
  const T* bias;      // or null
  bool relu = false;  // 0 in place of what is negative
};

}  // namespace cotangent::kernels
