// Signal processing: convolution and correlation of any rank, directly or by FFT, by SciPy's rules.
#pragma once

#include <array>
#include <string_view>

#include "cotangent/core/tensor.h"
#include "cotangent/ops/convolve.h"
#include "cotangent/ops/named_option.h"
#include "cotangent/ops/reduce.h"

namespace cotangent::signal {

// How a convolution is computed: sum by sum, by fast Fourier transforms, or by what is expected to take less time. FFT
// rounds relative to the largest element, and spreads a NaN or an infinity over the whole result; with
// Precision::Highest, Auto is Direct.
enum class Method { Auto, Direct, Fft };

// What lies outside of an image: a value, its periodic continuation, or its mirror image with the edge repeated.
enum class Boundary { Fill, Wrap, Symm };

using ModeOption = NamedOption<ConvolveMode>;  // also "full", "same", "valid"
using MethodOption = NamedOption<Method>;      // also "auto", "direct", "fft"
using BoundaryOption = NamedOption<Boundary>;  // also "fill", "wrap", "symm"

// In all of these, both operands have the same number of axes and are promoted to a floating type as by
// cotangent::convolve. Extents of the result, where e1 and e2 are those of in1 and in2: Full e1 + e2 - 1; Same e1,
// whichever is larger, from the middle of Full; Valid max - min + 1.

// The convolution over all axes, any number of them. One operand must be at least as large as the other on every axis,
// and neither empty. Same begins at element (e2 - 1) / 2 of Full. (jax.scipy.signal.convolve)
Tensor convolve(const Tensor& in1, const Tensor& in2, const ModeOption& mode = ConvolveMode::Full,
                const MethodOption& method = Method::Auto, PrecisionOption precision = Precision::Default);

// The cross-correlation, convolve(in1, reverse(in2)). (jax.scipy.signal.correlate)
Tensor correlate(const Tensor& in1, const Tensor& in2, const ModeOption& mode = ConvolveMode::Full,
                 const MethodOption& method = Method::Auto, PrecisionOption precision = Precision::Default);

// The direct convolution of 2-D operands. Outside of in1 lies what `boundary` says: Wrap and Symm lift the condition on
// the extents, except in mode Valid, which never looks outside. (jax.scipy.signal.convolve2d; the boundaries are those
// of scipy.signal.convolve2d)
Tensor convolve2d(const Tensor& in1, const Tensor& in2, const ModeOption& mode = ConvolveMode::Full,
                  const BoundaryOption& boundary = Boundary::Fill, double fillvalue = 0,
                  PrecisionOption precision = Precision::Default);

// The direct cross-correlation of 2-D operands, with boundaries. Where extents of in2 are even, Same begins one element
// later than that of correlate(), as in SciPy: at element e2 / 2 of Full. (jax.scipy.signal.correlate2d)
Tensor correlate2d(const Tensor& in1, const Tensor& in2, const ModeOption& mode = ConvolveMode::Full,
                   const BoundaryOption& boundary = Boundary::Fill, double fillvalue = 0,
                   PrecisionOption precision = Precision::Default);

// The convolution by FFT along `axes`, or all of them. The other axes must agree, and each of their positions is
// convolved by itself; their extents may be 0. In mode Valid one operand must be at least as large as the other on
// every one of `axes`. (jax.scipy.signal.fftconvolve)
Tensor fftconvolve(const Tensor& in1, const Tensor& in2, const ModeOption& mode = ConvolveMode::Full,
                   const Axes& axes = {});

}  // namespace cotangent::signal

namespace cotangent {

template <>
struct EnumeratorNames<signal::Method> {
  static constexpr std::string_view option = "method";
  static constexpr std::array<std::string_view, 3> names{"auto", "direct", "fft"};
};

template <>
struct EnumeratorNames<signal::Boundary> {
  static constexpr std::string_view option = "boundary";
  static constexpr std::array<std::string_view, 3> names{"fill", "wrap", "symm"};
};

}  // namespace cotangent
