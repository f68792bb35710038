// Unary: the primitive that an elementwise function of one tensor becomes. Internal.
#pragma once

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/elementwise.h"
#include "cotangent/ops/kernels/operands.h"

namespace cotangent::kernels {

// Function is one row: one of kernels::functions, which says what is computed, with name, saves, and vjp(x, y, g). It
// takes Float32 and Float64, with `any_number` integers too.
template <class Function>
class Unary final : public Primitive {
 public:
  explicit Unary(Function function = {}) : function_(function) {}

  std::string_view name() const override { return Function::name; }

  Shape shape(const Tensors& inputs) const override {
    if constexpr (kAnyNumber) require_not_bool(name(), inputs[0].dtype());
    else require_floating(name(), inputs[0].dtype());
    return inputs[0].shape();
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const auto kernel = [&]<class T>() {
      const UnaryKernel<T> loop = table<ElementwiseKernels<T>>().unary[functions::UnaryFunctions::index<Function>()];
      map_elements<T, T>(
          inputs[0], output,
          [loop, parameter = parameter_of(function_)](const T* x, T* y, std::int64_t n) { loop(x, y, n, parameter); });
    };
    if constexpr (kAnyNumber) visit_number(output.dtype(), kernel);
    else visit_floating(output.dtype(), kernel);
  }

  Saves saves() const override { return Function::saves; }

  Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t) const override {
    return function_.vjp(inputs[0], output, g);
  }

 private:
  static constexpr bool kAnyNumber = requires { Function::any_number; };

  const Function function_;
};

// The row of a step function: its derivative is zero wherever it exists.
struct Flat {
  static constexpr Saves saves = Saves::Nothing;
  static Tensor vjp(const Tensor&, const Tensor&, const Tensor&) { return Tensor(); }
};

}  // namespace cotangent::kernels
