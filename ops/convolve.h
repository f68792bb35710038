// convolve and correlate: two sequences slid past each other, by NumPy's rules.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "cotangent/core/tensor.h"
#include "cotangent/ops/conv.h"

namespace cotangent {

// How much of a convolution is returned. Full: wherever the two overlap at all. Valid: where the smaller one lies
// inside the larger. Same: as many elements from the middle of Full as the function says.
enum class ConvolveMode { Full, Same, Valid };

// A ConvolveMode as an option: itself, or its name as NumPy spells it: "full", "same", "valid".
class ConvolveModeOption {
 public:
  ConvolveModeOption(ConvolveMode mode) : value_(mode) {}
  template <std::convertible_to<std::string_view> Text>
  ConvolveModeOption(const Text& name) : value_(std::string(std::string_view(name))) {}

  // Error for an unknown name.
  ConvolveMode resolve(std::string_view operation) const;

 private:
  std::variant<ConvolveMode, std::string> value_;
};

// In both, a and v are 1-D and not empty. They are promoted to a floating type: Float64 if one of them is, or if
// neither is floating and one is Int64; else Float32. preferred_element_type is a floating type to compute in and
// return, no narrower than the operands. Lengths of the result, where L is the length of the longer and m of the
// shorter: Full L + m - 1, Valid L - m + 1, Same L (from element (m - 1) / 2 of Full on).

// The discrete convolution, sum over k of a[n - k] * v[k]. (jax.numpy.convolve)
Tensor convolve(const Tensor& a, const Tensor& v, const ConvolveModeOption& mode = ConvolveMode::Full,
                PrecisionOption precision = Precision::Default,
                std::optional<DType> preferred_element_type = std::nullopt);

// The cross-correlation, sum over k of a[n + k] * v[k]: convolve(a, reverse(v)). Where v is the longer one, the result
// is correlate(v, a) reversed. (jax.numpy.correlate)
Tensor correlate(const Tensor& a, const Tensor& v, const ConvolveModeOption& mode = ConvolveMode::Valid,
                 PrecisionOption precision = Precision::Default,
                 std::optional<DType> preferred_element_type = std::nullopt);

}  // namespace cotangent
