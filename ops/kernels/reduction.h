// Reduction: the primitive that a function of all elements along some axes becomes. Internal.
#pragma once

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/operands.h"
#include "cotangent/ops/kernels/reduce.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"

namespace cotangent::kernels {

// Function is one row: name, saves, dtype(input's), Operation<T> as reduce() takes it, and vjp(x, y, g, axes). A row
// that has no value over no elements says so with `needs_elements`; one without a meaning for Bool with `not_bool`.
template <class Function>
class Reduction final : public Primitive {
 public:
  explicit Reduction(std::vector<int> axes) : axes_(std::move(axes)) {}

  std::string_view name() const override { return Function::name; }

  // Reduced axes stay, with extent 1: reduce_with() drops them.
  Shape shape(const Tensors& inputs) const override {
    if constexpr (kNotBool) require_not_bool(name(), inputs[0].dtype());
    Shape result = inputs[0].shape();
    for (int axis : axes_) {
      std::int64_t& extent = result[static_cast<std::size_t>(axis)];
      if constexpr (requires { Function::needs_elements; })
        if (extent == 0)
          fail(name(),
               fmt::format("has no value over no elements, and axis {} of {} has extent 0", axis, describe(inputs[0])));
      extent = 1;
    }
    return result;
  }

  DType dtype(const Tensors& inputs) const override { return Function::dtype(inputs[0].dtype()); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const auto kernel = [&]<class T>() {
      using Operation = typename Function::template Operation<T>;
      reduce<T, decltype(Operation::result(Operation::initial))>(inputs[0], axes_, output, Operation());
    };
    if constexpr (kNotBool) visit_number(inputs[0].dtype(), kernel);
    else visit(inputs[0].dtype(), kernel);
  }

  Saves saves() const override { return Function::saves; }

  Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& g, std::size_t) const override {
    return Function::vjp(inputs[0], output, g, axes_);
  }

 private:
  static constexpr bool kNotBool = requires { Function::not_bool; };

  const std::vector<int> axes_;
};

template <class Function>
Tensor reduce_with(const Tensor& x, const Axes& axes, bool keepdims) {
  const std::vector<int> reduced = normalize_axes(Function::name, axes.list(), x.ndim());
  const Tensor kept = run<Reduction<Function>>({x}, reduced);
  return keepdims ? kept : squeeze(kept, reduced);
}

}  // namespace cotangent::kernels
