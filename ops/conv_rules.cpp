// The rules of convolution, and the messages of those who break them.
#include "cotangent/ops/conv_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

using kernels::ConvAttributes;

std::int64_t at(const Shape& shape, int axis) { return shape[static_cast<std::size_t>(axis)]; }

// A spec as letters: "NHWC" for {0, 3, 1, 2} and "NC". Spatial axes are W, HW or DHW, or numbered if there are more.
std::string letters(const std::vector<int>& spec, std::string_view reserved) {
  constexpr std::array<std::string_view, 4> kSpatial{"", "W", "HW", "DHW"};
  const std::size_t n = spec.size() - 2;
  std::string result(spec.size(), '?');
  for (std::size_t j = 0; j < spec.size(); ++j)
    result[static_cast<std::size_t>(spec[j])] = j < 2                 ? reserved[j]
                                                : n < kSpatial.size() ? kSpatial[n][j - 2]
                                                                      : static_cast<char>('0' + (j - 2) % 10);
  return result;
}

// The operands as messages describe them.
struct Operands {
  const Shape &lhs, &rhs;
  const ConvDimensionNumbers& numbers;

  std::int64_t lhs_extent(std::size_t which) const { return at(lhs, numbers.lhs_spec[which]); }
  std::int64_t rhs_extent(std::size_t which) const { return at(rhs, numbers.rhs_spec[which]); }

  // "3 features (axis 3, 'C' of NHWC)": an extent and how it was found.
  std::string examples() const { return describe(lhs, numbers.lhs_spec, "NC", 0, "examples"); }
  std::string features() const { return describe(lhs, numbers.lhs_spec, "NC", 1, "features"); }
  std::string out_features() const { return describe(rhs, numbers.rhs_spec, "OI", 0, "output features"); }
  std::string in_features() const { return describe(rhs, numbers.rhs_spec, "OI", 1, "input features"); }

  // "lhs (1, 8, 8, 3) is read as NHWC, rhs (3, 3, 8, 16) as HWIO"
  std::string reading() const {
    return fmt::format("lhs {} is read as {}, rhs {} as {}", to_string(lhs), letters(numbers.lhs_spec, "NC"),
                       to_string(rhs), letters(numbers.rhs_spec, "OI"));
  }

 private:
  static std::string describe(const Shape& shape, const std::vector<int>& spec, std::string_view reserved,
                              std::size_t which, std::string_view what) {
    if (at(shape, spec[which]) == 1) what.remove_suffix(1);  // the plural's s
    return fmt::format("{} {} (axis {}, '{}' of {})", at(shape, spec[which]), what, spec[which], reserved[which],
                       letters(spec, reserved));
  }
};

void require_specs(std::string_view operation, const Shape& lhs, const Shape& rhs,
                   const ConvDimensionNumbers& numbers) {
  if (lhs.ndim() != rhs.ndim() || lhs.ndim() < 2)
    fail(operation, fmt::format("lhs and rhs need the same number of axes, 2 or more, got {} and {}: lhs {}, rhs {}",
                                lhs.ndim(), rhs.ndim(), to_string(lhs), to_string(rhs)));
  const auto require = [&](std::string_view which, const std::vector<int>& spec) {
    std::vector<bool> seen(lhs.size(), false);
    bool valid = spec.size() == lhs.size();
    for (int axis : spec) {
      valid = valid && axis >= 0 && axis < lhs.ndim() && !seen[static_cast<std::size_t>(axis)];
      if (valid) seen[static_cast<std::size_t>(axis)] = true;
    }
    if (!valid)
      fail(operation, fmt::format("{} must name each axis from 0 to {} once, got ({}); lhs {}, rhs {}", which,
                                  lhs.ndim() - 1, fmt::join(spec, ", "), to_string(lhs), to_string(rhs)));
  };
  require("lhs_spec", numbers.lhs_spec);
  require("rhs_spec", numbers.rhs_spec);
  require("out_spec", numbers.out_spec);
}

void require_from_one(std::string_view operation, std::string_view option, const std::vector<std::int64_t>& values) {
  for (std::int64_t value : values)
    if (value < 1 || value > kMostWindowExtent)
      fail(operation,
           fmt::format("{} must be from 1 to 2^48 on every axis, got ({})", option, fmt::join(values, ", ")));
}

std::int64_t checked_dilated_extent(std::string_view operation, std::string_view option, std::int64_t extent,
                                    std::int64_t dilation) {
  if (extent > 1 && dilation > kMostWindowExtent / extent)
    fail(operation, fmt::format("{} {} spreads {} elements over more than 2^48", option, dilation, extent));
  return dilated_extent(extent, dilation);
}

// The usual dimension_numbers under which features would agree; for a message.
std::string fitting_dimension_numbers(const Operands& operands, std::int64_t groups) {
  const std::size_t n = operands.lhs.size() - 2;
  const std::string spatial = n <= 3 ? std::string("DHW").substr(3 - n) : "";
  for (const bool channels_last : {true, false})
    for (const bool kernel_last : {true, false}) {
      const std::int64_t features = operands.lhs[channels_last ? n + 1 : 1];
      const auto window = operands.rhs.begin() + (kernel_last ? 0 : 2);  // which is a square, most likely
      if (std::any_of(window, window + n, [&](std::int64_t extent) { return extent != *window; })) continue;
      if (spatial.empty() || features != groups * operands.rhs[kernel_last ? n : 1]) continue;
      const std::string image = channels_last ? "N" + spatial + "C" : "NC" + spatial;
      return fmt::format("dimension_numbers {{\"{}\", \"{}\", \"{}\"}}, which fit these shapes", image,
                         kernel_last ? spatial + "IO" : "OI" + spatial, image);
    }
  return "other dimension_numbers";
}

void require_groups(std::string_view operation, const Operands& operands, const ConvAttributes& attributes) {
  const std::int64_t features = operands.lhs_extent(1), in_features = operands.rhs_extent(1);
  const std::int64_t feature_groups = attributes.feature_group_count, batch_groups = attributes.batch_group_count;
  if (feature_groups < 1)
    fail(operation, fmt::format("feature_group_count must be at least 1, got {}", feature_groups));
  if (batch_groups < 1) fail(operation, fmt::format("batch_group_count must be at least 1, got {}", batch_groups));
  if (feature_groups > 1 && batch_groups > 1)
    fail(operation, fmt::format("at most one of feature_group_count and batch_group_count may exceed 1, got {} and {}",
                                feature_groups, batch_groups));
  if (features % feature_groups != 0)
    fail(operation, fmt::format("feature_group_count {} must divide the features of lhs, which has {}; {} would; {}",
                                feature_groups, operands.features(), nearest_divisor(feature_groups, features),
                                operands.reading()));
  if (features / feature_groups != in_features) {
    const std::string groups = in_features > 0 && features % in_features == 0
                                   ? fmt::format(", feature_group_count {}", features / in_features)
                                   : "";
    fail(operation,
         fmt::format("rhs has {} but lhs has {} / feature_group_count {} = {}; {}; give a kernel of {} input "
                     "features{}, or {}",
                     operands.in_features(), operands.features(), feature_groups, features / feature_groups,
                     operands.reading(), features / feature_groups, groups,
                     fitting_dimension_numbers(operands, feature_groups)));
  }
  if (operands.rhs_extent(0) % feature_groups != 0)
    fail(operation,
         fmt::format("feature_group_count {} must divide the output features of rhs, which has {}; {} would; {}",
                     feature_groups, operands.out_features(), nearest_divisor(feature_groups, operands.rhs_extent(0)),
                     operands.reading()));
  if (operands.lhs_extent(0) % batch_groups != 0)
    fail(operation, fmt::format("batch_group_count {} must divide the batch of lhs, which has {}; {}", batch_groups,
                                operands.examples(), operands.reading()));
  if (operands.rhs_extent(0) % batch_groups != 0)
    fail(operation, fmt::format("batch_group_count {} must divide the output features of rhs, which has {}; {}",
                                batch_groups, operands.out_features(), operands.reading()));
}

}  // namespace

ConvAttributes resolve_conv(std::string_view operation, const Shape& lhs, const Shape& rhs,
                            const ConvOptions& options) {
  ConvAttributes result;
  result.dimension_numbers = options.dimension_numbers.resolve(operation, lhs, rhs);
  require_specs(operation, lhs, rhs, result.dimension_numbers);
  const std::size_t n = lhs.size() - 2;
  result.window_strides = options.window_strides.resolve(operation, "window_strides", n);
  result.lhs_dilation = options.lhs_dilation.resolve(operation, "lhs_dilation", n);
  result.rhs_dilation = options.rhs_dilation.resolve(operation, "rhs_dilation", n);
  require_from_one(operation, "window_strides", result.window_strides);
  require_from_one(operation, "lhs_dilation", result.lhs_dilation);
  require_from_one(operation, "rhs_dilation", result.rhs_dilation);
  result.feature_group_count = options.feature_group_count;
  result.batch_group_count = options.batch_group_count;
  result.limits.algorithm = options.algorithm;
  result.limits.exact = options.precision == Precision::Highest;
  if (options.max_workspace) {
    if (*options.max_workspace < 0)
      fail(operation, fmt::format("max_workspace must not be negative, got {}", *options.max_workspace));
    result.limits.max_workspace = *options.max_workspace;
  }

  if (options.padding.named(operation) && !options.lhs_dilation.all(1))
    fail(operation,
         fmt::format("padding by name is not defined for lhs_dilation ({}); give {{low, high}} pairs, or use "
                     "conv_transpose",
                     fmt::join(result.lhs_dilation, ", ")));
  std::vector<std::int64_t> input, window;
  for (std::size_t d = 0; d < n; ++d) {
    input.push_back(at(lhs, result.dimension_numbers.lhs_spec[d + 2]));
    window.push_back(checked_dilated_extent(operation, "rhs_dilation",
                                            at(rhs, result.dimension_numbers.rhs_spec[d + 2]), result.rhs_dilation[d]));
  }
  result.padding = options.padding.resolve(operation, input, window, result.window_strides);
  return result;
}

DType conv_dtype(std::string_view operation, const Tensor& lhs, const Tensor& rhs, std::optional<DType> preferred) {
  if (lhs.dtype() != rhs.dtype())
    fail(operation, fmt::format("lhs and rhs must have the same dtype, got {} and {}; convert one with .to()",
                                describe(lhs), describe(rhs)));
  require_floating(operation, lhs.dtype());
  if (!preferred) return lhs.dtype();
  if (!is_floating(*preferred) || size_of(*preferred) < size_of(lhs.dtype()))
    fail(operation, fmt::format("preferred_element_type must be a floating type no narrower than the operands' {}, got "
                                "{}; convert the operands first",
                                name(lhs.dtype()), name(*preferred)));
  return *preferred;
}

Shape conv_shape(std::string_view operation, const Shape& lhs, const Shape& rhs, const ConvAttributes& attributes) {
  const Operands operands{lhs, rhs, attributes.dimension_numbers};
  require_groups(operation, operands, attributes);
  const std::vector<int>& out_spec = attributes.dimension_numbers.out_spec;
  Shape output = lhs;
  output[static_cast<std::size_t>(out_spec[0])] = operands.lhs_extent(0) / attributes.batch_group_count;
  output[static_cast<std::size_t>(out_spec[1])] = operands.rhs_extent(0);
  for (std::size_t d = 0; d < attributes.window_strides.size(); ++d) {
    const std::int64_t in = operands.lhs_extent(d + 2), kernel = operands.rhs_extent(d + 2);
    if (kernel < 1)
      fail(operation, fmt::format("the kernel's window must have 1 or more elements on each axis, got {} on spatial "
                                  "axis {}; {}",
                                  kernel, d, operands.reading()));
    const auto [low, high] = attributes.padding[d];
    const std::int64_t dilated = checked_dilated_extent(operation, "lhs_dilation", in, attributes.lhs_dilation[d]);
    const std::int64_t window = checked_dilated_extent(operation, "rhs_dilation", kernel, attributes.rhs_dilation[d]);
    if (dilated + low + high < 0)
      fail(operation,
           fmt::format(
               "padding ({}, {}) crops more than spatial axis {} has: {} elements, {} after lhs_dilation {}; crop "
               "{} at most; {}",
               low, high, d, in, dilated, attributes.lhs_dilation[d], dilated, operands.reading()));
    output[static_cast<std::size_t>(out_spec[d + 2])] =
        window_count(dilated + low + high, window, attributes.window_strides[d]);
  }
  require_valid(operation, output);
  return output;
}

}  // namespace cotangent
