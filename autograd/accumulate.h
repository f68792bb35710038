// accumulate: the sum of two cotangents, the only arithmetic that the backward pass needs of its own.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::autograd {

// a + b for tensors of equal shape and floating dtype. Differentiable; overwrites `a` where nobody else can see it.
Tensor accumulate(Tensor a, Tensor b);

}  // namespace cotangent::autograd
