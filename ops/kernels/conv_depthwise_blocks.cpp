// Depthwise convolution of channels that are not adjacent, by blocks of them: each piece is copied to channels last
// while it is in the cache, where every window has fast kernels.
#include "cotangent/ops/kernels/conv_depthwise_blocks.h"

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise_plan.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kLeastChannels = 16;      // of a block: a line of the cache
constexpr std::int64_t kPieceBytes = 256 << 10;  // of the copies of a piece
constexpr std::int64_t kLeastRows = 8;           // of a band, whose neighbours read some rows again

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

}  // namespace

DepthwiseBlocks::DepthwiseBlocks(const ConvProblem& problem, std::int64_t element_size)
    : problem_(problem),
      lanes_(depthwise_lanes(element_size)),
      long_sums_(sums_are_long(problem)),
      image_count_(long_sums_ ? problem.in_features : problem.batch) {
  std::int64_t in = long_sums_ ? 1 : problem.in_features, out = problem.out_features, kernel = 1, sums = problem.batch;
  for (const ConvAxis& axis : problem.axes) {
    in *= axis.in;
    out *= long_sums_ ? axis.kernel : axis.out;
    kernel *= axis.kernel;
    sums *= axis.out;
  }
  std::int64_t bytes = std::max<std::int64_t>(1, (in + out) * element_size);  // of a channel
  if (long_sums_) {  // as many images as make long sums of a piece
    const std::int64_t images =
        std::max<std::int64_t>(1, ceiling_quotient(kLongSum * sums, std::max<std::int64_t>(1, kernel)));
    image_count_ = std::max<std::int64_t>(1, image_count_ / images);
    bytes *= images;
  }
  const std::int64_t least = std::max(lanes_, kLeastChannels);
  const std::int64_t most = std::max(least, kPieceBytes / bytes / least * least);
  block_count_ = std::max<std::int64_t>(1, problem.groups / most);
  while (cut_ + 1 < problem.axes.size() && rows() == 1) ++cut_;
  const std::int64_t bands = ceiling_quotient(bytes * (problem.groups / block_count_), 2 * kPieceBytes);
  band_ = std::max(std::min(rows(), kLeastRows), ceiling_quotient(rows(), std::max<std::int64_t>(1, bands)));
}

bool DepthwiseBlocks::serves() const {
  if (problem_.groups < lanes_ || image_count_ == 0 || rows() == 0) return false;
  return sums_are_long(piece(0, 0, 0)) == long_sums_ && sums_are_long(piece(0, 0, band_count() - 1)) == long_sums_;
}

ConvProblem DepthwiseBlocks::piece(std::int64_t image, std::int64_t block, std::int64_t band) const {
  ConvProblem piece = problem_;
  const Range groups = channels(block), cut{band * band_, std::min(rows(), (band + 1) * band_)};
  piece.groups = length(groups);
  piece.lhs_offset += groups.first * problem_.lhs_group;
  piece.rhs_offset += groups.first * problem_.rhs_group;
  piece.out_offset += groups.first * problem_.out_group;
  ConvAxis& to = piece.axes[cut_];
  if (long_sums_) {
    const Range images = part(problem_.in_features, image, image_count_);
    piece.in_features = length(images);
    piece.lhs_offset += images.first * problem_.lhs_feature;
    piece.rhs_offset += images.first * problem_.rhs_in_feature + cut.first * to.rhs_step;
    to.kernel = length(cut);
  } else {
    piece.batch = 1;
    piece.lhs_offset += image * problem_.lhs_batch;
    piece.out_offset += image * problem_.out_batch + cut.first * to.out_step;
    to.out = length(cut);
  }
  // Rows of input outside of what the band meets are left out.
  const std::int64_t first = cut.first * (long_sums_ ? to.rhs_dilation : to.stride) - to.low,
                     last = first + (to.out - 1) * to.stride + (to.kernel - 1) * to.rhs_dilation,
                     begin = std::clamp<std::int64_t>(-floor_quotient(-first, to.lhs_dilation), 0, to.in),
                     end = std::clamp<std::int64_t>(floor_quotient(last, to.lhs_dilation) + 1, begin, to.in);
  piece.lhs_offset += begin * to.lhs_step;
  to.in = end - begin;
  to.low = begin * to.lhs_dilation - first;
  return piece;
}

namespace {

DepthwisePlan plan_of(const ConvProblem& piece, bool long_sums) {
  return {DepthwiseLayout::Copied, piece.groups, true, true, !long_sums};
}

template <class T>
void convolve_piece(const ConvProblem& piece, bool long_sums, const T* lhs, const T* rhs, T* out) {
  const bool empty =
      std::any_of(piece.axes.begin(), piece.axes.end(), [](const ConvAxis& axis) { return axis.in == 0; });
  if (empty) convolve_by_definition(piece, lhs, rhs, out);
  else convolve_copies(piece, plan_of(piece, long_sums), lhs, rhs, out);
}

// The sums of each block over some images after another, which are added in order, whatever the threads.
template <class T>
void sum_blocks(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  ConvProblem dense = problem;  // a group's sums after another's
  dense.out_offset = 0;
  std::int64_t size = 1;
  for (std::size_t d = dense.axes.size(); d-- > 0; size *= dense.axes[d].out) dense.axes[d].out_step = size;
  dense.out_batch = size;
  dense.out_feature = size * problem.batch;
  dense.out_group = size * problem.batch * problem.out_features;

  const DepthwiseBlocks blocks(dense, sizeof(T));
  const std::int64_t splits = blocks.splits(), bands = blocks.band_count(), all = problem.groups * dense.out_group;
  const Elements<T> partial(splits * all);
  parallel_for(blocks.block_count() * splits, 1, [&](std::int64_t task, std::int64_t) {
    const std::int64_t split = task % splits, block = task / splits;
    const Range channels = blocks.channels(block);
    T* const to = partial.data() + split * all + channels.first * dense.out_group;
    const std::int64_t count = length(channels) * dense.out_group;
    const Elements<T> sums(count);
    std::fill_n(to, count, T{0});
    for (std::int64_t image = blocks.image_count() * split / splits;
         image < blocks.image_count() * (split + 1) / splits; ++image)
      for (std::int64_t band = 0; band < bands; ++band) {
        ConvProblem piece = blocks.piece(image, block, band);
        piece.out_offset = 0;
        convolve_piece(piece, true, lhs, rhs, sums.data());
        for (std::int64_t i = 0; i < count; ++i) to[i] += sums.data()[i];
      }
  });
  for (std::int64_t split = 1; split < splits; ++split)
    for (std::int64_t i = 0; i < all; ++i) partial.data()[i] += partial.data()[split * all + i];
  for (std::int64_t i = 0; i < all; ++i) {
    std::int64_t rest = i, at = problem.out_offset;
    for (std::size_t d = problem.axes.size(); d-- > 0; rest /= problem.axes[d].out)
      at += rest % problem.axes[d].out * problem.axes[d].out_step;
    at += rest % problem.batch * problem.out_batch;
    rest /= problem.batch;
    out[at + rest % problem.out_features * problem.out_feature + rest / problem.out_features * problem.out_group] =
        partial.data()[i];
  }
}

}  // namespace

template <class T>
void convolve_channel_blocks(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  if (sums_are_long(problem)) return sum_blocks(problem, lhs, rhs, out);
  const DepthwiseBlocks blocks(problem, sizeof(T));
  const std::int64_t block_count = blocks.block_count(), bands = blocks.band_count();
  parallel_for(blocks.image_count() * block_count * bands, 1, [&](std::int64_t task, std::int64_t) {
    const std::int64_t rest = task / bands;
    convolve_piece(blocks.piece(rest / block_count, rest % block_count, task % bands), false, lhs, rhs, out);
  });
}

template <class T>
std::int64_t channel_blocks_workspace(const ConvProblem& problem) {
  const DepthwiseBlocks blocks(without_offsets(problem), sizeof(T));
  const bool long_sums = sums_are_long(problem);
  const std::int64_t image = blocks.image_count() - 1, block = blocks.block_count() - 1;
  ConvProblem largest = blocks.piece(image, block, 0);
  for (std::int64_t band = 1; band < blocks.band_count(); ++band) {
    const ConvProblem piece = blocks.piece(image, block, band);
    for (std::size_t d = 0; d < piece.axes.size(); ++d)
      largest.axes[d].in = std::max(largest.axes[d].in, piece.axes[d].in);
  }
  std::int64_t size = num_threads() * copies_workspace<T>(without_offsets(largest), plan_of(largest, long_sums));
  if (!long_sums) return size;
  std::int64_t sums = problem.batch * problem.out_features;
  for (const ConvAxis& axis : problem.axes) sums *= axis.out;
  return size + sums * (blocks.splits() * problem.groups + num_threads() * largest.groups);
}

template std::int64_t channel_blocks_workspace<float>(const ConvProblem&);
template std::int64_t channel_blocks_workspace<double>(const ConvProblem&);
template void convolve_channel_blocks(const ConvProblem&, const float*, const float*, float*);
template void convolve_channel_blocks(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
