// What layers with weights share.
#include "cotangent/nn/layer_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cotangent/core/error.h"

namespace cotangent::nn {

Tensor initial_weight(std::string_view layer, const Initializer& init, const std::optional<random::Key>& key,
                      const Shape& shape) {
  Tensor weight = init(key ? *key : next_key(), shape, DType::Float32);
  if (weight.is_null() || weight.shape() != shape)
    fail(layer, fmt::format("init must make a tensor of shape {}, got {}", to_string(shape), describe(weight)));
  return weight;
}

void fail_dtype(std::string_view layer, const Tensor& x, const Tensor& weight) {
  fail(layer,
       fmt::format("input and weight must have one dtype, got {} and {}; convert the input with .to(DType::{}){}",
                   describe(x), describe(weight), name(weight.dtype()),
                   is_floating(x.dtype())
                       ? fmt::format(", or the model with nn::convert(net, DType::{})", name(x.dtype()))
                       : ""));
}

std::string axis_letters(std::size_t spatial_axes, bool channels_first) {
  const std::string spatial = std::string("DHW").substr(3 - spatial_axes);
  return channels_first ? "NC" + spatial : "N" + spatial + "C";
}

void require_windows(std::string_view layer, const Tensor& x, bool channels_first,
                     const std::vector<std::int64_t>& window, const std::vector<std::int64_t>& strides,
                     const Pads& pads) {
  const std::size_t axes = window.size(), first = channels_first ? 2 : 1;
  std::int64_t padding = 0;  // on both sides of all axes, so that there is a window
  for (std::size_t d = 0; d < axes; ++d)
    padding = std::max(padding, -floor_divide(x.shape()[first + d] - window[d], 2));
  for (std::size_t d = 0; d < axes; ++d) {
    const auto [low, high] = pads[d];
    const std::int64_t extent = x.shape()[first + d];
    if (extent + low + high >= window[d]) continue;
    std::vector<std::int64_t> outputs;
    for (std::size_t other = 0; other < axes; ++other)
      outputs.push_back(window_count(x.shape()[first + other] + 2 * padding, window[other], strides[other]));
    const std::string letters = axes <= 3 ? axis_letters(axes, channels_first) : "";
    fail(layer,
         fmt::format("a window must fit in the padded input, but spans {} elements of axis {}{}, where {} has {} "
                     "and padding {{{}, {}}}; padding {} gives {}",
                     window[d], first + d,
                     letters.empty() ? "" : fmt::format(" ('{}' of {})", letters[first + d], letters), describe(x),
                     extent, low, high, padding, fmt::join(outputs, " x ")));
  }
}

}  // namespace cotangent::nn
