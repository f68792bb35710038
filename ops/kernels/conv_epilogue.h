// ConvEpilogue: what becomes of a convolution's sums before they are written. Internal.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// bias[group * out_features + feature] is added unless it is null; then, with relu, what is negative becomes 0.
template <class T>
struct ConvEpilogue {
  const T* bias = nullptr;
  bool relu = false;

  bool is_empty() const { return bias == nullptr && !relu; }
};

}  // namespace cotangent::kernels
