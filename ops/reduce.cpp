// Reductions: sum.
#include "cotangent/ops/reduce.h"

#include <algorithm>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

class Sum final : public Primitive {
 public:
  explicit Sum(std::vector<int> axes) : axes_(std::move(axes)) {}
  std::string_view name() const override { return "sum"; }
  Shape shape(const Tensors& inputs) const override {
    Shape result = inputs[0].shape();
    for (int axis : axes_) result[static_cast<std::size_t>(axis)] = 1;
    return result;
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      const Strides strides = broadcast_strides(output.shape(), inputs[0].shape());
      const std::span<T> out = output.mutable_data<T>();
      std::fill(out.begin(), out.end(), T{0});
      const std::span<const T> in = inputs[0].data<T>();
      for (std::int64_t i = 0; i < inputs[0].size(); ++i) {
        std::int64_t rest = i, at = 0;
        for (std::size_t axis = strides.size(); axis-- > 0; rest /= inputs[0].shape()[axis])
          at += rest % inputs[0].shape()[axis] * strides[axis];
        out[static_cast<std::size_t>(at)] += in[static_cast<std::size_t>(i)];
      }
    });
  }
  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return broadcast_to(g, inputs[0].shape());
  }

 private:
  const std::vector<int> axes_;
};

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keepdims) {
  const std::vector<int> reduced = normalize_axes("sum", axes, x.ndim());
  const Tensor kept = run<Sum>({x}, reduced);
  if (keepdims) return kept;
  Shape shape;
  for (int axis = 0; axis < x.ndim(); ++axis)
    if (std::find(reduced.begin(), reduced.end(), axis) == reduced.end()) shape.push_back(x.dim(axis));
  return reshape(kept, shape);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  std::vector<int> axes;
  const int extra = x.ndim() - shape.ndim();
  for (int axis = 0; axis < x.ndim(); ++axis)
    if (axis < extra || (shape[static_cast<std::size_t>(axis - extra)] == 1 && x.dim(axis) != 1)) axes.push_back(axis);
  return reshape(sum(x, axes, true), shape);
}

}  // namespace cotangent
