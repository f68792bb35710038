// Thin products: convolutions that are products of matrices as they lie in memory, which OpenBLAS multiplies best. It
// packs no panels for few weights, where it has kernels of AVX-512, nor for vectors.
#include <algorithm>
#include <cstdint>

#include "cotangent/core/isa.h"
#include "cotangent/ops/kernels/conv_plan.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/product.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kFewColumns = 2, kFewWindowColumns = 8;
constexpr std::int64_t kManyColumns = 64;  // that are written faster by those who see to what is in the cache

// True if the window is all of lhs, so that each image has one output.
bool covers_lhs(const ConvProblem& problem) {
  return std::all_of(problem.axes.begin(), problem.axes.end(), [](const ConvAxis& axis) {
    return axis.out == 1 && axis.kernel == axis.in && axis.low == 0 && axis.rhs_dilation == 1 && axis.lhs_dilation == 1;
  });
}

// The gradient of a kernel without a window, whose channels are images. OpenBLAS takes as long for 3 columns as for 8,
// and for a single plane it is slow.
bool is_thin_gradient(const ConvProblem& problem, bool wide) {
  const std::int64_t least = std::min(problem.batch, problem.out_features),
                     weights = problem.batch * problem.out_features;
  if (problem.lhs_batch != 1) return wide && least > 1 && weights <= kFewWeights / 2;
  return wide && (least <= kFewColumns || (least != 3 && weights <= kFewWeights));
}

// True if rows of lhs and of the output lie at equal distances, or many of them do.
bool has_long_rows(const ConvProblem& problem) {
  const MatrixIndex rows = row_index(problem);
  return std::min(rows.lhs_panel, rows.other_panel) >= std::min(rows.extent, kWorthwhilePanel) &&
         (problem.lhs_feature == 1 || rows.lhs_step() == 1) && (problem.out_feature == 1 || rows.other_step() == 1);
}

// No window at all. Where channels are images, it is the gradient of a kernel whose window is all of lhs.
bool is_thin_pointwise(const ConvProblem& problem, bool wide) {
  const bool few = problem.in_features * problem.out_features <= kFewWeights && problem.out_features < kManyColumns,
             planes = problem.lhs_feature != 1;  // which Direct would have to copy
  return problem.in_features > 1 && has_long_rows(problem) &&
         (problem.lhs_batch == 1 || problem.out_features <= kFewColumns ||
          (few && (planes ? problem.out_features != 3 : wide)));
}

}  // namespace

bool is_thin_product(const ConvProblem& problem) {
  const bool wide = isa() == Isa::V4 && product_library() == ProductLibrary::OpenBlas;
  if (std::all_of(problem.axes.begin(), problem.axes.end(), is_pointwise)) return is_thin_pointwise(problem, wide);
  if (!covers_lhs(problem)) return false;
  if (problem.lhs_batch <= problem.lhs_feature || problem.in_features == 1) return is_thin_gradient(problem, wide);
  return problem.batch == 1 || problem.out_features <= kFewWindowColumns;
}

}  // namespace cotangent::kernels
