// The loops of batch normalization over rows of lanes, for the level compiled for. Internal.
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace cotangent::kernels::COTANGENT_ISA {

// For each of N packets of lanes: sums[lane] = sum over rows of a(row, lane), squares[lane] that of b(row, lane), where
// Term::of(x, g, shift, a, b) computes both. N packets hide the latency of an addition.
template <class Term, class P, int N, class T>
void sum_lanes(const T* x, const T* g, std::int64_t rows, std::int64_t stride, const T* shift, T* sums, T* products) {
  namespace simd = Eigen::internal;
  constexpr int kSize = simd::unpacket_traits<P>::size;
  P a[N], b[N], center[N];
  for (int k = 0; k < N; ++k) {
    a[k] = b[k] = simd::pset1<P>(T{0});
    center[k] = simd::ploadu<P>(shift + k * kSize);
  }
  for (std::int64_t row = 0; row < rows; ++row, x += stride, g += stride)
    for (int k = 0; k < N; ++k)
      Term::of(simd::ploadu<P>(x + k * kSize), simd::ploadu<P>(g + k * kSize), center[k], a[k], b[k]);
  for (int k = 0; k < N; ++k) {
    simd::pstoreu(sums + k * kSize, a[k]);
    simd::pstoreu(products + k * kSize, b[k]);
  }
}

// The same for any number of lanes.
template <class Term, class T>
void sum_rows(const T* x, const T* g, std::int64_t rows, std::int64_t width, std::int64_t stride, const T* shift,
              T* sums, T* products) {
  using P = typename Eigen::internal::packet_traits<T>::type;
  constexpr std::int64_t kSize = Eigen::internal::packet_traits<T>::size;
  std::int64_t i = 0;
  const auto sum = [&]<int N>() {
    for (; i + N * kSize <= width; i += N * kSize)
      sum_lanes<Term, P, N>(x + i, g + i, rows, stride, shift + i, sums + i, products + i);
  };
  sum.template operator()<4>();
  sum.template operator()<2>();
  sum.template operator()<1>();
  for (; i < width; ++i) sum_lanes<Term, T, 1>(x + i, g + i, rows, stride, shift + i, sums + i, products + i);
}

// The distances from the shift, and their squares.
struct Squares {
  template <class P>
  static void of(const P& x, const P&, const P& shift, P& a, P& b) {
    const P distance = Eigen::internal::psub(x, shift);
    a = Eigen::internal::padd(a, distance);
    b = Eigen::internal::padd(b, Eigen::internal::pmul(distance, distance));
  }
};

// g, and g times the distance of x from the shift.
struct Products {
  template <class P>
  static void of(const P& x, const P& g, const P& shift, P& a, P& b) {
    a = Eigen::internal::padd(a, g);
    b = Eigen::internal::padd(b, Eigen::internal::pmul(g, Eigen::internal::psub(x, shift)));
  }
};

// y = (x - mean) * scale + bias, or 0 if that is negative; not a number stays so.
template <class T, bool kRelu>
void normalize_rows_with(const T* __restrict x, T* __restrict y, std::int64_t rows, std::int64_t width,
                         std::int64_t stride, const T* __restrict mean, const T* __restrict scale,
                         const T* __restrict bias) {
  for (std::int64_t row = 0; row < rows; ++row, x += stride, y += stride)
    for (std::int64_t i = 0; i < width; ++i) {
      const T value = (x[i] - mean[i]) * scale[i] + bias[i];
      y[i] = kRelu && value < 0 ? T{0} : value;
    }
}

template <class T>
void normalize_rows(const T* x, T* y, std::int64_t rows, std::int64_t width, std::int64_t stride, const T* mean,
                    const T* scale, const T* bias, bool relu) {
  (relu ? normalize_rows_with<T, true> : normalize_rows_with<T, false>)(x, y, rows, width, stride, mean, scale, bias);
}

// dx = scale * g - (constant + (x - mean) * slope)
template <class T>
void input_gradient_rows(const T* __restrict x, const T* __restrict g, T* __restrict dx, std::int64_t rows,
                         std::int64_t width, std::int64_t stride, const T* __restrict mean, const T* __restrict scale,
                         const T* __restrict constant, const T* __restrict slope) {
  for (std::int64_t row = 0; row < rows; ++row, x += stride, g += stride, dx += stride)
    for (std::int64_t i = 0; i < width; ++i) dx[i] = scale[i] * g[i] - (constant[i] + (x[i] - mean[i]) * slope[i]);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
