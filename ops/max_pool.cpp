// Max pooling: max_pool, and the scatter and gather that are its derivatives and each other's transposes.
#include <algorithm>
#include <limits>

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/strided_copy.h"
#include "cotangent/ops/kernels/windows.h"
#include "cotangent/ops/pool.h"

namespace cotangent {
namespace {

using kernels::Run;
using kernels::Windows;
using kernels::WindowsPtr;

// Finds, for every element of an output row, the input element that max_pool takes.
template <class T>
class Winners {
 public:
  explicit Winners(const Windows& windows)
      : windows_(windows),
        best_(windows.row_size()),
        which_(windows.row_size()),
        offsets_(static_cast<std::size_t>(windows.elements())) {}

  // Calls f(i, offset) for the elements i of `row` whose window sees some of the input.
  template <class F>
  void for_each(std::int64_t row, const T* input, F&& f) {
    which_.setConstant(-1);
    windows_.for_each_run(row, [&](const Run& run) {
      offsets_[static_cast<std::size_t>(run.element)] = run.offset;
      const auto element = static_cast<std::int32_t>(run.element);
      windows_.for_each_part(run, input, [&](std::int64_t at, const auto& elements) {
        T* const best = best_.data() + at;
        std::int32_t* const which = which_.data() + at;
        for (Eigen::Index i = 0; i < elements.size(); ++i) {
          const T value = elements[i];
          // Not `>`: NaN beats a number, and nothing beats NaN.
          const bool wins = (which[i] < 0) | (!(value <= best[i]) & (best[i] == best[i]));
          best[i] = wins ? value : best[i];
          which[i] = wins ? element : which[i];
        }
      });
    });
    const std::int64_t channels = windows_.channels(), step = windows_.column_step();
    for (std::int64_t i = 0, start = 0; i < windows_.row_size(); i += channels, start += step)
      for (std::int64_t channel = 0; channel < channels; ++channel)
        if (const std::int32_t element = which_[i + channel]; element >= 0)
          f(i + channel, offsets_[static_cast<std::size_t>(element)] + start + channel);
  }

 private:
  const Windows& windows_;
  kernels::Array<T> best_;
  kernels::Array<std::int32_t> which_;  // element of the window, -1 for none yet
  std::vector<std::int64_t> offsets_;   // of each element of the window, for column 0
};

Tensor max_pool_gather(const WindowsPtr& windows, const Tensor& x, const Tensor& u);

// u summed into the places of x that max_pool took.
class MaxPoolScatter final : public Primitive {
 public:
  explicit MaxPoolScatter(WindowsPtr windows) : windows_(std::move(windows)) {}
  std::string_view name() const override { return "max_pool_scatter"; }
  Shape shape(const Tensors&) const override { return windows_->input(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::fill(output, full({}, 0, output.dtype()));
    visit_floating(output.dtype(), [&]<class T>() {
      const T *const x = inputs[0].data<T>().data(), *const u = inputs[1].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      parallel_for(windows_->rows(), windows_->disjoint_block(), [&](std::int64_t begin, std::int64_t end) {
        Winners<T> winners(*windows_);
        for (std::int64_t row = begin; row < end; ++row) {
          const T* const from = u + row * windows_->row_size();
          winners.for_each(row, x, [=](std::int64_t i, std::int64_t offset) { out[offset] += from[i]; });
        }
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
    kernels::fill(output, full({}, 0, output.dtype()));
    visit_floating(output.dtype(), [&]<class T>() {
      const T *const x = inputs[0].data<T>().data(), *const u = inputs[1].data<T>().data();
      T* const out = output.mutable_data<T>().data();
      parallel_for(windows_->rows(), windows_->block(), [&](std::int64_t begin, std::int64_t end) {
        Winners<T> winners(*windows_);
        for (std::int64_t row = begin; row < end; ++row) {
          T* const to = out + row * windows_->row_size();
          winners.for_each(row, x, [=](std::int64_t i, std::int64_t offset) { to[i] = u[offset]; });
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
      kernels::fold_windows<T>(
          *windows_, inputs[0], output, -std::numeric_limits<T>::infinity(), [](auto row, const auto& elements) {
            row = row.binaryExpr(elements, [](T a, T b) { return ((a >= b) | (a != a)) ? a : b; });  // NaN wins
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
