// Normalization layers.
#pragma once

#include <cstdint>
#include <string>

#include "cotangent/nn/module.h"
#include "cotangent/ops/activation.h"

namespace cotangent::nn {

struct BatchNormOptions {
  int axis = -1;                             // of the features
  double momentum = 0.9;                     // how much of the running statistics a training step keeps
  double eps = 1e-5;                         // added to the variance
  Activation activation = Activation::None;  // of the output, in the same pass
};

// (x - mean) / sqrt(variance + eps) * weight + bias, for each feature (Ioffe and Szegedy 2015). While training, mean
// and (biased) variance are those of the batch, over all other axes, and the running ones move towards them:
//   running = momentum * running + (1 - momentum) * batch, with the batch's unbiased variance.
// The momentum is Flax's; PyTorch's is 1 minus it. In evaluation the running statistics are used. Error for an input
// without that axis and number of features, of another dtype than the weight, or, in training, with fewer than two
// values per feature. Training calls change the layer: not from two threads at once. (torch.nn.BatchNorm2d)
class BatchNorm {
 public:
  explicit BatchNorm(std::int64_t features, const BatchNormOptions& options = {});

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  std::string description() const;  // "BatchNorm(64)"

  Tensor weight, bias;                       // (features,); 1 and 0 at the start
  mutable Tensor running_mean, running_var;  // (features,); 0 and 1 at the start
  bool training = true;

 private:
  BatchNormOptions options_;
};

struct LayerNormOptions {
  double eps = 1e-5;
};

// (x - mean) / sqrt(variance + eps) * weight + bias, with mean and variance over the last axes of each example, which
// have the shape `normalized` (Ba et al. 2016, torch.nn.LayerNorm). Error for an input that does not end in that
// shape, or of another dtype than the weight.
class LayerNorm {
 public:
  explicit LayerNorm(const Shape& normalized, const LayerNormOptions& options = {});
  explicit LayerNorm(std::int64_t features, const LayerNormOptions& options = {})
      : LayerNorm(Shape{features}, options) {}

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  std::string description() const;  // "LayerNorm(64)"

  Tensor weight, bias;  // of the shape `normalized`; 1 and 0 at the start

 private:
  LayerNormOptions options_;
};

}  // namespace cotangent::nn
