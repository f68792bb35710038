// The gradient of a kernel of few input features, from planes.
//
// A vector holds adjacent pixels of the window, that is, of the cotangent, which is read where it lies; lhs is copied
// to a band with zeros around it, in which the pixels that a vector meets are adjacent too. Some kernel positions times
// some output features are summed at once, a vector of each, over a few lines of an image after another. Images fall
// into splits with sums of their own, whose number depends on the problem alone and which are added in order.
#include "cotangent/ops/kernels/conv_long_sum_planes.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_depthwise_band.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kMostChannels = 4;      // of lhs; where there are more, copies to channels last pay
constexpr std::int64_t kSumBytes = 1 << 20;    // of a split: they come and go with every piece
constexpr std::int64_t kSplits = 8;            // enough for a few threads to share evenly
constexpr std::int64_t kLineBytes = 32 << 10;  // of a block of columns; with less, sums come and go too often

template <class T>
class PlaneSums {
 public:
  PlaneSums(const ConvProblem& problem, const T* lhs, const T* rhs, T* out)
      : problem_(in_memory_order(problem)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset) {
    for (std::int64_t block = 0; block < widths_.count(); ++block) {
      ConvAxis part = columns();  // as the block's first column sees it
      part.low -= widths_.range(block).first * part.rhs_dilation;
      bands_.emplace_back(rows(), part, Moves{widths_.block, part.rhs_dilation}, Moves{part.out, part.stride}, lanes_);
    }
  }

  void run() const {
    const std::int64_t groups = problem_.groups, splits = shares_.count(), size = sums_size();
    const Workspace<T> sums(groups * splits * size);
    parallel_for(groups * splits, 1, [&](std::int64_t index, std::int64_t) {
      sum_pieces(index / splits, shares_.range(index % splits), sums.data() + index * size);
    });
    parallel_for(groups, 1, [&](std::int64_t group, std::int64_t) {
      T* const sum = sums.data() + group * splits * size;
      for (std::int64_t split = 1; split < splits; ++split)
        for (std::int64_t i = 0; i < size; ++i) sum[i] += sum[split * size + i];
      write(group, sum);
    });
  }

  ConvCost cost() const {
    ConvCost cost;
    const std::int64_t terms = problem_.in_features * rows().kernel * columns().kernel;
    cost.multiply_adds = problem_.groups * row_count_ * problem_.out_features * problem_.in_features * rows().kernel *
                         ceiling_quotient(columns().kernel, lanes_) * lanes_;
    cost.products = fmt::format("{} x ({} x {}) x ({} x {})", problem_.groups * pieces_, row_count_, terms / pieces_,
                                terms / pieces_, problem_.out_features);
    cost.workspace = static_cast<std::int64_t>(sizeof(T)) *
                     (problem_.groups * shares_.count() * sums_size() + num_threads() * band_size());
    return cost;
  }

 private:
  const ConvAxis& rows() const { return problem_.axes[0]; }
  const ConvAxis& columns() const { return problem_.axes[1]; }
  std::int64_t sums_size() const { return row_count_ * problem_.out_features * lanes_; }
  std::int64_t band_rows() const {
    return (lines_.block - 1) * rows().rhs_dilation + (rows().out - 1) * rows().stride + 1;
  }
  std::int64_t row_size() const { return bands_.front().row_size(); }
  std::int64_t channel_size() const { return band_rows() * row_size(); }
  std::int64_t band_size() const { return problem_.batch * channel_size() + lanes_; }

  // Where the pixels of a channel and a kernel position start in a band: channel after channel.
  std::vector<std::int64_t> list_rows() const {
    std::vector<std::int64_t> result;
    for (std::int64_t channel = 0; channel < problem_.batch; ++channel)
      for (std::int64_t y = 0; y < rows().out; ++y)
        for (std::int64_t x = 0; x < columns().out; ++x)
          result.push_back(channel * channel_size() + y * rows().stride * row_size() +
                           bands_.front().offset(x * columns().stride));
    return result;
  }

  // A piece is a block of lines of an image, or of parts of them. Sums are blocks of columns.
  void sum_pieces(std::int64_t group, Range pieces, T* sums) const {
    std::fill_n(sums, sums_size(), T{0});
    const Workspace<T> band(band_size());
    const std::vector<std::int64_t> row_offsets = list_rows();
    std::vector<VectorPair> vectors, last_vectors;
    for (std::int64_t piece = pieces.first; piece < pieces.second; ++piece) {
      const std::int64_t rest = piece / widths_.count(), image = rest / lines_.count();
      const Range lines = lines_.range(rest % lines_.count()), part = widths_.range(piece % widths_.count());
      const T* const lhs = lhs_ + group * problem_.lhs_group + image * problem_.lhs_feature;
      const T* const rhs =
          rhs_ + group * problem_.rhs_group + image * problem_.rhs_in_feature + part.first * columns().rhs_step;
      if (widths_.count() > 1 || piece == pieces.first) std::fill_n(band.data(), band_size(), T{0});
      for (std::int64_t channel = 0; channel < problem_.batch; ++channel)
        bands_[static_cast<std::size_t>(piece % widths_.count())].copy(lines.first * rows().rhs_dilation - rows().low,
                                                                       band_rows(), lhs + channel * problem_.lhs_batch,
                                                                       band.data() + channel * channel_size());
      const std::int64_t width = length(part);
      vectors.clear();
      last_vectors.clear();
      for (std::int64_t y = 0; y < length(lines); ++y) {
        const std::int64_t from = y * rows().rhs_dilation * row_size(), at = (lines.first + y) * rows().rhs_step;
        for (std::int64_t x = 0; x + lanes_ <= width; x += lanes_) vectors.push_back({from + x, at + x});
        if (width % lanes_ != 0) last_vectors.push_back({from + width - lanes_, at + width - lanes_});
      }
      for (std::int64_t first = 0; first < problem_.out_features; first += kPlaneDotColumns)
        kernels_.add_plane_dots({.lhs = band.data(),
                                 .rows = row_offsets.data(),
                                 .row_count = row_count_,
                                 .rhs = rhs + first * problem_.rhs_out_feature,
                                 .rhs_column = problem_.rhs_out_feature,
                                 .columns = std::min<std::int64_t>(kPlaneDotColumns, problem_.out_features - first),
                                 .vectors = vectors.data(),
                                 .vector_count = std::ssize(vectors),
                                 .last_vectors = last_vectors.data(),
                                 .last_count = std::ssize(last_vectors),
                                 .lanes_done = lanes_ - width % lanes_,
                                 .sums = sums + first * row_count_ * lanes_});
    }
  }

  void write(std::int64_t group, const T* sums) const {
    for (std::int64_t first = 0; first < problem_.out_features; first += kPlaneDotColumns)
      for (std::int64_t row = 0; row < row_count_; ++row)
        for (std::int64_t p = first; p < std::min(first + kPlaneDotColumns, problem_.out_features); ++p, sums += lanes_)
          out_[group * problem_.out_group + row / positions_ * problem_.out_batch + p * problem_.out_feature +
               row / columns().out % rows().out * rows().out_step + row % columns().out * columns().out_step] =
              std::accumulate(sums, sums + lanes_, T{0});
  }

  const ConvProblem problem_;
  const T *lhs_, *rhs_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  const std::int64_t lanes_ = kernels_.lanes;
  const std::int64_t positions_ = rows().out * columns().out;  // of the kernel
  const std::int64_t row_count_ = positions_ * problem_.batch;
  // Of the window: parts of its lines, and lines.
  static constexpr std::int64_t kElements = kLineBytes / kPlaneDotColumns / static_cast<std::int64_t>(sizeof(T));
  const Blocks widths_ = cut_evenly(columns().kernel, kElements);
  const Blocks lines_ = cut_evenly(rows().kernel, std::max<std::int64_t>(1, kElements / widths_.block));
  const std::int64_t pieces_ = problem_.in_features * lines_.count() * widths_.count();
  const Blocks shares_{pieces_, pieces_, ceiling_quotient(pieces_, std::min(kSplits, pieces_))};
  std::vector<Band<T>> bands_;  // of the parts of a line
};

}  // namespace

bool has_plane_sums(const ConvProblem& problem, std::int64_t element_size) {
  const ConvProblem ordered = in_memory_order(problem);
  if (ordered.axes.size() != 2 || problem.batch > kMostChannels || problem.out_features < kPlaneDotColumns)
    return false;
  const std::int64_t lanes =
      element_size == sizeof(float) ? table<MatrixKernels<float>>().lanes : table<MatrixKernels<double>>().lanes;
  const ConvAxis& columns = ordered.axes[1];
  const std::int64_t sums = problem.batch * ordered.axes[0].out * columns.out * problem.out_features * lanes;
  return sums * element_size <= kSumBytes && columns.lhs_step == 1 && columns.rhs_step == 1 &&
         columns.kernel >= lanes && columns.out > 0 && ordered.axes[0].out > 0 && columns.in > 0 &&
         ordered.axes[0].in > 0;
}

ConvCost plane_sums_cost(const ConvProblem& problem, std::int64_t element_size) {
  if (element_size == sizeof(float))
    return PlaneSums<float>(without_offsets(problem), nullptr, nullptr, nullptr).cost();
  return PlaneSums<double>(without_offsets(problem), nullptr, nullptr, nullptr).cost();
}

template <class T>
void convolve_plane_sums(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  PlaneSums<T>(problem, lhs, rhs, out).run();
}

template void convolve_plane_sums(const ConvProblem&, const float*, const float*, float*);
template void convolve_plane_sums(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
