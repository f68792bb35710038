// WindowSums: grids of sums, accumulated in registers over all taps. For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Asks for the part of the rows ahead that belongs to elements [from, to) of `width`.
template <class T>
void fetch_rows(const Ahead<T>& ahead, std::int64_t from, std::int64_t to, std::int64_t width) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  const std::int64_t share = (ahead.elements + width - 1) / width;
  const std::int64_t end = to * share < ahead.elements ? to * share : ahead.elements;
  for (int i = 0; i < ahead.count; ++i)
    for (std::int64_t at = from * share; at < end; at += kLine) __builtin_prefetch(ahead.rows[i] + at, 0, 2);
}

// R x C sums of V vectors each, from element `from` of lhs and rhs on, to element `to` of the output.
template <class T, int R, int C, int V, bool kScalars>
void sum_block(const WindowSums<T>& s, std::int64_t from, std::int64_t to) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  constexpr int Q = (C + 2) / 3;  // pointers in a row: each serves three columns, as addresses can express
  P total[R][C][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) total[r][c][v] = pset1<P>(T{0});
  const auto factors = [](const T* rhs, P(&factor)[V]) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) factor[v] = kScalars ? pset1<P>(*rhs) : ploadu<P>(rhs + v * L);
  };
  const std::int64_t column = s.lhs_column, lhs_step = s.lhs_step, rhs_step = s.rhs_step;
  for (const Taps<T>* tap = s.taps; tap != s.taps + s.tap_count; ++tap) {
    const T* rhs = kScalars ? tap->rhs : tap->rhs + from;
    P factor[V];
    if (!kScalars && tap->places >= 0) {
      factors(rhs, factor);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) {
          const T* const place = s.places[tap->places + r * C + c] + from;
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v) total[r][c][v] = pmadd(ploadu<P>(place + v * L), factor[v], total[r][c][v]);
        }
      continue;
    }
    const T* lhs[R][Q];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) lhs[r][q] = tap->lhs + (s.lhs_start + from) + r * s.lhs_row + 3 * q * column;
    for (std::int64_t left = tap->count; left > 0; --left, rhs += rhs_step) {
      factors(rhs, factor);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c)
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v)
            total[r][c][v] = pmadd(ploadu<P>(lhs[r][c / 3] + c % 3 * column + v * L), factor[v], total[r][c][v]);
#pragma GCC unroll 16
        for (int q = 0; q < Q; ++q) lhs[r][q] += lhs_step;
      }
    }
  }
  T* const out = s.out + to;
  const std::int64_t out_row = s.out_row, out_column = s.out_column;
  if (s.add) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c)
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v)
          total[r][c][v] = padd(ploadu<P>(out + r * out_row + c * out_column + v * L), total[r][c][v]);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) pstoreu(out + r * out_row + c * out_column + v * L, total[r][c][v]);
}

// All vectors of the sums. Small grids take several at once, so that enough sums are under way.
template <class T, int R, int C, bool kScalars>
void sum_vectors(const WindowSums<T>& s) {
  constexpr int L = kLanes<T>;
  std::int64_t from = 0;
  const auto fetch_next = [&](std::int64_t vectors) {
    if (!kScalars && s.ahead.count > 0) fetch_rows(s.ahead, from, from + vectors * L, s.width);
  };
  if constexpr (!kScalars && R * C * 4 <= kMostSums)
    for (; from + 4 * L <= s.width; from += 4 * L) fetch_next(4), sum_block<T, R, C, 4, kScalars>(s, from, from);
  if constexpr (!kScalars && R * C * 2 <= kMostSums)
    for (; from + 2 * L <= s.width; from += 2 * L) fetch_next(2), sum_block<T, R, C, 2, kScalars>(s, from, from);
  for (; from + L <= s.width; from += L) fetch_next(1), sum_block<T, R, C, 1, kScalars>(s, from, from);
  if (from < s.width) sum_block<T, R, C, 1, kScalars>(s, s.width - L, s.dense ? from : s.width - L);
}

template <class T, int R, int C, bool kScalars>
void sum_grid(const WindowSums<T>& s) {
  if constexpr (R * C > kMostSums) return;
  else if (s.columns == C) sum_vectors<T, R, C, kScalars>(s);
  else sum_grid<T, R, C + 1, kScalars>(s);
}

template <class T>
void sum_windows(const WindowSums<T>& s) {
  if (s.scalar_factors) {
    if (s.rows == 1) sum_grid<T, 1, 1, true>(s);
    else if (s.rows == 2) sum_grid<T, 2, 2, true>(s);
    else sum_grid<T, 3, 3, true>(s);
  } else {
    if (s.rows == 1) sum_grid<T, 1, 1, false>(s);
    else if (s.rows == 2) sum_grid<T, 2, 2, false>(s);
    else sum_grid<T, 3, 3, false>(s);
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
