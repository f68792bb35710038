// PlaneWindows: windows of 3 x 3 over a padded plane of a channel, a vector of adjacent pixels at a time. Every vector
// of the plane is loaded once for all the rows of a group that it takes part in. For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

constexpr int kPlaneRows = 4;  // of a group: beside 9 factors or sums they fit the registers

// R rows of output from row y on; all factors stay in registers.
template <class T, int R>
inline __attribute__((always_inline)) void sum_plane_rows(const PlaneWindows<T>& plane, std::int64_t y,
                                                          const Packet<T> (&factor)[3][3]) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  for (std::int64_t next = 0; next < plane.pixels; next += L) {
    const std::int64_t x = next + L <= plane.pixels ? next : plane.pixels - L;
    P sum[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) sum[r] = pset1<P>(T{0});
    const T* lhs = plane.lhs + y * plane.lhs_row + x;
#pragma GCC unroll 16
    for (int i = 0; i < R + 2; ++i, lhs += plane.lhs_row)
#pragma GCC unroll 16
      for (int j = 0; j < 3; ++j) {
        const P value = ploadu<P>(lhs + j);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
          if (i - r >= 0 && i - r < 3) sum[r] = pmadd(value, factor[i - r][j], sum[r]);
      }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) pstoreu(plane.out + (y + r) * plane.out_row + x, sum[r]);
  }
}

template <class T>
void sum_plane(const PlaneWindows<T>& plane) {
  using P = Packet<T>;
  P factor[3][3];
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j)
      factor[i][j] = Eigen::internal::pset1<P>(plane.rhs[i * plane.rhs_row + j * plane.rhs_step]);
  std::int64_t y = 0;
  for (; y + kPlaneRows <= plane.rows; y += kPlaneRows) sum_plane_rows<T, kPlaneRows>(plane, y, factor);
  for (; y < plane.rows; ++y) sum_plane_rows<T, 1>(plane, y, factor);
}

// What R rows of cotangent from row y on add to the 9 vectors of sums. Lanes of the last vector of a row that the one
// before has done are masked.
template <class T, int R>
inline __attribute__((always_inline)) void add_plane_rows(const PlaneWindows<T>& plane, std::int64_t y, const T* mask,
                                                          Packet<T> (&sum)[3][3]) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  for (std::int64_t next = 0; next < plane.pixels; next += L) {
    const bool whole = next + L <= plane.pixels;
    const std::int64_t x = whole ? next : plane.pixels - L;
    P factor[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) factor[r] = ploadu<P>(plane.rhs + (y + r) * plane.rhs_row + x);
    if (!whole) {
      const P kept = ploadu<P>(mask);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) factor[r] = pand(factor[r], kept);
    }
    const T* lhs = plane.lhs + y * plane.lhs_row + x;
#pragma GCC unroll 16
    for (int i = 0; i < R + 2; ++i, lhs += plane.lhs_row)
#pragma GCC unroll 16
      for (int j = 0; j < 3; ++j) {
        const P value = ploadu<P>(lhs + j);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
          if (i - r >= 0 && i - r < 3) sum[i - r][j] = pmadd(value, factor[r], sum[i - r][j]);
      }
  }
}

template <class T>
void add_plane_gradient(const PlaneWindows<T>& plane) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  T mask[L];
  const std::int64_t done = (plane.pixels + L - 1) / L * L - plane.pixels;
  for (int i = 0; i < L; ++i) __builtin_memset(mask + i, i < done ? 0 : 0xff, sizeof(T));
  P sum[3][3];
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) sum[i][j] = ploadu<P>(plane.out + (3 * i + j) * L);
  std::int64_t y = 0;
  for (; y + kPlaneRows <= plane.rows; y += kPlaneRows) add_plane_rows<T, kPlaneRows>(plane, y, mask, sum);
  for (; y < plane.rows; ++y) add_plane_rows<T, 1>(plane, y, mask, sum);
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) pstoreu(plane.out + (3 * i + j) * L, sum[i][j]);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
