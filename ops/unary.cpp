// Elementwise functions of one tensor: each a row of name, elements and vjp.
#include "cotangent/ops/unary.h"

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/unary.h"

namespace cotangent {
namespace {

struct Exp {
  static constexpr std::string_view name = "exp";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return x.exp(); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return g * y; }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return x.tanh(); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return g * (1.0 - y * y); }
};

}  // namespace

Tensor exp(const Tensor& x) { return run<kernels::Unary<Exp>>({x}); }
Tensor tanh(const Tensor& x) { return run<kernels::Unary<Tanh>>({x}); }

}  // namespace cotangent
