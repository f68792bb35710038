// The parts of the algorithm FewFeatures, for few features on one side or the other. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_epilogue.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// Few output features of many input features: products first, then sums of shifted ones. Takes lhs dilation as it is.
ConvCost few_outputs_cost(const ConvProblem& problem, std::int64_t element_size);

template <class T>
void convolve_few_outputs(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                          T* out);

// Few input features, to planes of outputs.
ConvCost planes_cost(const ConvProblem& problem, std::int64_t element_size);
template <class T>
void convolve_planes(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out);

}  // namespace cotangent::kernels
