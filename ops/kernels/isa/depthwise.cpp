// Depthwise kernels for one instruction set.
#include "cotangent/ops/kernels/isa/depthwise.h"

#include "cotangent/ops/kernels/isa/depthwise_gradient.h"
#include "cotangent/ops/kernels/isa/depthwise_planes.h"
#include "cotangent/ops/kernels/isa/depthwise_tiles.h"
#include "cotangent/ops/kernels/isa/window_sums.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

// How far ahead of a copy to fetch, about a plane of 28 x 28 pixels: it is what the next one is copied from, and
// waiting for it would take longer than all the arithmetic.
constexpr std::uintptr_t kFetchBytes = 4096;

// Strides of 2 and 1 are known to the compiler, which has instructions for them.
template <class T, bool kTake>
void copy_strided_rows(const StridedRows<T>& s) {
  constexpr int L = kLanes<T>;
  using namespace Eigen::internal;
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const T* const __restrict from = s.from + row * s.from_row;
    T* const __restrict to = s.to + row * s.to_row;
    if (s.stride == 1 && s.count >= L) {
      if (kTake)
        for (std::int64_t i = 0; i < s.count; i += 64 / sizeof(T))
          __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from + i) + kFetchBytes));
      for (std::int64_t i = 0; i < s.count; i += L) {
        const std::int64_t at = i + L <= s.count ? i : s.count - L;
        pstoreu(to + at, ploadu<Packet<T>>(from + at));
      }
    } else if (s.stride == 2) {
      for (std::int64_t i = 0; i < s.count; ++i) to[kTake ? i : 2 * i] = from[kTake ? 2 * i : i];
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
                                                sum_plane<T>,
                                                add_plane_gradient<T>,
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
