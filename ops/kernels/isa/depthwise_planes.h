// PlaneWindows: windows of 3 x 3 over a plane of a channel, a vector of adjacent pixels at a time. Every vector of the
// plane is loaded once for all the rows of a group that it takes part in. For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

constexpr int kPlaneRows = 4;  // of a group: beside 9 factors or sums they fit the registers

// How far ahead of rows to fetch, about a plane of 28 x 28 pixels: waiting for memory would take longer than all the
// arithmetic.
constexpr std::uintptr_t kFetchBytes = 4096;

// Bits that keep those lanes of a vector that lie inside the plane.
template <class T>
struct LaneMasks {
  static constexpr int L = kLanes<T>;
  T bits[3 * L];  // none, all, none
  T kept[4]
        [3 * L];  // by tap: of the first vector of a row, of those amid, of the last one but one, and of the last one
  explicit LaneMasks(const PlaneWindows<T>& plane) {
    __builtin_memset(bits, 0, sizeof bits);
    __builtin_memset(bits + L, 0xff, L * sizeof(T));
    const std::int64_t last = (plane.pixels - 1) / L * L;
    take(0, 0, plane);
    for (int i = 0; i < 3; ++i) __builtin_memcpy(kept[1] + i * L, bits + L, sizeof(T) * L);
    take(2, last - L, plane);
    take(3, plane.pixels - L, plane);
  }
  Packet<T> without_first(std::int64_t count) const {
    return Eigen::internal::ploadu<Packet<T>>(bits + (count <= 0 ? L : count < L ? L - count : 0));
  }
  Packet<T> without_last(std::int64_t count) const {
    return Eigen::internal::ploadu<Packet<T>>(bits + (count <= 0 ? L : count < L ? L + count : 2 * L));
  }
  const T* of(std::int64_t next, std::int64_t pixels) const {
    return kept[next == 0 ? 0 : next + L >= pixels ? 3 : next + 2 * L >= pixels ? 2 : 1];
  }

 private:
  void take(int kind, std::int64_t x, const PlaneWindows<T>& plane) {
    for (int j = 0; j < 3; ++j)
      Eigen::internal::pstoreu(kept[kind] + j * L, Eigen::internal::pand(without_first(plane.first_pixel - x - j),
                                                                         without_last(x + j + L - plane.last_pixel)));
  }
};

// Calls use(i, j, value) for what taps j of R + 2 rows of the plane from y on meet at pixel x; where kBorder, zeros are
// around the plane.
template <class T, int R, bool kBorder, class F>
inline __attribute__((always_inline)) void for_each_value(const PlaneWindows<T>& plane, const T* masks, std::int64_t y,
                                                          std::int64_t x, F use) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  P kept[3];
  if (kBorder)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) kept[j] = ploadu<P>(masks + j * L);
  const T* lhs = plane.lhs + y * plane.lhs_row + x;
#pragma GCC unroll 16
  for (int i = 0; i < R + 2; ++i, lhs += plane.lhs_row) {
    if (kBorder && (y + i < plane.first_row || y + i >= plane.last_row)) continue;
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) {
      P value = ploadu<P>(lhs + j);
      if (kBorder) value = pand(value, kept[j]);
      use(i, j, value);
    }
  }
}

// Asks for what lies kFetchBytes beyond the elements of R rows from `from` on: a part of it for each pixel x.
template <class T, int R, bool kWrite = false>
inline __attribute__((always_inline)) void fetch_rows(const T* from, std::int64_t x) {
  constexpr int kLine = 64 / sizeof(T), kElements = R * kLanes<T>;
  const auto at = reinterpret_cast<std::uintptr_t>(from + x * R) + kFetchBytes;
#pragma GCC unroll 16
  for (int i = 0; i < kElements; i += kLine)
    __builtin_prefetch(reinterpret_cast<const void*>(at + i * sizeof(T)), kWrite);
}

// Does R rows of output from row y on at pixel x.
template <class T, int R, bool kBorder>
inline __attribute__((always_inline)) void sum_plane_vector(const PlaneWindows<T>& plane, const T* masks,
                                                            std::int64_t y, std::int64_t x,
                                                            const Packet<T> (&factor)[3][3]) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  P sum[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) sum[r] = pset1<P>(T{0});
  for_each_value<T, R, kBorder>(
      plane, masks, y, x, [&](int i, int j, const P& value) __attribute__((always_inline)) {
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
          if (i - r >= 0 && i - r < 3) sum[r] = pmadd(value, factor[i - r][j], sum[r]);
      });
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) pstoreu(plane.out + (y + r) * plane.out_row + x, sum[r]);
}

// Calls border(x) or inner(x) for the vectors of R rows from y on.
template <class T, int R, class Border, class Inner>
inline __attribute__((always_inline)) void for_each_vector(const PlaneWindows<T>& plane, std::int64_t y, Border border,
                                                           Inner inner) {
  constexpr int L = kLanes<T>;
  const bool inside = y >= plane.first_row && y + R + 2 <= plane.last_row;
  for (std::int64_t next = 0; next < plane.pixels; next += L) {
    const std::int64_t x = next + L <= plane.pixels ? next : plane.pixels - L;  // may overlap the one before
    if (inside && x >= plane.first_pixel && x + L + 2 <= plane.last_pixel) inner(x, next);
    else border(x, next);
  }
}

template <class T, int R>
inline __attribute__((always_inline)) void sum_plane_rows(const PlaneWindows<T>& plane, const LaneMasks<T>& masks,
                                                          std::int64_t y, const Packet<T> (&factor)[3][3]) {
  for_each_vector<T, R>(
      plane, y,
      [&](std::int64_t x, std::int64_t next) __attribute__((always_inline)) {
        fetch_rows<T, R>(plane.lhs + y * plane.lhs_row, x);
        fetch_rows<T, R, true>(plane.out + y * plane.out_row, x);
        sum_plane_vector<T, R, true>(plane, masks.of(next, plane.pixels), y, x, factor);
      },
      [&](std::int64_t x, std::int64_t) __attribute__((always_inline)) {
        fetch_rows<T, R>(plane.lhs + y * plane.lhs_row, x);
        fetch_rows<T, R, true>(plane.out + y * plane.out_row, x);
        sum_plane_vector<T, R, false>(plane, nullptr, y, x, factor);
      });
}

// The last group of rows may overlap the one before.
template <class T>
void sum_plane(const PlaneWindows<T>& plane) {
  using P = Packet<T>;
  const LaneMasks<T> masks(plane);
  P factor[3][3];
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j)
      factor[i][j] = Eigen::internal::pset1<P>(plane.rhs[i * plane.rhs_row + j * plane.rhs_step]);
  if (plane.rows < kPlaneRows) {
    for (std::int64_t y = 0; y < plane.rows; ++y) sum_plane_rows<T, 1>(plane, masks, y, factor);
    return;
  }
  for (std::int64_t y = 0; y < plane.rows; y += kPlaneRows)
    sum_plane_rows<T, kPlaneRows>(plane, masks, y + kPlaneRows <= plane.rows ? y : plane.rows - kPlaneRows, factor);
}

// What R rows of cotangent from row y on add to the 9 vectors of sums. Lanes of the last vector of a row that the one
// before has done are masked.
template <class T, int R>
inline __attribute__((always_inline)) void add_plane_rows(const PlaneWindows<T>& plane, const LaneMasks<T>& masks,
                                                          std::int64_t y, Packet<T> (&sum)[3][3]) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  P factor[R];
  const auto load = [&](std::int64_t x, std::int64_t next) __attribute__((always_inline)) {
    fetch_rows<T, R>(plane.lhs + y * plane.lhs_row, x);
    fetch_rows<T, R>(plane.rhs + y * plane.rhs_row, x);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) factor[r] = ploadu<P>(plane.rhs + (y + r) * plane.rhs_row + x);
    if (next == x) return;
    const P kept = masks.without_first(next - x);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) factor[r] = pand(factor[r], kept);
  };
  const auto add = [&](int i, int j, const P& value) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
      if (i - r >= 0 && i - r < 3) sum[i - r][j] = pmadd(value, factor[r], sum[i - r][j]);
  };
  for_each_vector<T, R>(
      plane, y,
      [&](std::int64_t x, std::int64_t next) __attribute__((always_inline)) {
        load(x, next);
        for_each_value<T, R, true>(plane, masks.of(next, plane.pixels), y, x, add);
      },
      [&](std::int64_t x, std::int64_t next) __attribute__((always_inline)) {
        load(x, next);
        for_each_value<T, R, false>(plane, nullptr, y, x, add);
      });
}

template <class T>
void add_plane_gradient(const PlaneWindows<T>& plane) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  const LaneMasks<T> masks(plane);
  P sum[3][3];
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) sum[i][j] = ploadu<P>(plane.out + (3 * i + j) * L);
  std::int64_t y = 0;
  for (; y + kPlaneRows <= plane.rows; y += kPlaneRows) add_plane_rows<T, kPlaneRows>(plane, masks, y, sum);
  for (; y < plane.rows; ++y) add_plane_rows<T, 1>(plane, masks, y, sum);
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) pstoreu(plane.out + (3 * i + j) * L, sum[i][j]);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
