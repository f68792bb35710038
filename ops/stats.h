// Statistics: densities of probability.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::stats {

// The density of the normal distribution, exp(-z^2 / 2) / (sqrt(2 pi) scale) with z = (x - loc) / scale, where scale >
// 0 is its standard deviation. Float32 or Float64; tensors broadcast and have one dtype, and the result is
// differentiable in all three. Numbers: Error unless both are finite in x's dtype and scale > 0.
// (jax.scipy.stats.norm.pdf)
Tensor norm_pdf(const Tensor& x, double loc = 0, double scale = 1);
Tensor norm_pdf(const Tensor& x, const Tensor& loc, const Tensor& scale);

}  // namespace cotangent::stats
