// What elementwise functions of one number compute. The primitives that they belong to, with their names and vjps, are
// in ops/unary.cpp, ops/trigonometry.cpp and ops/activations.cpp.
//
// A function is `of`, a template on the type of number. It takes Float32 and Float64, with `any_number` integers too. A
// parameter is its one member, a double. One whose `of` does without branches and calls becomes vector code; where that
// is wrong for some numbers, `covers(x)` says which are right, and the others go to `elsewhere(x)`.
#pragma once

#include <numbers>

#include "cotangent/ops/kernels/isa/special.h"

namespace cotangent::kernels::COTANGENT_ISA::functions {

struct Exp {
  static auto of(auto x) { return exponential(x); }
};
struct Expm1 {
  static auto of(auto x) { return exponential_minus_one(x); }
};
struct Log {
  static auto of(auto x) { return logarithm(x); }
};
struct Log1p {
  static auto of(auto x) { return logarithm_of_one_plus(x); }
};
struct Sqrt {
  static auto of(auto x) { return std::sqrt(x); }
};
struct Rsqrt {
  static auto of(auto x) { return 1 / std::sqrt(x); }
};
struct Square {
  static constexpr bool any_number = true;
  template <class T>
  static T of(T x) {
    return static_cast<T>(x * x);
  }
};
struct Reciprocal {
  static auto of(auto x) { return 1 / x; }
};
struct Negative {
  static constexpr bool any_number = true;
  template <class T>
  static T of(T x) {
    return static_cast<T>(-x);
  }
};
struct Abs {
  static constexpr bool any_number = true;
  template <class T>
  static T of(T x) {
    if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
    else return static_cast<T>(x < 0 ? -x : x);
  }
};
struct Sign {
  static constexpr bool any_number = true;
  template <class T>
  static T of(T x) {
    const T sign = x > 0 ? T(1) : x < 0 ? static_cast<T>(-1) : T(0);
    return x != x ? x : sign;
  }
};
struct Floor {
  static auto of(auto x) { return std::floor(x); }
};
struct Ceil {
  static auto of(auto x) { return std::ceil(x); }
};
struct Round {
  static auto of(auto x) { return std::rint(x); }
};

// x^parameter
struct PowerOf {
  double exponent;
  template <class T>
  T of(T x) const {
    return std::pow(x, static_cast<T>(exponent));
  }
};

// Float32 by short_sine, Float64 by the standard functions.
struct Sin {
  static float of(float x) { return short_sine(x, 0); }
  static double of(double x) { return std::sin(x); }
  static bool covers(float x) { return is_short_angle(x); }
  static bool covers(double) { return true; }
  static auto elsewhere(auto x) { return std::sin(x); }
};
struct Cos {
  static float of(float x) { return short_sine(x, 1); }
  static double of(double x) { return std::cos(x); }
  static bool covers(float x) { return is_short_angle(x); }
  static bool covers(double) { return true; }
  static auto elsewhere(auto x) { return std::cos(x); }
};
struct Tan {
  static auto of(auto x) { return std::tan(x); }
};
struct Asin {
  static auto of(auto x) { return std::asin(x); }
};
struct Acos {
  static auto of(auto x) { return std::acos(x); }
};
struct Atan {
  static auto of(auto x) { return std::atan(x); }
};
struct Sinh {
  static auto of(auto x) { return std::sinh(x); }
};
struct Cosh {
  static auto of(auto x) { return std::cosh(x); }
};
struct Tanh {
  static auto of(auto x) { return hyperbolic_tangent(x); }
};
struct Erf {
  static auto of(auto x) { return error_function(x); }
};
struct Erfc {
  static auto of(auto x) { return complementary_error_function(x); }
};

struct Relu {
  template <class T>
  static T of(T x) {
    return x < 0 ? T(0) : x;
  }
};
struct LeakyRelu {
  double slope;
  template <class T>
  T of(T x) const {
    return x > 0 ? x : static_cast<T>(slope) * x;
  }
};
struct Elu {
  double alpha;
  template <class T>
  T of(T x) const {
    return x > 0 ? x : static_cast<T>(alpha) * exponential_minus_one(x);
  }
};
struct Sigmoid {
  static auto of(auto x) { return logistic(x); }
};
struct Silu {
  static auto of(auto x) { return x * logistic(x); }
};
struct Softplus {  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
  template <class T>
  static T of(T x) {
    return (x > 0 ? x : T(0)) + logarithm_of_one_plus(exponential(-std::fabs(x)));
  }
};
struct Gelu {  // erfc keeps the digits of the left tail, which 1 + erf would lose
  template <class T>
  static T of(T x) {
    return x / 2 * complementary_error_function(-x / std::numbers::sqrt2_v<T>);
  }
};
struct GeluTanh {  // (1 + tanh(u)) / 2 = sigmoid(2 u)
  static constexpr double kCubic = 0.044715;
  static constexpr double kTwice = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // 2 sqrt(2 / pi)
  template <class T>
  static T of(T x) {
    return x * logistic(T(kTwice) * (x + T(kCubic) * (x * x * x)));
  }
};

}  // namespace cotangent::kernels::COTANGENT_ISA::functions
