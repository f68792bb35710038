// The loops of batch normalization over rows of lanes, for the level compiled for. Internal.
#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "cotangent/ops/kernels/isa/features.h"

namespace cotangent::kernels::COTANGENT_ISA {

// For each of N packets of lanes: sums[lane] = sum over rows of a(row, lane), products[lane] that of b(row, lane),
// where Term(lanes, at).add(x, g, a, b) adds both for the lanes from `at` on. N packets hide the latency of an
// addition.
template <template <class> class Term, class P, int N, class T>
void sum_lanes(const T* x, const T* g, std::int64_t rows, std::int64_t stride, const Normalization<T>& lanes,
               std::int64_t at, T* sums, T* products) {
  namespace simd = Eigen::internal;
  constexpr int kSize = simd::unpacket_traits<P>::size;
  P a[N], b[N];
  Term<P> term[N];
  for (int k = 0; k < N; ++k) {
    a[k] = b[k] = simd::pset1<P>(T{0});
    term[k] = Term<P>(lanes, at + k * kSize);
  }
  for (std::int64_t row = 0; row < rows; ++row, x += stride, g += stride)
    for (int k = 0; k < N; ++k)
      term[k].add(simd::ploadu<P>(x + at + k * kSize), simd::ploadu<P>(g + at + k * kSize), a[k], b[k]);
  for (int k = 0; k < N; ++k) {
    simd::pstoreu(sums + at + k * kSize, a[k]);
    simd::pstoreu(products + at + k * kSize, b[k]);
  }
}

// The same for any number of lanes.
template <template <class> class Term, class T>
void sum_rows(const T* x, const T* g, std::int64_t rows, std::int64_t width, std::int64_t stride,
              const Normalization<T>& lanes, T* sums, T* products) {
  using P = typename Eigen::internal::packet_traits<T>::type;
  constexpr std::int64_t kSize = Eigen::internal::packet_traits<T>::size;
  std::int64_t i = 0;
  const auto sum = [&]<int N>() {
    for (; i + N * kSize <= width; i += N * kSize) sum_lanes<Term, P, N>(x, g, rows, stride, lanes, i, sums, products);
  };
  sum.template operator()<4>();
  sum.template operator()<2>();
  sum.template operator()<1>();
  for (; i < width; ++i) sum_lanes<Term, T, 1>(x, g, rows, stride, lanes, i, sums, products);
}

// The distances from the mean, and their squares.
template <class P>
struct Squares {
  P mean;

  Squares() = default;
  template <class T>
  Squares(const Normalization<T>& lanes, std::int64_t at) : mean(Eigen::internal::ploadu<P>(lanes.mean + at)) {}

  void add(const P& x, const P&, P& a, P& b) const {
    const P distance = Eigen::internal::psub(x, mean);
    a = Eigen::internal::padd(a, distance);
    b = Eigen::internal::padd(b, Eigen::internal::pmul(distance, distance));
  }
};

// g, and g times the distance of x from the mean.
template <class P>
struct Products {
  P mean;

  Products() = default;
  template <class T>
  Products(const Normalization<T>& lanes, std::int64_t at) : mean(Eigen::internal::ploadu<P>(lanes.mean + at)) {}

  void add(const P& x, const P& g, P& a, P& b) const {
    a = Eigen::internal::padd(a, g);
    b = Eigen::internal::padd(b, Eigen::internal::pmul(g, Eigen::internal::psub(x, mean)));
  }
};

// The same with relu: y is computed once more, which takes less time than to read it.
template <class P>
struct RectifiedProducts : Products<P> {
  P scale, bias;

  RectifiedProducts() = default;
  template <class T>
  RectifiedProducts(const Normalization<T>& lanes, std::int64_t at)
      : Products<P>(lanes, at),
        scale(Eigen::internal::ploadu<P>(lanes.scale + at)),
        bias(Eigen::internal::ploadu<P>(lanes.bias + at)) {}

  void add(const P& x, const P& g, P& a, P& b) const {
    using namespace Eigen::internal;
    const P y = pmadd(psub(x, this->mean), scale, bias);
    Products<P>::add(x, pand(g, pcmp_lt(pzero(y), y)), a, b);
  }
};

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
void normalize_rows(const T* x, T* y, std::int64_t rows, std::int64_t width, std::int64_t stride,
                    const Normalization<T>& lanes, bool relu) {
  (relu ? normalize_rows_with<T, true> : normalize_rows_with<T, false>)(x, y, rows, width, stride, lanes.mean,
                                                                        lanes.scale, lanes.bias);
}

template <class T, bool kRelu>
void input_gradient_rows_with(const T* __restrict x, const T* __restrict g, T* __restrict dx, std::int64_t rows,
                              std::int64_t width, std::int64_t stride, const T* __restrict mean,
                              const T* __restrict scale, const T* __restrict bias, const T* __restrict constant,
                              const T* __restrict slope) {
  for (std::int64_t row = 0; row < rows; ++row, x += stride, g += stride, dx += stride)
    for (std::int64_t i = 0; i < width; ++i) {
      const T distance = x[i] - mean[i], masked = kRelu && !(distance * scale[i] + bias[i] > 0) ? T{0} : g[i];
      dx[i] = scale[i] * masked - (constant[i] + distance * slope[i]);
    }
}

template <class T>
void input_gradient_rows(const T* x, const T* g, T* dx, std::int64_t rows, std::int64_t width, std::int64_t stride,
                         const Normalization<T>& lanes, const T* constant, const T* slope, bool relu) {
  const auto& [mean, scale, bias] = lanes;
  if (relu) input_gradient_rows_with<T, true>(x, g, dx, rows, width, stride, mean, scale, bias, constant, slope);
  else input_gradient_rows_with<T, false>(x, g, dx, rows, width, stride, mean, scale, bias, constant, slope);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
