// Dimension numbers: from letters to axes.
#include "cotangent/ops/conv_dimension_numbers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <ostream>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

constexpr std::array<std::string_view, 3> kOperands{"lhs", "rhs", "output"};
constexpr std::array<std::string_view, 3> kReserved{"NC", "OI", "NC"};

std::string list(const std::vector<int>& axes) { return fmt::format("({})", fmt::join(axes, ", ")); }

// The characters that name spatial axes, in the order of the string.
std::string spatial_labels(std::string_view spec, std::string_view reserved) {
  std::string labels;
  for (char label : spec)
    if (reserved.find(label) == std::string_view::npos) labels.push_back(label);
  return labels;
}

std::string sorted(std::string text) {
  std::sort(text.begin(), text.end());
  return text;
}

void require_specs(std::string_view operation, const std::vector<std::string>& specs, const Shape& lhs,
                   const Shape& rhs) {
  if (specs.size() != 3)
    fail(operation, fmt::format("dimension_numbers needs three strings, for lhs, rhs and output, got {}: (\"{}\"); "
                                "for example {{\"NHWC\", \"HWIO\", \"NHWC\"}}",
                                specs.size(), fmt::join(specs, "\", \"")));
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string& spec = specs[i];
    if (spec.size() != lhs.size())
      fail(operation, fmt::format("dimension_numbers[{}], \"{}\" for {}, has {} letters but lhs {} and rhs {} have {} "
                                  "axes; give one letter for each axis",
                                  i, spec, kOperands[i], spec.size(), to_string(lhs), to_string(rhs), lhs.ndim()));
    for (char letter : kReserved[i])
      if (std::count(spec.begin(), spec.end(), letter) != 1)
        fail(operation,
             fmt::format("dimension_numbers[{}], \"{}\" for {}, must hold '{}' and '{}' exactly once each, as "
                         "in \"{}\"",
                         i, spec, kOperands[i], kReserved[i][0], kReserved[i][1], i == 1 ? "HWIO" : "NHWC"));
    const std::string letters = sorted(spec);
    if (const auto twice = std::adjacent_find(letters.begin(), letters.end()); twice != letters.end())
      fail(operation, fmt::format("dimension_numbers[{}], \"{}\" for {}, repeats '{}'; each axis needs a letter of its "
                                  "own",
                                  i, spec, kOperands[i], *twice));
  }
  for (std::size_t i : {0, 2})
    if (sorted(spatial_labels(specs[i], kReserved[i])) != sorted(spatial_labels(specs[1], kReserved[1])))
      fail(operation, fmt::format("dimension_numbers \"{}\", \"{}\", \"{}\" must name the same spatial axes: {} has "
                                  "\"{}\", rhs has \"{}\"",
                                  specs[0], specs[1], specs[2], kOperands[i], spatial_labels(specs[i], kReserved[i]),
                                  spatial_labels(specs[1], kReserved[1])));
}

}  // namespace

ConvDimensionNumbers DimensionNumbersOption::resolve(std::string_view operation, const Shape& lhs,
                                                     const Shape& rhs) const {
  if (const auto* numbers = std::get_if<ConvDimensionNumbers>(&value_)) return *numbers;
  if (lhs.ndim() != rhs.ndim())
    fail(operation, fmt::format("lhs and rhs need the same number of axes, got {} and {}: lhs {}, rhs {}{}", lhs.ndim(),
                                rhs.ndim(), to_string(lhs), to_string(rhs),
                                lhs.ndim() + 1 == rhs.ndim() ? "; expand_dims(lhs, 0) makes lhs a batch of one" : ""));
  if (is_default()) {
    std::vector<int> axes(lhs.size());
    std::iota(axes.begin(), axes.end(), 0);
    return {axes, axes, axes};
  }
  const auto& specs = std::get<std::vector<std::string>>(value_);
  require_specs(operation, specs, lhs, rhs);
  const std::string labels = spatial_labels(specs[1], kReserved[1]);
  std::array<std::vector<int>, 3> axes;
  for (std::size_t i = 0; i < 3; ++i)
    for (char letter : std::string(kReserved[i]) + labels) axes[i].push_back(static_cast<int>(specs[i].find(letter)));
  return {axes[0], axes[1], axes[2]};
}

ConvDimensionNumbers conv_dimension_numbers(const Shape& lhs_shape, const Shape& rhs_shape,
                                            const DimensionNumbersOption& dimension_numbers) {
  return dimension_numbers.resolve("conv_dimension_numbers", lhs_shape, rhs_shape);
}

std::string to_string(const ConvDimensionNumbers& numbers) {
  return fmt::format("ConvDimensionNumbers(lhs_spec={}, rhs_spec={}, out_spec={})", list(numbers.lhs_spec),
                     list(numbers.rhs_spec), list(numbers.out_spec));
}

std::ostream& operator<<(std::ostream& out, const ConvDimensionNumbers& numbers) { return out << to_string(numbers); }

}  // namespace cotangent
