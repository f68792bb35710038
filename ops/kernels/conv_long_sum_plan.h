// LongSumPlan: how a convolution with few outputs and long sums is cut into tasks and chunks. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/conv_box.h"
#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"

namespace cotangent::kernels {

// The same problem with lhs and rhs in each other's place.
ConvProblem swap_operands(const ConvProblem& problem);

// True if lhs has more channels to fill panels with than rhs has features, or is much smaller than rhs. Swapped, it is
// not dilated.
bool is_better_swapped(const ConvProblem& problem, std::int64_t element_size);

// Depends on the problem and the tile's shape alone, never on the number of threads.
class LongSumPlan {
 public:
  // For a problem without lhs dilation and with something to sum, of elements of that many bytes.
  LongSumPlan(const ConvProblem& problem, std::int64_t element_size);

  ConvCost cost() const;

 protected:
  struct Task {
    std::int64_t group;
    Range channels, panels;
  };

  const ConvAxis& row_axis() const { return problem_.axes[problem_.axes.size() - 2]; }
  const ConvAxis& column_axis() const { return problem_.axes.back(); }
  static std::int64_t input_extent(const ConvAxis& axis, std::int64_t positions) {
    return (positions - 1) * axis.rhs_dilation + (axis.out - 1) * axis.stride + 1;
  }

  std::int64_t task_count() const { return problem_.groups * channel_blocks_.count() * panel_blocks_.count(); }
  Task task_at(std::int64_t index) const;

  std::int64_t accumulator_size() const {  // of a task
    return positions_ * channel_blocks_.block * panel_blocks_.block * tile_.panel_width;
  }

  static constexpr std::int64_t kTwoLines = 128;  // bytes: pixels at multiples of it would share half of the cache

  const ConvProblem problem_;  // in the order of lhs's memory
  const TileShape tile_;
  const std::int64_t element_size_;
  const Blocks panels_;          // of output features
  bool rhs_in_place_ = false;    // rather than packed into panels
  std::int64_t positions_ = 1;   // of the output
  std::int64_t splits_ = 1;      // of the chunks of a task, each with an accumulator
  std::int64_t pixel_step_ = 0;  // elements from one pixel of a band to the next
  std::int64_t band_elements_ = 0, panel_elements_ = 0, chunk_pixels_ = 0;  // of a chunk, at most
  Blocks panel_blocks_, channel_blocks_;
  Boxes chunks_;  // of window positions: what is summed at once

 private:
  void cut_output();
  void cut_sum();
};

}  // namespace cotangent::kernels
