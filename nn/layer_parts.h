// What layers with weights share. Internal to nn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/nn/init.h"
#include "cotangent/ops/window.h"

namespace cotangent::nn {

// A weight of that shape, made by `init` with the key, or without one with the next of the default stream. Error if
// what it makes has another shape.
Tensor initial_weight(std::string_view layer, const Initializer& init, const std::optional<random::Key>& key,
                      const Shape& shape);

// Error unless input and weight have one dtype.
[[noreturn]] void fail_dtype(std::string_view layer, const Tensor& x, const Tensor& weight);
template <class Layer>
void require_dtype(const Layer& layer, const Tensor& x, const Tensor& weight) {
  if (x.dtype() != weight.dtype()) fail_dtype(layer.description(), x, weight);
}

// "NHWC" or "NCHW", and its like for other numbers of spatial axes, at most 3.
std::string axis_letters(std::size_t spatial_axes, bool channels_first);

// Error if the output has no window: if on a spatial axis, of which the first is 1 or 2, a dilated window is larger
// than the padded input. Says how much padding it takes.
void require_windows(std::string_view layer, const Tensor& x, bool channels_first,
                     const std::vector<std::int64_t>& window, const std::vector<std::int64_t>& strides,
                     const Pads& pads);

}  // namespace cotangent::nn
