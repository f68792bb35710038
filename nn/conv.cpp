// Convolution layers: both are one call of conv_general_dilated and a bias.
#include "cotangent/nn/conv.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/ops/movement.h"

namespace cotangent::nn {
namespace {

constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;  // products of two such numbers cannot overflow

void require_range(std::string_view kind, std::string_view option, std::int64_t value, std::int64_t least = 1) {
  if (value < least || value > kMost)
    fail(kind, fmt::format("{} must be in [{}, {}], got {}", option, least, kMost, value));
}

// The values of a per-axis option, each in [least, kMost].
std::vector<std::int64_t> resolve(std::string_view kind, std::string_view option, const PerAxis& values,
                                  std::size_t axes, std::int64_t least = 1) {
  std::vector<std::int64_t> result = values.resolve(kind, option, axes);
  for (const std::int64_t value : result) require_range(kind, option, value, least);
  return result;
}

std::vector<std::int64_t> dilated_window(const std::vector<std::int64_t>& kernel,
                                         const std::vector<std::int64_t>& dilation) {
  std::vector<std::int64_t> result;
  for (std::size_t axis = 0; axis < kernel.size(); ++axis)
    result.push_back(dilated_extent(kernel[axis], dilation[axis]));
  return result;
}

std::string kind_of(const char* name, int spatial_axes) {
  if (spatial_axes < 1 || spatial_axes > 3)
    fail(name, fmt::format("needs 1, 2 or 3 spatial axes, got {}", spatial_axes));
  return fmt::format("{}{}D", name, spatial_axes);
}

// {"NHWC", "HWIO", "NHWC"} and its like.
DimensionNumbersOption dimension_numbers(std::size_t axes, Layout layout) {
  const std::string spatial = std::string("DHW").substr(3 - axes);
  const std::string image = layout == Layout::ChannelsLast ? "N" + spatial + "C" : "NC" + spatial;
  return std::vector<std::string>{image, spatial + "IO", image};
}

// Checks the options that both layers have, and makes the weight and the bias.
template <class Options>
void make_parameters(std::string_view kind, std::size_t axes, std::int64_t in_features, std::int64_t out_features,
                     const PerAxis& kernel, const Options& options, Tensor& weight, Tensor& bias) {
  require_range(kind, "in_features", in_features);
  require_range(kind, "out_features", out_features);
  require_range(kind, "groups", options.groups);
  if (in_features % options.groups != 0 || out_features % options.groups != 0)
    fail(kind, fmt::format("groups must divide in_features and out_features, got {} groups, {} and {} features",
                           options.groups, in_features, out_features));
  const std::vector<std::int64_t> window = resolve(kind, "kernel", kernel, axes);
  const std::vector<std::int64_t> strides = resolve(kind, "strides", options.strides, axes);
  const std::vector<std::int64_t> dilation = resolve(kind, "dilation", options.dilation, axes);
  options.padding.resolve(kind, std::vector<std::int64_t>(axes, 1), dilated_window(window, dilation), strides);

  Shape shape(window.begin(), window.end());
  shape.push_back(in_features / options.groups);
  shape.push_back(out_features);
  weight = initial_weight(kind, options.init, options.key, shape);
  if (options.bias) bias = zeros({out_features}, weight.dtype());
}

// The axis of the channels.
int channels_axis(Layout layout) { return layout == Layout::ChannelsLast ? -1 : 1; }

void require_input(std::string_view kind, const Tensor& x, const Tensor& weight, std::int64_t in_features,
                   Layout layout) {
  if (x.is_null() || x.ndim() != weight.ndim() || x.dim(channels_axis(layout)) != in_features)
    fail(kind, fmt::format("needs an input of {} axes, (batch, {}), got {}", weight.ndim(),
                           layout == Layout::ChannelsLast ? fmt::format("spatial..., {} channels", in_features)
                                                          : fmt::format("{} channels, spatial...", in_features),
                           describe(x)));
  require_dtype(kind, x, weight);
}

std::size_t spatial_axes_of(const Tensor& weight) { return static_cast<std::size_t>(weight.ndim() - 2); }

std::vector<std::int64_t> kernel_of(const Tensor& weight) { return {weight.shape().begin(), weight.shape().end() - 2}; }

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return bias.is_null() ? conv_general_dilated(x, weight, options)
                        : conv_general_dilated_with_bias(x, weight, bias, options);
}

}  // namespace

Conv::Conv(int spatial_axes, std::int64_t in_features, std::int64_t out_features, const PerAxis& kernel,
           const ConvLayerOptions& options)
    : kind_(kind_of("Conv", spatial_axes)),
      options_{.window_strides = options.strides,
               .padding = options.padding,
               .rhs_dilation = options.dilation,
               .dimension_numbers = dimension_numbers(static_cast<std::size_t>(spatial_axes), options.layout),
               .feature_group_count = options.groups,
               .activation = options.activation},
      layout_(options.layout) {
  make_parameters(kind_, static_cast<std::size_t>(spatial_axes), in_features, out_features, kernel, options, weight,
                  bias);
}

void Conv::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

Tensor Conv::operator()(const Tensor& x) const {
  require_input(kind_, x, weight, weight.dim(-2) * options_.feature_group_count, layout_);
  const Tensor y = convolve(x, weight, bias, options_);
  return report_call(this, kind_, y, y.size() * (weight.size() / weight.dim(-1)));
}

ConvTranspose::ConvTranspose(int spatial_axes, std::int64_t in_features, std::int64_t out_features,
                             const PerAxis& kernel, const ConvTransposeLayerOptions& options)
    : kind_(kind_of("ConvTranspose", spatial_axes)), options_(options) {
  const auto axes = static_cast<std::size_t>(spatial_axes);
  make_parameters(kind_, axes, in_features, out_features, kernel, options, weight, bias);
  const std::vector<std::int64_t> extra = resolve(kind_, "output_padding", options.output_padding, axes, 0);
  const std::vector<std::int64_t> strides = options.strides.resolve(kind_, "strides", axes);
  const std::vector<std::int64_t> dilation = options.dilation.resolve(kind_, "dilation", axes);
  for (std::size_t axis = 0; axis < axes; ++axis)
    if (extra[axis] >= std::max(strides[axis], dilation[axis]))
      fail(kind_, fmt::format("output_padding must be less than stride or dilation, got {}, {} and {}", extra[axis],
                              strides[axis], dilation[axis]));
  if (options.padding.named(kind_).value_or(Padding::Valid) != Padding::Valid && !options.output_padding.all(0))
    fail(kind_, "padding Same decides the output's extents by itself; leave output_padding at 0 or give explicit pads");
}

void ConvTranspose::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

// The pads around the dilated input. The transposed convolution reads d - 1 elements past each end, less what its
// own padding had added there.
Pads ConvTranspose::pads(const Tensor& x) const {
  const std::size_t axes = spatial_axes_of(weight);
  const std::vector<std::int64_t> strides = options_.strides.resolve(kind_, "strides", axes);
  const std::vector<std::int64_t> window =
      dilated_window(kernel_of(weight), options_.dilation.resolve(kind_, "dilation", axes));
  std::vector<std::int64_t> extra = options_.output_padding.resolve(kind_, "output_padding", axes);
  std::vector<std::int64_t> full;  // the extents that Same gives back
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const std::int64_t extent = x.shape()[axis + (options_.layout == Layout::ChannelsLast ? 1 : 2)];
    if (extent == 0) fail(kind_, fmt::format("needs spatial extents of at least 1, got {}", describe(x)));
    full.push_back(extent * strides[axis]);
  }
  Pads pads = options_.padding.resolve(kind_, full, window, strides);
  const bool same = options_.padding.named(kind_).value_or(Padding::Valid) != Padding::Valid;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    auto& [low, high] = pads[axis];
    if (same) extra[axis] = strides[axis] - window[axis] + low + high;  // not 0 where the stride skips elements
    low = window[axis] - 1 - low;
    high = window[axis] - 1 - high + extra[axis];
  }
  return pads;
}

Tensor ConvTranspose::operator()(const Tensor& x) const {
  require_input(kind_, x, weight, weight.dim(-2) * options_.groups, options_.layout);
  const Tensor y = convolve(x, weight, bias,
                            {.padding = pads(x),
                             .lhs_dilation = options_.strides,
                             .rhs_dilation = options_.dilation,
                             .dimension_numbers = dimension_numbers(spatial_axes_of(weight), options_.layout),
                             .feature_group_count = options_.groups,
                             .activation = options_.activation});
  const std::int64_t uses = weight.size() / (weight.dim(-2) * options_.groups);  // of each input element
  return report_call(this, kind_, y, x.size() * uses);
}

}  // namespace cotangent::nn
