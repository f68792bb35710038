// Elementwise functions of two tensors, with NumPy's broadcasting, beyond arithmetic.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// a^b, Float32 or Float64 both. Where a is 0 the derivative with respect to b is taken to be 0, as in JAX.
Tensor power(const Tensor& a, const Tensor& b);
Tensor power(const Tensor& a, double b);

// The larger and the smaller of two, any dtype but Bool, the same for both; NaN if either is. On ties each gets half of
// the cotangent. A number takes the dtype of the tensor beside it. (jax.numpy.maximum)
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, double b);
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, double b);

// The angle of the point (x, y) in radians, in [-pi, pi]. Float32 or Float64. (numpy.arctan2)
Tensor atan2(const Tensor& y, const Tensor& x);

}  // namespace cotangent
