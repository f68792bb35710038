// DirectPlan: where the rows and terms of a task's products lie.
#include "cotangent/ops/kernels/conv_direct_plan.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kShortRun = 8;     // shorter ones are listed term by term
constexpr std::int64_t kMostStreams = 8;  // that pixels without windows are read in

}  // namespace

DirectPart DirectPlan::make_part(const DirectPhase& phase, std::int64_t column_phase, const Box& box,
                                 std::int64_t image_step, const std::vector<std::int64_t>& steps) const {
  const std::int64_t most = tile_rows_of(box) / column_phases_;
  DirectPart part{&phase, Workspace<std::int64_t>(most), Workspace<std::int64_t>(most), 0, {}, {}};
  find_segments(steps, part);
  list_rows(box, image_step, steps, column_phase, part);
  if (!dots_ && !part.segments.empty() && part.segments.front().count < kShortRun)
    for (const Segment& segment : part.segments)
      for (std::int64_t t = 0; t < segment.count; ++t) part.terms.push_back(segment.lhs + t);
  return part;
}

// A row of the window is one run where its pixels are adjacent.
void DirectPlan::find_segments(const std::vector<std::int64_t>& steps, DirectPart& part) const {
  const ConvProblem& phase = part.phase->problem;
  const ConvAxis& columns = phase.axes.back();
  const bool merged = columns.rhs_dilation == 1 && steps.back() == channels_;
  const std::int64_t count = channels_ * (merged ? columns.kernel : 1), width = dots_ ? 1 : tile_.panel_width;
  std::int64_t done = 0;
  for_each_tap(phase, [&](const std::vector<std::int64_t>& tap) {
    if (merged && tap.back() > 0) return;
    std::int64_t at = 0;
    for (std::size_t d = 0; d < tap.size(); ++d)
      at += (covers_[d].low - phase.axes[d].low + tap[d] * phase.axes[d].rhs_dilation) * steps[d];
    part.segments.push_back({at, done * width, count});
    done += count;
  });
}

// Without windows, a tile reads from as many runs of pixels as it has rows: adjacent pixels of a few lines of the cache
// would be jumps about in a page of memory, where the processor does not see what to fetch next.
void DirectPlan::list_rows(const Box& box, std::int64_t image_step, const std::vector<std::int64_t>& steps,
                           std::int64_t column_phase, DirectPart& part) const {
  const ConvProblem& phase = part.phase->problem;
  const std::size_t r = covers_.size() - 2;
  const ConvAxis &row_axis = phase.axes[r], &columns = phase.axes[r + 1];
  std::int64_t corner = box.columns.first * columns.out_step;
  for (std::size_t d = 0; d < r; ++d) {
    if (box.position[d] >= phase.axes[d].out) return;
    corner += box.position[d] * phase.axes[d].out_step;
  }
  const Range lines = clipped(box.rows, row_axis);
  const std::int64_t count = length(clipped(box.columns, columns)), step = columns.stride * steps[r + 1];
  const bool adjacent = problem_.out_feature == 1, in_streams = points_ && adjacent;
  const std::int64_t run = in_streams ? ceiling_quotient(count, std::min(tile_.tile_rows, kMostStreams)) : 1;
  const std::int64_t pitch = column_phases_ * tile_.panel_width, out_step = adjacent ? columns.out_step : pitch;
  std::int64_t *rows = part.rows.data(), *out_rows = part.out_rows.data();
  for (std::int64_t image = 0; image < length(box.images); ++image)
    for (std::int64_t y = 0; y < length(lines); ++y) {
      const std::int64_t from = image * image_step + y * row_axis.stride * steps[r];
      const std::int64_t to =
          adjacent ? corner + (box.images.first + image) * problem_.out_batch + (lines.first + y) * row_axis.out_step
                   : (image * length(box.rows) + y) * length(box.columns) * pitch + column_phase * tile_.panel_width;
      for (std::int64_t start = 0; start < run; ++start)
        for (std::int64_t x = start; x < count; x += run) {
          *rows++ = from + x * step;
          *out_rows++ = to + x * out_step;
        }
    }
  part.row_count = rows - part.rows.data();
}

}  // namespace cotangent::kernels
