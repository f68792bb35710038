// Strided copy: axes merged where possible, then tiles of the two axes that matter for the cache.
#include "cotangent/ops/kernels/strided_copy.h"

#include <algorithm>
#include <cstdlib>

#include "cotangent/core/parallel.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTile = 32;            // rows and columns of a transposed tile: 2 x 4 KiB of floats, within L1
constexpr std::int64_t kTileElements = 1024;  // of a transposed tile
constexpr std::int64_t kBlock = 1 << 14;      // elements that a thread takes at once

struct Axis {
  std::int64_t extent, from, to;  // strides in the source and in the target
};

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The box as a grid of tiles: each covers `rows` x `columns` elements of two axes, and stands at one index of the
// others. Columns are the innermost axis of the target.
struct Plan {
  std::vector<Axis> outer;
  Axis row{1, 0, 0}, column{1, 0, 0};
  std::int64_t tile_rows = 1, tile_columns = 1, row_tiles = 1, column_tiles = 1, tiles = 1;

  Plan(const Shape& extents, const Strides& from, const Strides& to) {
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      if (extents[axis] == 1) continue;
      const Axis next{extents[axis], from[axis], to[axis]};
      if (!outer.empty() && outer.back().from == next.from * next.extent && outer.back().to == next.to * next.extent)
        outer.back() = {outer.back().extent * next.extent, next.from, next.to};
      else outer.push_back(next);
    }
    if (outer.empty()) return;
    column = outer.back();
    outer.pop_back();
    if (!outer.empty()) {
      // Rows are the axis along which the source is densest, if that is not the column already.
      const auto densest = std::min_element(outer.rbegin(), outer.rend(), [](const Axis& a, const Axis& b) {
        return std::abs(a.from) < std::abs(b.from);
      });
      const bool transposes = std::abs(densest->from) < std::abs(column.from);
      const auto chosen = transposes ? std::prev(densest.base()) : std::prev(outer.end());
      row = *chosen;
      outer.erase(chosen);
      tile_rows = std::min(row.extent, transposes ? kTile : std::max<std::int64_t>(1, kBlock / column.extent));
      tile_columns = std::min(column.extent, transposes ? std::max(kTile, kTileElements / tile_rows) : kBlock);
    } else {
      tile_columns = std::min(column.extent, kBlock);
    }
    row_tiles = ceil_divide(row.extent, tile_rows);
    column_tiles = ceil_divide(column.extent, tile_columns);
    tiles = row_tiles * column_tiles;
    for (const Axis& axis : outer) tiles *= axis.extent;
  }
};

template <class T>
void copy_tile(const Plan& plan, std::int64_t tile, const T* from, T* to) {
  const std::int64_t first_column = tile % plan.column_tiles * plan.tile_columns;
  tile /= plan.column_tiles;
  const std::int64_t first_row = tile % plan.row_tiles * plan.tile_rows;
  tile /= plan.row_tiles;
  from += first_row * plan.row.from + first_column * plan.column.from;
  to += first_row * plan.row.to + first_column * plan.column.to;
  for (auto axis = plan.outer.rbegin(); axis != plan.outer.rend(); ++axis) {
    from += tile % axis->extent * axis->from;
    to += tile % axis->extent * axis->to;
    tile /= axis->extent;
  }
  const std::int64_t rows = std::min(plan.tile_rows, plan.row.extent - first_row);
  const std::int64_t columns = std::min(plan.tile_columns, plan.column.extent - first_column);
  const bool contiguous = plan.column.from == 1 && plan.column.to == 1;
  const bool reversed = plan.column.from == -1 && plan.column.to == 1;  // as the kernel of an input's gradient is
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const in = from + row * plan.row.from;
    T* const out = to + row * plan.row.to;
    if (contiguous) std::copy_n(in, columns, out);
    else if (reversed)
      for (std::int64_t column = 0; column < columns; ++column) out[column] = in[-column];
    else
      for (std::int64_t column = 0; column < columns; ++column)
        out[column * plan.column.to] = in[column * plan.column.from];
  }
}

}  // namespace

StridedView whole(const Shape& shape) { return {0, row_major_strides(shape)}; }

void copy_strided(const Shape& extents, const Tensor& from, const StridedView& source, Tensor& to,
                  const StridedView& target) {
  if (extents.elements() == 0) return;
  const Plan plan(extents, source.strides, target.strides);
  visit(to.dtype(), [&]<class T>() {
    const T* const in = from.data<T>().data() + source.offset;
    T* const out = to.mutable_data<T>().data() + target.offset;
    parallel_for(plan.tiles, std::max<std::int64_t>(1, kBlock / (plan.tile_rows * plan.tile_columns)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t tile = begin; tile < end; ++tile) copy_tile(plan, tile, in, out);
                 });
  });
}

void fill(Tensor& to, const Tensor& number) {
  visit(to.dtype(), [&]<class T>() {
    const T value = number.item<T>();
    T* const out = to.mutable_data<T>().data();
    parallel_for(to.size(), kBlock,
                 [&](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, value); });
  });
}

}  // namespace cotangent::kernels
