// Concatenation, and stack and split, which are made of it and of slices.
#include <fmt/format.h>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/strided_copy.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/window.h"

namespace cotangent {
namespace {

// The axis along which both would fit.
std::string advice(const Tensor& first, const Tensor& other) {
  if (first.dtype() != other.dtype()) return fmt::format("; convert one with .to(DType::{})", name(first.dtype()));
  if (first.ndim() != other.ndim()) return "";
  int differing = 0, last = 0;
  for (int axis = 0; axis < first.ndim(); ++axis)
    if (first.dim(axis) != other.dim(axis)) ++differing, last = axis;
  return differing == 1 ? fmt::format("; along axis {} they fit", last) : "";
}

class Concatenate final : public Primitive {
 public:
  explicit Concatenate(int axis) : axis_(axis) {}
  std::string_view name() const override { return "concatenate"; }

  Shape shape(const Tensors& inputs) const override {
    Shape result = inputs[0].shape();
    const auto at = static_cast<std::size_t>(axis_);
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      Shape others = inputs[i].shape();
      if (others.size() == result.size()) others[at] = inputs[0].shape()[at];
      if (others != inputs[0].shape() || inputs[i].dtype() != inputs[0].dtype())
        fail(name(), fmt::format("tensors must have one dtype and agree in all extents but that of axis {}, got {} as "
                                 "input 0 and {} as input {}{}",
                                 axis_, describe(inputs[0]), describe(inputs[i]), i, advice(inputs[0], inputs[i])));
      result[at] += inputs[i].shape()[at];
    }
    require_valid(name(), result);
    return result;
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::StridedView target = kernels::whole(output.shape());
    for (const Tensor& input : inputs) {
      kernels::copy_strided(input.shape(), input, kernels::whole(input.shape()), output, target);
      target.offset += input.dim(axis_) * target.strides[static_cast<std::size_t>(axis_)];
    }
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    std::int64_t start = 0;
    for (std::size_t i = 0; i < which; ++i) start += inputs[i].dim(axis_);
    return slice_in_dim(g, start, start + inputs[which].dim(axis_), 1, axis_);
  }

 private:
  const int axis_;
};

}  // namespace

Tensor concatenate(const Tensors& tensors, int axis) {
  if (tensors.empty()) fail("concatenate", "needs at least one tensor, got none");
  return run<Concatenate>(tensors, normalize_axis("concatenate", axis, tensors[0].ndim()));
}

Tensor stack(const Tensors& tensors, int axis) {
  if (tensors.empty()) fail("stack", "needs at least one tensor, got none");
  const int at = normalize_axis("stack", axis, tensors[0].ndim() + 1);
  Tensors parts;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].shape() != tensors[0].shape())
      fail("stack", fmt::format("tensors must have one shape, got {} as input 0 and {} as input {}",
                                describe(tensors[0]), describe(tensors[i]), i));
    parts.push_back(expand_dims(tensors[i], at));
  }
  return concatenate(parts, at);
}

Tensors split(const Tensor& x, std::int64_t sections, int axis) {
  const int at = normalize_axis("split", axis, x.ndim());
  if (sections < 1 || x.dim(at) % sections != 0)
    fail("split", fmt::format("{} sections do not divide axis {} of shape {}, which has extent {}; {} would, or "
                              "use slice_in_dim for unequal parts",
                              sections, at, to_string(x.shape()), x.dim(at), nearest_divisor(sections, x.dim(at))));
  const std::int64_t extent = x.dim(at) / sections;
  Tensors parts;
  for (std::int64_t i = 0; i < sections; ++i) parts.push_back(slice_in_dim(x, i * extent, (i + 1) * extent, 1, at));
  return parts;
}

}  // namespace cotangent
