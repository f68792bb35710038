// What layers with weights share.
#include "cotangent/nn/layer_parts.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"

namespace cotangent::nn {

Tensor initial_weight(std::string_view layer, const Initializer& init, const std::optional<random::Key>& key,
                      const Shape& shape) {
  Tensor weight = init(key ? *key : next_key(), shape, DType::Float32);
  if (weight.is_null() || weight.shape() != shape)
    fail(layer, fmt::format("init must make a tensor of shape {}, got {}", to_string(shape), describe(weight)));
  return weight;
}

void require_dtype(std::string_view layer, const Tensor& x, const Tensor& weight) {
  if (x.dtype() != weight.dtype())
    fail(layer, fmt::format("input and weight must have one dtype, got {} and {}; convert the input with .to(), or the "
                            "model with nn::convert()",
                            describe(x), describe(weight)));
}

}  // namespace cotangent::nn
