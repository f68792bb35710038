// DepthwisePlanes: windows of 3, 5 or 7 squared around the pixels of planes, and the gradients of their factors. Rows
// of input and of windows have the same pitch: where one of them is narrower, or has gaps, bands of it are copied.
// Internal.
#pragma once

#include <array>
#include <numeric>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {

// Of windows: a gradient's windows are as large as its output.
inline std::int64_t window_size(const ConvProblem& problem, bool long_sums) {
  return long_sums ? problem.axes[0].out : problem.axes[0].kernel;
}

// The kernels for windows of an odd size, or none.
template <class T>
PlaneKernels<T> kernels_of(std::int64_t size) {
  if (size % 2 == 0 || size < 3 || size / 2 > kPlaneSizes) return {};
  return table<DepthwiseKernels<T>>().planes[size / 2 - 1];
}

// How many elements from its first to its last one an operand has; 0 where an axis runs backwards.
inline std::int64_t extent_of(std::initializer_list<std::array<std::int64_t, 2>> axes) {
  std::int64_t extent = 1;
  for (const auto& [count, step] : axes) {
    if (count < 1 || step < 0) return 0;
    extent += (count - 1) * step;
  }
  return extent;
}

template <class T>
class DepthwisePlanes {
 public:
  DepthwisePlanes(const ConvProblem& problem, const T* lhs, const T* rhs, T* out)
      : problem_(problem),
        long_sums_(sums_are_long(problem)),
        size_(window_size(problem, long_sums_)),
        rows_(long_sums_ ? problem.axes[0].kernel : problem.axes[0].out),
        columns_(long_sums_ ? problem.axes[1].kernel : problem.axes[1].out),
        row_step_(long_sums_ ? problem.axes[0].rhs_step : problem.axes[0].out_step),
        column_step_(long_sums_ ? problem.axes[1].rhs_step : problem.axes[1].out_step),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset) {}

  void compute() const;

  // The factors' gradients, as sums over parts of the images that are added in order.
  void compute_gradient() const;

  // Those of whole vectors, and of pixels that have no window.
  std::int64_t multiply_adds() const {
    std::int64_t pixels = 0;
    for (std::int64_t index = 0; index < bands_; ++index)
      pixels += ceiling_quotient(length(band(index)) * width_, lanes_) * lanes_;
    return problem_.groups * problem_.in_features * problem_.out_features * problem_.batch * size_ * size_ * pixels;
  }
  std::int64_t workspace() const {
    const std::int64_t size = mask_count() * (size_ - 1) * lanes_ + num_threads() * (lhs_copy_size() + copy_size());
    if (!long_sums_) return size;
    return size + (problem_.groups * splits() + num_threads() * (problem_.groups / blocks() + 1) * lanes_) * sums();
  }

 private:
  static constexpr std::int64_t kGroupsOfTask = 16;     // of a gradient: planes that lie after each other
  static constexpr std::int64_t kLeastBandRows = 8;     // of planes that are cut
  static constexpr std::int64_t kBandBytes = 20 << 10;  // of a copy, so that it stays in the nearest cache

  std::int64_t mask_count() const { return width_ / std::gcd(width_, lanes_); }
  std::vector<LaneBits<T>> masks() const;

  // True if input, or what goes with the windows, lies in memory as the kernels want it.
  bool lhs_in_place() const {
    return problem_.axes[1].in == width_ && problem_.axes[0].lhs_step == width_ && problem_.axes[1].lhs_step == 1;
  }
  bool in_place() const { return columns_ == width_ && row_step_ == width_ && column_step_ == 1; }

  // Bands of rows of windows: planes are cut where they are too few to share, or where a band is copied.
  std::int64_t planes() const { return problem_.groups * (long_sums_ ? problem_.in_features : problem_.batch); }
  std::int64_t band_count() const {
    const std::int64_t row_bytes = width_ * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t wanted =
        std::max(kTasks / planes(), lhs_in_place() && in_place() ? 1 : rows_ * row_bytes / kBandBytes);
    return std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(1, rows_ / kLeastBandRows));
  }
  Range band(std::int64_t index) const { return {rows_ * index / bands_, rows_ * (index + 1) / bands_}; }
  std::int64_t most_rows() const { return rows_ / bands_ + 1; }
  std::int64_t lhs_copy_size() const { return lhs_in_place() ? 0 : (most_rows() + size_ - 1) * width_; }
  std::int64_t copy_size() const { return in_place() ? 0 : most_rows() * width_; }

  // Of a gradient: sums of a group, parts of the images, and blocks of groups.
  std::int64_t sums() const { return problem_.out_features * problem_.batch * size_ * size_; }
  std::int64_t pieces() const { return problem_.in_features * bands_; }
  std::int64_t tasks() const { return task_count(product_count(problem_), problem_.groups * pieces()); }
  std::int64_t blocks() const { return std::clamp<std::int64_t>(problem_.groups / kGroupsOfTask, 1, tasks()); }
  std::int64_t splits() const {
    return std::clamp<std::int64_t>((tasks() + blocks() - 1) / blocks(), 1, std::max<std::int64_t>(1, pieces()));
  }

  // The plane that starts at `plane`, in an operand of so many elements from `begin` on, seen from pixel `first` on.
  PlanePixels<T> pixels(const T* begin, std::int64_t extent, const T* plane, std::int64_t rows,
                        std::int64_t first) const {
    const std::int64_t at = plane - begin + first, size = rows * width_;
    const bool dense = extent > 0;
    return {plane + first, -first, size - first, dense ? -at : -first, dense ? extent - at : size - first};
  }
  // Of a band of a plane, of which there is a copy where it is not read in place.
  PlaneWindows<T> windows(const T* plane, Range rows, const std::vector<LaneBits<T>>& masks, T* copy) const {
    PlaneWindows<T> result{};
    const ConvAxis& row = problem_.axes[0];
    const std::int64_t first = rows.first + size_ / 2 - row.low;  // of input, around which the first window is
    if (lhs_in_place()) {
      result.lhs = pixels(lhs_, lhs_extent_, plane, row.in, first * width_);
    } else {
      const std::int64_t from = std::clamp<std::int64_t>(first - size_ / 2, 0, row.in),
                         to = std::clamp<std::int64_t>(first + length(rows) + size_ / 2, from, row.in);
      table_.take({to - from, problem_.axes[1].in, problem_.axes[1].lhs_step, plane + from * row.lhs_step, row.lhs_step,
                   copy + lhs_column_, width_});
      result.lhs = pixels(copy, (to - from) * width_, copy, to - from, (first - from) * width_);
    }
    result.width = width_;
    result.count = length(rows) * width_;
    result.masks = masks.data();
    result.mask_count = mask_count();
    return result;
  }

  void sum_band(std::int64_t g, std::int64_t m, Range rows, const std::vector<LaneBits<T>>& masks, T* lhs_copy,
                T* copy) const;

  // The sums of some groups over some pieces of images.
  void sum_pieces(Range groups, Range pieces, const std::vector<LaneBits<T>>& masks, T* to,
                  std::int64_t to_group) const;

  const ConvProblem& problem_;
  const bool long_sums_;
  const std::int64_t size_;
  // Of the windows: of the output or, in a gradient, the cotangent.
  const std::int64_t rows_, columns_, row_step_, column_step_;
  const T *lhs_, *rhs_;
  T* out_;
  // Where the first pixel and the first window of a row are, and the pitch of both.
  const std::int64_t shift_ = size_ / 2 - problem_.axes[1].low, column_ = std::max<std::int64_t>(shift_, 0),
                     lhs_column_ = std::max<std::int64_t>(-shift_, 0),
                     width_ = std::max(problem_.axes[1].in + lhs_column_, columns_ + column_);
  const std::int64_t bands_ = band_count();
  const DepthwiseKernels<T>& table_ = table<DepthwiseKernels<T>>();
  const PlaneKernels<T> kernels_ = kernels_of<T>(size_);
  const std::int64_t lanes_ = table_.lanes;
  const std::int64_t lhs_extent_ = extent_of({{problem_.groups, problem_.lhs_group},
                                              {problem_.batch, problem_.lhs_batch},
                                              {problem_.in_features, problem_.lhs_feature},
                                              {problem_.axes[0].in, problem_.axes[0].lhs_step},
                                              {problem_.axes[1].in, problem_.axes[1].lhs_step}});
  const std::int64_t rhs_extent_ = extent_of({{problem_.groups, problem_.rhs_group},
                                              {problem_.out_features, problem_.rhs_out_feature},
                                              {problem_.in_features, problem_.rhs_in_feature},
                                              {rows_, row_step_},
                                              {columns_, column_step_}});  // of a cotangent
};

}  // namespace cotangent::kernels
