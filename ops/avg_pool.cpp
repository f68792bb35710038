// Average pooling: window_sum and its transpose, scaled.
#include <algorithm>

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/windows.h"
#include "cotangent/ops/pool.h"

namespace cotangent {
namespace {

using kernels::WindowsPtr;

class WindowSum final : public Primitive {
 public:
  explicit WindowSum(WindowsPtr windows) : windows_(std::move(windows)) {}
  std::string_view name() const override { return "window_sum"; }
  Shape shape(const Tensors&) const override { return windows_->output(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      const T* const x = inputs[0].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      kernels::for_all_outputs(*windows_, windows_->block(), [=](const auto& outputs, std::int64_t at) {
        kernels::table<kernels::PoolKernels<T>>().of(outputs).sum(outputs, x, T{0}, out + at);
      });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override;

 private:
  const WindowsPtr windows_;
};

// Every element of u added to all input elements of its window.
class WindowSumTranspose final : public Primitive {
 public:
  explicit WindowSumTranspose(WindowsPtr windows) : windows_(std::move(windows)) {}
  std::string_view name() const override { return "window_sum_transpose"; }
  Shape shape(const Tensors&) const override { return windows_->input(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      const T* const u = inputs[0].data<T>().data();
      kernels::write_windows<T>(*windows_, output, [=](const auto& outputs, std::int64_t at, bool adds, T* dx) {
        const auto& loops = kernels::table<kernels::PoolKernels<T>>().of(outputs);
        (adds ? loops.add_spread : loops.spread)(outputs, u + at, dx);
      });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override {
    return run<WindowSum>({g}, windows_);
  }

 private:
  const WindowsPtr windows_;
};

Tensor WindowSum::vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const {
  return run<WindowSumTranspose>({g}, windows_);
}

// How many real elements each window sees, but at least 1, in a shape that broadcasts to that of the sums.
Tensor real_elements(const WindowsPtr& windows, DType dtype) {
  const auto single = std::make_shared<const kernels::Windows>(1, windows->axes(), 1);
  Tensor counts = run<WindowSum>({ones(single->input(), dtype)}, single);
  if (!counts.has_elements()) return counts;
  visit_floating(dtype, [&]<class T>() {
    for (T& count : counts.mutable_data<T>()) count = std::max(count, T{1});
  });
  return counts;
}

}  // namespace

Tensor avg_pool(const Tensor& x, const PerAxis& window, const PoolOptions& options) {
  return kernels::pool("avg_pool", x, window, options, [&](const Tensor& channels_last, const WindowsPtr& windows) {
    const Tensor sums = run<WindowSum>({channels_last}, windows);
    return options.count_include_pad ? sums / static_cast<double>(windows->elements())
                                     : sums / real_elements(windows, x.dtype());
  });
}

}  // namespace cotangent
