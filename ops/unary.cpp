// Elementwise functions of one tensor: exponentials, powers and rounding, each a row of name, elements and vjp.
#include "cotangent/ops/unary.h"

#include <cmath>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/unary.h"

namespace cotangent {
namespace {

namespace functions = kernels::functions;

using kernels::Flat;
using kernels::Unary;

struct Exp : functions::Exp {
  static constexpr std::string_view name = "exp";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return g * y; }
};

struct Expm1 : functions::Expm1 {
  static constexpr std::string_view name = "expm1";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * exp(x); }
};

struct Log : functions::Log {
  static constexpr std::string_view name = "log";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g / x; }
};

struct Log1p : functions::Log1p {
  static constexpr std::string_view name = "log1p";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g / (1.0 + x); }
};

struct Sqrt : functions::Sqrt {
  static constexpr std::string_view name = "sqrt";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return 0.5 * g / y; }
};

struct Rsqrt : functions::Rsqrt {
  static constexpr std::string_view name = "rsqrt";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return -0.5 * g * (y * y * y); }
};

struct Square : functions::Square {
  static constexpr std::string_view name = "square";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return 2.0 * g * x; }
};

struct Reciprocal : functions::Reciprocal {
  static constexpr std::string_view name = "reciprocal";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return -g * (y * y); }
};

struct Abs : functions::Abs {
  static constexpr std::string_view name = "abs";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * sign(x); }
};

struct Sign : functions::Sign, Flat {
  static constexpr std::string_view name = "sign";
};

struct Floor : functions::Floor, Flat {
  static constexpr std::string_view name = "floor";
};

struct Ceil : functions::Ceil, Flat {
  static constexpr std::string_view name = "ceil";
};

struct Round : functions::Round, Flat {
  static constexpr std::string_view name = "round";
};

}  // namespace

Tensor exp(const Tensor& x) { return run<Unary<Exp>>({x}); }
Tensor expm1(const Tensor& x) { return run<Unary<Expm1>>({x}); }
Tensor log(const Tensor& x) { return run<Unary<Log>>({x}); }
Tensor log1p(const Tensor& x) { return run<Unary<Log1p>>({x}); }
Tensor sqrt(const Tensor& x) { return run<Unary<Sqrt>>({x}); }
Tensor rsqrt(const Tensor& x) { return run<Unary<Rsqrt>>({x}); }
Tensor square(const Tensor& x) { return run<Unary<Square>>({x}); }
Tensor reciprocal(const Tensor& x) { return run<Unary<Reciprocal>>({x}); }
Tensor abs(const Tensor& x) { return run<Unary<Abs>>({x}); }
Tensor sign(const Tensor& x) { return run<Unary<Sign>>({x}); }
Tensor floor(const Tensor& x) { return run<Unary<Floor>>({x}); }
Tensor ceil(const Tensor& x) { return run<Unary<Ceil>>({x}); }
Tensor round(const Tensor& x) { return run<Unary<Round>>({x}); }

}  // namespace cotangent
