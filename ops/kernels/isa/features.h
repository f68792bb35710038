// The table of batch normalization's kernels: loops over rows of lanes, each of which belongs to a feature. Internal.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// Rows of `width` lanes lie `stride` elements apart in x, g, y and dx; what is called by a lane has one number for
// each.
template <class T>
struct FeatureKernels {
  // first[lane] = the sum over rows of a, second[lane] that of b: of x - shift and its square, ...
  using Sums = void (*)(const T* x, const T* g, std::int64_t rows, std::int64_t width, std::int64_t stride,
                        const T* shift, T* first, T* second);
  Sums squares;
  Sums products;  // ... or of g and g * (x - shift)

  // y = (x - mean) * scale + bias, with 0 in place of what is negative if relu
  void (*normalize)(const T* x, T* y, std::int64_t rows, std::int64_t width, std::int64_t stride, const T* mean,
                    const T* scale, const T* bias, bool relu);
  // dx = scale * g - (constant + (x - mean) * slope)
  void (*input_gradient)(const T* x, const T* g, T* dx, std::int64_t rows, std::int64_t width, std::int64_t stride,
                         const T* mean, const T* scale, const T* constant, const T* slope);
};

}  // namespace cotangent::kernels
