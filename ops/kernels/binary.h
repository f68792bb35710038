// Binary: the primitive that an elementwise function of two tensors becomes. Internal.
#pragma once

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/elementwise.h"
#include "cotangent/ops/kernels/operands.h"
#include "cotangent/ops/reduce.h"

namespace cotangent::kernels {

// Function is one row: one of kernels::functions, which says what is computed, with name, saves, and
// vjp(inputs, output, g, which), whose result may still have the output's shape: it is summed back to the input's here.
template <class Function>
class Binary final : public Primitive {
 public:
  explicit Binary(Function function = {}) : function_(function) {}

  std::string_view name() const override { return Function::name; }

  Shape shape(const Tensors& inputs) const override {
    require_same_dtype(name(), inputs[0], inputs[1]);
    if constexpr (requires { Function::floating_only; }) require_floating(name(), inputs[0].dtype());
    require_not_bool(name(), inputs[0].dtype());
    return broadcast_shapes(name(), inputs[0].shape(), inputs[1].shape());
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const auto kernel = [&]<class T>() {
      const BinaryKernel<T> loop = table<ElementwiseKernels<T>>().binary[functions::BinaryFunctions::index<Function>()];
      map_broadcast<T, T, T>(inputs, output,
                             [loop, parameter = parameter_of(function_)](const T* a, const T* b, T* y, std::int64_t n) {
                               loop(a, b, y, n, parameter);
                             });
    };
    if constexpr (requires { Function::floating_only; }) visit_floating(output.dtype(), kernel);
    else visit_number(output.dtype(), kernel);
  }

  Saves saves() const override { return Function::saves; }

  Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t which) const override {
    const Tensor cotangent = function_.vjp(inputs, output, g, which);
    return cotangent.is_null() ? cotangent : sum_to(cotangent, inputs[which].shape());
  }

 private:
  const Function function_;
};

}  // namespace cotangent::kernels
