// Folds: neighbouring window positions as output features of their own, so that few features fill a vector. Internal.
//
// A kernel's gradient is dw[t, f] = sum over x of lhs[t + x] * g[x, f], where g is the window. With x = m * k + i, a
// convolution whose window has the positions k, m apart, and the features (i, f) has the outputs
// s[t', (i, f)] = sum over k of lhs[t' + m * k] * g[m * k + i, f], and dw[t, f] is the sum over i of s[t + i, (i, f)].
// It has m - 1 outputs more, but m times the features, which are adjacent in memory as they were.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// Along which axis of a problem to fold how many positions; a count of 1 is no fold.
struct Fold {
  std::size_t axis = 0;
  std::int64_t count = 1;
};

// The fold that fills vectors of `lanes` elements, where one is possible and saves work.
Fold find_fold(const ConvProblem& problem, std::int64_t lanes);

// The folded problem, with an output of its own, which is dense.
ConvProblem fold_positions(const ConvProblem& problem, const Fold& fold);

// Elements of the folded problem's output.
std::int64_t folded_size(const ConvProblem& folded);

// Adds up that output to the one of `problem`.
template <class T>
void unfold(const ConvProblem& problem, const ConvProblem& folded, const Fold& fold, const T* sums, T* out);

}  // namespace cotangent::kernels
