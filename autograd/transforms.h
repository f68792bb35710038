// Transforms: derivatives of functions, as functions. They nest to any order.
#pragma once

#include <functional>
#include <tuple>
#include <utility>

#include "cotangent/autograd/function.h"
#include "cotangent/core/tensor.h"

namespace cotangent {

struct Vjp {
  Tensor value;                                    // f(inputs)
  std::function<Tensors(const Tensor&)> pullback;  // cotangent of value -> cotangents of the inputs
};

// f(inputs) and its pullback, the transposed derivative at `inputs` (jax.vjp). The pullback may be called any number
// of times, also inside another transform, and takes a cotangent of value's shape and dtype. Every input must be
// Float32 or Float64; a cotangent is zero where the value does not depend on the input.
Vjp vjp(const Function& f, const Tensors& inputs);

using ManyFunction = std::function<Tensors(const Tensors&)>;
struct ManyVjp {
  Tensors values;
  std::function<Tensors(const Tensors&)> pullback;  // cotangents of values -> cotangents of the inputs
};

// vjp() of a function with several results. A null cotangent means zero.
ManyVjp vjp_many(const ManyFunction& f, const Tensors& inputs);

struct ValueAndGrad {
  Tensor value;   // f(inputs), a single number
  Tensors grads;  // one for each input, of its shape and dtype
};

// The value and gradients of a function whose result has one element (jax.value_and_grad).
ValueAndGrad value_and_grad(const Function& f, const Tensors& inputs);

struct Jvp {
  Tensor value;    // f(inputs)
  Tensor tangent;  // (d f / d inputs) applied to the tangents
};

// The directional derivative (jax.jvp): forward mode, as the transpose of the pullback.
Jvp jvp(const Function& f, const Tensors& inputs, const Tensors& tangents);

struct ManyJvp {
  Tensors values, tangents;
};

// jvp() of a function with several results.
ManyJvp jvp_many(const ManyFunction& f, const Tensors& inputs, const Tensors& tangents);

// The product of the Hessian of a function with one-element result and a vector, without the Hessian.
Tensor hvp(const Function& f, const Tensor& x, const Tensor& v);
Tensors hvp(const Function& f, const Tensors& inputs, const Tensors& vectors);

// `x` as a constant: no transform, however nested, differentiates through the result (jax.lax.stop_gradient).
Tensor stop_gradient(const Tensor& x);

// The gradient of a function, as a function of the same arguments: one Tensor gives a Tensor, two a pair, more a tuple,
// and Tensors gives Tensors.
class Gradient {
 public:
  explicit Gradient(Function f) : f_(std::move(f)) {}

  Tensors operator()(const Tensors& inputs) const { return value_and_grad(f_, inputs).grads; }
  Tensor operator()(const Tensor& x) const { return std::move((*this)(Tensors{x})[0]); }

  template <class... Rest>
  requires(std::is_same_v<Rest, Tensor>&&...) auto operator()(const Tensor& first, const Tensor& second,
                                                              const Rest&... rest) const {
    Tensors grads = (*this)(Tensors{first, second, rest...});
    if constexpr (sizeof...(Rest) == 0) {
      return std::pair<Tensor, Tensor>(std::move(grads[0]), std::move(grads[1]));
    } else {
      return [&]<std::size_t... I>(std::index_sequence<I...>) { return std::make_tuple(std::move(grads[I])...); }
      (std::make_index_sequence<2 + sizeof...(Rest)>());
    }
  }

 private:
  Function f_;
};

// The gradient of `f`, whose result must have one element (jax.grad): grad(f)(x, w).
inline Gradient grad(Function f) { return Gradient(std::move(f)); }

}  // namespace cotangent
