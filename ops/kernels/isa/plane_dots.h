// Products of two sets of planes, summed along pixels: vectors hold adjacent pixels of both. For one level.
#pragma once

#include "cotangent/ops/kernels/isa/lane_masks.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Rows x Columns sums fill the registers beside a vector of each column and one of a row.
constexpr int kPlaneDotRows = (kRegisters - 1 - kPlaneDotColumns) / kPlaneDotColumns;

template <class T, int Rows, int Columns>
void add_dots_of_rows(const PlaneDots<T>& dots, std::int64_t first) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  T* const sums = dots.sums + first * Columns * L;
  P total[Rows][Columns];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < Columns; ++c) total[r][c] = ploadu<P>(sums + (r * Columns + c) * L);
  const T* row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) row[r] = dots.lhs + dots.rows[first + r];

  const T* column[Columns];
#pragma GCC unroll 16
  for (int c = 0; c < Columns; ++c) column[c] = dots.rhs + c * dots.rhs_column;

  const auto add = [&](const VectorPair& at, auto mask) __attribute__((always_inline)) {
    P factor[Columns];
#pragma GCC unroll 16
    for (int c = 0; c < Columns; ++c) factor[c] = mask(ploadu<P>(column[c] + at.rhs));
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const P value = mask(ploadu<P>(row[r] + at.lhs));
#pragma GCC unroll 16
      for (int c = 0; c < Columns; ++c) total[r][c] = pmadd(value, factor[c], total[r][c]);
    }
  };
  for (std::int64_t i = 0; i < dots.vector_count; ++i)
    add(
        dots.vectors[i], [](const P& value) __attribute__((always_inline)) { return value; });
  const LaneBits<T>* const bits = kEdgeMasks<T>.without_first(dots.lanes_done);
  for (std::int64_t i = 0; i < dots.last_count; ++i)
    add(
        dots.last_vectors[i], [bits](const P& value) __attribute__((always_inline)) { return kept<T>(value, bits); });
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < Columns; ++c) pstoreu(sums + (r * Columns + c) * L, total[r][c]);
}

template <class T, int Rows, int Columns>
void add_last_dots(const PlaneDots<T>& dots, std::int64_t first) {
  if constexpr (Rows > 0) {
    for (; dots.row_count - first >= Rows; first += Rows) add_dots_of_rows<T, Rows, Columns>(dots, first);
    add_last_dots<T, Rows / 2, Columns>(dots, first);
  }
}

template <class T, int Columns = kPlaneDotColumns>
void add_plane_dots(const PlaneDots<T>& dots) {
  if constexpr (Columns > 0) {
    if (dots.columns == Columns) add_last_dots<T, kPlaneDotRows, Columns>(dots, 0);
    else add_plane_dots<T, Columns - 1>(dots);
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
