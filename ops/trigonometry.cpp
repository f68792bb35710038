// Elementwise functions of one tensor: trigonometric and hyperbolic functions, and the error function.
#include <cmath>
#include <numbers>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/derivative.h"
#include "cotangent/ops/kernels/unary.h"
#include "cotangent/ops/unary.h"

namespace cotangent {
namespace {

namespace functions = kernels::functions;

using kernels::Unary;

struct Sin : functions::Sin {
  static constexpr std::string_view name = "sin";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * cos(x); }
};

struct Cos : functions::Cos {
  static constexpr std::string_view name = "cos";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return -g * sin(x); }
};

struct Tan : functions::Tan {
  static constexpr std::string_view name = "tan";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return g * (1.0 + y * y); }
};

struct Asin : functions::Asin {
  static constexpr std::string_view name = "asin";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * rsqrt((1.0 - x) * (1.0 + x)); }
};

struct Acos : functions::Acos {
  static constexpr std::string_view name = "acos";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return -g * rsqrt((1.0 - x) * (1.0 + x)); }
};

struct Atan : functions::Atan {
  static constexpr std::string_view name = "atan";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g / (1.0 + x * x); }
};

struct Sinh : functions::Sinh {
  static constexpr std::string_view name = "sinh";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * cosh(x); }
};

struct Cosh : functions::Cosh {
  static constexpr std::string_view name = "cosh";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * sinh(x); }
};

struct TanhGrad : functions::TanhGrad {
  static constexpr std::string_view name = "tanh_grad";
  static Tensor curvature(const Tensor& y) { return -2.0 * y; }
};

struct Tanh : functions::Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) {
    return kernels::times_derivative<TanhGrad>(y, g);
  }
};

// d/dx erf(x)
Tensor erf_slope(const Tensor& x) { return 2.0 * std::numbers::inv_sqrtpi * exp(-square(x)); }

struct Erf : functions::Erf {
  static constexpr std::string_view name = "erf";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * erf_slope(x); }
};

struct Erfc : functions::Erfc {
  static constexpr std::string_view name = "erfc";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return -g * erf_slope(x); }
};

}  // namespace

Tensor sin(const Tensor& x) { return run<Unary<Sin>>({x}); }
Tensor cos(const Tensor& x) { return run<Unary<Cos>>({x}); }
Tensor tan(const Tensor& x) { return run<Unary<Tan>>({x}); }
Tensor asin(const Tensor& x) { return run<Unary<Asin>>({x}); }
Tensor acos(const Tensor& x) { return run<Unary<Acos>>({x}); }
Tensor atan(const Tensor& x) { return run<Unary<Atan>>({x}); }
Tensor sinh(const Tensor& x) { return run<Unary<Sinh>>({x}); }
Tensor cosh(const Tensor& x) { return run<Unary<Cosh>>({x}); }
Tensor tanh(const Tensor& x) { return run<Unary<Tanh>>({x}); }
Tensor erf(const Tensor& x) { return run<Unary<Erf>>({x}); }
Tensor erfc(const Tensor& x) { return run<Unary<Erfc>>({x}); }

}  // namespace cotangent
