// Padding and slicing, each other's transposes: pad with interior elements and crops, slice with strides; and the
// assignment to a slice, which is made of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/operands.h"
#include "cotangent/ops/kernels/strided_copy.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/where.h"
#include "cotangent/ops/window.h"

namespace cotangent {
namespace {

class Pad final : public Primitive {
 public:
  Pad(std::vector<AxisPadding> padding, Tensor value) : padding_(std::move(padding)), value_(std::move(value)) {}
  std::string_view name() const override { return "pad"; }

  Shape shape(const Tensors& inputs) const override {
    Shape result = inputs[0].shape();
    if (padding_.size() != result.size())
      fail(name(), fmt::format("needs one {{low, high, interior}} for each of the {} axes of shape {}, got {}",
                               result.size(), to_string(result), padding_.size()));
    for (std::size_t axis = 0; axis < result.size(); ++axis) {
      const auto [low, high, interior] = padding_[axis];
      const auto refuse = [&, low = low, high = high, interior = interior](std::string_view rule) {
        fail(name(), fmt::format("{}, got {{low {}, high {}, interior {}}} for axis {} of shape {}", rule, low, high,
                                 interior, axis, to_string(inputs[0].shape())));
      };
      const auto outside = [](std::int64_t number) { return number > kMost || number < -kMost; };
      if (interior < 0) refuse("interior padding must not be negative");
      if (outside(low) || outside(high) || outside(interior)) refuse("padding must stay within 2^40");
      std::int64_t dilated = 0;
      if (__builtin_mul_overflow(std::max<std::int64_t>(0, result[axis] - 1), interior + 1, &dilated) ||
          dilated > std::numeric_limits<std::int64_t>::max() / 2)
        refuse("the padded axis has more elements than memory can hold");
      result[axis] = dilated_extent(result[axis], interior + 1) + low + high;
      if (result[axis] < 0) refuse("padding must not crop more than there is");
    }
    require_valid(name(), result);
    return result;
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::fill(output, value_);
    Shape extents = inputs[0].shape();
    kernels::StridedView source = kernels::whole(extents), target = kernels::whole(output.shape());
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      // Element i lands at low + i * step; those from first up to last are inside.
      const std::int64_t low = padding_[axis].low, step = padding_[axis].interior + 1;
      const std::int64_t first = std::max<std::int64_t>(0, -floor_divide(low, step));
      const std::int64_t last = std::min(extents[axis], floor_divide(output.shape()[axis] - 1 - low, step) + 1);
      extents[axis] = std::max<std::int64_t>(0, last - first);
      source.offset += first * source.strides[axis];
      target.offset += (low + first * step) * target.strides[axis];
      target.strides[axis] *= step;
    }
    kernels::copy_strided(extents, inputs[0], source, output, target);
  }

  Saves saves() const override { return Saves::Nothing; }

  // The pads off again, which leaves x with its interior elements, between which slice() steps.
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override {
    std::vector<AxisPadding> without;
    std::vector<std::int64_t> starts, stops, strides;
    for (std::size_t axis = 0; axis < padding_.size(); ++axis) {
      const auto [low, high, interior] = padding_[axis];
      without.push_back({-low, -high, 0});
      starts.push_back(0);
      stops.push_back(g.shape()[axis] - low - high);
      strides.push_back(interior + 1);
    }
    return slice(pad(g, without), starts, stops, strides);
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 40;  // so that sums of pads cannot overflow

  const std::vector<AxisPadding> padding_;
  const Tensor value_;
};

using Indices = std::vector<std::int64_t>;

// The extents of the elements that a slice takes of a tensor of shape `whole`.
Shape slice_shape(std::string_view operation, const Shape& whole, const Indices& starts, const Indices& stops,
                  const Indices& strides) {
  if (starts.size() != whole.size() || stops.size() != whole.size() || strides.size() != whole.size())
    fail(operation,
         fmt::format("needs one start, stop and stride for each of the {} axes of shape {}, got {}, {} and {}",
                     whole.size(), to_string(whole), starts.size(), stops.size(), strides.size()));
  Shape result = whole;
  for (std::size_t axis = 0; axis < result.size(); ++axis) {
    if (starts[axis] < 0 || starts[axis] > stops[axis] || stops[axis] > whole[axis])
      fail(operation,
           fmt::format("needs 0 <= start <= stop <= extent, got start {} and stop {} for axis {} of shape {}",
                       starts[axis], stops[axis], axis, to_string(whole)));
    if (strides[axis] < 1)
      fail(operation, fmt::format("strides must be at least 1, got ({}); use reverse() to walk backwards",
                                  fmt::join(strides, ", ")));
    result[axis] = -floor_divide(starts[axis] - stops[axis], strides[axis]);
  }
  return result;
}

// The padding that puts the elements of a slice, of shape `taken`, back to where they were in a tensor of shape
// `whole`.
std::vector<AxisPadding> slice_padding(const Shape& taken, const Shape& whole, const Indices& starts,
                                       const Indices& strides) {
  std::vector<AxisPadding> padding;
  for (std::size_t axis = 0; axis < starts.size(); ++axis) {
    const std::int64_t step = taken[axis] > 1 ? strides[axis] : 1;  // a stride not taken may be huge
    const std::int64_t stop = starts[axis] + dilated_extent(taken[axis], step);
    padding.push_back({starts[axis], whole[axis] - stop, step - 1});
  }
  return padding;
}

Indices strides_or_ones(const Indices& strides, std::size_t axes) {
  return strides.empty() ? Indices(axes, 1) : strides;
}

class Slice final : public Primitive {
 public:
  Slice(Indices starts, Indices stops, Indices strides)
      : starts_(std::move(starts)), stops_(std::move(stops)), strides_(std::move(strides)) {}
  std::string_view name() const override { return "slice"; }

  Shape shape(const Tensors& inputs) const override {
    return slice_shape(name(), inputs[0].shape(), starts_, stops_, strides_);
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::StridedView source = kernels::whole(inputs[0].shape());
    for (std::size_t axis = 0; axis < starts_.size(); ++axis) {
      source.offset += starts_[axis] * source.strides[axis];
      source.strides[axis] *= output.shape()[axis] > 1 ? strides_[axis] : 1;  // a stride not taken may be huge
    }
    kernels::copy_strided(output.shape(), inputs[0], source, output, kernels::whole(output.shape()));
  }

  Saves saves() const override { return Saves::Nothing; }

  // What was stepped over is zero again.
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return pad(g, slice_padding(g.shape(), inputs[0].shape(), starts_, strides_));
  }

 private:
  const Indices starts_, stops_, strides_;
};

}  // namespace

Tensor pad(const Tensor& x, const std::vector<AxisPadding>& padding, double value) {
  return run<Pad>({x}, padding, full({}, value, x.dtype()));
}

Tensor slice(const Tensor& x, const std::vector<std::int64_t>& starts, const std::vector<std::int64_t>& stops,
             const std::vector<std::int64_t>& strides) {
  return run<Slice>({x}, starts, stops, strides_or_ones(strides, starts.size()));
}

Tensor update_slice(const Tensor& x, const Tensor& update, const std::vector<std::int64_t>& starts,
                    const std::vector<std::int64_t>& stops, const std::vector<std::int64_t>& strides) {
  const Indices steps = strides_or_ones(strides, starts.size());
  kernels::require_same_dtype("update_slice", x, update);
  const Shape taken = slice_shape("update_slice", x.shape(), starts, stops, steps);
  if (update.ndim() > taken.ndim() || broadcast_shapes("update_slice", update.shape(), taken) != taken)
    fail("update_slice", fmt::format("an update of shape {} does not broadcast to the slice's {}",
                                     to_string(update.shape()), to_string(taken)));
  const std::vector<AxisPadding> padding = slice_padding(taken, x.shape(), starts, steps);
  return where(pad(ones(taken, DType::Bool), padding), pad(broadcast_to(update, taken), padding), x);
}

Tensor update_slice(const Tensor& x, double update, const std::vector<std::int64_t>& starts,
                    const std::vector<std::int64_t>& stops, const std::vector<std::int64_t>& strides) {
  return update_slice(x, kernels::number_like(x, update), starts, stops, strides);
}

Tensor slice_in_dim(const Tensor& x, std::int64_t start, std::int64_t stop, std::int64_t stride, int axis) {
  const auto at = static_cast<std::size_t>(normalize_axis("slice_in_dim", axis, x.ndim()));
  std::vector<std::int64_t> starts(x.shape().size(), 0), stops(x.shape().begin(), x.shape().end()),
      strides(x.shape().size(), 1);
  starts[at] = start;
  stops[at] = stop;
  strides[at] = stride;
  return slice(x, starts, stops, strides);
}

}  // namespace cotangent
