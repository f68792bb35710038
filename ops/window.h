// Windows that slide over spatial axes: the options and the arithmetic that convolution and pooling share.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cotangent {

// The largest stride, dilation and padding, and the largest extent after dilation: any sum of a few of them still fits
// in 64 bits.
constexpr std::int64_t kMostWindowExtent = std::int64_t{1} << 48;

// An option with one value per spatial axis: a single number stands for all axes, a list gives each its own.
class PerAxis {
 public:
  PerAxis(std::int64_t value = 1) : value_(value) {}
  PerAxis(std::initializer_list<std::int64_t> values) : value_(std::vector<std::int64_t>(values)) {}
  PerAxis(std::vector<std::int64_t> values) : value_(std::move(values)) {}

  // No value: for options whose default depends on other options.
  static PerAxis unset() { return PerAxis(std::vector<std::int64_t>{}); }
  bool is_unset() const;

  // The value of each of `axes` axes. Error if a list has another length; `option` is what the message calls it.
  std::vector<std::int64_t> resolve(std::string_view operation, std::string_view option, std::size_t axes) const;

  // True if every value is `number`.
  bool all(std::int64_t number) const;

  // "3" for one number, "3x5" for a list: how messages write a window.
  std::string text() const;

 private:
  std::variant<std::int64_t, std::vector<std::int64_t>> value_;
};

// Elements added before and after each spatial axis; negative ones are cropped.
using Pads = std::vector<std::pair<std::int64_t, std::int64_t>>;

// Valid adds nothing. Same pads so that an axis of extent n gives ceil(n / stride) windows, the odd element at the end;
// SameLower puts it at the start.
enum class Padding { Valid, Same, SameLower };

// Padding as an option: a Padding, its name as JAX spells it in any case ("SAME", "valid", "SAME_LOWER"), explicit
// {low, high} pairs, or one number for both sides of all axes.
class PaddingOption {
 public:
  PaddingOption(Padding padding = Padding::Valid) : value_(padding) {}
  PaddingOption(std::int64_t both_sides) : value_(both_sides) {}
  PaddingOption(std::initializer_list<std::pair<std::int64_t, std::int64_t>> pads) : value_(Pads(pads)) {}
  PaddingOption(Pads pads) : value_(std::move(pads)) {}
  template <std::convertible_to<std::string_view> Text>
  PaddingOption(const Text& text) : value_(std::string(std::string_view(text))) {}

  // The Padding asked for, or nothing if the pads are explicit. Error for an unknown name.
  std::optional<Padding> named(std::string_view operation) const;

  // The pads of each axis, given the extents of the undilated input and of the dilated window. Error if explicit pads
  // are not one pair per axis or beyond kMostWindowExtent, or the name is unknown.
  Pads resolve(std::string_view operation, const std::vector<std::int64_t>& input,
               const std::vector<std::int64_t>& window, const std::vector<std::int64_t>& strides) const;

 private:
  std::variant<Padding, std::int64_t, Pads, std::string> value_;
};

// Division that rounds towards minus infinity, where C++ rounds towards zero.
constexpr std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

// The divisor of `number` >= 0 that is nearest to `wanted`; of two, the smaller one.
constexpr std::int64_t nearest_divisor(std::int64_t wanted, std::int64_t number) {
  std::int64_t less = wanted < 1 ? 1 : wanted > number && number > 0 ? number : wanted;
  std::int64_t more = less;
  while (number % less != 0) --less;
  while (number % more != 0) ++more;
  return wanted - less <= more - wanted ? less : more;
}

// The extent of `extent` elements with dilation - 1 zeros between neighbours; 0 stays 0.
constexpr std::int64_t dilated_extent(std::int64_t extent, std::int64_t dilation) {
  return extent == 0 ? 0 : 1 + dilation * (extent - 1);
}

// How many windows of a dilated extent fit in a padded extent, one every `stride` elements.
constexpr std::int64_t window_count(std::int64_t padded, std::int64_t window, std::int64_t stride) {
  const std::int64_t count = floor_divide(padded - window, stride) + 1;
  return count < 0 ? 0 : count;
}

}  // namespace cotangent
