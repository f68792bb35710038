// Windows that slide over spatial axes.
#include "cotangent/ops/window.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

void require_window_padding(std::string_view operation, std::int64_t low, std::int64_t high) {
  if (std::min(low, high) < -kMostWindowExtent || std::max(low, high) > kMostWindowExtent)
    fail(operation, fmt::format("padding must be within 2^48, got ({}, {})", low, high));
}

}  // namespace

std::vector<std::int64_t> PerAxis::resolve(std::string_view operation, std::string_view option,
                                           std::size_t axes) const {
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return std::vector<std::int64_t>(axes, *number);
  const auto& list = std::get<std::vector<std::int64_t>>(value_);
  if (list.size() != axes)
    fail(
        operation,
        fmt::format("{} needs one number for each of the {} spatial axes, got {}: ({}); give {}, or one number for all",
                    option, axes, list.size(), fmt::join(list, ", "), axes));
  return list;
}

bool PerAxis::is_unset() const {
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value_);
  return list != nullptr && list->empty();
}

bool PerAxis::all(std::int64_t number) const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value == number;
  const auto& list = std::get<std::vector<std::int64_t>>(value_);
  return std::all_of(list.begin(), list.end(), [&](std::int64_t value) { return value == number; });
}

std::string PerAxis::text() const {
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return std::to_string(*number);
  return fmt::format("{}", fmt::join(std::get<std::vector<std::int64_t>>(value_), "x"));
}

std::optional<Padding> PaddingOption::named(std::string_view operation) const {
  if (const auto* padding = std::get_if<Padding>(&value_)) return *padding;
  const auto* text = std::get_if<std::string>(&value_);
  if (text == nullptr) return std::nullopt;
  std::string upper = *text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "VALID") return Padding::Valid;
  if (upper == "SAME") return Padding::Same;
  if (upper == "SAME_LOWER") return Padding::SameLower;
  constexpr std::array<std::string_view, 3> kNames{"VALID", "SAME", "SAME_LOWER"};
  fail(operation, fmt::format("padding must be VALID, SAME or SAME_LOWER, or {{low, high}} pairs; got \"{}\"{}", *text,
                              did_you_mean(*text, kNames)));
}

Pads PaddingOption::resolve(std::string_view operation, const std::vector<std::int64_t>& input,
                            const std::vector<std::int64_t>& window, const std::vector<std::int64_t>& strides) const {
  if (const auto* both_sides = std::get_if<std::int64_t>(&value_)) {
    require_window_padding(operation, *both_sides, *both_sides);
    return Pads(input.size(), {*both_sides, *both_sides});
  }
  if (const auto* pads = std::get_if<Pads>(&value_)) {
    if (pads->size() != input.size())
      fail(operation,
           fmt::format("padding needs one {{low, high}} pair for each of the {} spatial axes, got {}; give {}, or "
                       "one number for all",
                       input.size(), pads->size(), input.size()));
    for (const auto& [low, high] : *pads) require_window_padding(operation, low, high);
    return *pads;
  }
  const Padding padding = *named(operation);
  Pads pads(input.size(), {0, 0});
  if (padding == Padding::Valid) return pads;
  for (std::size_t axis = 0; axis < input.size(); ++axis) {
    const std::int64_t windows = -floor_divide(-input[axis], strides[axis]);
    const std::int64_t total = std::max<std::int64_t>(0, (windows - 1) * strides[axis] + window[axis] - input[axis]);
    const std::int64_t less = total / 2, more = total - less;
    pads[axis] = padding == Padding::Same ? std::pair(less, more) : std::pair(more, less);
  }
  return pads;
}

}  // namespace cotangent
