// Exponentials and logarithms of one number, written without branches so that loops over them become vector code.
//
// They take the place of the standard ones, whose calls keep a loop from being vectorised, and of Eigen's, which lose
// subnormal numbers or, with AVX-512, the largest results. Coefficients that are not Taylor's are those of Cephes in
// Float32 (S. Moshier, expf.c, logf.c) and of FDLIBM in Float64 (Sun Microsystems, e_log.c).
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "cotangent/ops/kernels/isa/level.h"

namespace cotangent::kernels::COTANGENT_ISA {

// How the bits of a floating-point type are made up.
template <class T>
struct Format {
  static constexpr bool kSingle = std::is_same_v<T, float>;
  using Bits = std::conditional_t<kSingle, std::uint32_t, std::uint64_t>;
  static constexpr int kMantissa = std::numeric_limits<T>::digits - 1, kBias = std::numeric_limits<T>::max_exponent - 1;
  // Added and taken away again, it rounds to an integer, which is in the low bits of the sum.
  static constexpr T kRound = T(3) * T(Bits{1} << (kMantissa - 1));
  static constexpr T kLn2High = T(0.693359375),
                     kLn2Low = T(-2.12194440054690582768e-4);  // an integer times High is exact
  static constexpr T kLog2E = T(1.44269504088896340736);
  static constexpr T kInfinity = std::numeric_limits<T>::infinity(), kNan = std::numeric_limits<T>::quiet_NaN();

  static Bits bits(T value) { return __builtin_bit_cast(Bits, value); }
  static T number(Bits bits) { return __builtin_bit_cast(T, bits); }
};

// c0 x^n + c1 x^(n-1) + ... + cn
template <class T, class... C>
T polynomial(T x, T c0, C... c) {
  ((c0 = c0 * x + static_cast<T>(c)), ...);
  return c0;
}

// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class T>
struct Reduced {
  typename Format<T>::Bits n;  // two's complement
  T r;
};

template <class T>
Reduced<T> reduce(T x) {
  using F = Format<T>;
  const T shifted = x * F::kLog2E + F::kRound, n = shifted - F::kRound;
  return {F::bits(shifted) - F::bits(F::kRound), (x - n * F::kLn2High) - n * F::kLn2Low};
}

// 2^n for n that gives a normal number.
template <class T>
T power_of_two(typename Format<T>::Bits n) {
  return Format<T>::number((n + Format<T>::kBias) << Format<T>::kMantissa);
}

// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, to the precision of Result.
template <class Result, class T>
T exponential_rest(T r) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                      5.0000001201e-1f);
  else if constexpr (std::is_same_v<Result, float>)
    return polynomial(r, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5);
  else
    return polynomial(r, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                      1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5);
}

// e^x, 0 where that is below the smallest normal number. Result: float if no more digits than that are needed.
template <class T, class Result = T>
T exponential(T x) {
  using F = Format<T>;
  constexpr T kLowest = F::kSingle ? T(-87.3365447) : T(-708.396418532264), kHighest = F::kSingle ? T(89) : T(710);
  const T above = x < kLowest ? kLowest : x, inside = above > kHighest ? kHighest : above;
  const auto [n, r] = reduce(inside);
  const T y = r * r * exponential_rest<Result>(r) + r + 1;
  // 2^n is not a number for the largest n, so it is the product of two powers, whose biased exponents are a and b.
  const typename F::Bits sum = n + 2 * F::kBias, a = sum >> 1, b = sum - a;
  const T result = y * F::number(a << F::kMantissa) * F::number(b << F::kMantissa);
  return x < kLowest ? T(0) : result;
}

// e^x - 1
template <class T>
T exponential_minus_one(T x) {
  using F = Format<T>;
  constexpr T kLowest = -40, kHighest = F::kSingle ? T(89) : T(710);
  const T above = x < kLowest ? kLowest : x, inside = above > kHighest ? kHighest : above;
  const auto [n, r] = reduce(inside);
  const T p = r * r * exponential_rest<T>(r) + r, half = power_of_two<T>(n - 1);  // half of 2^n, which may be infinite
  return 2 * (half * p + (half - T(0.5)));
}

// log x: -inf at 0, NaN below it.
template <class T>
T logarithm(T x) {
  using F = Format<T>;
  using Bits = typename F::Bits;
  constexpr int kScale = F::kMantissa + 2;
  const bool subnormal = x < std::numeric_limits<T>::min();
  const Bits bits = F::bits(subnormal ? x * T(Bits{1} << kScale) : x);
  // x = 2^e (1 + f) with 1 + f from sqrt(1/2) to sqrt(2).
  constexpr Bits kSqrtHalf = F::kSingle ? Bits(0x3f3504f3) : Bits(0x3fe6a09e667f3bcd);
  constexpr Bits kOffset = Bits(F::kBias + 1);  // keeps the shifted bits positive
  const Bits shifted = bits - kSqrtHalf + (kOffset << F::kMantissa), exponent = shifted >> F::kMantissa;
  const T f = F::number(bits - ((exponent - kOffset) << F::kMantissa)) - 1;
  // The integer as a number: in the low bits of 2^mantissa.
  const T offset = T(kOffset) + (subnormal ? T(kScale) : T(0));
  const T e = (F::number(exponent | F::bits(T(Bits{1} << F::kMantissa))) - T(Bits{1} << F::kMantissa)) - offset;
  const T z = f * f;
  T y;
  if constexpr (F::kSingle) {
    y = f * z *
        polynomial(f, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                   -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  } else {
    const T quotient = f / (2 + f), square = quotient * quotient;
    y = quotient *
        (T(0.5) * z + square * polynomial(square, 1.479819860511658591e-01, 1.531383769920937332e-01,
                                          1.818357216161805012e-01, 2.222219843214978396e-01, 2.857142874366239149e-01,
                                          3.999999999940941908e-01, 6.666666666666735130e-01));
  }
  const T result = f + (y + e * F::kLn2Low - T(0.5) * z) + e * F::kLn2High;
  const T above = x == F::kInfinity ? x : result;
  return x > 0 ? above : x == 0 ? -F::kInfinity : F::kNan;
}

// log(1 + x). What 1 + x rounds away is put back by the derivative (W. Kahan).
template <class T>
T logarithm_of_one_plus(T x) {
  const T u = 1 + x, lost = x < 1 ? x - (u - 1) : 1 - (u - x), log_u = logarithm(u);
  return u > 0 && u < Format<T>::kInfinity ? log_u + lost / u : log_u;
}

// With t = e^(-2|x|) - 1, |tanh x| = -t / (t + 2).
template <class T>
T hyperbolic_tangent(T x) {
  const T t = exponential_minus_one(x < 0 ? 2 * x : -2 * x), size = t / (t + 2);
  return x < 0 ? size : -size;
}

// 1 / (1 + e^-x): where e^-x overflows, its reciprocal is the right 0.
template <class T>
T logistic(T x) {
  return 1 / (1 + exponential(-x));
}

}  // namespace cotangent::kernels::COTANGENT_ISA
