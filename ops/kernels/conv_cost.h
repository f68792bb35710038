// ConvCost: what an algorithm would do to a problem, or why it cannot serve. Internal.
#pragma once

#include <cstdint>
#include <string>

namespace cotangent::kernels {

struct ConvCost {
  std::string refusal;             // why the algorithm cannot serve; empty if it can
  std::string products;            // the shapes of its matrix products
  std::int64_t multiply_adds = 0;  // that it executes
  std::int64_t workspace = 0;      // bytes
};

}  // namespace cotangent::kernels
