// FewOutputsPlan: how a convolution with few output features is cut into steps. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"

namespace cotangent::kernels {

constexpr std::int64_t kFewOutputs = 8;  // the most output features of a group

// Why FewOutputs cannot serve a problem; empty if it can.
std::string few_outputs_refusal(const ConvProblem& problem);

// Depends on the problem and the shape of products alone, never on the number of threads.
class FewOutputsPlan {
 public:
  // For a problem that is not refused.
  FewOutputsPlan(const ConvProblem& problem, std::int64_t element_size);

  ConvCost cost() const;

 protected:
  static constexpr std::int64_t kTasks = 16;  // enough for a few threads to share evenly

  const ConvAxis& rows() const { return problem_.axes[0]; }
  const ConvAxis& columns() const { return problem_.axes[1]; }
  std::int64_t slots() const {  // of lines_ lines each, in the ring
    return lines_ == rows().in ? 1 : (span_ - 1 + lines_ - 1) / lines_ + 1;
  }
  std::int64_t ring_lines() const { return slots() * lines_; }
  std::int64_t line_pixels() const { return left_ + columns().in + right_; }
  std::int64_t ring_elements() const {
    return (planar_ ? products_ * plane_ : ring_lines() * line_pixels() * pitch_) + 2 * beyond_;
  }
  std::int64_t panel_elements() const { return planar_ ? tile_.flat_width * problem_.in_features : 0; }
  std::int64_t weight_elements() const {
    const std::int64_t width = tile_.panel_width;
    return problem_.in_features * (planar_ ? products_ : ceiling_quotient(pitch_, width) * width);
  }

  // The input lines that these output lines read.
  Range lines_of(Range out) const;

  // An input line and the row of the kernel by which an output line meets it.
  struct LineTap {
    std::int64_t kernel, line;
  };
  std::vector<std::vector<LineTap>> list_line_taps() const;

  // The outputs of a line at columns j * lhs_dilation + phase for j < count, and what they are sums of: a column of the
  // kernel with the pixel `shift` beyond the j-th, which exists for the valid j.
  struct ColumnTap {
    std::int64_t kernel, shift;
    Range valid;
  };
  struct Phase {
    std::int64_t count;
    std::vector<ColumnTap> taps;
  };
  std::vector<Phase> list_phases() const;

  const ConvProblem problem_;  // in the order of lhs's memory
  const std::int64_t element_size_;
  const std::int64_t taps_, products_;  // products: of each pixel
  const TileShape tile_;
  const bool planar_;
  const std::int64_t beyond_;          // elements around the ring that may be read: a vector
  std::int64_t pitch_;                 // elements from a pixel's products to the next one's, if not planar
  std::int64_t plane_ = 0;             // elements from a plane to the next, if planar
  std::int64_t left_ = 0, right_ = 0;  // pixels of zeros on both sides of a line in the ring, if not planar
  std::int64_t span_, lines_ = 1;      // input lines that an output line needs; of a step
  Blocks row_blocks_;
};

}  // namespace cotangent::kernels
