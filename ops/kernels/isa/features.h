// The table of batch normalization's kernels: loops over rows of lanes, each of which belongs to a feature. Internal.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// y = (x - mean) * scale + bias, with one number of each for every lane. What does not need scale and bias takes null.
template <class T>
struct Normalization {
  const T *mean, *scale, *bias;
};

// Rows of `width` lanes lie `stride` elements apart in x, g, y and dx. With relu, y is 0 where it would be negative,
// and g counts as 0 where y is not positive.
template <class T>
struct FeatureKernels {
  // first[lane] = the sum over rows of a, second[lane] that of b: of x - mean and its square, ...
  using Sums = void (*)(const T* x, const T* g, std::int64_t rows, std::int64_t width, std::int64_t stride,
                        const Normalization<T>& lanes, T* first, T* second);
  Sums squares;
  Sums products, rectified_products;  // ... or of g and g * (x - mean), the latter with relu

  void (*normalize)(const T* x, T* y, std::int64_t rows, std::int64_t width, std::int64_t stride,
                    const Normalization<T>& lanes, bool relu);
  // dx = scale * g - (constant + (x - mean) * slope)
  void (*input_gradient)(const T* x, const T* g, T* dx, std::int64_t rows, std::int64_t width, std::int64_t stride,
                         const Normalization<T>& lanes, const T* constant, const T* slope, bool relu);
};

}  // namespace cotangent::kernels
