// The algorithms of convolution, and the choice between them. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// Solves a problem by the algorithm that suits it: writes every element of `out`. Float or double.
template <class T>
void convolve(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);

// The algorithms, each of which solves any problem with an output to compute; tests compare them.
template <class T>
void convolve_by_definition(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_by_im2col(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_depthwise(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_direct(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_long_sum(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_few_features(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);

ConvCost few_features_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost direct_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost long_sum_cost(const ConvProblem& problem, std::int64_t element_size);

// What convolve_depthwise would do. It refuses groups of more than a few features.
ConvCost depthwise_cost(const ConvProblem& problem, std::int64_t element_size);

}  // namespace cotangent::kernels
