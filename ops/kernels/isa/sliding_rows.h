// SlidingRows: windows of 3 x 3 with stride 1 over rows of pixels. Every input pixel is loaded once for all the
// products of two rows of output that it takes part in. For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"
#include "cotangent/ops/kernels/isa/window_sums.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Weights stay in registers; so do the sums of three columns of output, the oldest of which is complete after each
// column of input.
template <class T, int R>
void slide_rows(const SlidingRows<T>& s, std::int64_t from) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  P weight[3][3], sum[R][3];
  const P zero = pset1<P>(T{0});
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) weight[i][j] = ploadu<P>(s.rhs[0] + i * s.rhs_row + j * s.rhs_step + from);
  const T* lhs[R + 2];
  std::int64_t step[R + 2];
  T* out[R];
#pragma GCC unroll 16
  for (int i = 0; i < R + 2; ++i) {
    lhs[i] = s.lhs[i] + from;
    step[i] = s.lhs_step[i];
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    out[r] = s.out[r] + from;
    sum[r][0] = sum[r][1] = sum[r][2] = zero;
  }
  const std::int64_t end = s.out_pixels + 2, low = s.low, last = s.low + s.in, out_step = s.out_step;
  for (std::int64_t column = 0; column < end; ++column) {
    if (column >= low && column < last) {
#pragma GCC unroll 16
      for (int i = 0; i < R + 2; ++i) {
        const P value = ploadu<P>(lhs[i]);
        lhs[i] += step[i];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
          if (i - r >= 0 && i - r < 3) {
#pragma GCC unroll 16
            for (int j = 0; j < 3; ++j) sum[r][j] = pmadd(value, weight[i - r][2 - j], sum[r][j]);
          }
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      if (column >= 2) {
        pstoreu(out[r], sum[r][0]);
        out[r] += out_step;
      }
      sum[r][0] = sum[r][1];
      sum[r][1] = sum[r][2];
      sum[r][2] = zero;
    }
  }
}

// The 9 sums stay in registers, and three columns of cotangent.
template <class T, int R>
void slide_gradient_rows(const SlidingRows<T>& s, std::int64_t from, std::int64_t to) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  P sum[3][3], factor[R][3];
  const P zero = pset1<P>(T{0});
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) sum[i][j] = zero;
  const T *lhs[R + 2], *rhs[R];
  std::int64_t step[R + 2];
#pragma GCC unroll 16
  for (int i = 0; i < R + 2; ++i) {
    lhs[i] = s.lhs[i] + from;
    step[i] = s.lhs_step[i];
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    rhs[r] = s.rhs[r] + from;
    factor[r][0] = factor[r][1] = factor[r][2] = zero;
  }
  const std::int64_t pixels = s.out_pixels, end = pixels + 2, low = s.low, last = s.low + s.in, rhs_step = s.rhs_step;
  for (std::int64_t column = 0; column < end; ++column) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      factor[r][2] = factor[r][1];
      factor[r][1] = factor[r][0];
      if (column < pixels) {
        factor[r][0] = ploadu<P>(rhs[r]);
        rhs[r] += rhs_step;
      } else {
        factor[r][0] = zero;
      }
    }
    if (column >= low && column < last) {
#pragma GCC unroll 16
      for (int i = 0; i < R + 2; ++i) {
        const P value = ploadu<P>(lhs[i]);
        lhs[i] += step[i];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
          if (i - r >= 0 && i - r < 3) {
#pragma GCC unroll 16
            for (int j = 0; j < 3; ++j) sum[i - r][j] = pmadd(value, factor[r][j], sum[i - r][j]);
          }
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) {
      T* const out = s.out[0] + i * s.out_row + j * s.out_step + to;
      pstoreu(out, s.add ? padd(ploadu<P>(out), sum[i][j]) : sum[i][j]);
    }
}

template <class T>
void slide(const SlidingRows<T>& s) {
  constexpr int L = kLanes<T>;
  for (std::int64_t at = 0; at < s.width; at += L) {
    const std::int64_t from = at + L <= s.width ? at : s.width - L;
    if (s.ahead.count > 0) fetch(s.ahead, at, at + L, s.width);
    if (s.rows == 2) slide_rows<T, 2>(s, from);
    else slide_rows<T, 1>(s, from);
  }
}

template <class T>
void slide_gradient(const SlidingRows<T>& s) {
  constexpr int L = kLanes<T>;
  for (std::int64_t at = 0; at < s.width; at += L) {
    const std::int64_t from = at + L <= s.width ? at : s.width - L;
    if (s.ahead.count > 0) fetch(s.ahead, at, at + L, s.width);
    if (s.rows == 2) slide_gradient_rows<T, 2>(s, from, at);
    else slide_gradient_rows<T, 1>(s, from, at);
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
