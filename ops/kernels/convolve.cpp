// convolve: the steps of a convolution, one after the other.
#include "cotangent/ops/kernels/convolve.h"

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {
namespace {

using enum ConvAlgorithm;

template <class T>
void run(const ConvStep& step, const T* lhs, const T* rhs, T* out) {
  switch (step.algorithm) {
    case Im2col: return convolve_by_im2col(step.problem, lhs, rhs, out);
    case Direct: return convolve_direct(step.problem, lhs, rhs, out);
    case LongSum: return convolve_long_sum(step.problem, lhs, rhs, out);
    case FewFeatures: return convolve_few_features(step.problem, lhs, rhs, out);
    case Depthwise: return convolve_depthwise(step.problem, lhs, rhs, out);
    case Fft: return convolve_by_fft(step.problem, lhs, rhs, out);
    case Winograd:
      if constexpr (sizeof(T) == sizeof(float)) return convolve_by_winograd(step.problem, lhs, rhs, out);
      [[fallthrough]];
    default: return convolve_by_definition(step.problem, lhs, rhs, out);
  }
}

// In place, once the elements are there.
template <class T>
void add_bias(const ConvProblem& problem, const T* bias, T* out) {
  const MatrixIndex rows = row_index(problem);
  constexpr std::int64_t kRows = 256;
  const std::int64_t blocks = (rows.extent + kRows - 1) / kRows;
  parallel_for(problem.groups * blocks, 1, [&](std::int64_t task, std::int64_t) {
    const std::int64_t group = task / blocks, first = task % blocks * kRows;
    const T* const values = bias + group * problem.out_features;
    T* const start = out + problem.out_offset + group * problem.out_group;
    Cursor cursor(rows, first);
    for (std::int64_t row = first; row < std::min(rows.extent, first + kRows); ++row, cursor.advance()) {
      T* const to = start + cursor.other;
      if (problem.out_feature == 1)
        for (std::int64_t p = 0; p < problem.out_features; ++p) to[p] += values[p];
      else
        for (std::int64_t p = 0; p < problem.out_features; ++p) to[p * problem.out_feature] += values[p];
    }
  });
}

}  // namespace

template <class T>
void convolve(const std::vector<ConvStep>& steps, const T* lhs, const T* rhs, const T* bias, T* out) {
  for (const ConvStep& step : steps) {
    if (bias != nullptr && step.algorithm == Direct) {
      convolve_direct_with_bias(step.problem, lhs, rhs, bias, out);
    } else {
      run(step, lhs, rhs, out);
      if (bias != nullptr) add_bias(step.problem, bias, out);
    }
  }
}

template void convolve(const std::vector<ConvStep>&, const float*, const float*, const float*, float*);
template void convolve(const std::vector<ConvStep>&, const double*, const double*, const double*, double*);

}  // namespace cotangent::kernels
