// Arguments of functions, drawn from a fuzzer's bytes. Where these end, zeros follow.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/core/shape.h"
#include "cotangent/ops/conv_dimension_numbers.h"
#include "cotangent/ops/window.h"

namespace cotangent::fuzz {

class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> rest) : rest_(rest) {}

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  // From low to high as a rule; now and then at a limit of some type.
  std::int64_t number(std::int64_t low, std::int64_t high) {
    constexpr std::array kLimits{INT64_MIN,
                                 std::int64_t{INT32_MIN},
                                 std::int64_t{-1},
                                 std::int64_t{0},
                                 std::int64_t{1} << 31,
                                 std::int64_t{1} << 48,
                                 std::int64_t{1} << 62,
                                 INT64_MAX};
    const std::size_t b = byte();
    return b >= 256 - kLimits.size() ? kLimits[255 - b] : low + static_cast<std::int64_t>(b) % (high - low + 1);
  }

  std::vector<std::int64_t> numbers(std::size_t count, std::int64_t low, std::int64_t high) {
    std::vector<std::int64_t> result(count);
    for (std::int64_t& value : result) value = number(low, high);
    return result;
  }

  // One number for all axes, one for each, or a list of another length.
  PerAxis per_axis(std::size_t axes, std::int64_t high) {
    const std::uint8_t kind = byte();
    if (kind % 8 == 0) return number(1, high);
    return numbers(kind % 8 == 1 ? kind % 5 : axes, 1, high);
  }

  PaddingOption padding(std::size_t axes) {
    constexpr std::array<std::string_view, 5> kNames{"SAME", "VALID", "same_lower", "FULL", ""};
    const std::uint8_t kind = byte() % 16;
    if (kind < kNames.size()) return kNames[kind];
    if (kind == kNames.size()) return number(-2, 3);
    Pads pads(kind == kNames.size() + 1 ? axes + 1 : axes);
    for (auto& [low, high] : pads) low = number(-2, 4), high = number(-2, 4);
    return pads;
  }

  // None, letters in some order, any characters, or axes.
  DimensionNumbersOption dimension_numbers(std::size_t ndim) {
    const std::uint8_t kind = byte() % 8;
    if (kind == 0) return {};
    if (kind == 1) {
      const auto axes = [&] {
        std::vector<int> spec(ndim);
        for (int& axis : spec) axis = static_cast<int>(byte()) - 1;
        return spec;
      };
      return ConvDimensionNumbers{axes(), axes(), axes()};
    }
    std::vector<std::string> specs{"NCHWDT?", "OIHWDT?", "NCHWDT?"};
    if (kind == 2) specs.resize(byte() % 5);
    for (std::string& spec : specs) {
      spec.resize(std::min(ndim, spec.size()));
      for (std::size_t i = spec.size(); i > 1; --i) std::swap(spec[i - 1], spec[byte() % i]);
      if (kind == 3 && !spec.empty()) spec[byte() % spec.size()] = static_cast<char>(byte());
    }
    return specs;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace cotangent::fuzz
