// Batch normalization on tensors: moments, normalization, and the sums and the input gradient of its derivative.
// Internal.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::kernels {

// Here x, y, g and dx have one shape and floating dtype; moments, (2, features), are the mean and the variance, and
// sums, (2, features), those of g * (x - mean) / sqrt(variance + eps) and of g. `axis` is that of the features. With
// relu, y is 0 where it would be negative, and g counts where y is positive alone; the bias matters only then, in
// derivatives, and so does the weight in sums.

void feature_moments(const Tensor& x, int axis, Tensor& moments);

// y = (x - mean) / sqrt(variance + eps) * weight + bias
void normalize_features(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias, int axis,
                        double eps, bool relu, Tensor& y);

void batch_norm_sums(const Tensor& x, const Tensor& moments, const Tensor& g, const Tensor& weight, const Tensor& bias,
                     int axis, double eps, bool relu, Tensor& sums);

// dx = weight / sqrt(variance + eps) * (g - (sums[1] + sums[0] * (x - mean) / sqrt(variance + eps)) / count)
void batch_norm_input_grad(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& g,
                           const Tensor& sums, const Tensor& bias, int axis, double eps, bool relu, Tensor& dx);

}  // namespace cotangent::kernels
