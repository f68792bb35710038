// Max pooling: max_pool, and the scatter and gather that are its derivatives and each other's transposes.
#include <limits>

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/windows.h"
#include "cotangent/ops/pool.h"

namespace cotangent {
namespace {

using kernels::WindowsPtr;

Tensor max_pool_gather(const WindowsPtr& windows, const Tensor& x, const Tensor& u);

// u summed into the places of x that max_pool took.
class MaxPoolScatter final : public Primitive {
 public:
  explicit MaxPoolScatter(WindowsPtr windows) : windows_(std::move(windows)) {}
  std::string_view name() const override { return "max_pool_scatter"; }
  Shape shape(const Tensors&) const override { return windows_->input(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      const T *const x = inputs[0].data<T>().data(), *const u = inputs[1].data<T>().data();
      kernels::write_windows<T>(*windows_, output, [=](const auto& outputs, std::int64_t at, bool adds, T* dx) {
        const auto& loops = kernels::table<kernels::PoolKernels<T>>().of(outputs);
        (adds ? loops.add_scatter : loops.scatter)(outputs, x, u + at, dx);
      });
    });
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    return which == 0 ? Tensor() : max_pool_gather(windows_, inputs[0], g);
  }

 private:
  const WindowsPtr windows_;
};

// What u, of the shape of x, has in the places of x that max_pool took; 0 for windows that see nothing of x.
class MaxPoolGather final : public Primitive {
 public:
  explicit MaxPoolGather(WindowsPtr windows) : windows_(std::move(windows)) {}
  std::string_view name() const override { return "max_pool_gather"; }
  Shape shape(const Tensors&) const override { return windows_->output(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      const T *const x = inputs[0].data<T>().data(), *const u = inputs[1].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      kernels::for_all_outputs(*windows_, windows_->block(), [=](const auto& outputs, std::int64_t at) {
        kernels::table<kernels::PoolKernels<T>>().of(outputs).gather(outputs, x, u, out + at);
      });
    });
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    return which == 0 ? Tensor() : run<MaxPoolScatter>({inputs[0], g}, windows_);
  }

 private:
  const WindowsPtr windows_;
};

Tensor max_pool_gather(const WindowsPtr& windows, const Tensor& x, const Tensor& u) {
  return run<MaxPoolGather>({x, u}, windows);
}

class MaxPool final : public Primitive {
 public:
  explicit MaxPool(WindowsPtr windows) : windows_(std::move(windows)) {}
  std::string_view name() const override { return "max_pool"; }
  Shape shape(const Tensors&) const override { return windows_->output(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      const T* const x = inputs[0].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      kernels::for_all_outputs(*windows_, windows_->block(), [=](const auto& outputs, std::int64_t at) {
        kernels::table<kernels::PoolKernels<T>>().of(outputs).largest(outputs, x, -std::numeric_limits<T>::infinity(),
                                                                      out + at);
      });
    });
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return run<MaxPoolScatter>({inputs[0], g}, windows_);
  }

 private:
  const WindowsPtr windows_;
};

}  // namespace

Tensor max_pool(const Tensor& x, const PerAxis& window, const PoolOptions& options) {
  return kernels::pool("max_pool", x, window, options, [](const Tensor& channels_last, const WindowsPtr& windows) {
    return run<MaxPool>({channels_last}, windows);
  });
}

}  // namespace cotangent
