// FewOutputsPlan: how a convolution with few output features is cut into steps. Internal.
#pragma once

#include <cstdint>
#include <string>

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"

namespace cotangent::kernels {

constexpr std::int64_t kFewOutputs = 4;  // the most output features of a group

// Why FewOutputs cannot serve a problem; empty if it can.
std::string few_outputs_refusal(const ConvProblem& problem);

// Depends on the problem and the shape of products alone, never on the number of threads.
class FewOutputsPlan {
 public:
  // For a problem that is not refused.
  FewOutputsPlan(const ConvProblem& problem, std::int64_t element_size);

  ConvCost cost() const;

 protected:
  const ConvAxis& rows() const { return problem_.axes[0]; }
  const ConvAxis& columns() const { return problem_.axes[1]; }
  std::int64_t slots() const { return (span_ - 1 + lines_ - 1) / lines_ + 1; }  // of lines_ lines each, in the ring
  std::int64_t ring_elements() const {  // and those that are read beyond the last
    return (planar_ ? products_ * plane_ : slots() * lines_ * columns().in * pitch_) + kFewOutputs;
  }
  std::int64_t panel_elements() const {
    const std::int64_t width = tile_.flat_width;
    return planar_ ? ceiling_quotient(lines_ * columns().in, width) * width * problem_.in_features : 0;
  }
  std::int64_t weight_elements() const {
    const std::int64_t width = tile_.panel_width;
    return problem_.in_features * (planar_ ? products_ : ceiling_quotient(pitch_, width) * width);
  }
  std::int64_t slot(std::int64_t line) const { return line % (slots() * lines_); }

  // The input lines that these output lines read.
  Range lines_of(Range out) const;

  const ConvProblem problem_;  // in the order of lhs's memory
  const std::int64_t element_size_;
  const std::int64_t taps_, products_;  // products: of each pixel
  const TileShape tile_;
  const bool planar_;
  std::int64_t pitch_;             // elements from a pixel's products to the next one's, if not planar
  std::int64_t plane_ = 0;         // elements from a plane to the next, if planar
  std::int64_t span_, lines_ = 1;  // input lines that an output line needs; of a step
  Blocks row_blocks_;
};

}  // namespace cotangent::kernels
