// WeightRows: planes times weights that are read where they lie, by flat tiles. For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Rows from `first` on and Vectors vectors; beyond the last row it is computed again, and not stored.
template <class T, int Vectors>
inline void weight_tile(const WeightRows<T>& product, std::int64_t first, const T* lhs, T* out) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int Rows = kFlatRows, L = kLanes<T>;
  const T* row[Rows];
  P total[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    const std::int64_t at = first + r < product.rows ? first + r : product.rows - 1;
    row[r] = product.weights + at * product.weight_row;
    const P start = pset1<P>(product.bias != nullptr ? product.bias[at] : T{0});
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) total[r][v] = start;
  }
  for (const WeightTerm *term = product.terms, *end = term + product.term_count; term != end; ++term) {
    const std::int64_t weight = term->weight;
    const T* const from = lhs + term->lhs;
    __builtin_prefetch(row[0] + term->ahead, 0, 2);
    P factor[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) factor[v] = ploadu<P>(from + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const P value = pset1<P>(row[r][weight]);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) total[r][v] = pmadd(value, factor[v], total[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r, out += product.out_row) {
    if (first + r >= product.rows) break;
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) pstoreu(out + v * L, product.relu ? rectified<T>(total[r][v]) : total[r][v]);
  }
}

// Tiles of about equal widths; rows of each one after the other, so that their weights are read again while in cache.
template <class T>
void multiply_weight_rows(const WeightRows<T>& product) {
  for (std::int64_t row = 0; row < product.rows; row += kFlatRows)
    for (std::int64_t vector = 0, tiles = (product.vectors + kFlatVectors - 1) / kFlatVectors; tiles > 0; --tiles) {
      const std::int64_t count = (product.vectors - vector + tiles - 1) / tiles, at = vector * kLanes<T>;
      const T* const lhs = product.lhs + at;
      T* const out = product.out + row * product.out_row + at;
      if (count == 3) weight_tile<T, 3>(product, row, lhs, out);
      else if (count == 2) weight_tile<T, 2>(product, row, lhs, out);
      else weight_tile<T, 1>(product, row, lhs, out);
      vector += count;
    }
  static_assert(kFlatVectors == 3);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
