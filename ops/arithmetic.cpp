// Arithmetic: add, subtract, multiply, divide, negative.
#include "cotangent/ops/arithmetic.h"

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/binary.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

struct Add {
  static constexpr std::string_view name = "add";
  static constexpr Saves saves = Saves::Nothing;
  static auto elements(const auto& a, const auto& b) { return a + b; }
  static Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) { return g; }
};

struct Subtract {
  static constexpr std::string_view name = "subtract";
  static constexpr Saves saves = Saves::Nothing;
  static auto elements(const auto& a, const auto& b) { return a - b; }
  static Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t which) { return which == 0 ? g : -g; }
};

struct Multiply {
  static constexpr std::string_view name = "multiply";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& a, const auto& b) { return a * b; }
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) {
    return g * inputs[1 - which];
  }
};

struct Divide {
  static constexpr std::string_view name = "divide";
  static constexpr Saves saves = Saves::InputsAndOutput;
  static constexpr bool floating_only = true;
  static auto elements(const auto& a, const auto& b) { return a / b; }
  static Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t which) {
    return which == 0 ? g / inputs[1] : -g * output / inputs[1];
  }
};

class Negative final : public Primitive {
 public:
  std::string_view name() const override { return "negative"; }
  Shape shape(const Tensors& inputs) const override {
    kernels::require_not_bool(name(), inputs[0].dtype());
    return inputs[0].shape();
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::visit_number(output.dtype(), [&]<class T>() {
      kernels::map_elements<T, T>(inputs[0], output, [](const auto& x) { return T{0} - x; });
    });
  }
  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override { return -g; }
};

Tensor like(const Tensor& tensor, double value) { return full({}, value, tensor.dtype()); }

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Add>>({a, b}); }
Tensor subtract(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Subtract>>({a, b}); }
Tensor multiply(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Multiply>>({a, b}); }
Tensor divide(const Tensor& a, const Tensor& b) { return run<kernels::Binary<Divide>>({a, b}); }
Tensor negative(const Tensor& x) { return run<Negative>({x}); }

Tensor operator+(const Tensor& a, double b) { return a + like(a, b); }
Tensor operator+(double a, const Tensor& b) { return like(b, a) + b; }
Tensor operator-(const Tensor& a, double b) { return a - like(a, b); }
Tensor operator-(double a, const Tensor& b) { return like(b, a) - b; }
Tensor operator*(const Tensor& a, double b) { return a * like(a, b); }
Tensor operator*(double a, const Tensor& b) { return like(b, a) * b; }
Tensor operator/(const Tensor& a, double b) { return a / like(a, b); }
Tensor operator/(double a, const Tensor& b) { return like(b, a) / b; }

}  // namespace cotangent
