// TileProduct of few terms and one vector of columns: rhs stays in registers, and rows follow each other without a
// pause, which costs as much as the sums of a tile of so few terms. Of 32 registers, half hold rhs, and a quarter sums.
// For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

constexpr int kResidentTerms = kRegisters / 2, kResidentRows = kRegisters / 4;

// True for one run of that many terms.
template <class T>
bool fits_registers(const TileProduct<T>& product) {
  return product.segments != nullptr && product.segment_count == 1 && product.lhs_step == 1 &&
         product.segments[0].count == kResidentTerms && product.width == kLanes<T> && !product.add;
}

// Rows rows from `first` on.
template <class T, int Rows>
inline __attribute__((always_inline)) void multiply_resident_rows(const TileProduct<T>& product,
                                                                  const Packet<T> (&factor)[kResidentTerms],
                                                                  const Packet<T>& start, std::int64_t first) {
  using namespace Eigen::internal;
  const T* const lhs = product.lhs + product.segments[0].lhs;
  const T* row[Rows];
  Packet<T> total[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    row[r] = lhs + product.rows[first + r];
    total[r] = start;
  }
#pragma GCC unroll 16
  for (int t = 0; t < kResidentTerms; ++t)
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) total[r] = pmadd(pset1<Packet<T>>(row[r][t]), factor[t], total[r]);
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
    pstoreu(product.out + product.out_rows[first + r], product.relu ? rectified<T>(total[r]) : total[r]);
}

template <class T>
void multiply_resident(const TileProduct<T>& product) {
  using namespace Eigen::internal;
  Packet<T> factor[kResidentTerms];
#pragma GCC unroll 16
  for (int t = 0; t < kResidentTerms; ++t)
    factor[t] = ploadu<Packet<T>>(product.rhs + product.segments[0].rhs + t * product.rhs_step);
  const Packet<T> start = product.bias != nullptr ? ploadu<Packet<T>>(product.bias) : pset1<Packet<T>>(T{0});
  std::int64_t first = 0;
  for (; first + kResidentRows <= product.row_count; first += kResidentRows)
    multiply_resident_rows<T, kResidentRows>(product, factor, start, first);
  for (; first < product.row_count; ++first) multiply_resident_rows<T, 1>(product, factor, start, first);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
