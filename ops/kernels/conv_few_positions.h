// The part of the algorithm Direct for few positions and many weights where channels come first. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_epilogue.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// True if so few output positions would read weights that packing them costs more than reading them where they lie.
bool serves_few_positions(const ConvProblem& problem, std::int64_t element_size);

// What it costs where it serves.
ConvCost few_positions_cost(const ConvProblem& problem, std::int64_t element_size);

template <class T>
void convolve_few_positions(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                            T* out);

}  // namespace cotangent::kernels
