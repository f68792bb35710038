// Dot products for few columns: vectors run along the terms of a sum, and are added up at its end. For one level.
#pragma once

#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Rows x Columns sums fill the registers beside a vector of each column and one of a row.
template <int Columns>
constexpr int kDotRows = (kRegisters - 1 - Columns) / Columns < 12 ? (kRegisters - 1 - Columns) / Columns : 12;

template <class T, int Rows, int Columns>
void dot_rows(const DotProducts<T>& product, std::int64_t first) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  P total[Rows][Columns];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < Columns; ++c) total[r][c] = pset1<P>(T{0});
  const T* row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) row[r] = product.lhs + product.rows[first + r];
  for (const Segment* segment = product.segments; segment != product.segments + product.segment_count; ++segment) {
    const T* rhs = product.rhs + segment->rhs;
    const std::int64_t end = segment->lhs + segment->count;
    for (std::int64_t at = segment->lhs; at < end; at += kLanes<T>, rhs += kLanes<T>) {
      P factor[Columns];
#pragma GCC unroll 16
      for (int c = 0; c < Columns; ++c) factor[c] = ploadu<P>(rhs + c * product.rhs_column);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const P value = ploadu<P>(row[r] + at);
#pragma GCC unroll 16
        for (int c = 0; c < Columns; ++c) total[r][c] = pmadd(value, factor[c], total[r][c]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    T* const out = product.out + product.out_rows[first + r];
#pragma GCC unroll 16
    for (int c = 0; c < Columns; ++c) out[c] = predux(total[r][c]) + (product.bias != nullptr ? product.bias[c] : T{0});
    if (!product.relu) continue;
    for (int c = 0; c < Columns; ++c) out[c] = rectified_element(out[c]);
  }
}

template <class T, int Rows, int Columns>
void dot_last(const DotProducts<T>& product, std::int64_t first) {
  if constexpr (Rows > 0) {
    for (; product.row_count - first >= Rows; first += Rows) dot_rows<T, Rows, Columns>(product, first);
    dot_last<T, Rows / 2, Columns>(product, first);
  }
}

template <class T, int Columns>
void dot_columns(const DotProducts<T>& product) {
  if constexpr (Columns > 0) {
    if (product.columns == Columns) dot_last<T, kDotRows<Columns>, Columns>(product, 0);
    else dot_columns<T, Columns - 1>(product);
  }
}

template <class T>
void dot_products(const DotProducts<T>& product) {
  dot_columns<T, kFewRows<T>>(product);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
