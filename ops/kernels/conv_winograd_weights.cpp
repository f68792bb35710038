// The stages of Winograd convolution that touch weights, in any layout.
#include <algorithm>

#include "cotangent/ops/kernels/conv_winograd_tiles.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kChunk = 16;  // features of lhs whose small positions are copied at once

// Small positions of a plane, as rows and columns: those of a fold are one row.
struct SmallWindow {
  SmallWindow(const WinogradProblem& problem, const Plane& plane)
      : rows(count(plane.valid[0], problem.fold > 0 ? 1 : problem.rows_of(problem.taps))),
        columns(count(plane.valid[1], problem.fold > 0 ? problem.taps * problem.taps : problem.taps)),
        whole(rows * columns == problem.taps * problem.rows_of(problem.taps)) {}

  static std::int64_t count(Range valid, std::int64_t most) { return std::clamp<std::int64_t>(valid.second, 0, most); }

  std::int64_t rows, columns;
  bool whole;
};

BlockCopy<float> reversed(const BlockCopy<float>& copy, bool reverse) {
  // The memory that `from` names is the target then; both are mutable in that case.
  if (!reverse) return copy;
  return {copy.rows,     copy.columns,    copy.to, copy.to_row, copy.to_column, const_cast<float*>(copy.from),
          copy.from_row, copy.from_column};
}

}  // namespace

std::int64_t WinogradStages::small_copy() const { return kChunk * problem_.taps * problem_.taps * panel_width(); }

void WinogradStages::copy_small(const Plane& plane, Range in, Range out, bool to_memory, float* memory,
                                float* dense) const {
  const std::int64_t r = problem_.taps, pixel = r * r * panel_width();
  const auto [rows, columns, whole] = SmallWindow(problem_, plane);
  const std::int64_t in_step = problem_.small_in, out_step = problem_.small_large;
  float* const corner = memory + plane.offset + in.first * in_step + out.first * out_step;
  const auto copy = [&](const BlockCopy<float>& block) { matrix_.copy(reversed(block, to_memory)); };
  if (out_step != 1 && in_step != 1 && (rows == 1 || (whole && plane.step[0] == r * plane.step[1]))) {
    // Positions are adjacent, or at least evenly spaced.
    for (std::int64_t i = 0; i < length(in); ++i)
      copy({length(out), rows * columns, corner + i * in_step, out_step, plane.step[1], dense + i * pixel, 1,
            panel_width()});
    return;
  }
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x)
      copy({length(in), length(out), corner + y * plane.step[0] + x * plane.step[1], in_step, out_step,
            dense + (y * r + x) * panel_width(), pixel, 1});
}

void WinogradStages::expand_small(const float* small, Range in, std::int64_t panel, float* to,
                                  std::int64_t position_step) const {
  const std::int64_t n = problem_.points, r = problem_.taps, pixel = r * r * panel_width();
  const std::int64_t features = width(panel), first = panel % panels_per_block_ * panel_width();
  const FloatBuffer local(small_copy());
  float* const dense = local.data();
  const auto transform = kernels_.expand[problem_.family][r - 2];
  for (std::int64_t block = 0; block < problem_.small_blocks(); ++block) {
    const Plane plane = problem_.small_plane(block, panel / panels_per_block_);
    const bool whole_window = SmallWindow(problem_, plane).whole;
    const bool direct = problem_.small_large == 1 && whole_window && features % matrix_.lanes == 0;
    if (!direct && (!whole_window || features < panel_width())) std::fill_n(dense, kChunk * pixel, 0.0f);
    for (std::int64_t i = in.first; i < in.second; i += kChunk) {
      const Range chunk{i, std::min(i + kChunk, in.second)};
      if (!direct) copy_small(plane, chunk, {first, first + features}, false, const_cast<float*>(small), dense);
      for (std::int64_t j = chunk.first; j < chunk.second; ++j) {
        float* const row = to + (block * problem_.in_features + j) * panel_width();
        const Grids<float> expanded{row, n * position_step, position_step};
        if (direct)
          transform({features,
                     grids_of(small + plane.offset + j * problem_.small_in + first, plane.step[0], plane.step[1]),
                     expanded});
        else
          transform({whole(features),
                     grids_of<const float>(dense + (j - chunk.first) * pixel, r * panel_width(), panel_width()),
                     expanded});
      }
    }
  }
}

void WinogradStages::contract_small(const float* sums, std::int64_t row_step, std::int64_t position_step,
                                    std::int64_t small_block, Range in, std::int64_t panel, float* small) const {
  const std::int64_t n = problem_.points, r = problem_.taps, pixel = r * r * panel_width();
  const std::int64_t features = width(panel), first = panel % panels_per_block_ * panel_width();
  const FloatBuffer local(small_copy());
  float* const dense = local.data();
  const auto transform = kernels_.contract[problem_.family][r - 2];
  const Plane plane = problem_.small_plane(small_block, panel / panels_per_block_);
  const bool direct = problem_.small_large == 1 && SmallWindow(problem_, plane).whole && features % matrix_.lanes == 0;
  for (std::int64_t i = in.first; i < in.second; i += kChunk) {
    const Range chunk{i, std::min(i + kChunk, in.second)};
    for (std::int64_t j = chunk.first; j < chunk.second; ++j, sums += row_step) {
      const Grids<const float> expanded{sums, n * position_step, position_step};
      if (direct)
        transform({features, expanded,
                   grids_of(small + plane.offset + j * problem_.small_in + first, plane.step[0], plane.step[1])});
      else
        transform(
            {whole(features), expanded, grids_of(dense + (j - chunk.first) * pixel, r * panel_width(), panel_width())});
    }
    if (!direct) copy_small(plane, chunk, {first, first + features}, true, small, dense);
  }
}

}  // namespace cotangent::kernels
