// What elementwise functions of two numbers compute, as in unary_functions.h. The primitives that they belong to are in
// ops/arithmetic.cpp, ops/binary.cpp, ops/activations.cpp and ops/compare.cpp.
//
// They take integers too, except where they are `floating_only`.
#pragma once

#include "cotangent/ops/kernels/isa/unary_functions.h"

namespace cotangent::kernels::COTANGENT_ISA::functions {

struct Add {
  static auto of(auto a, auto b) { return a + b; }
};
struct Subtract {
  static auto of(auto a, auto b) { return a - b; }
};
struct Multiply {
  static auto of(auto a, auto b) { return a * b; }
};
struct Divide {
  static constexpr bool floating_only = true;
  static auto of(auto a, auto b) { return a / b; }
};
struct Maximum {  // NaN if either is
  template <class T>
  static T of(T a, T b) {
    return a > b || a != a ? a : b;
  }
};
struct Minimum {
  template <class T>
  static T of(T a, T b) {
    return a < b || a != a ? a : b;
  }
};
struct Power {
  static constexpr bool floating_only = true;
  static auto of(auto base, auto exponent) { return std::pow(base, exponent); }
};
struct Atan2 {
  static constexpr bool floating_only = true;
  static auto of(auto y, auto x) { return std::atan2(y, x); }
};

// Products of a cotangent g and the derivative of an activation, at its output y or its input x.
struct ReluGrad {  // 0 also where g is not finite
  static constexpr bool floating_only = true;
  template <class T>
  static T of(T y, T g) {
    return y > 0 ? g : T(0);
  }
};
struct LeakyReluGrad {
  static constexpr bool floating_only = true;
  double alpha;
  template <class T>
  T of(T x, T g) const {
    return x > 0 ? g : static_cast<T>(alpha) * g;
  }
};
struct EluGrad {
  static constexpr bool floating_only = true;
  double alpha;
  template <class T>
  T of(T x, T g) const {
    return x > 0 ? g : static_cast<T>(alpha) * exponential(x) * g;
  }
};
struct SigmoidGrad {
  static constexpr bool floating_only = true;
  static auto of(auto y, auto g) { return g * (y * (1 - y)); }
};
struct TanhGrad {
  static constexpr bool floating_only = true;
  static auto of(auto y, auto g) { return g * (1 - y * y); }
};
struct SiluGrad {
  static constexpr bool floating_only = true;
  static auto of(auto x, auto g) {
    const auto s = logistic(x);
    return g * (s * (1 + x * (1 - s)));
  }
};
struct SoftplusGrad {
  static constexpr bool floating_only = true;
  static auto of(auto x, auto g) { return g * logistic(x); }
};
struct GeluGrad {
  static constexpr bool floating_only = true;
  static constexpr double kDensity = std::numbers::sqrt2 / 2 * std::numbers::inv_sqrtpi;  // of a standard normal at 0
  template <class T>
  static T of(T x, T g) {
    const T probability = complementary_error_function(-x / std::numbers::sqrt2_v<T>) / 2;
    return g * (probability + x * (T(kDensity) * exponential(T(-0.5) * x * x)));
  }
};

// Relations.
struct Equal {
  static bool of(auto a, auto b) { return a == b; }
};
struct NotEqual {
  static bool of(auto a, auto b) { return a != b; }
};
struct Less {
  static bool of(auto a, auto b) { return a < b; }
};
struct LessEqual {
  static bool of(auto a, auto b) { return a <= b; }
};

}  // namespace cotangent::kernels::COTANGENT_ISA::functions
