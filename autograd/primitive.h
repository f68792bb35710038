// Primitive: the contract that every differentiable operation fulfils. Whoever adds one reads this page.
#pragma once

#include <memory>
#include <string_view>

#include "cotangent/core/tensor.h"

namespace cotangent {

// What vjp() reads elements of. What is not named here reaches vjp() with its shape and dtype only, and its memory is
// free as soon as the caller drops it.
enum class Saves { Nothing, Inputs, Output, InputsAndOutput };

// One operation from tensors to a tensor. Objects are immutable; attributes (axes, strides, ...) are members fixed by
// the constructor.
class Primitive {
 public:
  virtual ~Primitive() = default;

  // For messages, graphs and the gradient table, where every primitive has a row: "conv_general_dilated".
  virtual std::string_view name() const = 0;

  // The output's shape, or an Error that says which rule is broken. All checks of the inputs belong here: forward()
  // and vjp() are only called for inputs that passed.
  virtual Shape shape(const Tensors& inputs) const = 0;

  // The output's dtype; that of the first input unless overridden.
  virtual DType dtype(const Tensors& inputs) const { return inputs.front().dtype(); }

  // Writes all elements of `output`, which has the shape and dtype from above. Records nothing. Not called under
  // ShapesOnly, where shape() gets inputs without elements: should it check any, then only if has_elements().
  virtual void forward(const Tensors& inputs, Tensor& output) const = 0;

  // True if the output has the elements of input 0 in the same order: it then shares them, and forward() is not called.
  virtual bool is_view() const { return false; }

  virtual Saves saves() const { return Saves::Inputs; }

  // The cotangent of inputs[which], given the cotangent `g` of `output`: (d output / d inputs[which]) transposed,
  // applied to g. Built from differentiable operations, so that derivatives of any order follow. A null tensor means
  // zero. Only asked for inputs of a floating dtype on which the derivative depends.
  virtual Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t which) const = 0;
};

// Checks, computes, and (inside a transform, if an input is being differentiated) records: how every operation runs.
Tensor run(const std::shared_ptr<const Primitive>& primitive, Tensors inputs);

// run(), for a primitive made on the spot: run<Transpose>({x}, axes).
template <class P, class... Attributes>
Tensor run(Tensors inputs, Attributes&&... attributes) {
  if constexpr (sizeof...(Attributes) == 0) {  // no attributes: one object serves every call
    static const std::shared_ptr<const Primitive> primitive = std::make_shared<const P>();
    return run(primitive, std::move(inputs));
  } else {
    return run(std::make_shared<const P>(std::forward<Attributes>(attributes)...), std::move(inputs));
  }
}

}  // namespace cotangent
