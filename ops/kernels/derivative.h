// Derivative: a cotangent times the derivative of an elementwise function, in one pass. Internal.
#pragma once

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/binary.h"

namespace cotangent::kernels {

// The row for kernels::Binary of g * f'(s), where s is what f saves, its input or its output. Row is that function of
// kernels::functions, with a name, and curvature(s), the derivative of f'(s) with respect to s in differentiable
// operations, or a null tensor where it is zero.
template <class Row>
struct Derivative : Row {
  static constexpr Saves saves = Saves::Inputs;

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& u, std::size_t which) const {
    if (which == 1) return run<Binary<Derivative>>({inputs[0], u}, *this);
    const Tensor curvature = Row::curvature(inputs[0]);
    return curvature.is_null() ? curvature : inputs[1] * u * curvature;
  }
};

// The cotangent of relu's input, from that of its output y: g where y > 0, 0 elsewhere, also where g is not finite.
Tensor relu_grad(const Tensor& y, const Tensor& g);

// y itself, of which an operation has already taken the relu in its last pass: on the tape a node of its own, so that
// the cotangents of all of the operation's inputs start from one that is masked once.
Tensor rectified(const Tensor& y);

// g * f'(s).
template <class Row>
Tensor times_derivative(const Tensor& s, const Tensor& g, const Row& row = {}) {
  return run<Binary<Derivative<Row>>>({s, g}, Derivative<Row>{row});
}

}  // namespace cotangent::kernels
