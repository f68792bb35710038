// Reductions over axes.
#pragma once

#include <vector>

#include "cotangent/core/tensor.h"

namespace cotangent {

// The sum over `axes` (all of them if empty); negative axes count from the end. Reduced axes vanish, or stay with
// extent 1 if keepdims. (numpy.sum)
Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, bool keepdims = false);

// x summed down to a shape that broadcasts to its own: the transpose of broadcast_to.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace cotangent
