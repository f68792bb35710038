// Depthwise convolution, channels last: the rows of the output, or the sums of a kernel's gradient. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/conv_depthwise_windows.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {

// One problem without lhs dilation. Windows of usual widths are done in tiles: some pixels, vector by vector of their
// channels. Memory is read nearly in its order so, and pixels whose distance is a power of two, which share few sets of
// the nearest cache, are not needed there for long.
template <class T>
class ChannelsLast {
 public:
  ChannelsLast(const ConvProblem& problem, bool long_sums, const T* zeros, const T* lhs, const T* rhs, T* out);

  std::int64_t rows() const { return outer_.count() * row_.out; }

  // Rows of the output of batch entry m, for some channels.
  void forward(std::int64_t m, Range rows, Range channels) const;

  // The sums over a range of rows of the kernel (of all input features and slices), for some channels: added to
  // `to`, which has a row of vectors for every output feature and position.
  void add_sums(Range kernel_rows, Range channels, T* to, std::int64_t to_step) const;

  std::int64_t kernel_rows() const { return problem_.in_features * outer_.kernel() * row_.kernel; }
  std::int64_t positions() const {
    return problem_.out_features * problem_.batch * outer_.count() * row_.out * column_.out;
  }
  // Where the element of group 0 at a position of add_sums() belongs in the output.
  T* element(std::int64_t position) const;

 private:
  // Pixels of output from `column` on, the input pixel that their first tap meets, and how many of those from there on
  // lie outside and inside the input. Or factors from `column` on, and the same for the first sum.
  struct Tile {
    std::int64_t column, count, pixel, first, last;
  };
  Tile make_tile(std::int64_t column, std::int64_t count, std::int64_t move, std::int64_t step) const;
  void make_tiles();
  void make_factor_tiles();

  // One or two rows of output from y on.
  struct RowsAt {
    std::int64_t y, count;
    const T *lhs, *rhs;
    T* out;
    std::int64_t width;
  };
  void tile_rows(const std::vector<Slice>& slices, const RowsAt& at, std::vector<TapRow<T>>& taps) const;
  void add_tiles(Range kernel, const T* lhs, const T* rhs, T* to, std::int64_t to_step, std::int64_t width) const;

  const ConvProblem& problem_;
  const ConvAxis row_, column_;
  const OuterPositions outer_;
  const T *lhs_, *rhs_;
  T* out_;
  const T *lhs_end_, *rhs_end_, *out_end_;  // null if tensors are small enough to be in a cache
  std::vector<Tile> tiles_, pairs_, factor_tiles_;
  const WindowGrids<T> windows_;  // for what has no tiles
  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
};

}  // namespace cotangent::kernels
