// Copies of blocks between layouts, transposed in registers where rows and columns change places. For one level.
#pragma once

#include <utility>

#include "cotangent/ops/kernels/isa/interleave.h"
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

// How far apart what becomes a vector lies.
enum class Step { One, Two, Any };

constexpr Step step_of(std::int64_t step) { return step == 1 ? Step::One : step == 2 ? Step::Two : Step::Any; }

// Every other element: of two vectors, of which the second ends with the last that is asked for.
template <class T, class P, int... Lane>
inline P load_every_other(const T* from, std::integer_sequence<int, Lane...>) {
  constexpr int L = sizeof...(Lane);
  using Eigen::internal::ploadu;
  return __builtin_shufflevector(ploadu<P>(from), ploadu<P>(from + L - 1), (2 * Lane + (2 * Lane < L ? 0 : 1))...);
}

template <class T, class P, Step kStep>
inline P load_stepped(const T* from, std::int64_t step) {
  constexpr int L = Eigen::internal::unpacket_traits<P>::size;
  if constexpr (kStep == Step::One) return Eigen::internal::ploadu<P>(from);
  else if constexpr (kStep == Step::Two && L > 1)
    return load_every_other<T, P>(from, std::make_integer_sequence<int, L>());
  else return Eigen::internal::pgather<T, P>(from, static_cast<Eigen::Index>(step));
}

// By two stores that leave out what lies between, which another thread may write.
template <class T, class P, int... Lane>
inline void store_every_other(T* to, const P& from, std::integer_sequence<int, Lane...>) {
  constexpr int L = sizeof...(Lane);
  constexpr auto mask = static_cast<typename Eigen::internal::unpacket_traits<P>::mask_t>(0x5555);
  using Eigen::internal::pstoreu;
  pstoreu(to, P(__builtin_shufflevector(from, from, (Lane / 2)...)), mask);
  pstoreu(to + L, P(__builtin_shufflevector(from, from, (L / 2 + Lane / 2)...)), mask);
}

template <class T, class P, Step kStep>
inline void store_stepped(T* to, const P& from, std::int64_t step) {
  using Traits = Eigen::internal::unpacket_traits<P>;
  if constexpr (kStep == Step::One) Eigen::internal::pstoreu(to, from);
  else if constexpr (kStep == Step::Two && Traits::masked_store_available)
    store_every_other(to, from, std::make_integer_sequence<int, Traits::size>());
  else Eigen::internal::pscatter<T, P>(to, from, static_cast<Eigen::Index>(step));
}

// Transposes a square in registers: as many vectors along columns of `from` become vectors along rows of `to`.
template <class T, class P, Step kFrom, Step kTo>
inline __attribute__((always_inline)) void copy_square(const BlockCopy<T>& c, const T* from, T* to) {
  constexpr int L = Eigen::internal::unpacket_traits<P>::size;
  Eigen::internal::PacketBlock<P, L> block;
#pragma GCC unroll 16
  for (int k = 0; k < L; ++k, from += c.from_row) block.packet[k] = load_stepped<T, P, kFrom>(from, c.from_column);
  ptranspose(block);
#pragma GCC unroll 16
  for (int k = 0; k < L; ++k, to += c.to_column) store_stepped<T, P, kTo>(to, block.packet[k], c.to_row);
}

// All squares, of which the last ones overlap the ones before. What lies far apart changes last, so that memory is read
// and written in runs, and the next such runs are fetched.
template <class T, class P, Step kFrom, Step kTo>
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
        copy_square<T, P, kFrom, kTo>(c, from, to);
      }
  }
}

// By the largest squares that the block has room for.
template <class T, class P = Packet<T>>
void copy_transposed(const BlockCopy<T>& c) {
  using Half = typename Eigen::internal::unpacket_traits<P>::half;
  constexpr int L = Eigen::internal::unpacket_traits<P>::size;
  if (c.rows >= L && c.columns >= L) {
    switch (step_of(c.to_row)) {
      case Step::Two: return copy_squares<T, P, Step::One, Step::Two>(c);
      case Step::Any: return copy_squares<T, P, Step::One, Step::Any>(c);
      case Step::One: break;
    }
    switch (step_of(c.from_column)) {
      case Step::Two: return copy_squares<T, P, Step::Two, Step::One>(c);
      case Step::Any: return copy_squares<T, P, Step::Any, Step::One>(c);
      case Step::One: return copy_squares<T, P, Step::One, Step::One>(c);
    }
  }
  if constexpr (Eigen::internal::unpacket_traits<Half>::size < L) copy_transposed<T, Half>(c);
  else copy_elements(c);
}

// Rows whose elements are adjacent on one side, and every other one on the other: no need to transpose them. By the
// largest vectors that a row has room for.
template <class T, Step kFrom, Step kTo, class P = Packet<T>>
void copy_rows_stepped(const BlockCopy<T>& c) {
  using Half = typename Eigen::internal::unpacket_traits<P>::half;
  constexpr int L = Eigen::internal::unpacket_traits<P>::size;
  if (c.columns < L) {
    if constexpr (Eigen::internal::unpacket_traits<Half>::size < L) return copy_rows_stepped<T, kFrom, kTo, Half>(c);
    else return copy_elements(c);
  }
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t b = 0; b < c.blocks; ++b) {
      const T* const from = c.from + i * c.from_row + b * c.from_block;
      T* const to = c.to + i * c.to_row + b * c.to_block;
      for (std::int64_t n = 0; n < c.columns; n += L) {
        const std::int64_t j = n + L <= c.columns ? n : c.columns - L;
        store_stepped<T, P, kTo>(to + j * c.to_column,
                                 load_stepped<T, P, kFrom>(from + j * c.from_column, c.from_column), c.to_column);
      }
    }
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
  else if (c.from_column == 2 && c.to_column == 1) copy_rows_stepped<T, Step::Two, Step::One>(c);
  else if (c.from_column == 1 && c.to_column == 2) copy_rows_stepped<T, Step::One, Step::Two>(c);
  else if (c.from_row == 2 && c.to_row == 1) copy_rows_stepped<T, Step::Two, Step::One>(swapped);
  else if (c.from_row == 1 && c.to_row == 2) copy_rows_stepped<T, Step::One, Step::Two>(swapped);
  else if (copy_interleaved(c) || copy_interleaved(swapped)) return;
  else if (c.from_column == 1 || c.to_row == 1) copy_transposed(c);
  else if (c.from_row == 1 || c.to_column == 1) copy_transposed(swapped);
  else copy_elements(c);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
