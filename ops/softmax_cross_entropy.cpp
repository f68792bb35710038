// Cross entropy of the softmax of logits as one primitive, which passes over them once, and so does its derivative.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/elementwise.h"
#include "cotangent/ops/kernels/reduce.h"
#include "cotangent/ops/kernels/workspace.h"
#include "cotangent/ops/softmax.h"

namespace cotangent {
namespace {

using kernels::ConstMap;
using kernels::Map;

// Rows of logits and what is wanted of them: a share 1 - smoothing of each target is its class's, the rest is spread
// evenly.
struct Targets {
  Tensor classes;  // Int64, in [0, count)
  double smoothing;

  std::int64_t rows() const { return classes.size(); }
};

// exps = e^(row - its largest element) for `rows` rows; `shifted` has the exponents. The exponentials of many short
// rows at once fill vectors that those of one would not.
template <class T>
void exponentials(const T* x, std::int64_t rows, std::int64_t count, T* shifted, T* exps) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const ConstMap<T> from(x + row * count, count);
    Map<T>(shifted + row * count, count) = from - from.maxCoeff();
  }
  using Functions = kernels::functions::UnaryFunctions;
  kernels::table<kernels::ElementwiseKernels<T>>().unary[Functions::template index<kernels::functions::Exp>()](
      shifted, exps, rows * count, 0);
}

// Calls body(block, first row, rows) in parallel for blocks that depend on the shape alone; returns their number.
template <class Body>
std::int64_t for_row_blocks(std::int64_t rows, std::int64_t count, Body body) {
  const std::int64_t block = std::max<std::int64_t>(1, kernels::kElementwiseBlock / 4 / count);
  const std::int64_t blocks = (rows + block - 1) / block;
  parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i, i * block, std::min(block, rows - i * block));
  });
  return blocks;
}

// The gradient with respect to the logits: (softmax - target) * g / rows.
class SoftmaxCrossEntropyGrad final : public Primitive {
 public:
  explicit SoftmaxCrossEntropyGrad(const Targets& targets) : targets_(targets) {}
  std::string_view name() const override { return "softmax_cross_entropy_grad"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const std::int64_t rows = targets_.rows(), count = output.dim(-1);
    const std::int64_t* const classes = targets_.classes.data<std::int64_t>().data();
    visit_floating(output.dtype(), [&]<class T>() {
      const T* const x = inputs[0].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      const double scale = static_cast<double>(inputs[1].data<T>()[0]) / static_cast<double>(rows);
      const T of_class = static_cast<T>(scale * (1 - targets_.smoothing));
      const T of_all = static_cast<T>(scale * targets_.smoothing / static_cast<double>(count));
      for_row_blocks(rows, count, [&](std::int64_t, std::int64_t first, std::int64_t some) {
        const kernels::Workspace<T> shifted(some * count);
        exponentials(x + first * count, some, count, shifted.data(), out + first * count);
        for (std::int64_t row = first; row < first + some; ++row) {
          Map<T> y(out + row * count, count);
          y = y * static_cast<T>(scale / kernels::accurate_sum(y)) - of_all;
          y[classes[row]] -= of_class;
        }
      });
    });
  }

  // Linear in g, and a softmax in the logits.
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& u, std::size_t which) const override {
    const Tensor &logits = inputs[0], &g = inputs[1];
    if (which == 1) return sum(u * run<SoftmaxCrossEntropyGrad>({logits, ones({}, g.dtype())}, targets_));
    const Tensor probabilities = softmax(logits), weighted = u * probabilities;
    return (weighted - probabilities * sum(weighted, -1, true)) * (g / static_cast<double>(targets_.rows()));
  }

 private:
  const Targets targets_;
};

class SoftmaxCrossEntropy final : public Primitive {
 public:
  explicit SoftmaxCrossEntropy(const Targets& targets) : targets_(targets) {}
  std::string_view name() const override { return "softmax_cross_entropy"; }

  Shape shape(const Tensors& inputs) const override {
    const Tensor &logits = inputs[0], &classes = targets_.classes;
    require_floating(name(), logits.dtype());
    if (logits.ndim() == 0 || classes.is_null() || classes.dtype() != DType::Int64 ||
        classes.shape() != Shape(logits.shape().begin(), logits.shape().end() - 1))
      fail(name(), fmt::format("needs logits (..., classes) and Int64 targets (...), got {} and {}", describe(logits),
                               describe(classes)));
    if (classes.size() == 0) fail(name(), fmt::format("needs at least one example, got logits {}", describe(logits)));
    if (classes.has_elements())
      for (const std::int64_t target : classes.data<std::int64_t>())
        if (target < 0 || target >= logits.dim(-1))
          fail(name(), fmt::format("targets must be in [0, {}), got {}", logits.dim(-1), target));
    if (!(targets_.smoothing >= 0 && targets_.smoothing <= 1))
      fail(name(), fmt::format("label_smoothing must be in [0, 1], got {}", targets_.smoothing));
    return {};
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const std::int64_t rows = targets_.rows(), count = inputs[0].dim(-1);
    const std::int64_t* const classes = targets_.classes.data<std::int64_t>().data();
    const double smoothing = targets_.smoothing;
    visit_floating(output.dtype(), [&]<class T>() {
      const T* const x = inputs[0].data<T>().data();
      const kernels::Workspace<double> sums(rows);  // one for each block, of which there are no more than rows
      const std::int64_t blocks =
          for_row_blocks(rows, count, [&](std::int64_t block, std::int64_t first, std::int64_t some) {
            const kernels::Workspace<T> shifted(some * count), exps(some * count);
            exponentials(x + first * count, some, count, shifted.data(), exps.data());
            const kernels::Workspace<double> totals(some);
            double loss = 0;
            for (std::int64_t row = 0; row < some; ++row) {
              const ConstMap<T> exponents(shifted.data() + row * count, count), e(exps.data() + row * count, count);
              totals.data()[row] = static_cast<double>(kernels::accurate_sum(e));
              loss -= (1 - smoothing) * static_cast<double>(exponents[classes[first + row]]);
              if (smoothing > 0)  // or infinite logits would matter that have no share
                loss -= smoothing * static_cast<double>(kernels::accurate_sum(exponents)) / static_cast<double>(count);
            }
            sums.data()[block] = loss + ConstMap<double>(totals.data(), some).log().sum();
          });
      double total = 0;
      for (std::int64_t block = 0; block < blocks; ++block) total += sums.data()[block];
      output.mutable_data<T>()[0] = static_cast<T>(total / static_cast<double>(rows));
    });
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return run<SoftmaxCrossEntropyGrad>({inputs[0], g}, targets_);
  }

 private:
  const Targets targets_;
};

}  // namespace

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& targets, double label_smoothing) {
  return run<SoftmaxCrossEntropy>({logits}, Targets{targets, label_smoothing});
}

}  // namespace cotangent
