// LongSum of planes: the gradient of a kernel of few input features, as a first layer's where channels come first.
// Internal.
#pragma once

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// True if both operands are planes, and lhs has few channels. There is no lhs dilation, and something to sum.
bool has_plane_sums(const ConvProblem& problem, std::int64_t element_size);

ConvCost plane_sums_cost(const ConvProblem& problem, std::int64_t element_size);

template <class T>
void convolve_plane_sums(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);

}  // namespace cotangent::kernels
