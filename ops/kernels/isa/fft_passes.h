// The passes of fast Fourier transforms on complex vectors. For the level compiled for.
//
// Stockham's algorithm, which leaves the result in order: with N = radix * m * s, a pass reads, for p < m and q < s,
// the elements q + s * (p + m * r), transforms them along r < radix, multiplies element r by the root exp(-2 pi i p r s
// / N), and writes it to q + s * (radix * p + r); s is 1 at first and grows by the radix. An inverse transform is the
// forward one with real and imaginary parts swapped, on both sides.
#pragma once

#include <Eigen/Core>

#include "cotangent/ops/kernels/isa/fft.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
struct Complex {
  Packet<T> re, im;
};

template <class T>
inline Complex<T> operator+(const Complex<T>& a, const Complex<T>& b) {
  return {Eigen::internal::padd(a.re, b.re), Eigen::internal::padd(a.im, b.im)};
}
template <class T>
inline Complex<T> operator-(const Complex<T>& a, const Complex<T>& b) {
  return {Eigen::internal::psub(a.re, b.re), Eigen::internal::psub(a.im, b.im)};
}

// A root of unity in all lanes.
template <class T>
struct Root {
  explicit Root(const T* pair)
      : re(Eigen::internal::pset1<Packet<T>>(pair[0])),
        im(Eigen::internal::pset1<Packet<T>>(pair[1])),
        minus_im(Eigen::internal::pset1<Packet<T>>(-pair[1])) {}
  Packet<T> re, im, minus_im;
};
template <class T>
inline Complex<T> operator*(const Complex<T>& a, const Root<T>& b) {
  using namespace Eigen::internal;
  return {pmadd(a.im, b.minus_im, pmul(a.re, b.re)), pmadd(a.im, b.re, pmul(a.re, b.im))};
}

// x[0], ..., x[Radix - 1] become their transform.
template <class T>
inline void butterfly(Complex<T> (&x)[2]) {
  const Complex<T> sum = x[0] + x[1];
  x[1] = x[0] - x[1];
  x[0] = sum;
}

template <class T>
inline void butterfly(Complex<T> (&x)[3]) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  const P half = pset1<P>(T(-0.5)), sine = pset1<P>(T(0.8660254037844386467637)),
          minus_sine = pset1<P>(T(-0.8660254037844386467637));
  const Complex<T> sum = x[1] + x[2], difference = x[1] - x[2];
  const Complex<T> middle{pmadd(sum.re, half, x[0].re), pmadd(sum.im, half, x[0].im)};
  x[0] = x[0] + sum;
  x[1] = {pmadd(difference.im, sine, middle.re), pmadd(difference.re, minus_sine, middle.im)};
  x[2] = {pmadd(difference.im, minus_sine, middle.re), pmadd(difference.re, sine, middle.im)};
}

template <class T>
inline void butterfly(Complex<T> (&x)[4]) {
  const Complex<T> even = x[0] + x[2], odd = x[1] + x[3], even_rest = x[0] - x[2], rest = x[1] - x[3];
  const Complex<T> turned{rest.im, Eigen::internal::pnegate(rest.re)};  // by -i
  x[0] = even + odd;
  x[1] = even_rest + turned;
  x[2] = even - odd;
  x[3] = even_rest - turned;
}

// One pass with s * run = `adjacent` complex vectors that are treated alike. Real parts lie at `re` of a complex
// vector, imaginary ones at `im`.
template <class T, int Radix>
void fft_pass(const FftLines<T>& lines, std::int64_t m, std::int64_t s, const T* from, T* to) {
  using namespace Eigen::internal;
  constexpr std::int64_t L = kLanes<T>;
  const std::int64_t re = lines.inverse ? L : 0, im = L - re, adjacent = s * lines.run * 2 * L;
  const auto load = [&](Complex<T>(&x)[Radix], const T* at) {
#pragma GCC unroll 4
    for (int r = 0; r < Radix; ++r) {
      const T* const element = at + r * m * adjacent;
      x[r] = {pload<Packet<T>>(element + re), pload<Packet<T>>(element + im)};
    }
  };
  const auto store = [&](const Complex<T>& x, T* at) {
    pstore(at + re, x.re);
    pstore(at + im, x.im);
  };
  for (std::int64_t q = 0; q < adjacent; q += 2 * L) {
    Complex<T> x[Radix];
    load(x, from + q);
    butterfly(x);
#pragma GCC unroll 4
    for (int r = 0; r < Radix; ++r) store(x[r], to + q + r * adjacent);
  }
  for (std::int64_t p = 1; p < m; ++p) {
    const T* const source = from + p * adjacent;
    T* const target = to + Radix * p * adjacent;
    const T* const roots = lines.roots + 2 * p * s;
    const Root<T> first(roots), second(roots + (Radix > 2 ? 2 * p * s : 0)), third(roots + (Radix > 3 ? 4 * p * s : 0));
    for (std::int64_t q = 0; q < adjacent; q += 2 * L) {
      Complex<T> x[Radix];
      load(x, source + q);
      butterfly(x);
      store(x[0], target + q);
      store(x[1] * first, target + q + adjacent);
      if constexpr (Radix > 2) store(x[2] * second, target + q + 2 * adjacent);
      if constexpr (Radix > 3) store(x[3] * third, target + q + 3 * adjacent);
    }
  }
}

template <class T>
T* fft_transform(const FftLines<T>& lines) {
  T *from = lines.data, *to = lines.scratch;
  for (std::int64_t rest = lines.extent, s = 1; rest > 1;) {
    const int radix = rest % 4 == 0 ? 4 : rest % 2 == 0 ? 2 : 3;
    rest /= radix;
    if (radix == 4) fft_pass<T, 4>(lines, rest, s, from, to);
    else if (radix == 3) fft_pass<T, 3>(lines, rest, s, from, to);
    else fft_pass<T, 2>(lines, rest, s, from, to);
    s *= radix;
    T* const result = to;
    to = from;
    from = result;
  }
  return from;
}

// With Z the transform of the complex numbers, n of them, and w the root of 2 n: E = (Z[k] + conj Z[n - k]) / 2 and
// O = (Z[k] - conj Z[n - k]) / 2i are those of the even and of the odd numbers, X[k] = E + w^k O the one of all, and
// X[n - k] = conj(E - w^k O).
template <class T>
void fft_split(const FftSplit<T>& split) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr std::int64_t L = kLanes<T>;
  const std::int64_t n = split.extent / 2;
  const P whole = pset1<P>(split.scale), half = pset1<P>(split.scale / 2);
  const P re = pload<P>(split.from), im = pload<P>(split.from + L), zero = pset1<P>(T{0});
  pstore(split.to, pmul(padd(re, im), whole));
  pstore(split.to + L, zero);
  pstore(split.to + 2 * n * L, pmul(psub(re, im), whole));
  pstore(split.to + (2 * n + 1) * L, zero);
  for (std::int64_t k = 1; 2 * k <= n; ++k) {
    const T *const a = split.from + 2 * k * L, *const b = split.from + 2 * (n - k) * L;
    const P a_re = pload<P>(a), a_im = pload<P>(a + L), b_re = pload<P>(b), b_im = pload<P>(b + L);
    const Complex<T> even{pmul(padd(a_re, b_re), half), pmul(psub(a_im, b_im), half)},
        odd{pmul(padd(a_im, b_im), half), pmul(psub(b_re, a_re), half)};
    const Complex<T> turned = odd * Root<T>(split.roots + 2 * k);
    const Complex<T> low = even + turned, high = even - turned;
    T *const to_low = split.to + 2 * k * L, *const to_high = split.to + 2 * (n - k) * L;
    pstore(to_high, high.re);
    pstore(to_high + L, pnegate(high.im));
    pstore(to_low, low.re);
    pstore(to_low + L, low.im);
  }
}

template <class T>
void fft_join(const FftSplit<T>& split) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr std::int64_t L = kLanes<T>;
  const std::int64_t n = split.extent / 2;
  const P scale = pset1<P>(split.scale);
  const P first = pload<P>(split.from), last = pload<P>(split.from + 2 * n * L);
  pstore(split.to, pmul(padd(first, last), scale));
  pstore(split.to + L, pmul(psub(first, last), scale));
  for (std::int64_t k = 1; 2 * k <= n; ++k) {
    const T *const a = split.from + 2 * k * L, *const b = split.from + 2 * (n - k) * L;
    const P a_re = pload<P>(a), a_im = pload<P>(a + L), b_re = pload<P>(b), b_im = pload<P>(b + L);
    const T conjugate[2] = {split.roots[2 * k], -split.roots[2 * k + 1]};
    const Complex<T> even{pmul(padd(a_re, b_re), scale), pmul(psub(a_im, b_im), scale)},
        turned{pmul(psub(a_re, b_re), scale), pmul(padd(a_im, b_im), scale)};
    const Complex<T> odd = turned * Root<T>(conjugate);
    T *const to_low = split.to + 2 * k * L, *const to_high = split.to + 2 * (n - k) * L;
    pstore(to_high, padd(even.re, odd.im));
    pstore(to_high + L, psub(odd.re, even.im));
    pstore(to_low, psub(even.re, odd.im));
    pstore(to_low + L, padd(even.im, odd.re));
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
