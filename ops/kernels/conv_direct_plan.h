// DirectPlan: how a direct convolution is cut into tasks. Internal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/conv_box.h"
#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"
#include "cotangent/ops/kernels/workspace.h"

namespace cotangent::kernels {

// A problem without lhs dilation, or a phase of one with it.
struct DirectPhase {
  ConvProblem problem;   // in the order of lhs's memory
  std::int64_t terms;    // of a sum; none if it meets inserted zeros only
  std::int64_t weights;  // where its weights start among those that are packed
};

// The product of a phase in a task: where its rows, their terms and their sums lie.
struct DirectPart {
  const DirectPhase* phase;
  Workspace<std::int64_t> rows, out_rows;
  std::int64_t row_count = 0;
  std::vector<Segment> segments;
  std::vector<std::int64_t> terms;  // one by one, where segments would be short
};

// Depends on the problem and the tile's shape alone, never on the number of threads.
class DirectPlan {
 public:
  // For a problem with something to sum, of elements of that many bytes.
  DirectPlan(const ConvProblem& problem, std::int64_t element_size);

  ConvCost cost() const;

 protected:
  static constexpr std::int64_t kChunkTerms = 256;  // multiplied at once where weights are not packed first
  static constexpr std::int64_t kShortSum = 256;    // of terms, which take less time than stores that wait for memory
  static constexpr std::int64_t kSetBytes = 2048;   // pixels at multiples of it would share few sets of the cache

  // What the windows of all phases cover on an axis, counted in positions of a phase: output x reads the `extent`
  // inputs from x * stride - low on.
  struct Cover {
    std::int64_t out, stride, low, extent;

    std::int64_t input_extent(std::int64_t outputs) const { return (outputs - 1) * stride + extent; }
  };

  static const ConvAxis& row_axis(const ConvProblem& problem) { return problem.axes[problem.axes.size() - 2]; }
  const Cover& row_cover() const { return covers_[covers_.size() - 2]; }

  std::int64_t phase_weights(const DirectPhase& phase) const;  // elements that are packed before the tasks start
  std::int64_t weight_elements() const;
  std::int64_t chunk_elements() const { return packs_chunks_ ? kChunkTerms * tile_.panel_width : 0; }
  // Unless pixels are too narrow, or so far apart that those of a tile would evict each other.
  bool may_read_in_place() const;

  // A tile's rows have the phases of columns side by side, as the output has.
  std::int64_t tile_rows_of(const Box& box) const {
    return length(box.images) * length(box.rows) * length(box.columns) * column_phases_;
  }

  // The part of a range of positions that a phase has.
  static Range clipped(Range range, const ConvAxis& axis) {
    return {range.first, std::max(range.first, std::min(range.second, axis.out))};
  }

  // Of the phase that is `column_phase` among those of columns. A band's steps are those of BandView.
  DirectPart make_part(const DirectPhase& phase, std::int64_t column_phase, const Box& box, std::int64_t image_step,
                       const std::vector<std::int64_t>& steps) const;

  static std::int64_t rhs_offset(const ConvProblem& problem, const std::vector<std::int64_t>& tap);

  const ConvProblem problem_;  // in the order of lhs's memory
  const TileShape tile_;
  const std::int64_t element_size_;
  const Blocks panels_;                            // of output features
  std::vector<DirectPhase> phases_;                // those of columns change first
  std::int64_t column_phases_ = 1;                 // so many lie side by side in the output
  std::vector<Cover> covers_;                      // of the axes
  bool points_ = false;                            // no output needs more than the input at its own position
  bool dots_ = false;                              // vectors run along terms
  bool rhs_in_place_ = false;                      // weights are read where they lie, or ...
  bool packs_chunks_ = false;                      // ... packed by the one task that reads them, just before
  std::int64_t channels_ = 0;                      // input features, with those of zeros that fill a vector
  std::int64_t terms_ = 0;                         // of all phases
  std::int64_t pixel_step_ = 0;                    // elements from one pixel of a band to the next
  std::int64_t row_most_ = 0, band_elements_ = 0;  // of a task, at most
  Blocks panel_blocks_;
  Boxes boxes_;  // of positions of the phases: what a task computes

 private:
  void list_phases();
  void cover_windows();
  void cut_output();
  void read_weights_once();
  void find_segments(const std::vector<std::int64_t>& steps, DirectPart& part) const;
  void list_rows(const Box& box, std::int64_t image_step, const std::vector<std::int64_t>& steps,
                 std::int64_t column_phase, DirectPart& part) const;
};

}  // namespace cotangent::kernels
