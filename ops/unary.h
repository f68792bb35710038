// Elementwise functions of one tensor of Float32 or Float64; the result has its shape and dtype.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

Tensor exp(const Tensor& x);
Tensor tanh(const Tensor& x);

}  // namespace cotangent
