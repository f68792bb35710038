// Selection: where and clip.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// a where `condition`, which is Bool, is true, and b elsewhere. All three broadcast to one shape; a and b have one
// dtype, any, which the result keeps; a number takes the dtype of the tensor opposite. A cotangent flows to the side
// that was chosen and is zero on the other, also where that one is not finite. (numpy.where)
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, double b);
Tensor where(const Tensor& condition, double a, const Tensor& b);

// x limited to [low, high]; NaN stays NaN. Any dtype but Bool. The cotangent passes strictly inside, half of it at the
// limits themselves. Error unless low <= high. (jax.numpy.clip)
Tensor clip(const Tensor& x, double low, double high);

}  // namespace cotangent
