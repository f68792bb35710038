// Movement: operations that place elements elsewhere without changing them.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// The same elements in the same order under another shape; one extent may be -1 and is computed. No copy.
// (numpy.reshape)
Tensor reshape(const Tensor& x, const Shape& shape);

// Repeats x along new and extent-1 axes by NumPy's rule. (numpy.broadcast_to)
Tensor broadcast_to(const Tensor& x, const Shape& shape);

}  // namespace cotangent
