// Comparisons and logic: elementwise with NumPy's broadcasting, the result Bool; and all_close for tests.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// Both operands have the same dtype, any of them; Error otherwise. A NaN is not equal to anything, itself included.
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);

// A number takes the dtype of the tensor beside it. Error if that dtype cannot hold it.
Tensor equal(const Tensor& a, double b);
Tensor not_equal(const Tensor& a, double b);
Tensor less(const Tensor& a, double b);
Tensor less_equal(const Tensor& a, double b);
Tensor greater(const Tensor& a, double b);
Tensor greater_equal(const Tensor& a, double b);

// Of Bool tensors; Error for other dtypes.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);

// Of any dtype: integers and Bool are never NaN and always finite.
Tensor is_nan(const Tensor& x);
Tensor is_finite(const Tensor& x);

// Whether |a - b| <= atol + rtol * |b| everywhere, with broadcasting; infinities are close to themselves only, NaN to
// nothing. Compared in Float64, so that any two dtypes may meet. (numpy.allclose)
bool all_close(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8);

}  // namespace cotangent
