// Pooling layers.
#include "cotangent/nn/pool.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/ops/reduce.h"

namespace cotangent::nn {
namespace {

PoolOptions pool_options(const PoolLayerOptions& options) {
  return {.window_strides = options.strides,
          .padding = options.padding,
          .window_dilation = options.dilation,
          .channels_first = options.layout == Layout::ChannelsFirst};
}

std::vector<int> spatial_axes(std::string_view operation, const Tensor& x, Layout layout) {
  if (x.is_null() || x.ndim() < 3)
    fail(operation, fmt::format("needs an input with a batch, spatial and a channels axis, got {}", describe(x)));
  std::vector<int> axes;
  for (int axis = 0; axis < x.ndim() - 2; ++axis) {
    axes.push_back(axis + (layout == Layout::ChannelsLast ? 1 : 2));
    if (x.dim(axes.back()) == 0) fail(operation, fmt::format("the spatial axes are empty: {}", describe(x)));
  }
  return axes;
}

}  // namespace

MaxPool::MaxPool(PerAxis window, const PoolLayerOptions& options)
    : window_(std::move(window)), options_(pool_options(options)) {}

Tensor MaxPool::operator()(const Tensor& x) const {
  return report_call(this, "MaxPool", max_pool(x, window_, options_));
}

AvgPool::AvgPool(PerAxis window, const PoolLayerOptions& options)
    : window_(std::move(window)), options_(pool_options(options)) {}

Tensor AvgPool::operator()(const Tensor& x) const {
  return report_call(this, "AvgPool", avg_pool(x, window_, options_));
}

Tensor global_avg_pool(const Tensor& x, Layout layout) { return mean(x, spatial_axes("global_avg_pool", x, layout)); }

Tensor global_max_pool(const Tensor& x, Layout layout) { return max(x, spatial_axes("global_max_pool", x, layout)); }

}  // namespace cotangent::nn
