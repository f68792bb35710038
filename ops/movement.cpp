// Movement: reshape, with squeeze and expand_dims; broadcast_to, with meshgrid.
#include "cotangent/ops/movement.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

class Reshape final : public Primitive {
 public:
  explicit Reshape(Shape shape) : shape_(std::move(shape)) {}
  std::string_view name() const override { return "reshape"; }

  Shape shape(const Tensors& inputs) const override {
    Shape result = shape_;
    std::int64_t known = 1, free = -1;
    for (std::size_t axis = 0; axis < result.size(); ++axis) {
      if (result[axis] != -1) known *= result[axis];
      else if (free < 0) free = static_cast<std::int64_t>(axis);
      else fail(name(), fmt::format("only one extent may be -1, got {}", to_string(shape_)));
    }
    const std::int64_t size = inputs[0].size();
    if (free >= 0 && known > 0 && size % known == 0) result[static_cast<std::size_t>(free)] = size / known;
    if (std::any_of(result.begin(), result.end(), [](std::int64_t extent) { return extent < 0; }) ||
        result.elements() != size)
      fail(name(), fmt::format("shape {} does not fit the {} elements of shape {}{}", to_string(shape_), size,
                               to_string(inputs[0].shape()), advice(size)));
    return result;
  }

  void forward(const Tensors&, Tensor&) const override {}
  bool is_view() const override { return true; }
  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return reshape(g, inputs[0].shape());
  }

 private:
  // Which extent could be another: the first, if possible, as it counts examples.
  std::string advice(std::int64_t size) const {
    for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
      Shape open = shape_, fitting = shape_;
      open[axis] = -1;
      fitting[axis] = 1;
      const bool valid = std::all_of(fitting.begin(), fitting.end(), [](std::int64_t extent) { return extent > 0; });
      if (!valid || size % fitting.elements() != 0) continue;
      fitting[axis] = size / fitting.elements();
      return fmt::format("; {} gives {}", to_string(open), to_string(fitting));
    }
    return shape_.elements() < 0 ? "" : fmt::format("; {} has {}", to_string(shape_), shape_.elements());
  }

  const Shape shape_;
};

class BroadcastTo final : public Primitive {
 public:
  explicit BroadcastTo(Shape shape) : shape_(std::move(shape)) {}
  std::string_view name() const override { return "broadcast_to"; }

  Shape shape(const Tensors& inputs) const override {
    require_valid(name(), shape_);
    if (inputs[0].ndim() > shape_.ndim() || broadcast_shapes(name(), inputs[0].shape(), shape_) != shape_)
      fail(name(), fmt::format("shape {} does not broadcast to {}", to_string(inputs[0].shape()), to_string(shape_)));
    return shape_;
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit(output.dtype(), [&]<class T>() {
      kernels::map_broadcast<T, T>(inputs, output, [](const T* x, T* y, std::int64_t n) { std::copy_n(x, n, y); });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return sum_to(g, inputs[0].shape());
  }

 private:
  const Shape shape_;
};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) { return run<Reshape>({x}, shape); }

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : run<BroadcastTo>({x}, shape);
}

Tensor squeeze(const Tensor& x, const std::vector<int>& axes) {
  std::vector<bool> drops(x.shape().size(), false);
  for (int axis : normalize_axes("squeeze", axes, x.ndim())) {
    const bool single = x.dim(axis) == 1;
    if (!single && !axes.empty())
      fail("squeeze", fmt::format("axis {} of shape {} has extent {}, only extent 1 can be dropped", axis,
                                  to_string(x.shape()), x.dim(axis)));
    drops[static_cast<std::size_t>(axis)] = single;
  }
  Shape shape;
  for (std::size_t axis = 0; axis < drops.size(); ++axis)
    if (!drops[axis]) shape.push_back(x.shape()[axis]);
  return reshape(x, shape);
}

Tensor expand_dims(const Tensor& x, int axis) {
  std::vector<std::int64_t> extents(x.shape().begin(), x.shape().end());
  extents.insert(extents.begin() + normalize_axis("expand_dims", axis, x.ndim() + 1), 1);
  return reshape(x, Shape(std::move(extents)));
}

Tensors meshgrid(const Tensors& coordinates, Indexing indexing) {
  Shape grid;
  for (std::size_t k = 0; k < coordinates.size(); ++k) {
    if (coordinates[k].ndim() != 1)
      fail("meshgrid",
           fmt::format("coordinates must be 1-D, got shape {} for number {}", to_string(coordinates[k].shape()), k));
    grid.push_back(coordinates[k].size());
  }
  const bool swaps = indexing == Indexing::XY && coordinates.size() > 1;
  if (swaps) std::swap(grid[0], grid[1]);
  Tensors result;
  for (std::size_t k = 0; k < coordinates.size(); ++k) {
    Shape line(std::vector<std::int64_t>(coordinates.size(), 1));  // along one axis of the grid
    line[swaps && k < 2 ? 1 - k : k] = coordinates[k].size();
    result.push_back(broadcast_to(reshape(coordinates[k], line), grid));
  }
  return result;
}

}  // namespace cotangent
