// PixelTile: adjacent output pixels of channels-last windows, a vector of channels at a time. For the level compiled
// for.
#pragma once

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Asks for the lines of a row that a step of a tile would use, `at` elements from its start.
template <class T, int kElements, bool kWrite>
inline __attribute__((always_inline)) void fetch(const T* row, std::int64_t at) {
  constexpr int kLine = 64 / sizeof(T), kLines = (kElements + kLine - 1) / kLine;
  if (row == nullptr) return;
#pragma GCC unroll 16
  for (int line = 0; line < kLines; ++line) __builtin_prefetch(row + at + line * kLine, kWrite, 2);
}

// What an input pixel j adds to the sums of a row of pixels: it is tap j - x * S of pixel x.
template <class T, int K, int S, int C>
inline __attribute__((always_inline)) void add_pixel(Packet<T> (&sum)[C], const Packet<T>& value,
                                                     const Packet<T> (&factor)[K], int j) {
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
    if (j >= k && (j - k) % S == 0 && (j - k) / S < C)
      sum[(j - k) / S] = Eigen::internal::pmadd(value, factor[k], sum[(j - k) / S]);
}

// One row of C pixels. The taps of a row of windows stay in registers; every input pixel is loaded once for a row.
template <class T, int K, int S, int C, bool kBorder>
void tile_row(const PixelTile<T>& tile) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>, kPixels = (C - 1) * S + K;
  const std::int64_t start = tile.lhs_start, lhs_step = tile.lhs_step, rhs_step = tile.rhs_step,
                     out_step = tile.out_step, first = tile.first, last = tile.last;
  const TapRow<T>*const rows = tile.rows, *const end = rows + tile.row_count;
  for (std::int64_t next = 0; next < tile.width; next += L) {
    const std::int64_t at = next + L <= tile.width ? next : tile.width - L;  // the last one may overlap the one before
    P sum[C];
#pragma GCC unroll 16
    for (int x = 0; x < C; ++x) sum[x] = pset1<P>(T{0});
    for (const TapRow<T>* row = rows; row != end; ++row) {
      const T *const lhs = row->lhs + (start + at), *const rhs = row->rhs + at;
      P factor[K];
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) factor[k] = ploadu<P>(rhs + k * rhs_step);
#pragma GCC unroll 32
      for (int j = 0; j < kPixels; ++j) {
        if (kBorder && (j < first || j >= last)) continue;
        const T* from = lhs;
#pragma GCC unroll 16
        for (int i = 0; i < j / 3; ++i) from += 3 * lhs_step;  // a pointer serves three pixels
        add_pixel<T, K, S, C>(sum, ploadu<P>(from + j % 3 * lhs_step), factor, j);
      }
    }
    T* const out = tile.out + at;
#pragma GCC unroll 16
    for (int x = 0; x < C; ++x) pstoreu(out + x * out_step, sum[x]);
    for (const T* ahead : tile.ahead.lhs) fetch<T, C * S * L, false>(ahead, at * C * S);
    fetch<T, C * L, true>(tile.ahead.out[0], at * C);
  }
}

// Two rows of C pixels with windows of 3 x 3 and stride 1: four rows of input, of which each is loaded once.
template <class T, int C, bool kBorder>
void tile_pair(const PixelTile<T>& tile) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  const std::int64_t start = tile.lhs_start, lhs_step = tile.lhs_step, rhs_step = tile.rhs_step,
                     out_step = tile.out_step, first = tile.first, last = tile.last;
  const TapRow<T>* const rows = tile.rows;
  for (std::int64_t next = 0; next < tile.width; next += L) {
    const std::int64_t at = next + L <= tile.width ? next : tile.width - L;  // the last one may overlap the one before
    P upper[C], lower[C], even[3], odd[3];                                   // factors of rows 0 and 2, and of row 1
#pragma GCC unroll 16
    for (int x = 0; x < C; ++x) upper[x] = lower[x] = pset1<P>(T{0});
    const auto load = [&](P(&factor)[3], int row) __attribute__((always_inline)) {
#pragma GCC unroll 16
      for (int k = 0; k < 3; ++k) factor[k] = ploadu<P>(rows[row].rhs + at + k * rhs_step);
    };
    const auto add = [&](int row, const P(&of_upper)[3], const P(&of_lower)[3]) __attribute__((always_inline)) {
      const T* lhs = rows[row].lhs;
      if (lhs == nullptr) return;
      lhs += start + at;
#pragma GCC unroll 16
      for (int j = 0; j < C + 2; ++j) {
        if (kBorder && (j < first || j >= last)) continue;
        const P value = ploadu<P>(lhs + j / 3 * (3 * lhs_step) + j % 3 * lhs_step);
        if (row < 3) add_pixel<T, 3, 1, C>(upper, value, of_upper, j);
        if (row > 0) add_pixel<T, 3, 1, C>(lower, value, of_lower, j);
      }
    };
    load(even, 0);
    add(0, even, even);
    load(odd, 1);
    add(1, odd, even);
    load(even, 2);
    add(2, even, odd);
    add(3, even, even);
    T* const out = tile.out + at;
#pragma GCC unroll 16
    for (int x = 0; x < C; ++x) pstoreu(out + x * out_step, upper[x]);
#pragma GCC unroll 16
    for (int x = 0; x < C; ++x) pstoreu(out + tile.out_row + x * out_step, lower[x]);
    for (const T* ahead : tile.ahead.lhs) fetch<T, C * L, false>(ahead, at * C);
    for (const T* ahead : tile.ahead.out) fetch<T, C * L, true>(ahead, at * C);
  }
}

template <class T, int K, int S, int C>
void tile_row_of(const PixelTile<T>& tile) {
  if (tile.first > 0 || tile.last < (C - 1) * S + K) tile_row<T, K, S, C, true>(tile);
  else tile_row<T, K, S, C, false>(tile);
}

template <class T, int K, int S>
void tile_row_of(const PixelTile<T>& tile) {
  if (tile.columns == 8) tile_row_of<T, K, S, 8>(tile);
  else if (tile.columns == 7) tile_row_of<T, K, S, 7>(tile);
  else if (tile.columns == 4) tile_row_of<T, K, S, 4>(tile);
  else tile_row_of<T, K, S, 1>(tile);
}

template <class T>
void tile_pixels(const PixelTile<T>& tile) {
  if (tile.stride == 2) {
    if (tile.taps == 3) tile_row_of<T, 3, 2>(tile);
    else tile_row_of<T, 5, 2>(tile);
  } else if (tile.taps <= 2) {
    if (tile.taps == 1) tile_row_of<T, 1, 1>(tile);
    else tile_row_of<T, 2, 1>(tile);
  } else if (tile.taps == 3) {
    tile_row_of<T, 3, 1>(tile);
  } else if (tile.taps == 5) {
    tile_row_of<T, 5, 1>(tile);
  } else {
    tile_row_of<T, 7, 1>(tile);
  }
}

template <class T, int C>
void tile_pair_of(const PixelTile<T>& tile) {
  if (tile.first > 0 || tile.last < C + 2) tile_pair<T, C, true>(tile);
  else tile_pair<T, C, false>(tile);
}

template <class T>
void tile_pixel_pairs(const PixelTile<T>& tile) {
  if (tile.columns == 4) tile_pair_of<T, 4>(tile);
  else if (tile.columns == 3) tile_pair_of<T, 3>(tile);
  else if (tile.columns == 2) tile_pair_of<T, 2>(tile);
  else tile_pair_of<T, 1>(tile);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
