// Windows over planes: a vector holds adjacent pixels of one channel, whichever rows they belong to, so that planes of
// any width fill vectors. Each column of a window is summed where its pixels lie; what neighbours add to a pixel is
// moved by its few lanes as a sum, and masked where it comes from the row before or after. For the level compiled for.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/lane_masks.h"

namespace cotangent::kernels::COTANGENT_ISA {

// How far ahead to fetch, about a plane of 28 x 28 pixels: waiting for memory would take longer than all the
// arithmetic.
constexpr std::uintptr_t kFetchBytes = 4096;

template <bool kWrite = false, class T>
inline __attribute__((always_inline)) void fetch_beyond(const T* from) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from) + kFetchBytes), kWrite);
}

template <class T, class Lanes>
struct Moved;
template <class T, std::size_t... I>
struct Moved<T, std::index_sequence<I...>> {
  // The lanes from the given one on of two vectors that follow each other.
  template <int kFirst>
  static inline __attribute__((always_inline)) Packet<T> from(const Packet<T>& a, const Packet<T>& b) {
    return __builtin_shufflevector(a, b, (kFirst + I)...);
  }
};
template <int kFirst, class T>
inline __attribute__((always_inline)) Packet<T> moved(const Packet<T>& a, const Packet<T>& b) {
  return Moved<T, std::make_index_sequence<kLanes<T>>>::template from<kFirst>(a, b);
}

// Calls f(0), f(1) ... f(count - 1) with constants.
template <int kCount, class F>
inline __attribute__((always_inline)) void for_each_constant(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, kCount>{});
}

// The vector from element `at` on; zeros outside of the plane.
template <class T>
inline __attribute__((always_inline)) Packet<T> load_edge(const PlanePixels<T>& plane, std::int64_t at) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  if (at + L <= plane.low || at >= plane.high) return pset1<Packet<T>>(T{0});
  const std::int64_t before = plane.low - at, after = at + L - plane.high;
  if (at < plane.readable_low || at + L > plane.readable_high) {
    T some[L] = {};
    for (std::int64_t i = before > 0 ? before : 0; i < (after > 0 ? L - after : L); ++i) some[i] = plane.first[at + i];
    return ploadu<Packet<T>>(some);
  }
  Packet<T> value = ploadu<Packet<T>>(plane.first + at);
  if (before > 0) value = kept<T>(value, kEdgeMasks<T>.without_first(before));
  if (after > 0) value = kept<T>(value, kEdgeMasks<T>.without_last(after));
  return value;
}

// Which vectors of the rows meet the plane on all sides of a window of `reach` rows and columns to each side.
template <class T>
class InnerVectors {
 public:
  InnerVectors(const PlaneWindows<T>& windows, std::int64_t reach)
      : low_(windows.lhs.low + reach * windows.width),
        high_(std::min(windows.lhs.high - reach * windows.width, windows.count) - kLanes<T>) {}
  bool holds(std::int64_t x) const { return x >= low_ && x <= high_; }

 private:
  const std::int64_t low_, high_;
};

// The masks of one vector after another: of taps 1, 2 ... to the left, then to the right.
template <class T, int kReach>
class VectorMasks {
 public:
  explicit VectorMasks(const PlaneWindows<T>& windows)
      : begin_(windows.masks), end_(windows.masks + windows.mask_count * kStep), now_(begin_) {}
  const LaneBits<T>* left(int distance) const { return now_ + (distance - 1) * kLanes<T>; }
  const LaneBits<T>* right(int distance) const { return now_ + (kReach + distance - 1) * kLanes<T>; }
  void next() {
    now_ += kStep;
    if (now_ == end_) now_ = begin_;
  }

 private:
  static constexpr int kStep = 2 * kReach * kLanes<T>;
  const LaneBits<T>*begin_, *end_, *now_;
};

// A vector is done when the sums of the one after it are there.
template <class T, int kSize>
void sum_plane(const PlaneWindows<T>& windows) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>, R = kSize / 2;
  P factor[kSize][kSize];
#pragma GCC unroll 16
  for (int i = 0; i < kSize; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kSize; ++j) factor[i][j] = pset1<P>(windows.rhs[i * windows.rhs_row + j * windows.rhs_step]);

  P zero = pset1<P>(T{0}), left[R], right[R],
    done = zero;  // of the vector before: sums of columns, and of what is done
#pragma GCC unroll 16
  for (int d = 0; d < R; ++d) left[d] = right[d] = zero;
  VectorMasks<T, R> masks(windows), masks_before = masks;

  // Adds what pixels to the right, in the vector after it, give to a vector.
  const auto finish = [&](const P* sum) __attribute__((always_inline)) {
    for_each_constant<R>([&](auto d) __attribute__((always_inline)) {
      constexpr int kDistance = d() + 1;
      const P after = sum == nullptr ? zero : sum[R + kDistance];
      done = padd(done, kept<T>(moved<kDistance, T>(right[d()], after), masks_before.right(kDistance)));
      right[d()] = after;
    });
  };
  const auto add_vector = [&](std::int64_t x, auto inner) __attribute__((always_inline)) {
    fetch_beyond(windows.lhs.first + x);
    fetch_beyond<true>(windows.out + x);
    P sum[kSize];
#pragma GCC unroll 16
    for (int i = 0; i < kSize; ++i) {
      const std::int64_t at = x + (i - R) * windows.width;
      const P value = inner() ? ploadu<P>(windows.lhs.first + at) : load_edge(windows.lhs, at);
#pragma GCC unroll 16
      for (int j = 0; j < kSize; ++j) sum[j] = i == 0 ? pmul(value, factor[i][j]) : pmadd(value, factor[i][j], sum[j]);
    }
    finish(sum);
    if (x > 0) pstoreu(windows.out + x - L, done);
    done = sum[R];
    for_each_constant<R>([&](auto d) __attribute__((always_inline)) {
      constexpr int kDistance = d() + 1;
      const P now = sum[R - kDistance];
      done = padd(done, kept<T>(moved<L - kDistance, T>(left[d()], now), masks.left(kDistance)));
      left[d()] = now;
    });
    masks_before = masks;
    masks.next();
  };

  const InnerVectors<T> inner(windows, R);
  std::int64_t x = 0;
  for (; x < windows.count; x += L) {
    if (inner.holds(x)) add_vector(x, std::true_type{});
    else add_vector(x, std::false_type{});
  }
  finish(nullptr);
  alignas(P) T last[L];
  pstoreu(last, done);
  store_some(last, windows.count - (x - L), windows.out + x - L);
}

// Some rows of a window, from the given one on, whose sums fill the registers.
template <class T, int kSize, int kFirst>
void add_gradient_rows(const PlaneWindows<T>& windows) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>, R = kSize / 2, kMost = (kRegisters - 2 - kSize) / kSize,
                kRows = std::min(kSize - kFirst, std::max(1, kMost));
  T* const sums = windows.sums + kFirst * kSize * L;
  P sum[kRows][kSize];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kSize; ++j) sum[i][j] = ploadu<P>(sums + (i * kSize + j) * L);

  VectorMasks<T, R> masks(windows);
  P before = pset1<P>(T{0}), now = load_edge(windows.cotangent, 0);
  const auto add_vector = [&](std::int64_t x, auto inner) __attribute__((always_inline)) {
    fetch_beyond(windows.lhs.first + x);
    fetch_beyond(windows.cotangent.first + x);
    const P after = inner() ? ploadu<P>(windows.cotangent.first + x + L) : load_edge(windows.cotangent, x + L);
    P factor[kSize];
    factor[R] = now;
    for_each_constant<R>([&](auto d) __attribute__((always_inline)) {
      constexpr int kDistance = d() + 1;
      factor[R - kDistance] = kept<T>(moved<kDistance, T>(now, after), masks.right(kDistance));
      factor[R + kDistance] = kept<T>(moved<L - kDistance, T>(before, now), masks.left(kDistance));
    });
    before = now;
    now = after;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const std::int64_t at = x + (kFirst + i - R) * windows.width;
      const P value = inner() ? ploadu<P>(windows.lhs.first + at) : load_edge(windows.lhs, at);
#pragma GCC unroll 16
      for (int j = 0; j < kSize; ++j) sum[i][j] = pmadd(value, factor[j], sum[i][j]);
    }
    masks.next();
  };
  const InnerVectors<T> inner(windows, R);
  for (std::int64_t x = 0; x < windows.count; x += L) {
    if (inner.holds(x) && x + 2 * L <= windows.count) add_vector(x, std::true_type{});
    else add_vector(x, std::false_type{});
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kSize; ++j) pstoreu(sums + (i * kSize + j) * L, sum[i][j]);
  if constexpr (kFirst + kRows < kSize) add_gradient_rows<T, kSize, kFirst + kRows>(windows);
}

template <class T, int kSize>
void add_plane_gradient(const PlaneWindows<T>& windows) {
  add_gradient_rows<T, kSize, 0>(windows);
}

// Of a size, if vectors have lanes enough to move them by half a window.
template <class T, int kSize>
constexpr PlaneKernels<T> plane_kernels() {
  constexpr int L = kLanes<T>;
  if constexpr (L > 1 && kSize / 2 <= L) return {sum_plane<T, kSize>, add_plane_gradient<T, kSize>};
  else return {};
}

}  // namespace cotangent::kernels::COTANGENT_ISA
