// convolve and correlate: two sequences slid past each other, by NumPy's rules.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "cotangent/core/tensor.h"
#include "cotangent/ops/conv.h"
#include "cotangent/ops/named_option.h"

namespace cotangent {

// How much of a convolution is returned. Full: wherever the two overlap at all. Valid: where the smaller one lies
// inside the larger. Same: as many elements from the middle of Full as the function says.
enum class ConvolveMode { Full, Same, Valid };

template <>
struct EnumeratorNames<ConvolveMode> {
  static constexpr std::string_view option = "mode";
  static constexpr std::array<std::string_view, 3> names{"full", "same", "valid"};
};

// In both, a and v are 1-D and not empty; the mode may also be "full", "same" or "valid". They are promoted to a
// floating type: Float64 if one of them is, or if neither is floating and one is Int64; else Float32.
// preferred_element_type is a floating type to compute in and return, no narrower than the operands. Lengths of the
// result, where L is the length of the longer and m of the shorter: Full L + m - 1, Valid L - m + 1, Same L (from
// element (m - 1) / 2 of Full on).

// The discrete convolution, sum over k of a[n - k] * v[k]. (jax.numpy.convolve)
Tensor convolve(const Tensor& a, const Tensor& v, const NamedOption<ConvolveMode>& mode = ConvolveMode::Full,
                PrecisionOption precision = Precision::Default,
                std::optional<DType> preferred_element_type = std::nullopt);

// The cross-correlation, sum over k of a[n + k] * v[k]: convolve(a, reverse(v)). Where v is the longer one, the result
// is correlate(v, a) reversed. (jax.numpy.correlate)
Tensor correlate(const Tensor& a, const Tensor& v, const NamedOption<ConvolveMode>& mode = ConvolveMode::Valid,
                 PrecisionOption precision = Precision::Default,
                 std::optional<DType> preferred_element_type = std::nullopt);

}  // namespace cotangent
