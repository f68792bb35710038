// ConvCost: what an algorithm would do to a problem, or why it cannot serve. Internal.
#pragma once

#include <cstdint>
#include <string>

namespace cotangent::kernels {

struct ConvCost {
  std::string refusal = {};        // why the algorithm cannot serve; empty if it can
  std::string products = {};       // the matrix products or loops that it would run
  std::int64_t multiply_adds = 0;  // that it would execute
  std::int64_t workspace = 0;      // bytes beside the operands
  std::int64_t phases = 1;         // convolutions without lhs dilation that it falls into
};

}  // namespace cotangent::kernels
