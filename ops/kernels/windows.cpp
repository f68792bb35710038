// Windows: the arithmetic that does not depend on the row, and the options of pooling.
#include "cotangent/ops/kernels/windows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "cotangent/core/error.h"
#include "cotangent/ops/movement.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();  // of an option, so that nothing overflows

std::vector<std::int64_t> resolve_positive(std::string_view operation, std::string_view option, const PerAxis& value,
                                           std::size_t axes) {
  std::vector<std::int64_t> result = value.resolve(operation, option, axes);
  for (std::int64_t number : result)
    if (number < 1 || number > kMost)
      fail(operation, fmt::format("{} must be from 1 to 2^31 - 1, got ({})", option, fmt::join(result, ", ")));
  return result;
}

std::vector<WindowAxis> resolve_axes(std::string_view operation, const std::vector<std::int64_t>& extents,
                                     const PerAxis& window, const PoolOptions& options) {
  const auto windows = resolve_positive(operation, "window", window, extents.size());
  const auto dilation = resolve_positive(operation, "window_dilation", options.window_dilation, extents.size());
  const auto strides = options.window_strides.is_unset()
                           ? windows
                           : resolve_positive(operation, "window_strides", options.window_strides, extents.size());
  std::vector<std::int64_t> dilated;
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    dilated.push_back(dilated_extent(windows[i], dilation[i]));
    if ((elements *= windows[i]) > kMost)
      fail(operation, fmt::format("a window is limited to 2^31 - 1 elements, got ({})", fmt::join(windows, ", ")));
  }
  const Pads pads = options.padding.resolve(operation, extents, dilated, strides);
  std::vector<WindowAxis> axes;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const auto [low, high] = pads[i];
    if (std::max(low, high) > kMost || std::min(low, high) < -kMost || extents[i] + low + high < 0)
      fail(operation, fmt::format("padding must leave an extent of at least 0 and stay below 2^31, got {{{}, {}}} for "
                                  "spatial axis {} of extent {}",
                                  low, high, i, extents[i]));
    axes.push_back({extents[i], windows[i], strides[i], dilation[i], low, high});
  }
  return axes;
}

}  // namespace

Windows::Windows(std::int64_t batch, std::vector<WindowAxis> axes, std::int64_t channels)
    : batch_(batch), channels_(channels), ndim_(std::ssize(axes)), axes_(std::move(axes)), rows_(batch), elements_(1) {
  if (axes_.empty()) axes_.push_back({1, 1, 1, 1, 0, 0});
  for (const WindowAxis& axis : axes_) {
    outputs_.push_back(axis.output());
    elements_ *= axis.window;
  }
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const WindowAxis& axis = axes_[i];
    is_partition_ = is_partition_ && axis.low == 0 && axis.stride == dilated_extent(axis.window, axis.dilation) &&
                    (axis.dilation == 1 || axis.window == 1) && outputs_[i] * axis.stride == axis.input;
  }
  columns_ = outputs_.back();
  std::int64_t rows_of_image = 1;
  for (std::size_t i = 0; i + 1 < outputs_.size(); ++i) rows_of_image *= outputs_[i];
  rows_ *= rows_of_image;

  // Where windows lie side by side along the first axis, nothing is shared between its steps.
  const WindowAxis& first = axes_.front();
  const bool disjoint = axes_.size() > 1 && first.stride >= dilated_extent(first.window, first.dilation);
  overlap_ = std::max<std::int64_t>(1, disjoint && outputs_[0] > 0 ? rows_of_image / outputs_[0] : rows_of_image);

  if (row_size() == 0) rows_ = 0;
  if (rows_ == 0) return;  // nothing to visit, and the window may be huge
  const WindowAxis& inner = axes_.back();
  for (std::int64_t k = 0; k < inner.window; ++k) {
    const std::int64_t at = k * inner.dilation - inner.low;  // what column 0 sees
    const std::int64_t begin = std::max<std::int64_t>(0, -floor_divide(at, inner.stride));
    const std::int64_t end = std::min(columns_, floor_divide(inner.input - 1 - at, inner.stride) + 1);
    inner_.push_back({k, at * channels_, begin, end});
  }
}

void Windows::find_runs(std::int64_t row, Row& result) const {
  auto& [runs, offsets, starts, positions, found, steps] = result;
  const std::size_t outer = axes_.size() - 1;
  const std::int64_t inner_window = axes_.back().window;
  if (found + 1 == row && steps > 0) {  // the same lines, further on
    const std::int64_t step = axes_[outer - 1].stride * axes_.back().input * channels_;
    for (WindowRun& run : runs) run.offset += step;
    found = row, --steps;
    return;
  }
  runs.clear();
  starts.resize(outer);
  positions.assign(outer, 0);  // of the window, on each axis
  std::int64_t image = row;
  for (std::size_t i = outer; i-- > 0; image /= outputs_[i])
    starts[i] = image % outputs_[i] * axes_[i].stride - axes_[i].low;
  found = row, steps = 0;
  if (outer > 0 && starts.back() >= 0) {
    const WindowAxis& axis = axes_[outer - 1];
    const std::int64_t room = axis.input - starts.back() - dilated_extent(axis.window, axis.dilation);
    steps = std::min(outputs_[outer - 1] - 1 - row % outputs_[outer - 1], floor_divide(room, axis.stride));
  }
  for (std::int64_t position = 0; position < elements_; position += inner_window) {
    std::int64_t line = image;  // of elements of the last axis
    bool inside = true;
    for (std::size_t i = 0; i < outer; ++i) {
      const std::int64_t at = starts[i] + positions[i] * axes_[i].dilation;
      inside = inside && at >= 0 && at < axes_[i].input;
      line = line * axes_[i].input + at;
    }
    for (std::size_t i = outer; i-- > 0;) {
      if (++positions[i] < axes_[i].window) break;
      positions[i] = 0;
    }
    if (!inside) continue;
    const std::int64_t start = line * axes_.back().input * channels_;
    for (const WindowRun& run : inner_)
      if (run.first < run.last) runs.push_back({position + run.element, start + run.offset, run.first, run.last});
  }
}

Shape Windows::input() const {
  Shape shape{batch_};
  for (const WindowAxis& axis : axes()) shape.push_back(axis.input);
  shape.push_back(channels_);
  return shape;
}

Shape Windows::output() const {
  Shape shape{batch_};
  for (const WindowAxis& axis : axes()) shape.push_back(axis.output());
  shape.push_back(channels_);
  return shape;
}

Tensor pool(std::string_view operation, const Tensor& x, const PerAxis& window, const PoolOptions& options,
            const std::function<Tensor(const Tensor&, const WindowsPtr&)>& run) {
  require_floating(operation, x.dtype());
  if (x.ndim() < 2)
    fail(operation, fmt::format("needs (batch, {}), got {}",
                                options.channels_first ? "channels, spatial..." : "spatial..., channels", describe(x)));
  const auto first = x.shape().begin(), last = x.shape().end();
  if (!options.channels_first) {
    const auto windows = std::make_shared<const Windows>(
        first[0], resolve_axes(operation, {first + 1, last - 1}, window, options), last[-1]);
    return run(x, windows);
  }
  // Channels do not mix: each is an image of its own with one channel, which then comes last.
  const auto windows = std::make_shared<const Windows>(first[0] * first[1],
                                                       resolve_axes(operation, {first + 2, last}, window, options), 1);
  const Shape pooled = windows->output();
  Shape shape{first[0], first[1]};
  for (std::size_t i = 1; i + 1 < pooled.size(); ++i) shape.push_back(pooled[i]);
  return reshape(run(reshape(x, windows->input()), windows), shape);
}

}  // namespace cotangent::kernels
