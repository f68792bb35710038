// Copies between elements of a few features side by side, in turns, and features apart: unzipped and zipped in
// registers. For one level.
#pragma once

#include <utility>

#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Every other element of two vectors, from the first or from the second on.
template <int kFirst, class P, int... Lane>
inline P every_other(const P& a, const P& b, std::integer_sequence<int, Lane...>) {
  return P(__builtin_shufflevector(a, b, (2 * Lane + kFirst)...));
}

// Elements of two vectors in turns, of their first or second halves.
template <int kHalf, class P, int... Lane>
inline P in_turns(const P& a, const P& b, std::integer_sequence<int, Lane...>) {
  constexpr int L = sizeof...(Lane);
  return P(__builtin_shufflevector(a, b, (kHalf * L / 2 + Lane / 2 + Lane % 2 * L)...));
}

template <class P>
using LaneNumbers = std::make_integer_sequence<int, Eigen::internal::unpacket_traits<P>::size>;

// C vectors, in which C features take turns, become one vector of each feature.
template <int C, class P>
inline __attribute__((always_inline)) void unzip(P (&v)[C]) {
  if constexpr (C > 1) {
    P even[C / 2], odd[C / 2];
#pragma GCC unroll 8
    for (int k = 0; k < C / 2; ++k) {
      even[k] = every_other<0>(v[2 * k], v[2 * k + 1], LaneNumbers<P>());
      odd[k] = every_other<1>(v[2 * k], v[2 * k + 1], LaneNumbers<P>());
    }
    unzip<C / 2>(even);
    unzip<C / 2>(odd);
#pragma GCC unroll 8
    for (int k = 0; k < C / 2; ++k) v[2 * k] = even[k], v[2 * k + 1] = odd[k];
  }
}

// The way back.
template <int C, class P>
inline __attribute__((always_inline)) void zip(P (&v)[C]) {
  if constexpr (C > 1) {
    P even[C / 2], odd[C / 2];
#pragma GCC unroll 8
    for (int k = 0; k < C / 2; ++k) even[k] = v[2 * k], odd[k] = v[2 * k + 1];
    zip<C / 2>(even);
    zip<C / 2>(odd);
#pragma GCC unroll 8
    for (int k = 0; k < C / 2; ++k) {
      v[2 * k] = in_turns<0>(even[k], odd[k], LaneNumbers<P>());
      v[2 * k + 1] = in_turns<1>(even[k], odd[k], LaneNumbers<P>());
    }
  }
}

// Rows of C columns without gaps, whose columns are apart in `to`. The last rows may be copied twice.
template <class T, int C>
void copy_unzipped(const BlockCopy<T>& c) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  for (std::int64_t b = 0; b < c.blocks; ++b)
    for (std::int64_t row = 0; row < c.rows; row += L) {
      const std::int64_t i = row + L <= c.rows ? row : c.rows - L;
      const T* const from = c.from + b * c.from_block + i * C;
      T* const to = c.to + b * c.to_block + i;
      Packet<T> v[C];
#pragma GCC unroll 8
      for (int k = 0; k < C; ++k) v[k] = ploadu<Packet<T>>(from + k * L);
      unzip<C>(v);
#pragma GCC unroll 8
      for (int k = 0; k < C; ++k) pstoreu(to + k * c.to_column, v[k]);
    }
}

// C rows apart in `from`, whose columns have no gaps in `to`. The last columns may be copied twice.
template <class T, int C>
void copy_zipped(const BlockCopy<T>& c) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  for (std::int64_t b = 0; b < c.blocks; ++b)
    for (std::int64_t column = 0; column < c.columns; column += L) {
      const std::int64_t j = column + L <= c.columns ? column : c.columns - L;
      const T* const from = c.from + b * c.from_block + j;
      T* const to = c.to + b * c.to_block + j * C;
      Packet<T> v[C];
#pragma GCC unroll 8
      for (int k = 0; k < C; ++k) v[k] = ploadu<Packet<T>>(from + k * c.from_row);
      zip<C>(v);
#pragma GCC unroll 8
      for (int k = 0; k < C; ++k) pstoreu(to + k * L, v[k]);
    }
}

// True if it was such a copy, and is done: of 2, 4 or 8 features.
template <class T, int C = 8>
bool copy_interleaved(const BlockCopy<T>& c) {
  if constexpr (C > 1) {
    const bool adjacent = c.from_column == 1 && c.to_row == 1;
    if (adjacent && c.columns == C && c.from_row == C && c.rows >= kLanes<T>) copy_unzipped<T, C>(c);
    else if (adjacent && c.rows == C && c.to_column == C && c.columns >= kLanes<T>) copy_zipped<T, C>(c);
    else return copy_interleaved<T, C / 2>(c);
    return true;
  }
  return false;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
