// Packing: tiles copied run by run.
#include "cotangent/ops/kernels/conv_pack.h"

#include <algorithm>
#include <vector>

namespace cotangent::kernels {
namespace {

// `count` units that lie in a row in lhs, but for where the window leaves it along one spatial axis.
struct Run {
  std::int64_t count, lhs, tile;
};

// The runs of a range of inner indices, which are the same for every outer index.
struct Runs {
  std::vector<Run> runs;
  std::vector<std::int64_t> positions;  // where each run starts on each spatial axis
  std::int64_t unit = 1;                // adjacent elements that are valid or not together
  std::int64_t step = 1;                // elements of lhs from one unit to the next
  std::int64_t position_step = 0;       // on the axis that the runs follow
  std::size_t followed = 0;             // that axis, or the number of spatial axes if they follow none

  Runs(const MatrixIndex& index, Range range) : followed(index.spatial_axes) {
    std::int64_t extent = 1;
    if (!index.axes.empty()) {
      if (range.first % index.unit == 0 && range.second % index.unit == 0) unit = index.unit;
      const IndexAxis& axis = index.axes[index.axes.size() - (unit > 1 ? 2 : 1)];
      extent = axis.extent;
      step = axis.lhs_step;
      position_step = axis.position_step;
      if (axis.spatial >= 0) followed = static_cast<std::size_t>(axis.spatial);
    }
    for (std::int64_t begin = range.first; begin < range.second;) {
      const std::int64_t at = begin / unit, count = std::min(range.second / unit - at, extent - at % extent);
      const Cursor cursor(index, begin);
      runs.push_back({count, cursor.lhs, begin - range.first});
      positions.insert(positions.end(), cursor.position.begin(), cursor.position.end());
      begin += count * unit;
    }
  }
};

template <class T>
void copy_run(const T* from, std::int64_t step, std::int64_t count, T* to) {
  if (step == 1) std::copy_n(from, count, to);
  else
    for (std::int64_t j = 0; j < count; ++j) to[j] = from[j * step];
}

}  // namespace

template <class T>
void pack_columns(const ConvProblem& problem, const MatrixIndex& outer, Range outer_range, const MatrixIndex& inner,
                  Range inner_range, const T* lhs, T* tile) {
  const std::size_t n = problem.axes.size();
  const Runs inner_runs(inner, inner_range);
  const std::int64_t unit = inner_runs.unit, ahead = inner_runs.position_step;
  std::int64_t origin = 0;
  for (const ConvAxis& axis : problem.axes) origin -= axis.low * axis.lhs_step;
  Cursor cursor(outer, outer_range.first);
  for (std::int64_t o = outer_range.first; o < outer_range.second; ++o, cursor.advance(), tile += length(inner_range)) {
    const std::int64_t* position = inner_runs.positions.data();
    for (const Run& run : inner_runs.runs) {
      std::int64_t first = 0, last = run.count;  // the units inside lhs
      for (std::size_t d = 0; d < n; ++d) {
        const std::int64_t start = cursor.position[d] + position[d] - problem.axes[d].low, in = problem.axes[d].in;
        if (d == inner_runs.followed) {
          first = start < 0 ? std::min(last, (ahead - 1 - start) / ahead) : 0;
          last = start < in ? std::min(last, (in - 1 - start) / ahead + 1) : 0;
        } else if (start < 0 || start >= in) {
          last = 0;
          break;
        }
      }
      position += n;
      T* const to = tile + run.tile;
      if (first >= last) {
        std::fill_n(to, run.count * unit, T{0});
        continue;
      }
      std::fill_n(to, first * unit, T{0});
      const T* const from = lhs + (origin + cursor.lhs + run.lhs + first * inner_runs.step);
      if (unit > 1) std::copy_n(from, (last - first) * unit, to + first * unit);
      else copy_run(from, inner_runs.step, last - first, to + first);
      std::fill_n(to + last * unit, (run.count - last) * unit, T{0});
    }
  }
}

namespace {

// Calls visitor(offset in memory, step there, offset in the tile, count) for every run of a tile.
template <class Visitor>
void for_each_run(const FeatureTile& shape, Visitor visitor) {
  const std::int64_t indices = length(shape.range), features = length(shape.features);
  const std::int64_t first = shape.features.first * shape.feature_step;
  if (shape.features_inner) {
    Cursor cursor(shape.index, shape.range.first);
    for (std::int64_t j = 0; j < indices; ++j, cursor.advance())
      visitor(cursor.other + first, shape.feature_step, j * features, features);
    return;
  }
  const std::int64_t extent = shape.index.axes.empty() ? 1 : shape.index.axes.back().extent;
  for (std::int64_t begin = shape.range.first; begin < shape.range.second;) {
    const std::int64_t count = std::min(shape.range.second - begin, extent - begin % extent);
    const Cursor cursor(shape.index, begin);
    for (std::int64_t p = 0; p < features; ++p)
      visitor(cursor.other + first + p * shape.feature_step, shape.index.other_step(),
              p * indices + begin - shape.range.first, count);
    begin += count;
  }
}

}  // namespace

template <class T>
void pack_features(const FeatureTile& shape, const T* memory, T* tile) {
  for_each_run(shape, [&](std::int64_t at, std::int64_t step, std::int64_t to, std::int64_t count) {
    copy_run(memory + at, step, count, tile + to);
  });
}

template <class T>
void unpack_features(const FeatureTile& shape, const T* tile, T* memory) {
  for_each_run(shape, [&](std::int64_t at, std::int64_t step, std::int64_t from, std::int64_t count) {
    if (step == 1) std::copy_n(tile + from, count, memory + at);
    else
      for (std::int64_t j = 0; j < count; ++j) memory[at + j * step] = tile[from + j];
  });
}

template void pack_columns(const ConvProblem&, const MatrixIndex&, Range, const MatrixIndex&, Range, const float*,
                           float*);
template void pack_columns(const ConvProblem&, const MatrixIndex&, Range, const MatrixIndex&, Range, const double*,
                           double*);
template void pack_features(const FeatureTile&, const float*, float*);
template void pack_features(const FeatureTile&, const double*, double*);
template void unpack_features(const FeatureTile&, const float*, float*);
template void unpack_features(const FeatureTile&, const double*, double*);

}  // namespace cotangent::kernels
