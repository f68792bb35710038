// DirectPlan: how a direct convolution is cut into tasks. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/conv_box.h"
#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"

namespace cotangent::kernels {

// Depends on the problem and the tile's shape alone, never on the number of threads.
class DirectPlan {
 public:
  // For a problem without lhs dilation and with something to sum, of elements of that many bytes.
  DirectPlan(const ConvProblem& problem, std::int64_t element_size);

  ConvCost cost() const;

 protected:
  static constexpr std::int64_t kChunkTerms = 256;  // multiplied at once where weights are not packed first
  static constexpr std::int64_t kShortSum = 256;    // of terms, which take less time than stores that wait for memory
  static constexpr std::int64_t kSetBytes = 2048;   // pixels at multiples of it would share few sets of the cache

  const ConvAxis& row_axis() const { return problem_.axes[problem_.axes.size() - 2]; }
  const ConvAxis& column_axis() const { return problem_.axes.back(); }
  static std::int64_t input_extent(const ConvAxis& axis, std::int64_t outputs) {
    return (outputs - 1) * axis.stride + (axis.kernel - 1) * axis.rhs_dilation + 1;
  }

  std::int64_t weight_elements() const;  // packed before the tasks start
  std::int64_t chunk_elements() const { return packs_chunks_ ? kChunkTerms * tile_.panel_width : 0; }
  std::int64_t rhs_offset(const std::vector<std::int64_t>& tap) const;

  const ConvProblem problem_;  // in the order of lhs's memory
  const TileShape tile_;
  const std::int64_t element_size_;
  const Blocks panels_;        // of output features
  bool dots_ = false;          // vectors run along terms
  bool rhs_in_place_ = false;  // weights are read where they lie, or ...
  bool packs_chunks_ = false;  // ... packed by the one task that reads them, just before
  std::int64_t channels_ = 0;  // input features, with those of zeros that fill a vector
  std::int64_t taps_ = 1, terms_ = 0;
  std::int64_t pixel_step_ = 0;                    // elements from one pixel of a band to the next
  std::int64_t row_most_ = 0, band_elements_ = 0;  // of a task, at most
  Blocks panel_blocks_;
  Boxes boxes_;  // of output positions: what a task computes

 private:
  void cut_output();
  void read_weights_once();
};

}  // namespace cotangent::kernels
