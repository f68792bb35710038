// The algorithms that a convolution may be computed by.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace cotangent {

// All but Winograd and Fft add the very products of the definition, in some order; all give the same bits for any
// number of threads.
enum class ConvAlgorithm {
  Auto,         // the one expected to be fastest
  Definition,   // plain loops, which serve any problem and need no memory
  Im2col,       // columns, tile by tile, times the kernel on BLAS: serves any problem
  Direct,       // windows multiplied where they lie: plain, strided and pointwise convolutions
  LongSum,      // few outputs, each a long sum: gradients of kernels
  FewFeatures,  // a few features on one side, as first and last layers have
  Depthwise,    // a group for every channel, or nearly
  Winograd,     // Float32 only: small windows by fewer multiplications, with a slightly larger rounding error
  Fft,          // large windows by products of spectra; what it rounds is relative to the largest sums
};

std::string_view name(ConvAlgorithm algorithm);

// What a convolution may use.
struct ConvLimits {
  ConvAlgorithm algorithm = ConvAlgorithm::Auto;
  std::int64_t max_workspace = std::numeric_limits<std::int64_t>::max();  // bytes, beside operands and output
  bool exact = false;  // only algorithms that add the products of the definition

  bool operator==(const ConvLimits&) const = default;
};

}  // namespace cotangent
