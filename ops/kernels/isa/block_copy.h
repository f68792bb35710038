// Copies of blocks between layouts, transposed in registers where rows and columns change places. For one level.
#pragma once

#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
inline void copy_row(const T* from, std::int64_t count, T* to) {
  constexpr int L = kLanes<T>;
  using namespace Eigen::internal;
  if (count < L) return store_some(from, count, to);
  std::int64_t j = 0;
  for (; j + L <= count; j += L) pstoreu(to + j, ploadu<Packet<T>>(from + j));
  if (j < count) pstoreu(to + count - L, ploadu<Packet<T>>(from + count - L));  // some of them once more
}

// What is read next lies where the processor does not expect it.
template <class T>
inline void fetch_row(const T* from, std::int64_t count) {
  for (std::int64_t j = 0; j < count; j += 64 / static_cast<std::int64_t>(sizeof(T))) __builtin_prefetch(from + j);
}

// Rows of adjacent elements, which may all be one. What lies far apart changes last, so that memory is read in runs.
template <class T>
void copy_rows(BlockCopy<T> c) {
  if (c.from_row == c.columns && c.to_row == c.columns) {
    c.columns *= c.rows;
    c.rows = 1;
  }
  const auto copy = [&](std::int64_t i, std::int64_t b) {
    copy_row(c.from + i * c.from_row + b * c.from_block, c.columns, c.to + i * c.to_row + b * c.to_block);
  };
  if (c.from_block > c.from_row) {
    for (std::int64_t b = 0; b < c.blocks; ++b)
      for (std::int64_t i = 0; i < c.rows; ++i) {
        if (b + 1 < c.blocks) fetch_row(c.from + i * c.from_row + (b + 1) * c.from_block, c.columns);
        copy(i, b);
      }
  } else {
    for (std::int64_t i = 0; i < c.rows; ++i)
      for (std::int64_t b = 0; b < c.blocks; ++b) copy(i, b);
  }
}

template <class T>
void copy_elements(const BlockCopy<T>& c) {
  for (std::int64_t b = 0; b < c.blocks; ++b)
    for (std::int64_t i = 0; i < c.rows; ++i)
      for (std::int64_t j = 0; j < c.columns; ++j)
        c.to[b * c.to_block + i * c.to_row + j * c.to_column] =
            c.from[b * c.from_block + i * c.from_row + j * c.from_column];
}

// Transposes a square in registers: as many vectors along columns of `from` become vectors along rows of `to`. Either
// may be strided.
template <class T, class P, bool kFromStrided, bool kToStrided>
inline __attribute__((always_inline)) void copy_square(const BlockCopy<T>& c, const T* from, T* to) {
  using namespace Eigen::internal;
  constexpr int L = unpacket_traits<P>::size;
  PacketBlock<P, L> block;
#pragma GCC unroll 16
  for (int k = 0; k < L; ++k, from += c.from_row)
    block.packet[k] = kFromStrided ? pgather<T, P>(from, static_cast<Eigen::Index>(c.from_column)) : ploadu<P>(from);
  ptranspose(block);
#pragma GCC unroll 16
  for (int k = 0; k < L; ++k, to += c.to_column)
    if constexpr (kToStrided) pscatter<T, P>(to, block.packet[k], static_cast<Eigen::Index>(c.to_row));
    else pstoreu(to, block.packet[k]);
}

// All squares, of which the last ones overlap the ones before. What lies far apart changes last, so that memory is read
// and written in runs, and the next such runs are fetched.
template <class T, class P, bool kFromStrided, bool kToStrided>
void copy_squares(const BlockCopy<T>& c) {
  constexpr int L = Eigen::internal::unpacket_traits<P>::size;
  const bool rows_last = c.from_row > c.to_column;
  const std::int64_t outer = rows_last ? c.rows : c.columns, inner = rows_last ? c.columns : c.rows;
  const std::int64_t step = rows_last ? c.from_row : c.to_column;
  for (std::int64_t o = 0; o < outer; o += L) {
    const std::int64_t far = o + L <= outer ? o : outer - L, ahead = o + L < outer ? L : 0;
    for (std::int64_t b = 0; b < c.blocks; ++b)
      for (std::int64_t n = 0; n < inner; n += L) {
        const std::int64_t near = n + L <= inner ? n : inner - L, i = rows_last ? far : near,
                           j = rows_last ? near : far;
        const T* const from = c.from + b * c.from_block + i * c.from_row + j * c.from_column;
        T* const to = c.to + b * c.to_block + i * c.to_row + j * c.to_column;
        if (ahead != 0) {
          const T* next = rows_last ? from + L * c.from_row : to + L * c.to_column;
          for (int k = 0; k < L; ++k, next += step) __builtin_prefetch(next);
        }
        copy_square<T, P, kFromStrided, kToStrided>(c, from, to);
      }
  }
}

// By the largest squares that the block has room for.
template <class T, class P = Packet<T>>
void copy_transposed(const BlockCopy<T>& c) {
  using Half = typename Eigen::internal::unpacket_traits<P>::half;
  constexpr int L = Eigen::internal::unpacket_traits<P>::size;
  if (c.rows >= L && c.columns >= L) {
    if (c.from_column != 1) return copy_squares<T, P, true, false>(c);
    if (c.to_row != 1) return copy_squares<T, P, false, true>(c);
    return copy_squares<T, P, false, false>(c);
  }
  if constexpr (Eigen::internal::unpacket_traits<Half>::size < L) copy_transposed<T, Half>(c);
  else copy_elements(c);
}

template <class T>
void copy_block(BlockCopy<T> c) {
  BlockCopy<T> swapped = c;
  swapped.rows = c.columns;
  swapped.columns = c.rows;
  swapped.from_row = c.from_column;
  swapped.from_column = c.from_row;
  swapped.to_row = c.to_column;
  swapped.to_column = c.to_row;
  if (c.from_column == 1 && c.to_column == 1) copy_rows(c);
  else if (c.from_row == 1 && c.to_row == 1) copy_rows(swapped);
  else if (c.from_column == 1 || c.to_row == 1) copy_transposed(c);
  else if (c.from_row == 1 || c.to_column == 1) copy_transposed(swapped);
  else copy_elements(c);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
