// DepthwiseBlocks: how a depthwise convolution of channels that are not adjacent is cut into pieces whose copies,
// channels last, stay in the cache. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_depthwise.h"

namespace cotangent::kernels {

// A piece is a block of channels of some images (a batch entry or, of long sums, input features) and a band of rows.
class DepthwiseBlocks {
 public:
  DepthwiseBlocks(const ConvProblem& problem, std::int64_t element_size);

  // True if channels fill vectors, and pieces are solved as the whole is.
  bool serves() const;

  std::int64_t image_count() const { return image_count_; }  // blocks of images, ...
  std::int64_t block_count() const { return block_count_; }  // ... of channels ...
  std::int64_t band_count() const { return ceiling_quotient(rows(), band_); }
  Range channels(std::int64_t block) const { return part(problem_.groups, block, block_count_); }
  ConvProblem piece(std::int64_t image, std::int64_t block, std::int64_t band) const;

  // Of a long sum's blocks of images, each with sums of its own.
  std::int64_t splits() const { return std::clamp<std::int64_t>(kTasks / block_count_, 1, image_count_); }

 private:
  static Range part(std::int64_t extent, std::int64_t index, std::int64_t count) {
    return {extent * index / count, extent * (index + 1) / count};
  }
  const ConvAxis& axis() const { return problem_.axes[cut_]; }
  std::int64_t rows() const { return long_sums_ ? axis().kernel : axis().out; }

  const ConvProblem problem_;
  const std::int64_t lanes_;
  const bool long_sums_;
  std::size_t cut_ = 0;  // the axis that bands cut
  std::int64_t image_count_, block_count_ = 1, band_ = 1;
};

}  // namespace cotangent::kernels
