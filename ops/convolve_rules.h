// The rules that convolve, correlate and the functions of signal share. Internal.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cotangent/ops/convolve.h"

namespace cotangent {

// The part of a full convolution, of extents e1 + e2 - 1, that is asked for: on each axis `counts` elements from
// `starts` on. Outside the full convolution there are zeros, so that a window may lie anywhere.
struct ConvolveWindow {
  std::vector<std::int64_t> starts, counts;
};

// Full: all of it. Same: the extents of in1, from (e2 - 1) / 2 on. Valid: where the smaller lies inside the larger.
ConvolveWindow convolve_window(ConvolveMode mode, const Shape& in1, const Shape& in2);

// The floating type that both are promoted to: Float64 if one of them is, or if neither is floating and one is Int64;
// else Float32. (jax.numpy's promote_dtypes_inexact)
DType floating_dtype(DType a, DType b);

// True if `shape`, of the same rank, has at least the extents of `other` on every axis.
bool covers(const Shape& shape, const Shape& other);

// Error for operands with an extent of 0.
void require_not_empty(std::string_view operation, const Shape& in1, const Shape& in2);

// That part of sum over k of in1[x - k] * in2[k], for operands of one rank and floating type, by conv_general_dilated.
// The smaller in2, the better.
Tensor convolve_directly(const Tensor& in1, const Tensor& in2, const ConvolveWindow& window, Precision precision);

}  // namespace cotangent
