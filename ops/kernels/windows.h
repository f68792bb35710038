// Windows over a channels-last tensor, as pooling sees them: runs of input elements beneath a row of the output.
// Internal.
#pragma once

#include <functional>
#include <type_traits>

#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/pool.h"

namespace cotangent::kernels {

// The windows of one spatial axis.
struct WindowAxis {
  std::int64_t input, window, stride, dilation, low, high;

  std::int64_t output() const { return window_count(input + low + high, dilated_extent(window, dilation), stride); }
};

// One element of the window, moved along the columns (windows of the last spatial axis) of an output row: the columns
// from `first` up to `last` find it inside the input. `offset` is the input element that column 0 sees, or would see,
// in channel 0.
struct Run {
  std::int64_t element;  // of the window, counted row-major
  std::int64_t offset, first, last;
};

class Windows {
 public:
  Windows(std::int64_t batch, std::vector<WindowAxis> axes, std::int64_t channels);

  Shape input() const;   // (batch, spatial..., channels)
  Shape output() const;  // the same of the results
  std::vector<WindowAxis> axes() const { return {axes_.begin(), axes_.begin() + ndim_}; }

  std::int64_t elements() const { return elements_; }  // of one window
  std::int64_t rows() const { return rows_; }          // of the output, each of row_size() elements
  std::int64_t row_size() const { return columns_ * channels_; }
  std::int64_t column_step() const { return axes_.back().stride * channels_; }  // input elements between columns
  std::int64_t channels() const { return channels_; }

  // Rows that a thread takes at once: a body may write what belongs to its output rows, or with disjoint_block() all
  // input elements that they see.
  std::int64_t block() const { return std::max<std::int64_t>(1, kElementwiseBlock / (row_size() * elements_ + 1)); }
  std::int64_t disjoint_block() const { return (block() + overlap_ - 1) / overlap_ * overlap_; }

  // Calls f(Run) for the window elements that lie inside the input for some column of `row`, in row-major order.
  template <class F>
  void for_each_run(std::int64_t row, F&& f) const {
    const std::size_t outer = axes_.size() - 1;
    const std::int64_t inner_window = axes_.back().window;
    for (std::int64_t position = 0; position < elements_ / inner_window; ++position) {
      std::int64_t rest_position = position, rest_row = row, line = 0, lines = 1;  // of elements of the last axis
      bool inside = true;
      for (std::size_t i = outer; i-- > 0;) {
        const WindowAxis& axis = axes_[i];
        const std::int64_t at =
            rest_row % outputs_[i] * axis.stride + rest_position % axis.window * axis.dilation - axis.low;
        inside = inside && at >= 0 && at < axis.input;
        line += at * lines;
        lines *= axis.input;
        rest_row /= outputs_[i];
        rest_position /= axis.window;
      }
      if (!inside) continue;
      const std::int64_t start = (rest_row * lines + line) * axes_.back().input * channels_;
      for (std::int64_t k = 0; k < inner_window; ++k) {
        Run run = inner_[static_cast<std::size_t>(k)];
        if (run.first >= run.last) continue;
        run.element = position * inner_window + k;
        run.offset += start;
        f(run);
      }
    }
  }

  // Calls f(at, elements) for the parts of a run: `elements` is an Eigen map of input elements, those that belong to
  // the output elements at, at + 1, ... of the row. T may be const.
  template <class T, class F>
  void for_each_part(const Run& run, T* input, F&& f) const {
    using Elements = std::conditional_t<std::is_const_v<T>, const Array<std::remove_const_t<T>>, Array<T>>;
    const std::int64_t columns = run.last - run.first, step = column_step();
    T* const from = input + run.offset + run.first * step;
    if (step == channels_) {
      f(run.first * channels_, Eigen::Map<Elements>(from, columns * channels_));
    } else if (channels_ == 1) {
      f(run.first, Eigen::Map<Elements, 0, Eigen::InnerStride<>>(from, columns, Eigen::InnerStride<>(step)));
    } else {
      for (std::int64_t column = 0; column < columns; ++column)
        f((run.first + column) * channels_, Eigen::Map<Elements>(from + column * step, channels_));
    }
  }

 private:
  std::int64_t batch_, channels_;
  std::ptrdiff_t ndim_;           // spatial axes
  std::vector<WindowAxis> axes_;  // as many, but at least one
  std::vector<std::int64_t> outputs_;
  std::vector<Run> inner_;  // of the last axis alone, one for each of its window's elements
  std::int64_t columns_, rows_, elements_;
  std::int64_t overlap_;  // rows in different groups of so many have no input elements in common
};

using WindowsPtr = std::shared_ptr<const Windows>;  // shared by a primitive and its derivatives

// Fills every output row with `start`, then folds what its windows see into it: fold(row elements, input elements).
template <class T, class Fold>
void fold_windows(const Windows& windows, const Tensor& input, Tensor& output, T start, Fold fold) {
  const T* const x = input.data<T>().data();
  T* const out = output.mutable_data<T>().data();
  parallel_for(windows.rows(), windows.block(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      T* const to = out + row * windows.row_size();
      std::fill_n(to, windows.row_size(), start);
      windows.for_each_run(row, [&](const Run& run) {
        windows.for_each_part(
            run, x, [&](std::int64_t at, const auto& elements) { fold(Map<T>(to + at, elements.size()), elements); });
      });
    }
  });
}

// Checks the options of a pooling operation, and calls run(channels-last view of x, windows) for its result.
Tensor pool(std::string_view operation, const Tensor& x, const PerAxis& window, const PoolOptions& options,
            const std::function<Tensor(const Tensor&, const WindowsPtr&)>& run);

}  // namespace cotangent::kernels
