// Elementwise functions of two tensors: power, maximum, minimum, atan2.
#include "cotangent/ops/binary.h"

#include <cmath>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/compare.h"
#include "cotangent/ops/kernels/binary.h"
#include "cotangent/ops/kernels/unary.h"
#include "cotangent/ops/unary.h"
#include "cotangent/ops/where.h"

namespace cotangent {
namespace {

namespace functions = kernels::functions;

using kernels::Binary;
using kernels::Unary;

struct Power : functions::Power {
  static constexpr std::string_view name = "power";
  static constexpr Saves saves = Saves::InputsAndOutput;
  static Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t which) {
    const Tensor &a = inputs[0], &b = inputs[1];
    // A zero exponent or base would give 0 * inf = NaN below, so the derivative is found for 1 there and set to 0.
    if (which == 1) return where(equal(a, 0), 0, g * output * log(where(equal(a, 0), 1, a)));
    const Tensor constant = equal(b, 0);
    return where(constant, 0, g * b * power(a, where(constant, 1, b) - 1.0));
  }
};

// x^exponent for one number: what the exponent is decides the derivative.
struct PowerOf : functions::PowerOf {
  static constexpr std::string_view name = "power_of";
  static constexpr Saves saves = Saves::Inputs;
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const { return exponent * g * power(x, exponent - 1); }
};

// The cotangent's share of the operand that `wins` marks: all of it, or half on ties.
Tensor share(const Tensors& inputs, const Tensor& wins, const Tensor& g) {
  return where(wins, g, where(equal(inputs[0], inputs[1]), 0.5 * g, 0));
}

struct Maximum : functions::Maximum {
  static constexpr std::string_view name = "maximum";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) {
    return share(inputs, greater(inputs[which], inputs[1 - which]), g);
  }
};

struct Minimum : functions::Minimum {
  static constexpr std::string_view name = "minimum";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) {
    return share(inputs, less(inputs[which], inputs[1 - which]), g);
  }
};

struct Atan2 : functions::Atan2 {
  static constexpr std::string_view name = "atan2";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) {
    const Tensor scaled = g / (square(inputs[0]) + square(inputs[1]));
    return which == 0 ? scaled * inputs[1] : -scaled * inputs[0];
  }
};

}  // namespace

Tensor power(const Tensor& a, const Tensor& b) { return run<Binary<Power>>({a, b}); }

Tensor power(const Tensor& a, double b) {
  require_floating("power", a.dtype());
  if (b == 0) return ones_like(a);
  if (b == 1) return a;
  if (b == 2) return square(a);
  return run<Unary<PowerOf>>({a}, PowerOf{{b}});
}

Tensor maximum(const Tensor& a, const Tensor& b) { return run<Binary<Maximum>>({a, b}); }
Tensor maximum(const Tensor& a, double b) { return maximum(a, kernels::number_like(a, b)); }
Tensor minimum(const Tensor& a, const Tensor& b) { return run<Binary<Minimum>>({a, b}); }
Tensor minimum(const Tensor& a, double b) { return minimum(a, kernels::number_like(a, b)); }
Tensor atan2(const Tensor& y, const Tensor& x) { return run<Binary<Atan2>>({y, x}); }

}  // namespace cotangent
