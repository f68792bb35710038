// Depthwise kernels for one instruction set.
#include "cotangent/ops/kernels/isa/depthwise.h"

#include <cstddef>
#include <utility>

#include "cotangent/ops/kernels/isa/depthwise_gradient.h"
#include "cotangent/ops/kernels/isa/depthwise_planes.h"
#include "cotangent/ops/kernels/isa/depthwise_tiles.h"
#include "cotangent/ops/kernels/isa/window_sums.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

// Every second element of a vector and of the vector after it, or a vector's elements in place of those.
template <class T, class Lanes>
struct Alternate;
template <class T, std::size_t... I>
struct Alternate<T, std::index_sequence<I...>> {
  static constexpr int L = sizeof...(I);
  typedef T Vector __attribute__((vector_size(sizeof(T) * L)));
  static Vector load(const T* from) {
    Vector vector;
    __builtin_memcpy(&vector, from, sizeof(Vector));
    return vector;
  }
  static void store(T* to, const Vector& vector) { __builtin_memcpy(to, &vector, sizeof(Vector)); }

  template <int kFirst>
  static void take(const T* from, T* to) {
    store(to, __builtin_shufflevector(load(from), load(from + L), (2 * I + kFirst)...));
  }
  template <int kFirst>
  static void put(const T* from, T* to) {
    const Vector vector = load(from), low = load(to), high = load(to + L);
    store(to, __builtin_shufflevector(vector, low, (I % 2 == kFirst ? I / 2 : L + I)...));
    store(to + L, __builtin_shufflevector(vector, high, (I % 2 == kFirst ? (L + I) / 2 : L + I)...));
  }
};

// A row of stride 2. The last vectors may overlap the ones before, and start at an element between.
template <class T, bool kTake>
void copy_alternate(std::int64_t count, const T* from, T* to) {
  constexpr int L = kLanes<T>;
  using Pairs = Alternate<T, std::make_index_sequence<L>>;
  std::int64_t i = 0;
  if constexpr (L > 1)
    if (count > L) {
      for (; i + L < count; i += L) {
        if constexpr (kTake) Pairs::template take<0>(from + 2 * i, to + i);
        else Pairs::template put<0>(from + i, to + 2 * i);
      }
      i = count - L;
      if constexpr (kTake) Pairs::template take<1>(from + 2 * i - 1, to + i);
      else Pairs::template put<1>(from + i, to + 2 * i - 1);
      return;
    }
  for (; i < count; ++i) to[kTake ? i : 2 * i] = from[kTake ? 2 * i : i];
}

template <class T, bool kTake>
void copy_strided_rows(const StridedRows<T>& s) {
  constexpr int L = kLanes<T>;
  using namespace Eigen::internal;
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const T* const __restrict from = s.from + row * s.from_row;
    T* const __restrict to = s.to + row * s.to_row;
    if (s.stride == 1 && s.count >= L) {
      if (kTake)
        for (std::int64_t i = 0; i < s.count; i += 64 / sizeof(T)) fetch_beyond(from + i);
      for (std::int64_t i = 0; i < s.count; i += L) {
        const std::int64_t at = i + L <= s.count ? i : s.count - L;
        pstoreu(to + at, ploadu<Packet<T>>(from + at));
      }
    } else if (s.stride == 2 && (kTake || s.owns_between)) {
      copy_alternate<T, kTake>(s.count, from, to);
    } else {
      for (std::int64_t i = 0; i < s.count; ++i) to[kTake ? i : s.stride * i] = from[kTake ? s.stride * i : i];
    }
  }
}

template <class T>
constexpr DepthwiseKernels<T> kDepthwiseKernels{kLanes<T>,
                                                sum_windows<T>,
                                                tile_pixels<T>,
                                                tile_pixel_pairs<T>,
                                                add_gradient<T>,
                                                {plane_kernels<T, 3>(), plane_kernels<T, 5>(), plane_kernels<T, 7>()},
                                                copy_strided_rows<T, true>,
                                                copy_strided_rows<T, false>};

}  // namespace

template <>
const DepthwiseKernels<float>& table<DepthwiseKernels<float>>() {
  return kDepthwiseKernels<float>;
}
template <>
const DepthwiseKernels<double>& table<DepthwiseKernels<double>>() {
  return kDepthwiseKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
