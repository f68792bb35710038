// Sums over channels-last windows of any shape.
#include "cotangent/ops/kernels/conv_depthwise_windows.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kRowsTogether = 4;  // rows of a kernel that are summed before they join a longer sum

std::vector<ColumnTaps> column_taps(const ConvAxis& axis, Range columns) {
  const std::int64_t reach = (length(columns) - 1) * axis.stride;
  std::vector<ColumnTaps> taps;
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    const std::int64_t first = columns.first * axis.stride + k * axis.rhs_dilation - axis.low;
    if (first + reach < 0 || first >= axis.in) continue;  // with gaps between columns none may be inside; no harm
    const bool whole = first >= 0 && first + reach < axis.in;
    if (whole && !taps.empty() && taps.back().whole && taps.back().first + taps.back().count == k) ++taps.back().count;
    else taps.push_back({k, 1, whole});
  }
  return taps;
}

}  // namespace

template <class T>
WindowGrids<T>::WindowGrids(const ConvAxis& row, const ConvAxis& column, bool long_sums, const T* zeros)
    : row_(row), column_(column), zeros_(zeros) {
  for (const Range& columns : equal_pieces(column_.out, kMostSums)) {
    const auto rows = long_sums ? equal_pieces(row_.out, kMostSums / length(columns)) : std::vector<Range>{{0, 1}};
    for (const Range& some : rows) grids_.push_back({some, columns, column_taps(column_, columns)});
  }
}

// Appends the taps of a row of the kernel. `inside` tells which rows of the grid read it inside the input, and `lhs`
// is where the first of them does or would.
template <class T>
void WindowGrids<T>::take_row(const WindowGrid& grid, Range inside, const T* lhs, const T* rhs, TapLists<T>& to) const {
  const std::int64_t rows = length(grid.rows), columns = length(grid.columns);
  const bool whole_rows = length(inside) == rows;
  for (const ColumnTaps& tap : grid.taps) {
    const T* const factor = rhs + tap.first * column_.rhs_step;
    const std::int64_t x = grid.columns.first * column_.stride + tap.first * column_.rhs_dilation - column_.low;
    if (whole_rows && tap.whole) {
      to.taps.push_back({lhs + x * column_.lhs_step, factor, tap.count, -1});
      continue;
    }
    for (std::int64_t k = 0; k < tap.count; ++k) {
      to.taps.push_back({nullptr, factor + k * column_.rhs_step, 1, static_cast<std::int64_t>(to.places.size())});
      const std::int64_t first = x + k * column_.rhs_dilation;
      const auto place = [&](std::int64_t r, std::int64_t c) {
        const std::int64_t at = first + c * column_.stride;
        const bool read = r >= inside.first && r < inside.second && at >= 0 && at < column_.in;
        to.places.push_back(read ? lhs + r * row_.stride * row_.lhs_step + at * column_.lhs_step : zeros_);
      };
      for (std::int64_t i = 0; i < (grid.swapped() ? columns : rows); ++i)
        for (std::int64_t j = 0; j < (grid.swapped() ? rows : columns); ++j) grid.swapped() ? place(j, i) : place(i, j);
    }
  }
}

template <class T>
void WindowGrids<T>::sum(const WindowGrid& grid, const TapLists<T>& lists, T* out, std::int64_t out_row,
                         std::int64_t out_column, std::int64_t width, bool add, const Ahead<T>& ahead) const {
  WindowSums<T> sums{lists.taps.data(),
                     static_cast<std::int64_t>(lists.taps.size()),
                     lists.places.data(),
                     0,
                     column_.rhs_dilation * column_.lhs_step,
                     column_.rhs_step,
                     length(grid.rows),
                     length(grid.columns),
                     row_.stride * row_.lhs_step,
                     column_.stride * column_.lhs_step,
                     out_row,
                     out_column,
                     out,
                     width,
                     false,
                     add,
                     add,
                     ahead};
  if (grid.swapped()) {
    std::swap(sums.rows, sums.columns);
    std::swap(sums.lhs_row, sums.lhs_column);
    std::swap(sums.out_row, sums.out_column);
  }
  kernels_.sum_windows(sums);
}

// A row of output, by blocks of columns.
template <class T>
void WindowGrids<T>::sum_row(const std::vector<Slice>& slices, std::int64_t y, const T* lhs, const T* rhs, T* out,
                             std::int64_t width, TapLists<T>& lists) const {
  const Range kernel = kernel_range(row_, y);
  for (const WindowGrid& grid : grids_) {
    lists.clear();
    for (const Slice& slice : slices)
      for (std::int64_t k = kernel.first; k < kernel.second; ++k) {
        const std::int64_t at = y * row_.stride + k * row_.rhs_dilation - row_.low;
        take_row(grid, {0, 1}, lhs + slice.lhs + at * row_.lhs_step, rhs + slice.rhs + k * row_.rhs_step, lists);
      }
    Ahead<T> ahead{};
    if (&grid == &grids_.front() && !slices.empty()) {
      const std::int64_t seen = y * row_.stride + (row_.kernel - 1) * row_.rhs_dilation - row_.low + 1;
      look_ahead(ahead, seen, std::min<std::int64_t>(row_.stride, 6), lhs + slices.front().lhs, width);
      if (y + 1 < row_.out) ahead.add(out + row_.out_step);
    }
    sum(grid, lists, out + grid.columns.first * column_.out_step, row_.out_step, column_.out_step, width, false, ahead);
  }
}

// Some rows of the kernel, for all output positions on the last two axes.
template <class T>
void WindowGrids<T>::add_rows(Range kernel, const T* lhs, const T* rhs, T* to, std::int64_t to_step, std::int64_t width,
                              TapLists<T>& lists) const {
  for (std::int64_t k = kernel.first; k < kernel.second; k += kRowsTogether)
    for (const WindowGrid& grid : grids_) {
      lists.clear();
      for (std::int64_t j = k; j < std::min(k + kRowsTogether, kernel.second); ++j) {
        const std::int64_t at = grid.rows.first * row_.stride + j * row_.rhs_dilation - row_.low;
        Range inside{length(grid.rows), 0};
        for (std::int64_t r = 0; r < length(grid.rows); ++r)
          if (const std::int64_t read = at + r * row_.stride; read >= 0 && read < row_.in)
            inside = {std::min(inside.first, r), r + 1};
        if (inside.first < inside.second)
          take_row(grid, inside, lhs + at * row_.lhs_step, rhs + j * row_.rhs_step, lists);
      }
      Ahead<T> ahead{};
      if (&grid == &grids_.front()) {
        const std::int64_t seen =
            (k + kRowsTogether - 1) * row_.rhs_dilation + (row_.out - 1) * row_.stride - row_.low + 1;
        look_ahead(ahead, seen, std::min<std::int64_t>(kRowsTogether * row_.rhs_dilation, 6), lhs, width);
        for (std::int64_t j = k + kRowsTogether; j < std::min(k + 2 * kRowsTogether, kernel.second); ++j)
          ahead.add(rhs + j * row_.rhs_step);
      }
      if (!lists.taps.empty())
        sum(grid, lists, to + (grid.rows.first * column_.out + grid.columns.first) * to_step, column_.out * to_step,
            to_step, width, true, ahead);
    }
}

// Asks for input rows from `first` on, where they are dense.
template <class T>
void WindowGrids<T>::look_ahead(Ahead<T>& ahead, std::int64_t first, std::int64_t count, const T* lhs,
                                std::int64_t width) const {
  ahead.elements = width == column_.lhs_step ? column_.in * column_.lhs_step : 0;
  for (std::int64_t i = std::max<std::int64_t>(0, first); i < std::min(first + count, row_.in); ++i)
    ahead.add(lhs + i * row_.lhs_step);
}

template class WindowGrids<float>;
template class WindowGrids<double>;

}  // namespace cotangent::kernels
