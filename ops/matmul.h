// Matrix products.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// The matrix product of the last two axes by NumPy's rules: (..., m, k) and (..., k, n) give (..., m, n), where the
// leading axes broadcast without being copied; a 1-D operand stands for a row (on the left) or a column (on the right)
// and its axis vanishes from the result. Float32 or Float64, both alike; any extent may be 0. (numpy.matmul)
Tensor matmul(const Tensor& a, const Tensor& b);

// The sum of products of two 1-D tensors of one length: a single number. (torch.dot)
Tensor dot(const Tensor& a, const Tensor& b);

// All products of two tensors' elements, flattened: (m,) and (n,) give (m, n). Any dtype but Bool. (numpy.outer)
Tensor outer(const Tensor& a, const Tensor& b);

}  // namespace cotangent
