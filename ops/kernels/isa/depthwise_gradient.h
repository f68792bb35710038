// FactorTile: what some pixels of a channels-last cotangent add to the gradient of a kernel. For the level compiled
// for.
#pragma once

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/depthwise_tiles.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// R rows of K sums stay in registers.
template <class T, int R, int K>
struct FactorSums {
  using P = Packet<T>;
  P sum[R][K];
  const T* lhs[R];

  // Adds the products of an input pixel of each row and those factors that are sums [from, to).
  inline __attribute__((always_inline)) void add(const P (&factor)[K], int from, int to) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const P value = Eigen::internal::ploadu<P>(lhs[r]);
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k)
        if (k >= from && k < to) sum[r][k] = Eigen::internal::pmadd(value, factor[k], sum[r][k]);
    }
  }
  inline __attribute__((always_inline)) void move(std::int64_t step) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) lhs[r] += step;
  }
};

// The pixels that a sum meets are neighbours, and those of the next sum are the same ones moved by one. So K factors
// stay in registers too, and every input pixel is loaded once. There are at least K - 1 factors.
template <class T, int R, int K, bool kBorder>
inline __attribute__((always_inline)) void add_window(const FactorTile<T>& tile, const T* rhs,
                                                      FactorSums<T, R, K>& sums) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  const std::int64_t count = tile.count, lhs_step = tile.sum_step, rhs_step = tile.rhs_step, first = tile.first,
                     last = tile.last;
  P factor[K];  // the latest first
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k) factor[k] = pset1<P>(T{0});
  const auto shift = [&]() __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int k = K - 1; k > 0; --k) factor[k] = factor[k - 1];
  };
  const auto load = [&]() __attribute__((always_inline)) {
    shift();
    factor[0] = ploadu<P>(rhs);
    rhs += rhs_step;
  };
  const auto add = [&](std::int64_t j, int from, int to) __attribute__((always_inline)) {
    if (!kBorder || (j >= first && j < last)) sums.add(factor, from, to);
    sums.move(lhs_step);
  };
#pragma GCC unroll 16
  for (int j = 0; j < K - 1; ++j) {
    load();
    add(j, 0, j + 1);
  }
#pragma GCC unroll 3
  for (std::int64_t j = K - 1; j < count; ++j) {
    load();
    add(j, 0, K);
  }
#pragma GCC unroll 16
  for (int k = 1; k < K; ++k) {
    shift();
    add(count + k - 1, k, K);
  }
}

// Any strides.
template <class T, int R, int K, bool kBorder>
inline __attribute__((always_inline)) void add_apart(const FactorTile<T>& tile, const T* rhs,
                                                     FactorSums<T, R, K>& sums) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  const std::int64_t sum_step = tile.sum_step, sum_pixels = tile.sum_pixels, first = tile.first, last = tile.last;
  for (std::int64_t x = 0, pixel = 0; x < tile.count; ++x, pixel += tile.factor_pixels, rhs += tile.rhs_step) {
    const P factor = ploadu<P>(rhs);
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k) {
      if (kBorder && (pixel + k * sum_pixels < first || pixel + k * sum_pixels >= last)) continue;
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums.sum[r][k] = pmadd(ploadu<P>(sums.lhs[r] + k * sum_step), factor, sums.sum[r][k]);
    }
    sums.move(tile.factor_step);
  }
}

template <class T, int R, int K, bool kWindow, bool kBorder>
void add_factors(const FactorTile<T>& tile) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  for (std::int64_t to = 0; to < tile.width; to += L) {
    const std::int64_t at = to + L <= tile.width ? to : tile.width - L;  // inputs may overlap, vectors of sums do not
    FactorSums<T, R, K> sums;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      sums.lhs[r] = tile.lhs[r] + at;
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) sums.sum[r][k] = ploadu<P>(tile.out[r] + to + k * tile.out_step);
    }
    if constexpr (kWindow) add_window<T, R, K, kBorder>(tile, tile.rhs + at, sums);
    else add_apart<T, R, K, kBorder>(tile, tile.rhs + at, sums);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) pstoreu(tile.out[r] + to + k * tile.out_step, sums.sum[r][k]);
    constexpr int kPixels = kWindow ? kFactors : 2 * kFactors;
    for (const T* ahead : tile.ahead.lhs) fetch<T, kPixels * L, false>(ahead, at * kPixels);
    fetch<T, kFactors * L, false>(tile.ahead.rhs, at * kFactors);
  }
}

template <class T, int R, int K>
void add_factors_of(const FactorTile<T>& tile) {
  const bool border =
      tile.first > 0 || tile.last < (tile.count - 1) * tile.factor_pixels + (K - 1) * tile.sum_pixels + 1;
  if (tile.factor_pixels == 1 && tile.sum_pixels == 1 && tile.count >= K - 1)
    border ? add_factors<T, R, K, true, true>(tile) : add_factors<T, R, K, true, false>(tile);
  else border ? add_factors<T, R, K, false, true>(tile) : add_factors<T, R, K, false, false>(tile);
}

template <class T, int K>
void add_factors_of(const FactorTile<T>& tile) {
  if (tile.rows == 1) return add_factors_of<T, 1, K>(tile);
  if constexpr (gradient_rows(K) >= 2)
    if (tile.rows == 2) return add_factors_of<T, 2, K>(tile);
  if constexpr (gradient_rows(K) >= 3) add_factors_of<T, 3, K>(tile);
}

template <class T>
void add_gradient(const FactorTile<T>& tile) {
  if (tile.sums == 3) add_factors_of<T, 3>(tile);
  else if (tile.sums == 5) add_factors_of<T, 5>(tile);
  else if (tile.sums == 7) add_factors_of<T, 7>(tile);
  else if (tile.sums == 2) add_factors_of<T, 2>(tile);
  else add_factors_of<T, 1>(tile);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
