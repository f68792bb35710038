// Gradient clipping.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::nn {

struct ClippedGrads {
  Tensors grads;
  double norm;  // before clipping
};

// Scales all gradients by the one factor that brings their common Euclidean norm down to max_norm, if it is larger
// (torch.nn.utils.clip_grad_norm_). Error unless max_norm > 0 and the norm is finite.
ClippedGrads clip_grad_norm(const Tensors& grads, double max_norm);

// Every element cut to [-limit, limit]; NaN stays NaN (torch.nn.utils.clip_grad_value_). Error unless limit >= 0.
Tensors clip_grad_value(const Tensors& grads, double limit);

}  // namespace cotangent::nn
