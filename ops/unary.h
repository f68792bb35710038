// Elementwise functions of one tensor. They take Float32 or Float64 and the result has the same shape and dtype; abs,
// sign and square take integers too. Each is a plain function, so that its name can be passed as a callable. Accuracy,
// in units in the last place of the result: 4 in Float32, 3 in Float64; results below the smallest normal number may
// be 0.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// Exponentials and logarithms. expm1(x) = e^x - 1 and log1p(x) = log(1 + x) are accurate near 0.
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);

// Powers; power() itself is in binary.h.
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);  // 1 / sqrt(x)
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);

// |x|, whose derivative at 0 is taken to be 0; and -1, 0, 1 or NaN. Error for Bool.
Tensor abs(const Tensor& x);
Tensor sign(const Tensor& x);

// Rounding: down, up, to the nearest and halves to even (numpy.round). The derivative is zero.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);

// Trigonometry, in radians, and hyperbolic functions.
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);

// The error function, and 1 - erf(x) without cancellation.
Tensor erf(const Tensor& x);
Tensor erfc(const Tensor& x);

// Activations. None overflows on the way to a finite result, and all propagate NaN.

Tensor relu(const Tensor& x);                             // max(x, 0); the derivative at 0 is 0
Tensor leaky_relu(const Tensor& x, double slope = 0.01);  // x where x > 0, slope * x elsewhere
Tensor elu(const Tensor& x, double alpha = 1);            // x where x > 0, alpha * (e^x - 1) elsewhere
Tensor sigmoid(const Tensor& x);                          // 1 / (1 + e^-x)
Tensor log_sigmoid(const Tensor& x);                      // log(sigmoid(x)) = -softplus(-x)
Tensor silu(const Tensor& x);                             // x * sigmoid(x), also called swish
Tensor softplus(const Tensor& x);                         // log(1 + e^x)

// x * P(X <= x) for a standard normal X, exactly, with erf; and the older approximation by tanh
// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))). (Hendrycks and Gimpel 2016, arXiv:1606.08415; jax.nn.gelu
// with approximate=False and approximate=True)
Tensor gelu(const Tensor& x);
Tensor gelu_tanh(const Tensor& x);

}  // namespace cotangent
