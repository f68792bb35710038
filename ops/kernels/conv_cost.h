// ConvCost: what an algorithm would do to a problem, or why it cannot serve. Internal.
#pragma once

#include <cstdint>
#include <string>

namespace cotangent::kernels {

struct ConvCost {
  std::string refusal;
  std::string products;
  std::int64_t multiply_adds = 0;
  std::int64_t workspace = 0;
};

}  // namespace cotangent::kernels
