// Packing: tiles copied run by run.
#include "cotangent/ops/kernels/conv_pack.h"

#include <algorithm>

#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

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
  const Runs runs(problem, inner, inner_range, true);
  const std::int64_t origin = lhs_origin(problem), unit = runs.unit;
  Cursor cursor(outer, outer_range.first);
  for (std::int64_t o = outer_range.first; o < outer_range.second; ++o, cursor.advance(), tile += length(inner_range)) {
    for (std::size_t r = 0; r < runs.runs.size(); ++r) {
      const Run& run = runs.runs[r];
      const auto [first, last] = runs.valid(r, cursor);
      T* const to = tile + run.begin;
      std::fill_n(to, first * unit, T{0});
      if (first < last) {
        const T* const from = lhs + (origin + cursor.lhs + run.lhs + first * runs.step);
        if (unit > 1) std::copy_n(from, (last - first) * unit, to + first * unit);
        else copy_run(from, runs.step, last - first, to + first);
      }
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

template <class T>
void pack_plane_weights(const ConvProblem& problem, const T* rhs, T* to) {
  const MatrixKernels<T>& kernels = table<MatrixKernels<T>>();
  const std::int64_t height = kernels.flat_rows, terms = problem.in_features;
  for (std::int64_t row = 0; row < problem.out_features; row += height)
    for_each_tap(problem, [&](const std::vector<std::int64_t>& tap) {
      const T* from = rhs + row * problem.rhs_out_feature;
      for (std::size_t d = 0; d < tap.size(); ++d) from += tap[d] * problem.axes[d].rhs_step;
      const std::int64_t features = std::min(height, problem.out_features - row);
      if (features < height) std::fill_n(to, terms * height, T{0});
      kernels.copy({terms, features, from, problem.rhs_in_feature, problem.rhs_out_feature, to, height, 1});
      to += terms * height;
    });
}

template void pack_plane_weights(const ConvProblem&, const float*, float*);
template void pack_plane_weights(const ConvProblem&, const double*, double*);
template void pack_columns(const ConvProblem&, const MatrixIndex&, Range, const MatrixIndex&, Range, const float*,
                           float*);
template void pack_columns(const ConvProblem&, const MatrixIndex&, Range, const MatrixIndex&, Range, const double*,
                           double*);
template void pack_features(const FeatureTile&, const float*, float*);
template void pack_features(const FeatureTile&, const double*, double*);
template void unpack_features(const FeatureTile&, const float*, float*);
template void unpack_features(const FeatureTile&, const double*, double*);

}  // namespace cotangent::kernels
