// Batch normalization on tensors: moments, normalization, and the sums and the input gradient of its derivative.
// Internal.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::kernels {

// Here x, y, g and dx have one shape and floating dtype; moments, (2, features), are the mean and the variance, and
// sums, (2, features), those of g * (x - mean) / sqrt(variance + eps) and of g. `axis` is that of the features.

void feature_moments(const Tensor& x, int axis, Tensor& moments);

// y = (x - mean) / sqrt(variance + eps) * weight + bias, or 0 where that is negative, with relu
void normalize_features(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias, int axis,
                        double eps, bool relu, Tensor& y);

// What y = relu(...) was computed with, so that g counts where y is positive alone; null without relu.
struct Rectified {
  const Tensor *weight = nullptr, *bias = nullptr;
};

void batch_norm_sums(const Tensor& x, const Tensor& moments, const Tensor& g, const Rectified& rectified, int axis,
                     double eps, Tensor& sums);

// dx = weight / sqrt(variance + eps) * (g - (sums[1] + sums[0] * (x - mean) / sqrt(variance + eps)) / count); with a
// rectified_bias, y was rectified as above.
void batch_norm_input_grad(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& g,
                           const Tensor& sums, const Tensor* rectified_bias, int axis, double eps, Tensor& dx);

}  // namespace cotangent::kernels
