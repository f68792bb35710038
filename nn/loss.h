// Losses: one number for a batch, the mean over its examples.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::nn {

struct CrossEntropyOptions {
  double label_smoothing = 0;  // the share of each target that is spread evenly over all classes
};

// The mean of -log softmax(logits)[target]. Logits are (..., classes), Float32 or Float64; targets (...) of Int32,
// Int64 or UInt8 are the numbers of the classes. Error for other shapes or dtypes, no examples, or a target outside
// [0, classes), which the message names. (torch.nn.functional.cross_entropy, with the classes last)
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {});

// The mean squared difference of two tensors of one shape and dtype. (torch.nn.functional.mse_loss)
Tensor mse(const Tensor& predictions, const Tensor& targets);

// The mean of -(t log p + (1 - t) log(1 - p)) with p = sigmoid(logits), in a form that neither overflows nor loses
// small probabilities. One shape and dtype; targets in [0, 1]. (torch.nn.functional.binary_cross_entropy_with_logits)
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets);

// The share of examples whose largest logit is that of their target, in [0, 1]. Shapes, dtypes and errors as
// cross_entropy.
double accuracy(const Tensor& logits, const Tensor& targets);

}  // namespace cotangent::nn
