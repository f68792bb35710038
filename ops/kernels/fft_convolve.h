// Convolution by fast Fourier transforms. Internal.
#pragma once

#include <cstdint>
#include <vector>

namespace cotangent::kernels {

// For each of `batch` pairs of n-dimensional arrays, n >= 1, of extents in1 and in2: of the full convolution
// full[x] = sum over k of in1[x - k] * in2[k] the part of extents `counts` from `starts` on, with zeros outside.
struct FftConvolution {
  std::int64_t batch;
  std::vector<std::int64_t> in1, in2;
  std::vector<std::int64_t> starts, counts;
};

// The extents of the transforms, which have no prime factor above 5.
std::vector<std::int64_t> transform_extents(const FftConvolution& convolution);

// Writes every element of `out`. Float or double; the transforms are made in double, and what they round is relative to
// the largest element of all.
template <class T>
void convolve_by_fft(const FftConvolution& convolution, const T* in1, const T* in2, T* out);

}  // namespace cotangent::kernels
