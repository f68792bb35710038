// Products of planes: vectors run along positions, tiles are kFlatRows features by kFlatVectors vectors. For one level.
#pragma once

#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T, int Vectors, bool kFetching = false>
inline void plane_tile(const PlaneProduct<T>& product, std::int64_t first_row, std::int64_t first,
                       const T* ahead = nullptr) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int Rows = kFlatRows;
  const T* column[Vectors];
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) column[v] = product.lhs + product.vectors[first + v];
  P total[Rows][Vectors];
  const std::int64_t rows = product.rows - first_row;
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    const P start = pset1<P>(product.bias != nullptr && r < rows ? product.bias[first_row + r] : T{0});
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) total[r][v] = start;
  }
  T* out = product.out + first_row * product.out_row;
  const T* weight = product.weights + first_row * product.term_count;
  const std::int64_t* term = product.terms;
  const auto add_terms = [&](std::int64_t count) __attribute__((always_inline)) {
    for (const std::int64_t* const end = term + count; term != end; ++term, weight += Rows) {
      P factor[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) factor[v] = ploadu<P>(column[v] + *term);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const P value = pset1<P>(weight[r]);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) total[r][v] = pmadd(value, factor[v], total[r][v]);
      }
      if constexpr (kFetching) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += product.ahead_term;
      }
    }
  };
  // A store that misses holds up the next, and so do many lines that are fetched at once.
  for (std::int64_t r = 0; r < (rows < Rows ? rows : Rows); ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(out + r * product.out_row + product.out_vectors[first + v], 1);
    add_terms(product.term_count / (2 * Rows));
  }
  add_terms(product.terms + product.term_count - term);
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r, out += product.out_row) {
    if (r >= rows) break;
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v)
      pstoreu(out + product.out_vectors[first + v], product.relu ? rectified<T>(total[r][v]) : total[r][v]);
  }
}

template <class T, int Vectors>
void plane_tile_of(const PlaneProduct<T>& product, std::int64_t row, std::int64_t first, std::int64_t& lines) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  if (lines > 0) plane_tile<T, Vectors, true>(product, row, first, product.ahead + --lines * kLine);
  else plane_tile<T, Vectors>(product, row, first);
}

// Tiles of about equal widths, so that the last one is not much narrower than it could be.
template <class T>
void multiply_planes(const PlaneProduct<T>& product) {
  static_assert(kFlatVectors == 3);
  std::int64_t lines = product.ahead == nullptr ? 0 : product.ahead_lines;
  for (std::int64_t row = 0; row < product.rows; row += kFlatRows)
    for (std::int64_t first = 0, tiles = (product.vector_count + kFlatVectors - 1) / kFlatVectors; tiles > 0; --tiles) {
      const std::int64_t count = (product.vector_count - first + tiles - 1) / tiles;
      if (count == 3) plane_tile_of<T, 3>(product, row, first, lines);
      else if (count == 2) plane_tile_of<T, 2>(product, row, first, lines);
      else plane_tile_of<T, 1>(product, row, first, lines);
      first += count;
    }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
