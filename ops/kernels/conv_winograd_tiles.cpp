// The stages of Winograd convolution that touch tiles: gathering, transforming, scattering.
#include "cotangent/ops/kernels/conv_winograd_tiles.h"

#include <algorithm>

#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {
namespace {

Range intersect(Range a, Range b) {
  const std::int64_t first = std::max(a.first, b.first);
  return {first, std::max(first, std::min(a.second, b.second))};
}

Range from(std::int64_t first, std::int64_t count) { return {first, first + count}; }

std::int64_t offset_at(const Plane& plane, std::int64_t row, std::int64_t column) {
  return plane.offset + row * plane.step[0] + column * plane.step[1];
}

}  // namespace

// Transforms the grids of a run of tiles, of rows x columns positions of a plane: those whose columns are all valid at
// once, the others one by one; of folded ones all are.
void WinogradStages::transform_in_place(Transform transform, const Plane& plane, const TileRun& run, std::int64_t rows,
                                        std::int64_t columns, GridTransform<float> grid) const {
  if (problem_.fold > 0) return transform(grid);
  const std::int64_t tile = problem_.tile, top = run.row * problem_.rows_of(tile);
  const auto part_of = [](Range valid, std::int64_t first, std::int64_t size) {
    return Range{std::clamp<std::int64_t>(valid.first - first, 0, size),
                 std::clamp<std::int64_t>(valid.second - first, 0, size)};
  };
  const Range valid_rows = part_of(plane.valid[0], top, rows);
  for (std::int64_t first = 0; first < run.count; first += grid.count) {
    const std::int64_t column = (run.column + first) * tile;
    const Range valid_columns = part_of(plane.valid[1], column, columns);
    const GridPart part{valid_rows.first, valid_rows.second, valid_columns.first, valid_columns.second};
    const bool all_columns = length(valid_columns) == columns;
    const std::int64_t whole = all_columns ? (plane.valid[1].second - columns - column) / tile + 1 : 1;
    grid.count = std::min(whole, run.count - first);
    grid.part = all_columns && length(valid_rows) == rows ? nullptr : &part;
    transform(grid);
    grid.from.at += grid.count * grid.from.next;
    grid.to.at += grid.count * grid.to.next;
  }
}

WinogradStages::WinogradStages(const WinogradProblem& problem)
    : problem_(problem),
      tile_(tile_shape<float>(problem.large_features)),
      matrix_(table<MatrixKernels<float>>()),
      kernels_(problem.line ? table<WinogradKernels<float>>().lines : table<WinogradKernels<float>>().squares) {
  panels_per_block_ = (problem.large_features + panel_width() - 1) / panel_width();
  lhs_row_ = problem.row_features();
  if (lhs_row_ % (4 * kLine) == 0) lhs_row_ += kLine;
}

std::int64_t WinogradStages::width(std::int64_t panel) const {
  return std::min(panel_width(), problem_.large_features - panel % panels_per_block_ * panel_width());
}

std::int64_t WinogradStages::spread(std::int64_t elements) {
  return ((elements + kLine - 1) / kLine | 1) * kLine;  // an odd number of lines
}

// True if features of a plane can be transformed where they are.
bool WinogradStages::in_place(std::int64_t feature_step, std::int64_t features) const {
  return feature_step == 1 && features % matrix_.lanes == 0;
}

WinogradStages::Band WinogradStages::band_of(const TileRun& run, std::int64_t rows, std::int64_t columns) const {
  const std::int64_t m = problem_.tile, fold = problem_.fold, width = (run.count - 1) * m + columns;
  if (fold == 0) return {from(run.row * problem_.rows_of(m), rows), from(run.column * m, width)};
  return {from(0, 1), from(run.column * m * fold + run.row * m, (width - 1) * fold + rows)};
}

// The most positions of a band of so many tiles.
std::int64_t WinogradStages::band_size(std::int64_t tiles, std::int64_t rows, std::int64_t columns) const {
  const Band band = band_of({0, std::min(tiles, problem_.tile_columns()), 0, 0, 0}, rows, columns);
  return length(band.rows) * length(band.columns);
}

std::int64_t WinogradStages::lhs_copy(std::int64_t tiles) const {
  const std::int64_t n = problem_.points;
  const bool ends = in_place(problem_.lhs.feature, problem_.in_features);
  const std::int64_t pixel = problem_.is_packed() ? problem_.row_features() : block_features();
  return ends && problem_.fold == 0 ? 0 : band_size(ends ? 1 : tiles, problem_.rows_of(n), n) * pixel;
}

std::int64_t WinogradStages::large_copy(std::int64_t tiles, std::int64_t features) const {
  const std::int64_t m = problem_.tile;
  const bool ends = in_place(problem_.large.feature, problem_.large_features);
  return ends && problem_.fold == 0 ? 0 : band_size(ends ? 1 : tiles, problem_.rows_of(m), m) * features;
}

std::int64_t WinogradStages::call_workspace(std::int64_t tiles) const {
  const std::int64_t large =
      large_copy(tiles, problem_.weight_gradient ? whole(problem_.large_features) : panel_width());
  return std::max({lhs_copy(tiles), large, small_copy()});
}

// Copies a part of a plane to [row][column][feature, up to whole vectors], zero where nothing is valid.
void WinogradStages::gather(const Plane& plane, std::int64_t feature_step, std::int64_t features, const float* from,
                            const Band& band, float* to) const {
  const auto [rows, columns] = band;
  const std::int64_t pixel = whole(features), row_step = length(columns) * pixel;
  const Range valid = intersect(columns, plane.valid[1]), valid_rows = intersect(rows, plane.valid[0]);
  const std::int64_t left = (valid.first - columns.first) * pixel, right = left + length(valid) * pixel;
  float* row = to;
  for (std::int64_t y = rows.first; y < rows.second; ++y, row += row_step) {
    const bool any = y >= valid_rows.first && y < valid_rows.second && length(valid) > 0 && pixel == features;
    std::fill(row, row + (any ? left : row_step), 0.0f);
    if (any) std::fill(row + right, row + row_step, 0.0f);
  }
  copy_valid(plane, feature_step, features, from, band, to, pixel);
}

// What is valid of a part of a plane, to [row][column] of so many elements.
void WinogradStages::copy_valid(const Plane& plane, std::int64_t feature_step, std::int64_t features, const float* from,
                                const Band& band, float* to, std::int64_t pixel) const {
  const auto [rows, columns] = band;
  const Range valid = intersect(columns, plane.valid[1]), valid_rows = intersect(rows, plane.valid[0]);
  const std::int64_t row_step = length(columns) * pixel;
  if (length(valid) == 0 || length(valid_rows) == 0) return;
  matrix_.copy({length(valid), features, from + offset_at(plane, valid_rows.first, valid.first), plane.step[1],
                feature_step, to + (valid_rows.first - rows.first) * row_step + (valid.first - columns.first) * pixel,
                pixel, 1, length(valid_rows), plane.step[0], row_step});
}

// The way back: the valid part of a plane from vectors that lie in rows and columns.
void WinogradStages::scatter(const Plane& plane, std::int64_t feature_step, std::int64_t features, const Band& band,
                             Grids<const float> from, float* to) const {
  const auto [rows, columns] = band;
  const Range valid = intersect(columns, plane.valid[1]), valid_rows = intersect(rows, plane.valid[0]);
  if (length(valid) == 0 || length(valid_rows) == 0) return;
  matrix_.copy({length(valid), features,
                from.at + (valid_rows.first - rows.first) * from.row + (valid.first - columns.first) * from.column,
                from.column, 1, to + offset_at(plane, valid_rows.first, valid.first), plane.step[1], feature_step,
                length(valid_rows), from.row, plane.step[0]});
}

// Some rows of each fold, the others of which belong to other tiles.
void WinogradStages::scatter_rows(const Plane& plane, std::int64_t feature_step, std::int64_t features,
                                  const Band& band, std::int64_t rows, const float* from, float* to) const {
  const std::int64_t fold = problem_.fold, pixel = panel_width();
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t first = band.columns.first + row, folds = (length(band.columns) - rows) / fold + 1;
    const Plane one{offset_at(plane, 0, first),
                    {0, fold * plane.step[1]},
                    {plane.valid[0], Progression{first - plane.valid[1].first, fold}.inside(length(plane.valid[1]))}};
    scatter(one, feature_step, features, {{0, 1}, {0, folds}}, {from + row * pixel, 0, fold * pixel}, to);
  }
}

void WinogradStages::transform_lhs(const float* lhs, const TileBlock& tiles, float* to, std::int64_t position_step,
                                   std::int64_t slice_step) const {
  const std::int64_t features = problem_.in_features, pixel = block_features(), n = problem_.points,
                     rows = problem_.rows_of(n);
  const std::int64_t step = problem_.lhs.feature;
  const FloatBuffer local(lhs_copy(length(tiles.tiles)));
  const auto transform = kernels_.input[problem_.family];
  for_each_slice_run(tiles, [&](const TileRun& run, std::int64_t slice) {
    float* const first_row = to + (slice - tiles.slices.first) * slice_step;
    if (problem_.is_packed()) {
      const Band band = band_of(run, rows, n);
      const std::int64_t all = problem_.row_features(), row = length(band.columns) * all;
      std::fill_n(local.data(), length(band.rows) * row, 0.0f);
      for (std::int64_t block = 0; block < problem_.lhs_blocks(); ++block)
        copy_valid(problem_.lhs_plane(run.plane, block, slice), step, features, lhs, band,
                   local.data() + block * features, all);
      return transform({.features = all,
                        .from = grids_of<const float>(local.data(), row, all),
                        .to = {first_row + run.first * lhs_row_, n * position_step, position_step, lhs_row_},
                        .count = run.count});
    }
    for (std::int64_t block = 0; block < problem_.lhs_blocks(); ++block) {
      const Plane plane = problem_.lhs_plane(run.plane, block, slice);
      for_each_part(run, plane, in_place(step, features), rows, n, [&](const TileRun& part, bool direct) {
        const Band band = band_of(part, rows, n);
        GridTransform<float> grid{
            .features = pixel,
            .from = grids_of<const float>(local.data(), length(band.columns) * pixel, pixel),
            .to = {first_row + part.first * lhs_row_ + block * pixel, n * position_step, position_step, lhs_row_},
            .count = part.count};
        if (direct) {
          grid.from = grids_in(lhs, plane, band);
          transform_in_place(transform, plane, part, rows, n, grid);
        } else {
          gather(plane, step, features, lhs, band, local.data());
          transform(grid);
        }
      });
    }
  });
}

void WinogradStages::expand_large(const float* large, const TileBlock& tiles, float* to, std::int64_t panel_step,
                                  std::int64_t position_step, std::int64_t slice_rows) const {
  const std::int64_t features = problem_.large_features, pixel = whole(features), n = problem_.points,
                     m = problem_.tile;
  const std::int64_t step = problem_.large.feature;
  const FloatBuffer local(large_copy(length(tiles.tiles), pixel));
  const auto transform = kernels_.expand[problem_.family][m - 2];
  for_each_slice_run(tiles, [&](const TileRun& run, std::int64_t slice) {
    float* const first_row = to + (slice - tiles.slices.first) * slice_rows * panel_width();
    const std::int64_t rows = large_rows(run);
    const GridPart of_fold{0, rows, 0, m};
    for (std::int64_t block = 0; block < problem_.large_blocks(); ++block) {
      const Plane plane = problem_.large_plane(run.plane, block, slice);
      for_each_part(run, plane, in_place(step, features), rows, m, [&](const TileRun& part, bool direct) {
        const Band band = band_of(part, rows, m);
        if (!direct) gather(plane, step, features, large, band, local.data());
        for (std::int64_t p = 0; p < panels_per_block_; ++p) {
          const std::int64_t panel = block * panels_per_block_ + p, first = p * panel_width();
          GridTransform<float> grid{
              .features = whole(width(panel)),
              .from = direct ? grids_in(large + first, plane, band)
                             : grids_of<const float>(local.data() + first, length(band.columns) * pixel, pixel),
              .to = {first_row + panel * panel_step + part.first * panel_width(), n * position_step, position_step,
                     panel_width()},
              .count = part.count,
              .part = rows < problem_.rows_of(m) ? &of_fold : nullptr};
          if (direct) transform_in_place(transform, plane, part, rows, m, grid);
          else transform(grid);
        }
      });
    }
  });
}

void WinogradStages::contract_large(const float* sums, std::int64_t row_step, std::int64_t position_step,
                                    std::int64_t slice_rows, const TileBlock& tiles, Range panels,
                                    const ConvEpilogue<float>& epilogue, float* large) const {
  const std::int64_t n = problem_.points, m = problem_.tile, step = problem_.large.feature;
  const FloatBuffer local(large_copy(length(tiles.tiles), panel_width()));
  const auto transform = kernels_.contract[problem_.family][m - 2];
  for_each_slice_run(tiles, [&](const TileRun& run, std::int64_t slice) {
    const float* const first_row = sums + (slice - tiles.slices.first) * slice_rows * row_step;
    const std::int64_t rows = large_rows(run);
    const GridPart of_fold{0, rows, 0, m};
    for (std::int64_t panel = panels.first; panel < panels.second; ++panel) {
      const Plane plane = problem_.large_plane(run.plane, panel / panels_per_block_, slice);
      const std::int64_t features = width(panel), first = panel % panels_per_block_ * panel_width();
      float* const memory = large + first * step;
      for_each_part(run, plane, in_place(step, features), rows, m, [&](const TileRun& part, bool direct) {
        const Band band = band_of(part, rows, m);
        const std::int64_t row = length(band.columns) * panel_width();
        GridTransform<float> grid{.features = whole(features),
                                  .from = {first_row + part.first * row_step + (panel - panels.first) * panel_width(),
                                           n * position_step, position_step, row_step},
                                  .to = grids_of(local.data(), row, panel_width()),
                                  .count = part.count,
                                  .part = rows < problem_.rows_of(m) ? &of_fold : nullptr,
                                  .bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + first,
                                  .relu = epilogue.relu};
        if (direct) {
          grid.to = grids_in(memory, plane, band);
          transform_in_place(transform, plane, part, rows, m, grid);
        } else {
          transform(grid);
          if (rows < problem_.fold) scatter_rows(plane, step, features, band, rows, local.data(), memory);
          else scatter(plane, step, features, band, {local.data(), row, panel_width()}, memory);
        }
      });
    }
  });
}

}  // namespace cotangent::kernels
