// Pooling layers.
#include "cotangent/nn/pool.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/nn/layer_scope.h"
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

// Error if the input, with its padding, is smaller than the window.
void refuse_empty_output(const std::string& layer, const Tensor& x, const PerAxis& window, const PoolOptions& options) {
  const auto axes = static_cast<std::size_t>(x.ndim() - 2);
  const auto first = x.shape().begin() + (options.channels_first ? 2 : 1);
  const std::vector<std::int64_t> input(first, first + x.ndim() - 2);
  const PerAxis& given = options.window_strides.is_unset() ? window : options.window_strides;
  const std::vector<std::int64_t> strides = given.resolve(layer, "strides", axes);
  const std::vector<std::int64_t> dilation = options.window_dilation.resolve(layer, "dilation", axes);
  std::vector<std::int64_t> dilated = window.resolve(layer, "window", axes);
  for (std::size_t axis = 0; axis < axes; ++axis) dilated[axis] = dilated_extent(dilated[axis], dilation[axis]);
  require_windows(layer, x, options.channels_first, dilated, strides,
                  options.padding.resolve(layer, input, dilated, strides));
}

}  // namespace

MaxPool::MaxPool(PerAxis window, const PoolLayerOptions& options)
    : window_(std::move(window)), options_(pool_options(options)) {}

std::string MaxPool::description() const { return "MaxPool(" + window_.text() + ")"; }

Tensor MaxPool::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  const Tensor y = max_pool(x, window_, options_);
  if (y.size() == 0) refuse_empty_output(description(), x, window_, options_);  // nothing was computed
  return report_call(this, "MaxPool", y);
}

AvgPool::AvgPool(PerAxis window, const PoolLayerOptions& options)
    : window_(std::move(window)), options_(pool_options(options)) {}

std::string AvgPool::description() const { return "AvgPool(" + window_.text() + ")"; }

Tensor AvgPool::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  const Tensor y = avg_pool(x, window_, options_);
  if (y.size() == 0) refuse_empty_output(description(), x, window_, options_);
  return report_call(this, "AvgPool", y);
}

Tensor global_avg_pool(const Tensor& x, Layout layout) { return mean(x, spatial_axes("global_avg_pool", x, layout)); }

Tensor global_max_pool(const Tensor& x, Layout layout) { return max(x, spatial_axes("global_max_pool", x, layout)); }

}  // namespace cotangent::nn
