// Arithmetic: add, subtract, multiply, divide, negative.
#include "cotangent/ops/arithmetic.h"

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/binary.h"
#include "cotangent/ops/kernels/unary.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

namespace functions = kernels::functions;

using kernels::number_like;

struct Add : functions::Add {
  static constexpr std::string_view name = "add";
  static constexpr Saves saves = Saves::Nothing;
  static Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) { return g; }
};

struct Subtract : functions::Subtract {
  static constexpr std::string_view name = "subtract";
  static constexpr Saves saves = Saves::Nothing;
  static Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t which) { return which == 0 ? g : -g; }
};

struct Multiply : functions::Multiply {
  static constexpr std::string_view name = "multiply";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) {
    return g * inputs[1 - which];
  }
};

struct Divide : functions::Divide {
  static constexpr std::string_view name = "divide";
  static constexpr Saves saves = Saves::InputsAndOutput;
  static Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t which) {
    return which == 0 ? g / inputs[1] : -g * output / inputs[1];
  }
};

struct Negative : functions::Negative {
  static constexpr std::string_view name = "negative";
  static constexpr Saves saves = Saves::Nothing;
  static Tensor vjp(const Tensor&, const Tensor&, const Tensor& g) { return -g; }
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Add>>({a, b}); }
Tensor subtract(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Subtract>>({a, b}); }
Tensor multiply(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Multiply>>({a, b}); }
Tensor divide(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Divide>>({a, b}); }
Tensor negative(const Tensor& x) { return run<kernels::Unary<Negative>>({x}); }

Tensor operator+(const Tensor& a, double b) { return a + number_like(a, b); }
Tensor operator+(double a, const Tensor& b) { return number_like(b, a) + b; }
Tensor operator-(const Tensor& a, double b) { return a - number_like(a, b); }
Tensor operator-(double a, const Tensor& b) { return number_like(b, a) - b; }
Tensor operator*(const Tensor& a, double b) { return a * number_like(a, b); }
Tensor operator*(double a, const Tensor& b) { return number_like(b, a) * b; }
Tensor operator/(const Tensor& a, double b) { return a / number_like(a, b); }
Tensor operator/(double a, const Tensor& b) { return number_like(b, a) / b; }

}  // namespace cotangent
