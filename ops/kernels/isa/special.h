// The error function, sine and cosine of one number, written so that loops over them become vector code.
//
// In Float32 they are computed in double precision, where series with few terms and no tricks suffice; in Float64 they
// are the standard ones.
#pragma once

#include <cmath>

#include "cotangent/ops/kernels/isa/exponential.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Interpolates e^(z^2) erfc(z) (1 + 2 z) at Chebyshev points of s = (z - 5/2) / (z + 5/2); relative error below 8e-9
// for all z >= 0. The form is that of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x",
// 1981.
inline double scaled_erfc(double z) {
  const double s = (z - 2.5) / (z + 2.5);
  const double p = polynomial(s, 9.79271363978394e-06, -6.068868866840113e-05, -9.272924749071675e-05,
                              0.0005725731957288469, 0.0004949881413141865, -0.004347602681407308,
                              0.0009307958016271721, 0.03275094855479293, -0.10296690177374396, 0.15763115883771872,
                              -0.09902454535328789, -0.12235680733712777, 1.264838184366862);
  return p / (1 + 2 * z);
}

// erfc x for the digits of a float.
inline double short_erfc(double x) {
  const double size = x < 0 ? -x : x, z = size > 12 ? 12 : size;  // erfc 12 is below all floats
  const double tail = exponential<double, float>(-z * z) * scaled_erfc(z);
  return x < 0 ? 2 - tail : tail;
}

template <class T>
T error_function(T x) {
  if constexpr (std::is_same_v<T, float>) {
    const double wide = x, z = wide * wide;
    // erf(x) / x at Chebyshev points of x^2, for |x| <= 1
    const double p =
        polynomial(z, -9.667045787864481e-06, 0.00011265959395245773, -0.0008484080444901565, 0.0052210318093735,
                   -0.026865430727577078, 0.11283782495218742, -0.37612638468025705, 1.1283791670615422);
    const double near = wide * p, size = 1 - short_erfc(wide < 0 ? -wide : wide), far = wide < 0 ? -size : size;
    return static_cast<float>(z < 1 ? near : far);
  } else {
    return std::erf(x);
  }
}

template <class T>
T complementary_error_function(T x) {
  if constexpr (std::is_same_v<T, float>) return static_cast<float>(short_erfc(x));
  else return std::erfc(x);
}

// Numbers whose sine and cosine short_sine finds. The others are left to the standard functions.
inline bool is_short_angle(float x) { return x > -1e5f && x < 1e5f; }

// sin(x + quarters * pi / 2) for the digits of a float.
inline float short_sine(float angle, std::uint64_t quarters) {
  using F = Format<double>;
  constexpr double kHalfPiHigh = 0x1.921fb544p+0, kHalfPiLow = 0x1.0b4611a626331p-34;  // an integer times High is exact
  const double x = angle, shifted = x * 0.63661977236758134308 + F::kRound, n = shifted - F::kRound;
  const double r = (x - n * kHalfPiHigh) - n * kHalfPiLow, z = r * r;  // |r| <= pi / 4
  const double sine = polynomial(z, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6);
  const double cosine = polynomial(z, 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -0.5);
  const std::uint64_t quadrant = F::bits(shifted) + quarters;
  const double size = (quadrant & 1) != 0 ? 1 + z * cosine : r + r * z * sine;
  return static_cast<float>((quadrant & 2) != 0 ? -size : size);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
