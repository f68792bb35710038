// Softmax and what belongs to it: stable for numbers of any size, Float32 or Float64.
#pragma once

#include "cotangent/core/tensor.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {

// e^x / sum(e^x) along one axis, and its logarithm. A row whose largest element is infinite, of either sign, or NaN
// gives NaN. (jax.nn.softmax, jax.nn.log_softmax)
Tensor softmax(const Tensor& x, int axis = -1);
Tensor log_softmax(const Tensor& x, int axis = -1);

// log(sum(e^x)) over `axes`; -inf where all elements are -inf, and over no elements. (jax.scipy.special.logsumexp)
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

// The mean over all rows of -sum(target * log_softmax(logits)), without the intermediate tensors. Logits are
// (..., classes); `targets` (...), Int64 in [0, classes), are the classes that the targets are 1 at, of which
// `label_smoothing` in [0, 1] is spread evenly over all classes. At least one row.
// (optax.softmax_cross_entropy_with_integer_labels, averaged)
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& targets, double label_smoothing = 0);

}  // namespace cotangent
