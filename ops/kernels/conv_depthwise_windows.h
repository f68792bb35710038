// Sums over channels-last windows of any shape, by grids of adjacent output positions: what the depthwise algorithm
// uses where it has no tile. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {

// Kernel positions of the last axis, for a block of columns: a run that all columns read inside the input, or a single
// one of which some columns read zeros.
struct ColumnTaps {
  std::int64_t first, count;
  bool whole;
};

// A grid of sums: adjacent output positions on the last two axes.
struct WindowGrid {
  Range rows, columns;
  std::vector<ColumnTaps> taps;
  bool swapped() const { return length(rows) > length(columns); }  // kernels want few rows
};

// Memory that calls reuse.
template <class T>
struct TapLists {
  std::vector<Taps<T>> taps;
  std::vector<const T*> places;
  void clear() {
    taps.clear();
    places.clear();
  }
};

// The sums of a problem without lhs dilation over its last two axes. `zeros` has one for every channel.
template <class T>
class WindowGrids {
 public:
  WindowGrids(const ConvAxis& row, const ConvAxis& column, bool long_sums, const T* zeros);

  // Row y of the output, for `width` channels, over all slices.
  void sum_row(const std::vector<Slice>& slices, std::int64_t y, const T* lhs, const T* rhs, T* out, std::int64_t width,
               TapLists<T>& lists) const;

  // Adds the sums over some rows of the kernel, for all output positions on the last two axes.
  void add_rows(Range kernel, const T* lhs, const T* rhs, T* to, std::int64_t to_step, std::int64_t width,
                TapLists<T>& lists) const;

 private:
  void take_row(const WindowGrid& grid, Range inside, const T* lhs, const T* rhs, TapLists<T>& to) const;
  void sum(const WindowGrid& grid, const TapLists<T>& lists, T* out, std::int64_t out_row, std::int64_t out_column,
           std::int64_t width, bool add, const Ahead<T>& ahead) const;
  void look_ahead(Ahead<T>& ahead, std::int64_t first, std::int64_t count, const T* lhs, std::int64_t width) const;

  const ConvAxis row_, column_;
  const T* zeros_;
  std::vector<WindowGrid> grids_;
  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
};

}  // namespace cotangent::kernels
