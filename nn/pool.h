// Pooling layers, and pooling over all of space.
#pragma once

#include <string>

#include "cotangent/nn/conv.h"
#include "cotangent/ops/pool.h"

namespace cotangent::nn {

struct PoolLayerOptions {
  PerAxis strides = PerAxis::unset();  // unset: the window, so that windows lie side by side
  PaddingOption padding = Padding::Valid;
  PerAxis dilation = 1;  // of the window
  Layout layout = Layout::ChannelsLast;
};

// max_pool() as a layer, for any number of spatial axes: MaxPool(2) halves each.
class MaxPool {
 public:
  explicit MaxPool(PerAxis window, const PoolLayerOptions& options = {});
  Tensor operator()(const Tensor& x) const;
  std::string description() const;  // "MaxPool(2)"

 private:
  PerAxis window_;
  PoolOptions options_;
};

// avg_pool() as a layer; padding counts as zeros.
class AvgPool {
 public:
  explicit AvgPool(PerAxis window, const PoolLayerOptions& options = {});
  Tensor operator()(const Tensor& x) const;
  std::string description() const;  // "AvgPool(2)"

 private:
  PerAxis window_;
  PoolOptions options_;
};

// The mean and the maximum over all spatial axes: (batch, spatial..., channels) gives (batch, channels). Error without
// spatial axes, or if they are empty.
Tensor global_avg_pool(const Tensor& x, Layout layout = Layout::ChannelsLast);
Tensor global_max_pool(const Tensor& x, Layout layout = Layout::ChannelsLast);

}  // namespace cotangent::nn
