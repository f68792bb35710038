// Convolution layers: both are one call of conv_general_dilated and a bias.
#include "cotangent/nn/conv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/nn/layer_scope.h"
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
  const std::string image = axis_letters(axes, layout == Layout::ChannelsFirst);
  return std::vector<std::string>{image, std::string("DHW").substr(3 - axes) + "IO", image};
}

// Checks the options that both layers have, and makes the weight and the bias.
template <class Options>
void make_parameters(std::string_view kind, std::size_t axes, std::int64_t in_features, std::int64_t out_features,
                     const PerAxis& kernel, const Options& options, Tensor& weight, Tensor& bias) {
  require_range(kind, "in_features", in_features);
  require_range(kind, "out_features", out_features);
  require_range(kind, "groups", options.groups);
  if (in_features % options.groups != 0 || out_features % options.groups != 0)
    fail(kind, fmt::format("groups must divide in_features and out_features, got {} groups, {} and {} features; {} "
                           "would do",
                           options.groups, in_features, out_features,
                           nearest_divisor(options.groups, std::gcd(in_features, out_features))));
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

std::size_t spatial_axes_of(const Tensor& weight) { return static_cast<std::size_t>(weight.ndim() - 2); }

std::vector<std::int64_t> kernel_of(const Tensor& weight) { return {weight.shape().begin(), weight.shape().end() - 2}; }

// The axis of the channels.
int channels_axis(Layout layout) { return layout == Layout::ChannelsLast ? -1 : 1; }

// What may have been meant by an input of the wrong shape.
std::string advice(const Tensor& x, const Tensor& weight, std::int64_t in_features, Layout layout) {
  if (x.is_null()) return "";
  const std::size_t axes = spatial_axes_of(weight);
  const Layout other = layout == Layout::ChannelsLast ? Layout::ChannelsFirst : Layout::ChannelsLast;
  const std::string letters = axis_letters(axes, layout == Layout::ChannelsFirst);
  if (x.ndim() == weight.ndim()) {
    const std::int64_t channels = x.dim(channels_axis(layout));
    const auto first = x.shape().begin() + (layout == Layout::ChannelsLast ? 1 : 2);
    const bool square = axes > 1 && std::all_of(first, first + axes, [&](std::int64_t side) { return side == *first; });
    if (square || x.dim(channels_axis(other)) != in_features)
      return fmt::format("; it has {} channels (axis {}, 'C' of {}): in_features {} would fit", channels,
                         letters.find('C'), letters, channels);
    const std::string others = axis_letters(axes, other == Layout::ChannelsFirst);
    std::vector<std::size_t> order;
    for (const char letter : letters) order.push_back(others.find(letter));
    return fmt::format("; it looks like {}: transpose(x, {{{}}}) makes it {}, or give the layer .layout = Layout::{}",
                       others, fmt::join(order, ", "), letters,
                       other == Layout::ChannelsFirst ? "ChannelsFirst" : "ChannelsLast");
  }
  if (x.ndim() == 2 && axes > 1 && x.dim(1) % in_features == 0) {  // flat pictures
    const double pixels = static_cast<double>(x.dim(1) / in_features), root = 1.0 / static_cast<double>(axes);
    Shape square{x.dim(0)};
    for (std::size_t axis = 0; axis < axes; ++axis) square.push_back(std::llround(std::pow(pixels, root)));
    square.push_back(in_features);
    if (layout == Layout::ChannelsFirst) std::rotate(square.begin() + 1, square.end() - 1, square.end());
    if (square.elements() == x.size()) return fmt::format("; reshape it to {}", to_string(square));
  }
  if (x.ndim() + 1 != weight.ndim()) return "";
  if (x.dim(layout == Layout::ChannelsLast ? -1 : 0) == in_features)
    return "; expand_dims(x, 0) makes it a batch of one";
  if (in_features == 1) return fmt::format("; expand_dims(x, {}) gives it one channel", channels_axis(layout));
  return "";
}

template <class Layer>
void require_input(const Layer& layer, const Tensor& x, std::int64_t in_features, Layout layout) {
  const Tensor& weight = layer.weight;
  if (x.is_null() || x.ndim() != weight.ndim() || x.dim(channels_axis(layout)) != in_features) {
    std::string wanted;  // "N, H, W, 3"
    for (const char letter : axis_letters(spatial_axes_of(weight), layout == Layout::ChannelsFirst))
      wanted += (wanted.empty() ? "" : ", ") + (letter == 'C' ? std::to_string(in_features) : std::string(1, letter));
    fail(layer.description(), fmt::format("needs an input of shape ({}), got {}{}", wanted, describe(x),
                                          advice(x, weight, in_features, layout)));
  }
  require_dtype(layer, x, weight);
}

// "Conv2D(8 -> 16, 5x5)"
std::string describe_layer(const std::string& kind, std::int64_t in_features, const Tensor& weight) {
  return fmt::format("{}({} -> {}, {})", kind, in_features, weight.dim(-1), fmt::join(kernel_of(weight), "x"));
}

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

std::string Conv::description() const {
  return describe_layer(kind_, weight.dim(-2) * options_.feature_group_count, weight);
}

void Conv::refuse_empty_output(const Tensor& x) const {
  const bool channels_first = layout_ == Layout::ChannelsFirst;
  const std::size_t axes = spatial_axes_of(weight), first = channels_first ? 2 : 1;
  const std::vector<std::int64_t> strides = options_.window_strides.resolve(kind_, "strides", axes);
  const std::vector<std::int64_t> window =
      dilated_window(kernel_of(weight), options_.rhs_dilation.resolve(kind_, "dilation", axes));
  const std::vector<std::int64_t> input(x.shape().begin() + first, x.shape().begin() + first + axes);
  require_windows(description(), x, channels_first, window, strides,
                  options_.padding.resolve(kind_, input, window, strides));
}

Tensor Conv::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  require_input(*this, x, weight.dim(-2) * options_.feature_group_count, layout_);
  const Tensor y = convolve(x, weight, bias, options_);
  if (y.size() == 0 && x.dim(0) != 0) refuse_empty_output(x);  // nothing was computed
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
      fail(kind_, fmt::format("output_padding must be less than stride or dilation, got {}, {} and {}; the most is {}",
                              extra[axis], strides[axis], dilation[axis], std::max(strides[axis], dilation[axis]) - 1));
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
    if (extent == 0) fail(description(), fmt::format("needs spatial extents of at least 1, got {}", describe(x)));
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

std::string ConvTranspose::description() const {
  return describe_layer(kind_, weight.dim(-2) * options_.groups, weight);
}

Tensor ConvTranspose::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  require_input(*this, x, weight.dim(-2) * options_.groups, options_.layout);
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
