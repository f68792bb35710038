// Softmax: softmax, log_softmax, logsumexp.
#include "cotangent/ops/softmax.h"

#include <cmath>

#include "cotangent/autograd/primitive.h"
#include "cotangent/autograd/transforms.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/compare.h"
#include "cotangent/ops/kernels/exponential.h"
#include "cotangent/ops/kernels/reduce.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/unary.h"
#include "cotangent/ops/where.h"

namespace cotangent {
namespace {

using kernels::Array;
using kernels::ConstMap;
using kernels::Map;

// Subtracting the largest element changes nothing but keeps every exponential at most 1.
template <bool kLog, class T>
void softmax_row(const T* in, T* out, std::int64_t n) {
  const ConstMap<T> x(in, n);
  Map<T> y(out, n);
  const T largest = x.template maxCoeff<Eigen::PropagateNaN>();
  y = kernels::exponential(x - largest);
  const double total = kernels::accurate_sum(y);
  if constexpr (kLog) y = x - largest - static_cast<T>(std::log(total));
  else y /= static_cast<T>(total);
}

// The same for `width` neighbouring columns of n elements, `step` apart.
template <bool kLog, class T>
void softmax_columns(const T* in, T* out, std::int64_t n, std::int64_t step, std::int64_t width) {
  const auto x = [&](std::int64_t i) { return ConstMap<T>(in + i * step, width); };
  const auto y = [&](std::int64_t i) { return Map<T>(out + i * step, width); };
  Array<T> largest = x(0);
  for (std::int64_t i = 1; i < n; ++i) largest = kernels::larger(largest, x(i)).eval();
  Array<double> total = Array<double>::Zero(width);
  for (std::int64_t i = 0; i < n; ++i) {
    y(i) = kernels::exponential(x(i) - largest);
    total += y(i).template cast<double>();
  }
  if constexpr (kLog) total = total.unaryExpr([](double sum) { return std::log(sum); }).eval();
  const Array<T> scale = total.template cast<T>();
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (kLog) y(i) = x(i) - largest - scale;
    else y(i) /= scale;
  }
}

// What the two primitives share.
template <bool kLog>
class Normalize : public Primitive {
 public:
  explicit Normalize(int axis) : axis_(axis) {}

  Shape shape(const Tensors& inputs) const final {
    require_floating(name(), inputs[0].dtype());
    normalize_axis(name(), axis_, inputs[0].ndim());
    return inputs[0].shape();
  }

  void forward(const Tensors& inputs, Tensor& output) const final {
    if (output.size() == 0) return;
    const kernels::AxisSplit split(output.shape(), normalize_axis(name(), axis_, output.ndim()));
    visit_floating(output.dtype(), [&]<class T>() {
      const T* const in = inputs[0].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      split.for_each_tile([&](std::int64_t at, std::int64_t width) {
        if (split.inner == 1) softmax_row<kLog>(in + at, out + at, split.extent);
        else softmax_columns<kLog>(in + at, out + at, split.extent, split.inner, width);
      });
    });
  }

  Saves saves() const final { return Saves::Output; }

 protected:
  const int axis_;
};

class Softmax final : public Normalize<false> {
 public:
  using Normalize::Normalize;
  std::string_view name() const override { return "softmax"; }
  Tensor vjp(const Tensors&, const Tensor& output, const Tensor& g, std::size_t) const override {
    const Tensor weighted = g * output;
    return weighted - output * sum(weighted, axis_, true);
  }
};

class LogSoftmax final : public Normalize<true> {
 public:
  using Normalize::Normalize;
  std::string_view name() const override { return "log_softmax"; }
  Tensor vjp(const Tensors&, const Tensor& output, const Tensor& g, std::size_t) const override {
    return g - exp(output) * sum(g, axis_, true);
  }
};

}  // namespace

Tensor softmax(const Tensor& x, int axis) { return run<Softmax>({x}, axis); }
Tensor log_softmax(const Tensor& x, int axis) { return run<LogSoftmax>({x}, axis); }

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims) {
  require_floating("logsumexp", x.dtype());
  const std::vector<int> reduced = normalize_axes("logsumexp", axes.list(), x.ndim());
  if (x.size() == 0) return log(sum(exp(x), axes, keepdims));
  const Tensor largest = stop_gradient(max(x, axes, true));
  const Tensor shift = where(is_finite(largest), largest, 0);
  const Tensor kept = log(sum(exp(x - shift), axes, true)) + shift;
  return keepdims ? kept : squeeze(kept, reduced);
}

}  // namespace cotangent
