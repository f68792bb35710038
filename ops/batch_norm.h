// Batch normalization: the moments of every feature, and what is normalized by them.
#pragma once

#include "cotangent/core/tensor.h"
#include "cotangent/ops/activation.h"

namespace cotangent {

// The features of a tensor are the indices of one axis; moments are (2, features), means in the first row and (biased)
// variances in the second; weight and bias are (features,). All have one dtype, Float32 or Float64; Error for others
// and for shapes that do not fit.

// The mean and variance of each feature, over all other axes; NaN over no elements. The variance is computed from
// distances, not from squares, so it is accurate also where it is small beside the mean.
Tensor feature_moments(const Tensor& x, int axis = -1);

// (x - mean) / sqrt(variance + eps) * weight + bias, where `moments` must be feature_moments(x, axis): they are an
// argument only so that the caller can use them as well. The derivative with respect to x takes into account that
// they depend on it, and that with respect to `moments` is therefore zero. (Ioffe and Szegedy 2015) An activation is
// applied to the result in the same pass.
Tensor batch_norm(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias, int axis = -1,
                  double eps = 1e-5, Activation activation = Activation::None);

// The same for any moments, which are an input like the others.
Tensor normalize_features(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias,
                          int axis = -1, double eps = 1e-5, Activation activation = Activation::None);

}  // namespace cotangent
