// Transposed convolution: pads and kernel for one conv_general_dilated.
#include "cotangent/ops/conv_transpose.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cotangent/core/error.h"
#include "cotangent/ops/conv_rules.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

constexpr std::string_view kName = "conv_transpose";

// Channels last, as far as there are customary letters.
DimensionNumbersOption channels_last(const Shape& lhs) {
  switch (lhs.ndim()) {
    case 2: return {"NC", "IO", "NC"};
    case 3: return {"NHC", "HIO", "NHC"};
    case 4: return {"NHWC", "HWIO", "NHWC"};
    case 5: return {"NHWDC", "HWDIO", "NHWDC"};
    default:
      fail(kName, fmt::format("lhs {} has {} axes; dimension_numbers may be left out for 2 to 5 only", to_string(lhs),
                              lhs.ndim()));
  }
}

// The pads of the dilated lhs on one axis for a padding by name.
std::pair<std::int64_t, std::int64_t> named_pads(Padding padding, std::int64_t window, std::int64_t stride) {
  if (padding == Padding::Same) {
    const std::int64_t total = window + stride - 2;
    const std::int64_t low = stride > window - 1 ? window - 1 : (total + 1) / 2;
    return {low, total - low};
  }
  return {window - 1, stride - 1 + std::max<std::int64_t>(window - stride, 0)};
}

Pads transposed_pads(const ConvTransposeOptions& options, const std::vector<std::int64_t>& window,
                     const std::vector<std::int64_t>& strides) {
  if (const std::optional<Padding> padding = options.padding.named(kName)) {
    Pads pads;
    for (std::size_t d = 0; d < window.size(); ++d) pads.push_back(named_pads(*padding, window[d], strides[d]));
    return pads;
  }
  Pads pads = options.padding.resolve(kName, window, window, strides);
  if (options.use_consistent_padding)
    for (std::size_t d = 0; d < window.size(); ++d)
      pads[d] = {window[d] - 1 - pads[d].first, window[d] - 1 - pads[d].second};
  return pads;
}

}  // namespace

Tensor conv_transpose(const Tensor& lhs, const Tensor& rhs, const ConvTransposeOptions& options) {
  const DimensionNumbersOption specs =
      options.dimension_numbers.is_default() ? channels_last(lhs.shape()) : options.dimension_numbers;
  // What is not derived here is checked under this name, with a padding that fits.
  const kernels::ConvAttributes checked = resolve_conv(
      kName, lhs.shape(), rhs.shape(),
      {.window_strides = options.strides, .rhs_dilation = options.rhs_dilation, .dimension_numbers = specs});
  const std::vector<int>& rhs_spec = checked.dimension_numbers.rhs_spec;
  std::vector<std::int64_t> window;
  for (std::size_t d = 0; d < checked.window_strides.size(); ++d)
    window.push_back(dilated_extent(rhs.dim(rhs_spec[d + 2]), checked.rhs_dilation[d]));

  PaddingOption padding = options.padding;
  if (options.padding.named(kName) != Padding::SameLower) {
    padding = transposed_pads(options, window, checked.window_strides);
  } else if (options.use_consistent_padding || !options.strides.all(1)) {
    fail(kName,
         "padding SAME_LOWER is defined for strides 1 without use_consistent_padding only; give SAME, VALID or "
         "{low, high} pairs");
  }
  Tensor kernel = rhs;
  if (options.transpose_kernel) {
    std::vector<int> axes(rhs_spec.size());
    std::iota(axes.begin(), axes.end(), 0);
    std::swap(axes[static_cast<std::size_t>(rhs_spec[0])], axes[static_cast<std::size_t>(rhs_spec[1])]);
    if (rhs.ndim() > 2) kernel = reverse(kernel, {rhs_spec.begin() + 2, rhs_spec.end()});
    kernel = transpose(kernel, axes);
  }
  return conv_general_dilated(lhs, kernel,
                              {.padding = padding,
                               .lhs_dilation = checked.window_strides,
                               .rhs_dilation = checked.rhs_dilation,
                               .dimension_numbers = checked.dimension_numbers,
                               .precision = options.precision,
                               .preferred_element_type = options.preferred_element_type});
}

}  // namespace cotangent
