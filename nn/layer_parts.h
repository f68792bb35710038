// What layers with weights share. Internal to nn.
#pragma once

#include <optional>
#include <string_view>

#include "cotangent/nn/init.h"

namespace cotangent::nn {

// A weight of that shape, made by `init` with the key, or without one with the next of the default stream. Error if
// what it makes has another shape.
Tensor initial_weight(std::string_view layer, const Initializer& init, const std::optional<random::Key>& key,
                      const Shape& shape);

// Error unless input and weight have one dtype.
void require_dtype(std::string_view layer, const Tensor& x, const Tensor& weight);

}  // namespace cotangent::nn
