// DepthwisePlan: how a depthwise convolution uses its operands. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// The most products of features that a group may ask for: pairs of an output feature and an input feature or, in a
// weight gradient, a batch entry.
constexpr std::int64_t kMostDepthwisePairs = 64;

// Vectors are channels, which are adjacent, or pixels of a row, or pixels of a plane, or channels of copies in which
// these are adjacent: of whole operands, or of blocks of channels.
enum class DepthwiseLayout { Last, First, Planes, Copied, Blocks };

struct DepthwisePlan {
  // For a problem with a row and a column.
  DepthwisePlan(const ConvProblem& problem, std::int64_t element_size);
  DepthwisePlan(DepthwiseLayout chosen, std::int64_t padded, bool lhs, bool rhs, bool out)
      : layout(chosen), groups(padded), copy_lhs(lhs), copy_rhs(rhs), copy_out(out) {}

  DepthwiseLayout layout = DepthwiseLayout::Last;
  std::int64_t groups;                                        // with those that fill the last vector
  bool copy_lhs = false, copy_rhs = false, copy_out = false;  // to or from channels last
};

// A problem always has a row and a column.
ConvProblem with_two_axes(ConvProblem problem);

// Of the kernels for elements of that many bytes.
std::int64_t depthwise_lanes(std::int64_t element_size);

}  // namespace cotangent::kernels
