// The algorithms of convolution, and the choice between them. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_choice.h"
#include "cotangent/ops/kernels/conv_epilogue.h"

namespace cotangent::kernels {

// Solves a problem in the steps that choose() has chosen, with an epilogue: writes every element of `out`. Float or
// double.
template <class T>
void convolve(const std::vector<ConvStep>& steps, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out);

// The epilogue of a convolution whose sums have been written.
template <class T>
void finish(const ConvProblem& problem, const ConvEpilogue<T>& epilogue, T* out);

// The algorithms, for problems that their costs do not refuse; tests compare them. Those that take an epilogue apply it
// to sums that are still in registers or in the nearest cache.
template <class T>
void convolve_by_definition(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_by_im2col(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_by_im2col_with(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                             T* out);
template <class T>
void convolve_depthwise(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_direct(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_direct_with(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                          T* out);
template <class T>
void convolve_long_sum(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_few_features(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
template <class T>
void convolve_few_features_with(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                                T* out);
template <class T>
void convolve_by_fft(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);
void convolve_by_winograd(const ConvProblem& problem, const float* lhs, const float* rhs, float* out);
void convolve_by_winograd_with(const ConvProblem& problem, const float* lhs, const float* rhs,
                               const ConvEpilogue<float>& epilogue, float* out);

ConvCost im2col_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost depthwise_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost direct_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost long_sum_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost few_features_cost(const ConvProblem& problem, std::int64_t element_size);
ConvCost winograd_cost(const ConvProblem& problem);
ConvCost fft_cost(const ConvProblem& problem, std::int64_t element_size);

// True if the algorithm takes the problem as it is, lhs dilation and all.
bool direct_serves_dilated(const ConvProblem& problem);
bool few_features_serves_dilated(const ConvProblem& problem, std::int64_t element_size);
bool long_sum_serves_dilated(const ConvProblem& problem, std::int64_t element_size);

// True if Im2col would multiply thin matrices where they lie, and is best for that.
bool is_thin_product(const ConvProblem& problem);

// True if lhs is so much smaller than the window that LongSum, which leaves out the zeros around it, is best.
bool long_sum_skips_zeros(const ConvProblem& problem, std::int64_t element_size);

// True if Depthwise, where it can serve, is expected to be faster than the algorithms that multiply group by group.
bool depthwise_pays(const ConvProblem& problem, std::int64_t element_size);

// The expected times, in multiply-adds, of Winograd, infinite where it cannot serve, and of the best of the algorithms
// that multiply every pair.
struct WinogradTimes {
  double winograd, exact;

  bool pays() const { return winograd < exact; }
};
WinogradTimes winograd_times(const ConvProblem& problem);

// The expected time of Fft, for Float32, in the same unit; infinite unless it is expected to be less than theirs.
double fft_time(const ConvProblem& problem);

}  // namespace cotangent::kernels
