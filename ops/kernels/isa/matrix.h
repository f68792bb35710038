// The table of matrix kernels: tile products and copies between layouts. Internal.
#pragma once

#include "cotangent/ops/kernels/isa/tile_product.h"

namespace cotangent::kernels {

// A copy of a block of rows x columns between two memories, each with a step along both; or of several such blocks, all
// of a row together, so that a row that lies in one piece is read from one end to the other.
template <class T>
struct BlockCopy {
  std::int64_t rows, columns;
  const T* from;
  std::int64_t from_row, from_column;
  T* to;
  std::int64_t to_row, to_column;
  std::int64_t blocks = 1, from_block = 0, to_block = 0;
};

template <class T>
struct MatrixKernels {
  int lanes;             // elements of a vector
  int panel_width;       // the most columns of a panel, of which `multiply` reads whole vectors
  const int* tile_rows;  // rows that it does at once: tile_rows[v] for a panel of v vectors
  int few_rows;          // the most rows of `multiply_few`, and columns of `dot_products`
  int few_width;         // columns beyond the last that it may read
  void (*multiply)(const TileProduct<T>&);
  void (*multiply_few)(const TileProduct<T>&);  // of any width, lhs_step 1, terms in segments
  void (*dot_products)(const DotProducts<T>&);
  void (*copy)(BlockCopy<T>);
  int flat_width;                                // columns of a panel of `multiply_flat`
  void (*multiply_flat)(const TileProduct<T>&);  // lower and wider tiles, terms in segments, lhs_step 1
  void (*sum_shifted)(const ShiftedSums<T>&);
  void (*sum_lines)(const LineSums<T>&);
  int flat_rows;  // of a tile of `multiply_planes`
  void (*multiply_planes)(const PlaneProduct<T>&);
  void (*add_plane_dots)(const PlaneDots<T>&);
  void (*multiply_weight_rows)(const WeightRows<T>&);
};

}  // namespace cotangent::kernels
