// Windows over a channels-last tensor, as pooling sees them: runs of input elements beneath a row of the output.
// Internal.
#pragma once

#include <functional>
#include <vector>

#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/pool_loops.h"
#include "cotangent/ops/kernels/strided_copy.h"
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

  // Cuts a row of the output into cells and calls f(at, cell, stride) for each; together they have every element of the
  // row once. The cell's first output is the row's element `at`. Its output i sees input elements offsets[k] + i, if
  // stride is 1, or else offsets[k] + i * stride: then there is one channel, and the cell is no longer than kCell.
  // `scratch` saves the allocations of one row after the other.
  struct Scratch {
    std::vector<Run> runs;
    std::vector<std::int64_t> offsets;
  };
  template <class F>
  void for_each_cell(std::int64_t row, Scratch& scratch, F&& f) const {
    auto& [runs, offsets] = scratch;
    runs.clear();
    for_each_run(row, [&runs = runs](const Run& run) { runs.push_back(run); });
    offsets.resize(runs.size());
    std::int64_t begin = 0, end = columns_;  // of the columns that all runs reach
    for (const Run& run : runs) begin = std::max(begin, run.first), end = std::min(end, run.last);
    if (begin >= end) begin = end = columns_;

    const std::int64_t step = column_step();
    const auto edge = [&](std::int64_t column) {
      std::int64_t count = 0;
      for (const Run& run : scratch.runs)
        if (run.first <= column && column < run.last)
          scratch.offsets[static_cast<std::size_t>(count++)] = run.offset + column * step;
      f(column * channels_, Cell{scratch.offsets.data(), count, channels_}, std::int64_t{1});
    };
    for (std::int64_t column = 0; column < begin; ++column) edge(column);
    const bool together = step == channels_, strided = channels_ == 1 && std::ssize(runs) <= kCellElements;
    const std::int64_t columns = together ? end - begin : strided ? kCell : 1;
    for (std::int64_t column = begin; column < end; column += columns) {
      for (std::size_t k = 0; k < runs.size(); ++k) offsets[k] = runs[k].offset + column * step;
      const std::int64_t n = std::min(columns, end - column) * channels_;
      f(column * channels_, Cell{offsets.data(), std::ssize(runs), n}, together || !strided ? 1 : step);
    }
    for (std::int64_t column = end; column < columns_; ++column) edge(column);
  }

  static constexpr std::int64_t kCell = 64, kCellElements = 16;

  // True if every input element lies in exactly one window and no window sees padding.
  bool is_partition() const { return is_partition_; }

 private:
  std::int64_t batch_, channels_;
  std::ptrdiff_t ndim_;           // spatial axes
  std::vector<WindowAxis> axes_;  // as many, but at least one
  std::vector<std::int64_t> outputs_;
  std::vector<Run> inner_;  // of the last axis alone, one for each of its window's elements
  std::int64_t columns_, rows_, elements_;
  bool is_partition_ = true;
  std::int64_t overlap_;  // rows in different groups of so many have no input elements in common
};

using WindowsPtr = std::shared_ptr<const Windows>;  // shared by a primitive and its derivatives

// A cell of one channel whose outputs see elements `stride` apart: those of a tensor, laid side by side.
template <class T>
class SideBySide {
 public:
  SideBySide(const Cell& cell, std::int64_t stride) : cell_(cell), stride_(stride) {
    for (std::int64_t k = 0; k < cell.count; ++k) offsets_[k] = k * Windows::kCell;
  }
  Cell cell() const { return {offsets_, cell_.count, cell_.n}; }

  // Reads a tensor.
  const T* operator()(const T* from) {
    for (std::int64_t k = 0; k < cell_.count; ++k)
      copy_every(from + cell_.offsets[k], stride_, cell_.n, elements_ + offsets_[k]);
    return elements_;
  }
  // Room for what add_to() or store_to() then writes to a tensor.
  T* elements() { return elements_; }
  void add_to(T* to) const {
    for (std::int64_t k = 0; k < cell_.count; ++k)
      for (std::int64_t i = 0; i < cell_.n; ++i) to[cell_.offsets[k] + i * stride_] += elements_[offsets_[k] + i];
  }
  void store_to(T* to) const {
    for (std::int64_t k = 0; k < cell_.count; ++k)
      for (std::int64_t i = 0; i < cell_.n; ++i) to[cell_.offsets[k] + i * stride_] = elements_[offsets_[k] + i];
  }

 private:
  const Cell cell_;
  const std::int64_t stride_;
  std::int64_t offsets_[Windows::kCellElements];
  T elements_[Windows::kCellElements * Windows::kCell];
};

// Folds what the windows see: Fold as fold_cell takes it.
template <class Fold, class T>
void fold_windows(const Windows& windows, const Tensor& input, Tensor& output, T nothing) {
  const T* const x = input.data<T>().data();
  T* const out = output.mutable_data<T>().data();
  parallel_for(windows.rows(), windows.block(), [&](std::int64_t begin, std::int64_t end) {
    Windows::Scratch scratch;
    for (std::int64_t row = begin; row < end; ++row)
      windows.for_each_cell(row, scratch, [&](std::int64_t at, const Cell& cell, std::int64_t stride) {
        T* const to = out + row * windows.row_size() + at;
        if (stride == 1) {
          fold_cell<Fold>(cell, x, nothing, to);
        } else {
          SideBySide<T> beside(cell, stride);
          fold_cell<Fold>(beside.cell(), beside(x), nothing, to);
        }
      });
  });
}

// The transposes: calls put.template operator()<adds>(at, cell, x, to) for every cell, the first of whose outputs is
// number `at`. It reads x, which may be null, and writes, or adds, to `to`, that is `output`, where the cell sees them.
template <class T, class Put>
void write_windows(const Windows& windows, Tensor& output, const T* x, Put put) {
  const bool adds = !windows.is_partition();
  if (adds) fill(output, full({}, 0, output.dtype()));
  T* const out = output.mutable_data<T>().data();
  parallel_for(windows.rows(), windows.disjoint_block(), [&](std::int64_t begin, std::int64_t end) {
    Windows::Scratch scratch;
    for (std::int64_t row = begin; row < end; ++row)
      windows.for_each_cell(row, scratch, [&](std::int64_t at, const Cell& cell, std::int64_t stride) {
        const std::int64_t from = row * windows.row_size() + at;
        if (stride == 1) {
          if (adds) put.template operator()<true>(from, cell, x, out);
          else put.template operator()<false>(from, cell, x, out);
          return;
        }
        SideBySide<T> given(cell, stride), results(cell, stride);
        put.template operator()<false>(from, given.cell(), x == nullptr ? x : given(x), results.elements());
        if (adds) results.add_to(out);
        else results.store_to(out);
      });
  });
}

// Checks the options of a pooling operation, and calls run(channels-last view of x, windows) for its result.
Tensor pool(std::string_view operation, const Tensor& x, const PerAxis& window, const PoolOptions& options,
            const std::function<Tensor(const Tensor&, const WindowsPtr&)>& run);

}  // namespace cotangent::kernels
