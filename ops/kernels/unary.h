// Unary: the primitive that an elementwise function of one tensor becomes. Internal.
#pragma once

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/elementwise.h"

namespace cotangent::kernels {

// Function is one row: name, saves, elements(x) on an Eigen array of float or double, and vjp(x, y, g).
template <class Function>
class Unary final : public Primitive {
 public:
  std::string_view name() const override { return Function::name; }

  Shape shape(const Tensors& inputs) const override {
    require_floating(name(), inputs[0].dtype());
    return inputs[0].shape();
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      map_elements<T, T>(inputs[0], output, [](const auto& x) { return Function::elements(x); });
    });
  }

  Saves saves() const override { return Function::saves; }

  Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t) const override {
    return Function::vjp(inputs[0], output, g);
  }
};

}  // namespace cotangent::kernels
