// The shapes of convolutions, by the rules of conv_general_dilated and conv_transpose.
#include "cotangent/ops/conv_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cotangent/core/error.h"
#include "cotangent/ops/conv_rules.h"

namespace cotangent {
namespace {

Shape shape_of(std::string_view operation, const Shape& lhs, Shape rhs, const ConvOptions& options) {
  require_valid(operation, lhs);
  require_valid(operation, rhs);
  const kernels::ConvAttributes attributes = resolve_conv(operation, lhs, rhs, options);
  const ConvDimensionNumbers& numbers = attributes.dimension_numbers;
  rhs[static_cast<std::size_t>(numbers.rhs_spec[1])] = lhs[static_cast<std::size_t>(numbers.lhs_spec[1])];
  return conv_shape(operation, lhs, rhs, attributes);
}

// One axis of conv_transpose.
std::int64_t transposed_extent(std::int64_t in, std::int64_t window, std::int64_t stride,
                               std::optional<Padding> padding, std::pair<std::int64_t, std::int64_t> pads) {
  if (padding == Padding::Same) return in * stride;
  if (padding == Padding::Valid) return in * stride + std::max<std::int64_t>(window - stride, 0);
  return std::max<std::int64_t>(0, (in - 1) * stride - window + 2 + pads.first + pads.second);
}

}  // namespace

Shape conv_shape_tuple(const Shape& lhs_shape, const Shape& rhs_shape, const PerAxis& strides,
                       const PaddingOption& pads, std::int64_t batch_group_count) {
  return shape_of("conv_shape_tuple", lhs_shape, rhs_shape,
                  {.window_strides = strides, .padding = pads, .batch_group_count = batch_group_count});
}

Shape conv_general_shape_tuple(const Shape& lhs_shape, const Shape& rhs_shape, const PerAxis& window_strides,
                               const PaddingOption& padding, const DimensionNumbersOption& dimension_numbers) {
  return shape_of("conv_general_shape_tuple", lhs_shape, rhs_shape,
                  {.window_strides = window_strides, .padding = padding, .dimension_numbers = dimension_numbers});
}

Shape conv_transpose_shape_tuple(const Shape& lhs_shape, const Shape& rhs_shape, const PerAxis& window_strides,
                                 const PaddingOption& padding, const DimensionNumbersOption& dimension_numbers) {
  constexpr std::string_view kOperation = "conv_transpose_shape_tuple";
  require_valid(kOperation, lhs_shape);
  require_valid(kOperation, rhs_shape);
  const std::optional<Padding> named = padding.named(kOperation);
  if (named == Padding::SameLower)
    fail(kOperation, "padding SAME_LOWER is not defined here; give SAME, VALID or {low, high} pairs");
  const kernels::ConvAttributes attributes =
      resolve_conv(kOperation, lhs_shape, rhs_shape,
                   {.window_strides = window_strides, .padding = padding, .dimension_numbers = dimension_numbers});
  const auto& [lhs_spec, rhs_spec, out_spec] = attributes.dimension_numbers;
  const auto at = [](const Shape& shape, int axis) { return shape[static_cast<std::size_t>(axis)]; };
  Shape result = lhs_shape;
  result[static_cast<std::size_t>(out_spec[0])] = at(lhs_shape, lhs_spec[0]);
  result[static_cast<std::size_t>(out_spec[1])] = at(rhs_shape, rhs_spec[0]);
  for (std::size_t d = 0; d < attributes.window_strides.size(); ++d) {
    const std::int64_t in = at(lhs_shape, lhs_spec[d + 2]), stride = attributes.window_strides[d];
    if (in > 0 && stride > (std::int64_t{1} << 48) / in)
      fail(kOperation, fmt::format("window_strides {} spreads {} elements over more than 2^48", stride, in));
    result[static_cast<std::size_t>(out_spec[d + 2])] =
        transposed_extent(in, at(rhs_shape, rhs_spec[d + 2]), stride, named, attributes.padding[d]);
  }
  require_valid(kOperation, result);
  return result;
}

ConvDimensionNumbers conv_general_permutations(const std::array<std::string, 3>& dimension_numbers) {
  const Shape any(std::vector<std::int64_t>(dimension_numbers[0].size(), 1));  // only its rank matters
  return DimensionNumbersOption(std::vector<std::string>(dimension_numbers.begin(), dimension_numbers.end()))
      .resolve("conv_general_permutations", any, any);
}

Pads padtype_to_pads(const Shape& in_shape, const Shape& window_shape, const PerAxis& window_strides,
                     const PaddingOption& padding) {
  constexpr std::string_view kOperation = "padtype_to_pads";
  if (in_shape.size() != window_shape.size())
    fail(kOperation, fmt::format("the input and the window need the same number of spatial axes, got {} and {}",
                                 to_string(in_shape), to_string(window_shape)));
  require_valid(kOperation, in_shape);
  require_valid(kOperation, window_shape);
  const std::vector<std::int64_t> strides = window_strides.resolve(kOperation, "window_strides", in_shape.size());
  if (std::any_of(strides.begin(), strides.end(), [](std::int64_t stride) { return stride < 1; }))
    fail(kOperation, fmt::format("window_strides must be at least 1, got {}", to_string(Shape(strides))));
  return padding.resolve(kOperation, {in_shape.begin(), in_shape.end()}, {window_shape.begin(), window_shape.end()},
                         strides);
}

}  // namespace cotangent
