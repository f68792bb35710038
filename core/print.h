// Printing tensors, character for character as NumPy prints arrays.
#pragma once

#include <iosfwd>
#include <string>

#include "cotangent/core/tensor.h"

namespace cotangent {

// What Python's print(array) shows with NumPy's default options: rows in brackets, numbers aligned in one format for
// the whole tensor with at most 8 digits after the point, lines of at most 75 characters, and only 3 items from each
// end of long axes when there are more than 1000 elements. "a null Tensor" for a null one. (numpy.array_str,
// NumPy 1.24)
std::string to_string(const Tensor& tensor);

std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace cotangent
