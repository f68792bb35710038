// Elementwise functions of one tensor: exponentials, powers and rounding, each a row of name, elements and vjp.
#include "cotangent/ops/unary.h"

#include <cmath>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/exponential.h"
#include "cotangent/ops/kernels/unary.h"

namespace cotangent {
namespace {

using kernels::Flat;
using kernels::Unary;

struct Exp {
  static constexpr std::string_view name = "exp";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return kernels::exponential(x); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return g * y; }
};

struct Expm1 {
  static constexpr std::string_view name = "expm1";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) { return x.expm1(); }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * exp(x); }
};

// Eigen's vectorised logarithm is wrong for subnormal numbers, its square root loses them; the standard ones are not.
struct Log {
  static constexpr std::string_view name = "log";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) {
    return x.unaryExpr([](auto element) { return std::log(element); });
  }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g / x; }
};

struct Log1p {
  static constexpr std::string_view name = "log1p";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) { return x.log1p(); }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g / (1.0 + x); }
};

struct Sqrt {
  static constexpr std::string_view name = "sqrt";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) {
    return x.unaryExpr([](auto element) { return std::sqrt(element); });
  }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return 0.5 * g / y; }
};

struct Rsqrt {
  static constexpr std::string_view name = "rsqrt";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return Sqrt::elements(x).inverse(); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return -0.5 * g * (y * y * y); }
};

struct Square {
  static constexpr std::string_view name = "square";
  static constexpr Saves saves = Saves::Inputs;
  static constexpr bool any_number = true;
  static auto elements(const auto& x) { return x.square(); }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return 2.0 * g * x; }
};

struct Reciprocal {
  static constexpr std::string_view name = "reciprocal";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return x.inverse(); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return -g * (y * y); }
};

struct Abs {
  static constexpr std::string_view name = "abs";
  static constexpr Saves saves = Saves::Inputs;
  static constexpr bool any_number = true;
  static auto elements(const auto& x) { return x.abs(); }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * sign(x); }
};

struct Sign : Flat {
  static constexpr std::string_view name = "sign";
  static constexpr bool any_number = true;
  static auto elements(const auto& x) {
    return x.unaryExpr([](auto element) {
      using T = decltype(element);
      if (element != element) return element;
      return static_cast<T>(static_cast<int>(element > T{0}) - static_cast<int>(element < T{0}));
    });
  }
};

struct Floor : Flat {
  static constexpr std::string_view name = "floor";
  static auto elements(const auto& x) { return x.floor(); }
};

struct Ceil : Flat {
  static constexpr std::string_view name = "ceil";
  static auto elements(const auto& x) { return x.ceil(); }
};

struct Round : Flat {
  static constexpr std::string_view name = "round";
  static auto elements(const auto& x) { return x.rint(); }
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
