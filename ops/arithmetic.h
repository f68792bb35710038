// Arithmetic: + - * / and negation of tensors and numbers, elementwise with NumPy's broadcasting.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent {

// Both operands have the same dtype, any but Bool, which the result keeps; their shapes broadcast. Error otherwise:
// there is no silent promotion. divide() takes Float32 or Float64 only.
Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor divide(const Tensor& a, const Tensor& b);

// -x, any dtype but Bool.
Tensor negative(const Tensor& x);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
inline Tensor operator-(const Tensor& x) { return negative(x); }

// A number takes the dtype of the tensor beside it. Error if that dtype cannot hold it.
Tensor operator+(const Tensor& a, double b);
Tensor operator+(double a, const Tensor& b);
Tensor operator-(const Tensor& a, double b);
Tensor operator-(double a, const Tensor& b);
Tensor operator*(const Tensor& a, double b);
Tensor operator*(double a, const Tensor& b);
Tensor operator/(const Tensor& a, double b);
Tensor operator/(double a, const Tensor& b);

}  // namespace cotangent
