// Cumulative sums.
#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/reduction.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

class Cumsum final : public Primitive {
 public:
  Cumsum(int axis, bool reverse) : axis_(axis), reverse_(reverse) {}
  std::string_view name() const override { return "cumsum"; }
  Shape shape(const Tensors& inputs) const override {
    normalize_axis(name(), axis_, inputs[0].ndim());
    return inputs[0].shape();
  }
  DType dtype(const Tensors& inputs) const override { return kernels::accumulation_dtype(inputs[0].dtype()); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const kernels::AxisSplit split(output.shape(), normalize_axis(name(), axis_, output.ndim()));
    visit(inputs[0].dtype(), [&]<class T>() {
      using Out = kernels::SumOf<T>;
      using Accumulator = kernels::AccumulatorOf<T>;
      const T* const in = inputs[0].data<T>().data();
      Out* const out = output.mutable_data<Out>().data();
      split.for_each_tile([&](std::int64_t at, std::int64_t width) {
        std::array<Accumulator, kernels::kStrip> totals{};
        for (std::int64_t i = 0; i < split.extent; ++i) {
          const std::int64_t start = at + (reverse_ ? split.extent - 1 - i : i) * split.inner;
          for (std::int64_t j = 0; j < width; ++j) {
            Accumulator& total = totals[static_cast<std::size_t>(j)];
            total += in[start + j];
            out[start + j] = static_cast<Out>(total);
          }
        }
      });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override {
    return cumsum(g, axis_, !reverse_);
  }

 private:
  const int axis_;
  const bool reverse_;
};

}  // namespace

Tensor cumsum(const Tensor& x, int axis, bool reverse) { return run<Cumsum>({x}, axis, reverse); }

}  // namespace cotangent
