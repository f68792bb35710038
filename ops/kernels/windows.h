// Windows over a channels-last tensor, as pooling sees them: runs of input elements beneath a row of the output.
// Internal.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/pool.h"
#include "cotangent/ops/kernels/strided_copy.h"
#include "cotangent/ops/pool.h"

namespace cotangent::kernels {

// The windows of one spatial axis.
struct WindowAxis {
  std::int64_t input, window, stride, dilation, low, high;

  std::int64_t output() const { return window_count(input + low + high, dilated_extent(window, dilation), stride); }
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

  // What one row of the output sees: the runs of the window elements that lie inside the input for some column, in
  // row-major order. Kept from one row to the next, it saves allocations.
  struct Row {
    std::vector<WindowRun> runs;
    std::vector<std::int64_t> offsets, starts, positions;  // starts: of its windows, for each axis but the last
    std::int64_t found = -1, steps = 0;  // the row, and how many after it see the same runs of further lines
  };
  void find_runs(std::int64_t row, Row& result) const;

  // True if a row's columns are single elements that do not lie side by side in the input: then rows are not cut into
  // cells.
  bool is_strided() const { return channels_ == 1 && column_step() != 1; }

  // Cuts a row of the output into cells and calls f(at, cell) for each; together they have every element of the row
  // once. The cell's first output is the row's element `at`.
  template <class F>
  void for_each_cell(std::int64_t row, Row& scratch, F&& f) const {
    find_runs(row, scratch);
    const std::vector<WindowRun>& runs = scratch.runs;
    std::vector<std::int64_t>& offsets = scratch.offsets;
    offsets.resize(runs.size());
    std::int64_t begin = 0, end = columns_;  // of the columns that all runs reach
    for (const WindowRun& run : runs) begin = std::max(begin, run.first), end = std::min(end, run.last);
    if (begin >= end) begin = end = columns_;

    const std::int64_t step = column_step();
    const auto edge = [&](std::int64_t column) {
      std::int64_t count = 0;
      for (const WindowRun& run : runs)
        if (run.first <= column && column < run.last)
          offsets[static_cast<std::size_t>(count++)] = run.offset + column * step;
      f(column * channels_, Cell{offsets.data(), count, channels_, 1, 0});
    };
    for (std::int64_t column = 0; column < begin; ++column) edge(column);
    if (begin < end) {
      for (std::size_t k = 0; k < runs.size(); ++k) offsets[k] = runs[k].offset + begin * step;
      const bool adjacent = step == channels_;
      f(begin * channels_, Cell{offsets.data(), std::ssize(runs), (adjacent ? end - begin : 1) * channels_,
                                adjacent ? 1 : end - begin, step});
    }
    for (std::int64_t column = end; column < columns_; ++column) edge(column);
  }

  // Cuts a row of the output into cells, or if strided into columns, and calls f(at, outputs), where `outputs` is a
  // Cell or Columns, the first of which is the row's element `at`.
  template <class F>
  void for_each_outputs(std::int64_t row, Row& scratch, F&& f) const {
    if (!is_strided()) return for_each_cell(row, scratch, f);
    find_runs(row, scratch);
    const std::vector<WindowRun>& runs = scratch.runs;
    for (std::int64_t first = 0; first < columns_; first += kBeside)
      f(first, Columns{runs.data(), std::ssize(runs), column_step(), first, std::min(kBeside, columns_ - first)});
  }

  // True if every input element lies in exactly one window and no window sees padding.
  bool is_partition() const { return is_partition_; }

 private:
  std::int64_t batch_, channels_;
  std::ptrdiff_t ndim_;           // spatial axes
  std::vector<WindowAxis> axes_;  // as many, but at least one
  std::vector<std::int64_t> outputs_;
  std::vector<WindowRun> inner_;  // of the last axis alone, one for each of its window's elements
  std::int64_t columns_, rows_, elements_;
  bool is_partition_ = true;
  std::int64_t overlap_;  // rows in different groups of so many have no input elements in common
};

using WindowsPtr = std::shared_ptr<const Windows>;  // shared by a primitive and its derivatives

// Calls f(outputs, row element) for all outputs, Cell or Columns, the first of which has that number. `block` rows are
// done by one thread.
template <class F>
void for_all_outputs(const Windows& windows, std::int64_t block, F f) {
  parallel_for(windows.rows(), block, [&](std::int64_t begin, std::int64_t end) {
    Windows::Row scratch;
    for (std::int64_t row = begin; row < end; ++row)
      windows.for_each_outputs(
          row, scratch, [&](std::int64_t at, const auto& outputs) { f(outputs, row * windows.row_size() + at); });
  });
}

// For the transposes, which write input elements: calls f(outputs, number, adds, dx). With `adds`, dx starts as 0 and
// is to be added to; without, all its elements are to be written.
template <class T, class F>
void write_windows(const Windows& windows, Tensor& output, F f) {
  const bool adds = !windows.is_partition();
  if (adds) fill(output, full({}, 0, output.dtype()));
  T* const dx = output.mutable_data<T>().data();
  for_all_outputs(windows, windows.disjoint_block(),
                  [&](const auto& outputs, std::int64_t at) { f(outputs, at, adds, dx); });
}

// Checks the options of a pooling operation, and calls run(channels-last view of x, windows) for its result.
Tensor pool(std::string_view operation, const Tensor& x, const PerAxis& window, const PoolOptions& options,
            const std::function<Tensor(const Tensor&, const WindowsPtr&)>& run);

}  // namespace cotangent::kernels
