// LongSumPlan: how a convolution with few outputs and long sums is cut into tasks and chunks. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/conv_box.h"
#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"

namespace cotangent::kernels {

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

  // Calls visitor(image, y, offset in rhs of the first column) for each row of a chunk's window positions.
  template <class Visitor>
  void for_each_line(const Box& chunk, Visitor visitor) const {
    std::int64_t corner = chunk.columns.first * column_axis().rhs_step;
    for (std::size_t d = 0; d < chunk.position.size(); ++d) corner += chunk.position[d] * problem_.axes[d].rhs_step;
    for (std::int64_t image = chunk.images.first; image < chunk.images.second; ++image)
      for (std::int64_t y = chunk.rows.first; y < chunk.rows.second; ++y)
        visitor(image - chunk.images.first, y - chunk.rows.first,
                corner + image * problem_.rhs_in_feature + y * row_axis().rhs_step);
  }

  // What the next chunk reads of an operand: the product of a panel fetches it meanwhile, so that copies do not wait
  // for memory.
  struct Ahead {
    bool any = false, of_lhs = false;
    std::int64_t from = 0, row = 0, term = 0;  // the rows from i on, term t, fetch operand[from + i * row + t * term]
  };

  // Sets those of a task's panels, of which a product has so many rows.
  void find_ahead(const Task& task, const Box& chunk, std::int64_t row_count, std::vector<Ahead>& ahead) const;

  static constexpr std::int64_t kTwoLines = 128;  // bytes: pixels at multiples of it would share half of the cache

  const ConvProblem problem_;  // in the order of lhs's memory
  const TileShape tile_;
  const std::int64_t element_size_;
  const Blocks panels_;           // of output features
  bool rhs_in_place_ = false;     // rather than packed into panels
  bool planes_in_place_ = false;  // of lhs, whose channels are rows
  std::int64_t positions_ = 1;    // of the output
  std::int64_t splits_ = 1;       // of the chunks of a task, each with an accumulator
  std::int64_t pixel_step_ = 0;   // elements from one pixel of a band to the next
  std::int64_t band_elements_ = 0, panel_elements_ = 0, chunk_pixels_ = 0;  // of a chunk, at most
  Blocks panel_blocks_, channel_blocks_;
  Boxes chunks_;  // of window positions: what is summed at once

 private:
  void cut_output();
  void cut_sum();
  Ahead lhs_ahead(const Task& task, const Box& chunk, std::int64_t row_count) const;
  Ahead spread(std::int64_t from, std::int64_t size, std::int64_t row_count) const;
};

}  // namespace cotangent::kernels
