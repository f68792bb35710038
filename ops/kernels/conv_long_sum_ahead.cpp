// LongSumPlan: what a chunk's products fetch for the next chunk.
#include <algorithm>

#include "cotangent/ops/kernels/conv_long_sum_plan.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kRowsThatFetch = 256;    // of a product; with more, rhs is too small a part to wait for
constexpr std::int64_t kMostBytes = 256 << 10;  // of lines of lhs, which stay in L2 until they are copied

}  // namespace

// The first panel fetches lhs, and the others share rhs.
void LongSumPlan::find_ahead(const Task& task, const Box& chunk, std::int64_t row_count,
                             std::vector<Ahead>& ahead) const {
  const bool lhs_pays = std::ssize(ahead) > 1 || length(task.channels) > problem_.out_features;
  if (lhs_pays) ahead.front() = lhs_ahead(task, chunk, row_count);
  const std::int64_t fetching = ahead.front().any ? 1 : 0, sharing = std::ssize(ahead) - fetching;
  if (sharing == 0 || (fetching == 0 && row_count > kRowsThatFetch)) return;
  std::int64_t first = 0, last = -1;
  for_each_line(chunk, [&](std::int64_t image, std::int64_t y, std::int64_t at) {
    if (image == 0 && y == 0) first = at;
    last = at;
  });
  const std::int64_t size = last + length(chunk.columns) * column_axis().rhs_step - first;
  // Only where lines of all features lie close to each other.
  if (problem_.rhs_out_feature != 1 || last < first || size > 2 * chunk_pixels_ * problem_.out_features) return;
  const std::int64_t share = ceiling_quotient(size, sharing);
  for (std::int64_t i = 0; i < sharing; ++i)
    ahead[static_cast<std::size_t>(fetching + i)] =
        spread(task.group * problem_.rhs_group + first + i * share, share, row_count);
}

// One position's channels, or the lines that a chunk's windows share, if they hold nothing else.
LongSumPlan::Ahead LongSumPlan::lhs_ahead(const Task& task, const Box& chunk, std::int64_t row_count) const {
  const ConvAxis &rows = row_axis(), &columns = column_axis();
  if (problem_.lhs_batch != 1 || !chunks_.others.empty() || length(chunk.images) > 1) return {};
  const std::int64_t image = task.group * problem_.lhs_group + chunk.images.first * problem_.lhs_feature;
  const std::int64_t low = chunk.rows.first * rows.rhs_dilation - rows.low;
  if (positions_ == 1) {
    if (length(chunk.rows) > 1 || rows.low != 0 || columns.low != 0) return {};
    const std::int64_t step = columns.rhs_dilation * columns.lhs_step;
    return {true, true, image + task.channels.first + low * rows.lhs_step + chunk.columns.first * step, 1, step};
  }
  if (length(task.channels) < problem_.batch) return {};
  // Those above have been read for the chunk before.
  const std::int64_t end = low + input_extent(rows, length(chunk.rows)),
                     from = std::clamp<std::int64_t>(end - length(chunk.rows) * rows.rhs_dilation, 0, rows.in),
                     size = (std::clamp<std::int64_t>(end, 0, rows.in) - from) * rows.lhs_step;
  if (size <= 0 || size * element_size_ > kMostBytes) return {};
  Ahead lines = spread(image + from * rows.lhs_step, size, row_count);
  lines.of_lhs = true;
  return lines;
}

// A run of memory, a part of it at each row and term of a product.
LongSumPlan::Ahead LongSumPlan::spread(std::int64_t from, std::int64_t size, std::int64_t row_count) const {
  const std::int64_t row = ceiling_quotient(size, row_count);
  return {true, false, from, row, ceiling_quotient(row * tile_.tile_rows, chunk_pixels_)};
}

}  // namespace cotangent::kernels
