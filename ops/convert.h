// Conversion between dtypes: Tensor::to is declared in core/tensor.h and defined here, because it is differentiable.
#pragma once

#include "cotangent/core/tensor.h"
