// Max pooling: max_pool, and the scatter and gather that are its derivatives and each other's transposes.
#include <limits>

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/windows.h"
#include "cotangent/ops/pool.h"

namespace cotangent {
namespace {

using kernels::Cell;
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
      kernels::write_windows<T>(
          *windows_, output,
          [=]<bool kAdds>(std::int64_t at, const Cell& cell, T* to) {
            kernels::scatter_to_winners<kAdds>(cell, x, u + at, to);
          },
          [=, step = windows_->column_step()]<bool kAdds>(std::int64_t at, std::int64_t first, std::int64_t count,
                                                          const auto& runs, T* to) {
            kernels::scatter_to_column_winners<kAdds>(runs, step, first, count, x, u + at, to);
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
      parallel_for(windows_->rows(), windows_->block(), [&](std::int64_t begin, std::int64_t end) {
        kernels::Windows::Row scratch;
        for (std::int64_t row = begin; row < end; ++row) {
          T* const to = out + row * windows_->row_size();
          if (windows_->is_strided())
            windows_->for_each_columns(row, scratch, [&](std::int64_t first, std::int64_t count, const auto& runs) {
              kernels::gather_from_column_winners(runs, windows_->column_step(), first, count, x, u, to + first);
            });
          else
            windows_->for_each_cell(row, scratch, [&](std::int64_t at, const Cell& cell) {
              kernels::gather_from_winners(cell, x, u, to + at);
            });
        }
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
      kernels::fold_windows<kernels::LargestOf>(*windows_, inputs[0], output, -std::numeric_limits<T>::infinity());
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
