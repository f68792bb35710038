// Gather and scatter_add, each other's transposes. Both exist with one index per slice (take) and with one per element
// (take_along_axis).
#include "cotangent/ops/gather.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/binary.h"
#include "cotangent/ops/kernels/strided_copy.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

// Which elements of a tensor seen as (outer, extent, inner) are meant. Element (o, j, i) of what is gathered or added
// belongs to element (o, index, i), with index j for every o and i, or (`along`) index (o, j, i).
struct Places {
  Tensor indices;  // Int64, in [0, extent)
  std::size_t axis;
  bool along;

  Shape gathered(const Shape& shape) const {
    if (along) return indices.shape();
    Shape result(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
    for (std::int64_t extent : indices.shape()) result.push_back(extent);
    for (std::size_t i = axis + 1; i < shape.size(); ++i) result.push_back(shape[i]);
    return result;
  }
};

struct Extents {
  std::int64_t outer = 1, extent, inner = 1, count;  // count: of j

  Extents(const Places& places, const Shape& shape)
      : extent(shape[places.axis]), count(places.along ? places.indices.shape()[places.axis] : places.indices.size()) {
    for (std::size_t i = 0; i < places.axis; ++i) outer *= shape[i];
    for (std::size_t i = places.axis + 1; i < shape.size(); ++i) inner *= shape[i];
  }
};

class Gather final : public Primitive {
 public:
  explicit Gather(Places places) : places_(std::move(places)) {}
  std::string_view name() const override { return "gather"; }
  Shape shape(const Tensors& inputs) const override { return places_.gathered(inputs[0].shape()); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const Extents e(places_, inputs[0].shape());
    const std::int64_t* const indices = places_.indices.data<std::int64_t>().data();
    visit(output.dtype(), [&]<class T>() {
      const T* const x = inputs[0].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      const std::int64_t block = std::max<std::int64_t>(1, kernels::kElementwiseBlock / (e.inner + 1));
      parallel_for(e.outer * e.count, block, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          const T* const from = x + row / e.count * e.extent * e.inner;
          T* const to = out + row * e.inner;
          if (places_.along)
            for (std::int64_t i = 0; i < e.inner; ++i) to[i] = from[indices[row * e.inner + i] * e.inner + i];
          else std::copy_n(from + indices[row % e.count] * e.inner, e.inner, to);
        }
      });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override;

 private:
  const Places places_;
};

class ScatterAdd final : public Primitive {
 public:
  explicit ScatterAdd(Places places) : places_(std::move(places)) {}
  std::string_view name() const override { return "scatter_add"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }

  // Threads share out lines of (o, i), never j, so that repeated indices add in order.
  void forward(const Tensors& inputs, Tensor& output) const override {
    const kernels::StridedView all = kernels::whole(output.shape());
    kernels::copy_strided(output.shape(), inputs[0], all, output, all);
    const Extents e(places_, output.shape());
    const std::int64_t* const indices = places_.indices.data<std::int64_t>().data();
    const std::int64_t width = std::clamp<std::int64_t>(e.inner, 1, kWidth), parts = (e.inner + width - 1) / width;
    kernels::visit_number(output.dtype(), [&]<class T>() {
      const T* const updates = inputs[1].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      const std::int64_t block = std::max<std::int64_t>(1, kernels::kElementwiseBlock / (e.count * width + 1));
      parallel_for(e.outer * parts, block, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t part = begin; part < end; ++part) {
          const std::int64_t first = part % parts * width, last = std::min(e.inner, first + width);
          T* const to = out + part / parts * e.extent * e.inner;
          for (std::int64_t j = 0; j < e.count; ++j) {
            const std::int64_t row = (part / parts * e.count + j) * e.inner;
            for (std::int64_t i = first; i < last; ++i) {
              T& target = to[indices[places_.along ? row + i : j] * e.inner + i];
              target = static_cast<T>(target + updates[row + i]);
            }
          }
        }
      });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t which) const override {
    return which == 0 ? g : run<Gather>({g}, places_);
  }

 private:
  static constexpr std::int64_t kWidth = 256;  // elements of a slice that a thread takes at once

  const Places places_;
};

Tensor Gather::vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const {
  return run<ScatterAdd>({zeros(inputs[0].shape(), g.dtype()), g}, places_);
}

// Indices as Int64 in [0, extent), where those from `lowest` (-extent, or 0 if none may be negative) are allowed.
Tensor resolve_indices(std::string_view operation, const Tensor& indices, std::int64_t lowest, std::int64_t extent) {
  if (indices.dtype() != DType::Int32 && indices.dtype() != DType::Int64)
    fail(operation,
         fmt::format("indices must be Int32 or Int64, got {}; convert with .to(DType::Int64)", describe(indices)));
  Tensor result = Tensor::uninitialized(indices.shape(), DType::Int64);
  if (!result.has_elements()) return result;
  const Tensor wide = indices.to(DType::Int64);
  const std::span<const std::int64_t> from = wide.data<std::int64_t>();
  const std::span<std::int64_t> to = result.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] < lowest || from[i] >= extent) {
      Shape position = indices.shape();
      std::int64_t rest = static_cast<std::int64_t>(i);
      for (std::size_t axis = position.size(); axis-- > 0;) {
        const std::int64_t along = indices.shape()[axis];
        position[axis] = rest % along;
        rest /= along;
      }
      fail(operation,
           fmt::format("index {} at position {} is outside [{}, {})", from[i], to_string(position), lowest, extent));
    }
    to[i] = from[i] < 0 ? from[i] + extent : from[i];
  }
  return result;
}

Places resolve_places(std::string_view operation, const Tensor& x, const Tensor& indices, int axis, bool along) {
  const int at = normalize_axis(operation, axis, x.ndim());
  return {resolve_indices(operation, indices, -x.dim(at), x.dim(at)), static_cast<std::size_t>(at), along};
}

Tensor add_updates(std::string_view operation, const Tensor& x, const Tensor& updates, const Places& places) {
  kernels::require_not_bool(operation, x.dtype());
  kernels::require_same_dtype(operation, x, updates);
  const Shape shape = places.gathered(x.shape());
  if (updates.shape() != shape)
    fail(operation, fmt::format("updates must have shape {} for {} and indices of shape {}, got {}", to_string(shape),
                                describe(x), to_string(places.indices.shape()), describe(updates)));
  return run<ScatterAdd>({x, updates}, places);
}

// `shape` with another extent of `axis`.
Shape with_extent(Shape shape, int axis, std::int64_t extent) {
  shape[static_cast<std::size_t>(axis)] = extent;
  return shape;
}

int require_as_many_axes(std::string_view operation, const Tensor& x, const Tensor& indices, int axis) {
  if (x.ndim() != indices.ndim())
    fail(operation,
         fmt::format("x and indices must have equally many axes, got {} and {}", describe(x), describe(indices)));
  return normalize_axis(operation, axis, x.ndim());
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& indices, int axis) {
  return run<Gather>({x}, resolve_places("take", x, indices, axis, false));
}

Tensor take_along_axis(const Tensor& x, const Tensor& indices, int axis) {
  const int at = require_as_many_axes("take_along_axis", x, indices, axis);
  const Shape others =
      broadcast_shapes("take_along_axis", with_extent(x.shape(), at, 1), with_extent(indices.shape(), at, 1));
  const Tensor wide = broadcast_to(x, with_extent(others, at, x.dim(at)));
  const Places places = resolve_places("take_along_axis", wide, indices, at, true);
  return run<Gather>({wide},
                     Places{broadcast_to(places.indices, with_extent(others, at, indices.dim(at))), places.axis, true});
}

Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  return add_updates("scatter_add", x, updates, resolve_places("scatter_add", x, indices, axis, false));
}

Tensor put_along_axis_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  const int at = require_as_many_axes("put_along_axis_add", x, indices, axis);
  if (with_extent(x.shape(), at, 1) != with_extent(indices.shape(), at, 1))
    fail("put_along_axis_add", fmt::format("x and indices must agree in all extents but that of axis {}, got {} and {}",
                                           at, describe(x), describe(indices)));
  return add_updates("put_along_axis_add", x, updates, resolve_places("put_along_axis_add", x, indices, at, true));
}

Tensor one_hot(const Tensor& indices, std::int64_t classes, DType dtype) {
  if (classes < 0) fail("one_hot", fmt::format("the number of classes must not be negative, got {}", classes));
  const Tensor resolved = resolve_indices("one_hot", indices, 0, classes);
  Shape shape = indices.shape();
  shape.push_back(classes);
  Tensor result = zeros(shape, dtype);
  if (!result.has_elements()) return result;
  visit(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>().data();
    for (std::int64_t index : resolved.data<std::int64_t>()) {
      out[index] = T{1};
      out += classes;
    }
  });
  return result;
}

}  // namespace cotangent
