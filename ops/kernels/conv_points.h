// The part of the algorithm Direct for 1x1 windows where channels come first. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_epilogue.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// True if planes of lhs and of the output are adjacent positions, and many enough to fill tiles.
bool serves_points(const ConvProblem& problem, std::int64_t element_size);

// What it costs where it serves.
ConvCost points_cost(const ConvProblem& problem, std::int64_t element_size);

template <class T>
void convolve_points(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out);

}  // namespace cotangent::kernels
