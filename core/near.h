// Comparing tensors element by element, with a report.
#pragma once

#include <cstdint>
#include <string>

#include "cotangent/core/tensor.h"

namespace cotangent {

// "" if `a` and `b` have one shape and one dtype and |a - b| <= tolerance for every element; else a report: what is
// different, how many elements, the first, and the worst with its index and both values. Infinities are near their
// equals, and nan is near nan, as in numpy.testing; for a nan on one side there is no tolerance.
std::string compare_tensors(const Tensor& a, const Tensor& b, double tolerance = 0);

// The index of row-major element i of a tensor, as "(1, 2)".
std::string index_text(std::int64_t i, const Shape& shape);

}  // namespace cotangent
