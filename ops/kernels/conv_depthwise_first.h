// Depthwise convolution, channels first: the output by bands of rows, or the sums of a kernel's gradient. Internal.
#pragma once

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/conv_depthwise_band.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {

// True if what lies between the columns of the output belongs to other phases, which take their turn, and not to
// another axis, along which another thread may be writing at the same time.
inline bool owns_between_columns(const ConvProblem& problem) {
  bool owns = (problem.groups == 1 || problem.out_group != 1) && (problem.batch == 1 || problem.out_batch != 1) &&
              (problem.out_features == 1 || problem.out_feature != 1);
  for (const ConvAxis& axis : problem.axes) owns = owns && (axis.out == 1 || axis.out_step != 1);
  return owns;
}

// One problem without lhs dilation.
template <class T>
class ChannelsFirst {
 public:
  ChannelsFirst(const ConvProblem& problem, bool long_sums, const T* lhs, const T* rhs, T* out)
      : problem_(problem),
        row_(problem.axes[problem.axes.size() - 2]),
        column_(problem.axes.back()),
        outer_(problem),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset),
        out_moves_{column_.out, column_.stride},
        kernel_moves_{column_.kernel, column_.rhs_dilation},
        copy_(row_, column_, long_sums ? kernel_moves_ : out_moves_, long_sums ? out_moves_ : kernel_moves_, lanes_) {}

  // The output, by bands of rows.
  void compute() const;

  // The output as sums over parts of the input features, added in order.
  void compute_sums() const;

  // The most elements that either of them allocates.
  std::int64_t compute_workspace() const {
    const auto bands = row_bands();
    return bands.empty() ? 0 : num_threads() * (band_copy_size(bands) + band_tile_size(bands));
  }
  std::int64_t compute_sums_workspace() const {
    const std::int64_t most = most_rows(kernel_bands());
    return problem_.groups * sum_splits() * sum_size() +
           num_threads() * ((problem_.groups / sum_blocks() + 1) * sum_size() * lanes_ + kernel_copy_size(most) +
                            most * padded(column_.kernel));
  }

 private:
  static constexpr std::int64_t kBandBytes = 20 << 10;  // of a copy, so that it stays in the nearest cache

  std::int64_t padded(std::int64_t extent) const { return (extent + lanes_ - 1) / lanes_ * lanes_; }

  void compute_band(std::int64_t m, std::int64_t outer, const std::vector<Slice>& slices, std::int64_t g, Range band,
                    T* copy, T* tile, std::vector<Taps<T>>& taps) const;

  // Whole vectors of so many rows, and then the last vector of each, which may overlap the one before.
  void sum_rows(std::int64_t rows, const std::vector<Taps<T>>& taps, T* out, std::int64_t out_row) const;

  void sum_grid(const std::vector<Taps<T>>& taps, Range rows, std::int64_t vectors, std::int64_t first, T* out,
                std::int64_t out_row) const;

  void run(WindowSums<T>& sums) const {
    if (sums.rows > sums.columns) {  // kernels want few rows
      std::swap(sums.rows, sums.columns);
      std::swap(sums.lhs_row, sums.lhs_column);
      std::swap(sums.out_row, sums.out_column);
    }
    kernels_.sum_windows(sums);
  }

  // Of the output.
  std::vector<Range> row_bands() const {
    const std::int64_t row_bytes =
        copy_.row_size() * slice_count() * row_.stride * static_cast<std::int64_t>(sizeof(T));
    return equal_pieces(row_.out, std::max<std::int64_t>(12, kBandBytes / std::max<std::int64_t>(1, row_bytes)));
  }
  std::int64_t slice_count() const { return problem_.in_features * outer_.kernel(); }
  std::int64_t band_copy_size(const std::vector<Range>& bands) const {
    return slice_count() * ((length(bands[0]) + 1) * row_.stride + row_.kernel * row_.rhs_dilation) * copy_.row_size();
  }
  std::int64_t band_tile_size(const std::vector<Range>& bands) const {
    return (length(bands[0]) + 1) * padded(column_.out);
  }

  // Of sums: parts that are added, blocks of groups that share a task, elements of each, and the most rows of the
  // kernel that are taken at once.
  std::int64_t sum_tasks() const { return task_count(product_count(problem_), problem_.groups * problem_.in_features); }
  std::int64_t sum_splits() const { return std::clamp<std::int64_t>(sum_tasks(), 1, problem_.in_features); }
  std::int64_t sum_blocks() const { return std::clamp<std::int64_t>(sum_tasks() / sum_splits(), 1, problem_.groups); }
  std::int64_t sum_size() const {
    return problem_.out_features * problem_.batch * outer_.count() * row_.out * column_.out;
  }
  std::vector<Range> kernel_bands() const {
    const std::int64_t row_bytes = copy_.row_size() * row_.rhs_dilation * static_cast<std::int64_t>(sizeof(T));
    return equal_pieces(row_.kernel, std::max<std::int64_t>(8, kBandBytes / row_bytes));
  }
  static std::int64_t most_rows(const std::vector<Range>& bands) { return bands.empty() ? 0 : length(bands[0]) + 1; }
  std::int64_t kernel_copy_size(std::int64_t most) const {
    return (most * row_.rhs_dilation + row_.out * row_.stride) * copy_.row_size();
  }

  // The sums of some groups over some input features: `to` has an element for every output feature and position, and
  // groups lie to_group apart.
  void sum_features(Range groups, Range features, T* to, std::int64_t to_group) const;

  // The taps of a band of kernel rows: whole vectors where they lie, the rest of a row from a copy with zeros after it.
  void take_band(Range band, const T* copy, const T* rhs, T* tails, std::vector<Taps<T>>& taps) const;

  // Adds the taps to the vectors of all output positions. Columns whose copies lie at equal distances go together.
  void add_grids(const std::vector<Taps<T>>& taps, T* to) const;

  T* element(std::int64_t g, std::int64_t i) const;

  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
  const std::int64_t lanes_ = kernels_.lanes;
  const ConvProblem& problem_;
  const ConvAxis row_, column_;
  const OuterPositions outer_;
  const T *lhs_, *rhs_;
  T* out_;
  const Moves out_moves_, kernel_moves_;
  const Band<T> copy_;
  const bool owns_between_ = owns_between_columns(problem_);
};

}  // namespace cotangent::kernels
