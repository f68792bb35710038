// Selection: where and clip.
#include "cotangent/ops/where.h"

#include <fmt/format.h>

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/binary.h"
#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/elementwise.h"
#include "cotangent/ops/kernels/operands.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

class Where final : public Primitive {
 public:
  std::string_view name() const override { return "where"; }

  Shape shape(const Tensors& inputs) const override {
    kernels::require_bool(name(), "the condition", inputs[0]);
    kernels::require_same_dtype(name(), inputs[1], inputs[2]);
    return broadcast_shapes(name(), inputs[0].shape(), broadcast_shapes(name(), inputs[1].shape(), inputs[2].shape()));
  }

  DType dtype(const Tensors& inputs) const override { return inputs[1].dtype(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit(output.dtype(), [&]<class T>() {
      kernels::map_broadcast<T, bool, T, T>(inputs, output, kernels::table<kernels::ElementwiseKernels<T>>().select);
    });
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    return sum_to(which == 1 ? where(inputs[0], g, 0) : where(inputs[0], 0, g), inputs[which].shape());
  }
};

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) { return run<Where>({condition, a, b}); }

Tensor where(const Tensor& condition, const Tensor& a, double b) {
  return where(condition, a, kernels::number_like(a, b));
}

Tensor where(const Tensor& condition, double a, const Tensor& b) {
  return where(condition, kernels::number_like(b, a), b);
}

Tensor clip(const Tensor& x, double low, double high) {
  if (!(low <= high)) fail("clip", fmt::format("needs low <= high, got {} and {}", low, high));
  return minimum(maximum(x, low), high);
}

}  // namespace cotangent
