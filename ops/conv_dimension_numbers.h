// Dimension numbers: which axis of a convolution's operands and result is batch, feature or spatial.
#pragma once

#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cotangent/core/shape.h"

namespace cotangent {

// For each of the three tensors a permutation of its axes: {batch, feature, spatial...} for lhs and the output,
// {output feature, input feature, spatial...} for rhs. The spatial axes of all three come in the same order, which is
// the order of every per-axis option. (jax.lax.ConvDimensionNumbers)
struct ConvDimensionNumbers {
  std::vector<int> lhs_spec, rhs_spec, out_spec;

  friend bool operator==(const ConvDimensionNumbers&, const ConvDimensionNumbers&) = default;
};

// "ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), out_spec=(0, 3, 1, 2))"
std::string to_string(const ConvDimensionNumbers& numbers);
std::ostream& operator<<(std::ostream& out, const ConvDimensionNumbers& numbers);

// Dimension numbers as an option. None: batch and feature first, as in NCHW, OIHW, NCHW, for any number of spatial
// axes. Three strings with a letter per axis, such as {"NHWC", "HWIO", "NHWC"}: N is batch, C feature, O and I the
// kernel's output and input feature, and every other character names a spatial axis. Or the numbers themselves.
class DimensionNumbersOption {
 public:
  DimensionNumbersOption() = default;
  DimensionNumbersOption(std::initializer_list<std::string_view> specs)
      : value_(std::vector<std::string>(specs.begin(), specs.end())) {}
  DimensionNumbersOption(std::vector<std::string> specs) : value_(std::move(specs)) {}
  DimensionNumbersOption(ConvDimensionNumbers numbers) : value_(std::move(numbers)) {}

  // The numbers for operands of these shapes, of which only the ranks matter. Numbers given as such are passed on
  // untouched. Error if ranks differ or the strings do not describe axes of these ranks.
  ConvDimensionNumbers resolve(std::string_view operation, const Shape& lhs, const Shape& rhs) const;

  // True unless strings or numbers were given.
  bool is_default() const { return std::holds_alternative<std::monostate>(value_); }

 private:
  std::variant<std::monostate, std::vector<std::string>, ConvDimensionNumbers> value_;
};

// What a convolution makes of its dimension_numbers. (jax.lax.conv_dimension_numbers)
ConvDimensionNumbers conv_dimension_numbers(const Shape& lhs_shape, const Shape& rhs_shape,
                                            const DimensionNumbersOption& dimension_numbers = {});

}  // namespace cotangent
