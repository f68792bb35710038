// convolve: the steps of a convolution, one after the other.
#include "cotangent/ops/kernels/convolve.h"

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {
namespace {

using enum ConvAlgorithm;

template <class T>
void run(const ConvStep& step, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out) {
  switch (step.algorithm) {
    case Direct: return convolve_direct_with(step.problem, lhs, rhs, epilogue, out);
    case FewFeatures: return convolve_few_features_with(step.problem, lhs, rhs, epilogue, out);
    case Winograd:
      if constexpr (sizeof(T) == sizeof(float)) return convolve_by_winograd_with(step.problem, lhs, rhs, epilogue, out);
      [[fallthrough]];
    case Im2col: return convolve_by_im2col_with(step.problem, lhs, rhs, epilogue, out);
    case LongSum: convolve_long_sum(step.problem, lhs, rhs, out); break;
    case Depthwise: convolve_depthwise(step.problem, lhs, rhs, out); break;
    case Fft: convolve_by_fft(step.problem, lhs, rhs, out); break;
    default: convolve_by_definition(step.problem, lhs, rhs, out);
  }
  finish(step.problem, epilogue, out);
}

}  // namespace

template <class T>
void finish(const ConvProblem& problem, const ConvEpilogue<T>& epilogue, T* out) {
  if (epilogue.is_empty()) return;
  const MatrixIndex rows = row_index(problem);
  constexpr std::int64_t kRows = 256;
  const Blocks blocks{rows.extent, rows.other_panel, kRows};  // of rows at equal distances
  const std::int64_t grain = std::max<std::int64_t>(1, kRows / rows.other_panel);
  parallel_for(problem.groups * blocks.count(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t group = task / blocks.count();
      const Range block = blocks.range(task % blocks.count());
      T* const sums = out + problem.out_offset + group * problem.out_group + Cursor(rows, block.first).other;
      epilogue.apply(sums, length(block), rows.other_step(), problem.out_features, problem.out_feature,
                     group * problem.out_features);
    }
  });
}

template <class T>
void convolve(const std::vector<ConvStep>& steps, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out) {
  for (const ConvStep& step : steps) run(step, lhs, rhs, epilogue, out);
}

template void finish(const ConvProblem&, const ConvEpilogue<float>&, float*);
template void finish(const ConvProblem&, const ConvEpilogue<double>&, double*);
template void convolve(const std::vector<ConvStep>&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void convolve(const std::vector<ConvStep>&, const double*, const double*, const ConvEpilogue<double>&,
                       double*);

}  // namespace cotangent::kernels
