// The micro-kernel of TileProduct: some rows times some vectors, accumulated in registers. For the level compiled for.
#pragma once

#include <Eigen/Core>

#include "cotangent/ops/kernels/isa/tile_product.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;
template <class T>
constexpr int kLanes = Eigen::internal::unpacket_traits<Packet<T>>::size;

// The shape of a tile fills the registers: accumulators, the vectors of a panel, and one broadcast.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 14, kTileVectors = 2;  // 32 registers
#else
constexpr int kTileRows = 6, kTileVectors = 2;  // 16 registers
#endif
template <class T>
constexpr int kPanelWidth = kTileVectors* kLanes<T>;

// Accumulates Rows rows of `product` from `first` on, and stores them. kUnitStep: its lhs_step is 1.
template <class T, int Rows, int Vectors, bool kUnitStep>
void multiply_rows(const TileProduct<T>& product, std::int64_t first) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  P total[Rows][Vectors];
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) {
    const P start = product.bias != nullptr ? ploadu<P>(product.bias + v * L) : pset1<P>(T{0});
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) total[r][v] = start;
  }
  const T* row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) row[r] = product.lhs + product.rows[first + r];
  const std::int64_t lhs_step = kUnitStep ? 1 : product.lhs_step, rhs_step = product.rhs_step;
  for (const Segment* segment = product.segments; segment != product.segments + product.segment_count; ++segment) {
    const T* rhs = product.rhs + segment->rhs;
    std::int64_t at = segment->lhs;
    const std::int64_t end = at + segment->count * lhs_step;
#pragma GCC unroll 4
    for (; at != end; at += lhs_step, rhs += rhs_step) {
      P factor[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) factor[v] = ploadu<P>(rhs + v * L);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const P value = pset1<P>(row[r][at]);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) total[r][v] = pmadd(value, factor[v], total[r][v]);
      }
    }
  }
  const bool whole = product.width == Vectors * L;
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    T* const out = product.out + product.out_rows[first + r];
    if (whole) {
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v)
        pstoreu(out + v * L, product.add ? padd(total[r][v], ploadu<P>(out + v * L)) : total[r][v]);
    } else {
      alignas(64) T tail[Vectors * L];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) pstore(tail + v * L, total[r][v]);
      for (std::int64_t j = 0; j < product.width; ++j) out[j] = product.add ? out[j] + tail[j] : tail[j];
    }
  }
}

// The last rows of a product, fewer than a tile has.
template <class T, int Rows, int Vectors, bool kUnitStep>
void multiply_last(const TileProduct<T>& product, std::int64_t first) {
  if constexpr (Rows > 0) {
    if (product.row_count - first == Rows) multiply_rows<T, Rows, Vectors, kUnitStep>(product, first);
    else multiply_last<T, Rows - 1, Vectors, kUnitStep>(product, first);
  }
}

template <class T, int Rows, int Vectors, bool kUnitStep>
void multiply_all(const TileProduct<T>& product) {
  std::int64_t first = 0;
  for (; first + Rows <= product.row_count; first += Rows) multiply_rows<T, Rows, Vectors, kUnitStep>(product, first);
  multiply_last<T, Rows - 1, Vectors, kUnitStep>(product, first);
}

// The whole product, tile by tile.
template <class T>
void multiply(const TileProduct<T>& product) {
  if (product.width <= kLanes<T>) {  // one vector, so twice the rows
    if (product.lhs_step == 1) multiply_all<T, 2 * kTileRows, 1, true>(product);
    else multiply_all<T, 2 * kTileRows, 1, false>(product);
  } else {
    if (product.lhs_step == 1) multiply_all<T, kTileRows, kTileVectors, true>(product);
    else multiply_all<T, kTileRows, kTileVectors, false>(product);
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
