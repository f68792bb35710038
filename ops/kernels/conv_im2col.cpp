// Convolution as tiled im2col and GEMM.
//
// Columns exist only as tiles of at most 512 KiB, packed from whatever layout lhs has, multiplied while they are in
// cache. Where a matrix lies in memory as BLAS wants it (the input of a 1x1 convolution, weights, mostly the output) it
// is used in place. A convolution with few outputs and a long sum, as every weight gradient is, is cut along the sum:
// the number of partial results depends on the shape alone, and they are added in a fixed order, so that the bits do
// not depend on the number of threads.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_pack.h"
#include "cotangent/ops/kernels/conv_plan.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/product.h"
#include "cotangent/ops/kernels/workspace.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kPackingTasks = 16;  // that weights are packed in, for each group

// A matrix in memory: one of its two steps is 1.
template <class T>
struct Matrix {
  T* data;
  bool rows_adjacent;  // elements of a column are adjacent, rather than of a row
  std::int64_t leading;
};

// A matrix that BLAS can use as it is: `rows` times `columns` with these steps.
template <class T>
std::optional<Matrix<T>> in_place(T* data, std::int64_t rows, std::int64_t row_step, std::int64_t columns,
                                  std::int64_t column_step) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if ((column_step == 1 || columns == 1) && row_step >= columns && row_step <= kMost) return {{data, false, row_step}};
  if ((row_step == 1 || rows == 1) && column_step >= rows && column_step <= kMost) return {{data, true, column_step}};
  return std::nullopt;
}

template <class T>
Matrix<T> packed(T* data, bool rows_adjacent, std::int64_t rows, std::int64_t columns) {
  return {data, rows_adjacent, rows_adjacent ? rows : columns};
}

// c = a b, or c += a b.
template <class T>
void multiply(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, std::int64_t rows,
              std::int64_t columns, std::int64_t reduction, bool add) {
  if (c.rows_adjacent)
    multiply_matrices<T>({!b.rows_adjacent, !a.rows_adjacent, columns, rows, reduction, b.data, b.leading, a.data,
                          a.leading, add, c.data, c.leading});
  else
    multiply_matrices<T>({a.rows_adjacent, b.rows_adjacent, rows, columns, reduction, a.data, a.leading, b.data,
                          b.leading, add, c.data, c.leading});
}

// One problem without lhs dilation and with no extent of 0: how it is cut, and the work on each piece.
template <class T>
class Im2col {
 public:
  Im2col(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : problem_(problem),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        epilogue_(epilogue),
        out_(out + problem.out_offset),
        plan_(problem, sizeof(T)) {}

  void run() {
    const Workspace<T> weights(plan_.weights_packed ? problem_.groups * plan_.reduction.extent * problem_.out_features
                                                    : 0);
    if (plan_.weights_packed) pack_weights(weights.data());
    weights_ = weights.data();
    const std::int64_t tiles = plan_.tiles(problem_);
    const Workspace<T> partial(plan_.splits > 1 ? tiles * plan_.splits * plan_.tile_elements() : 0);
    parallel_for(tiles * plan_.splits, 1, [&](std::int64_t task, std::int64_t) {
      const Tile tile = tile_at(task / plan_.splits);
      if (plan_.splits > 1)
        sum_products(tile, task % plan_.splits, partial.data() + task * plan_.tile_elements(), false);
      else compute(tile);
    });
    if (plan_.splits > 1)
      parallel_for(tiles, 1, [&](std::int64_t index, std::int64_t) {
        combine(tile_at(index), partial.data() + index * plan_.splits * plan_.tile_elements());
      });
  }

 private:
  struct Tile {
    std::int64_t group;
    Range rows, features;
  };

  Tile tile_at(std::int64_t index) const {
    const std::int64_t features = index % plan_.feature_blocks.count(), rest = index / plan_.feature_blocks.count();
    return {rest / plan_.row_blocks.count(), plan_.row_blocks.range(rest % plan_.row_blocks.count()),
            plan_.feature_blocks.range(features)};
  }

  FeatureTile weight_tile(Range range, Range features) const {
    return {plan_.reduction, range, features, problem_.rhs_out_feature, plan_.weight_features_inner};
  }
  FeatureTile out_tile(const Tile& tile) const {
    return {plan_.rows, tile.rows, tile.features, problem_.out_feature, plan_.out_features_inner};
  }

  // All weights of each group, as one dense matrix.
  void pack_weights(T* to) const {
    const Range all{0, plan_.reduction.extent}, features{0, problem_.out_features};
    const std::int64_t size = plan_.reduction.extent * problem_.out_features;
    const std::int64_t outer = plan_.weight_features_inner ? plan_.reduction.extent : problem_.out_features;
    const Blocks blocks{outer, outer, std::max<std::int64_t>(1, outer / kPackingTasks)};
    parallel_for(problem_.groups * blocks.count(), 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / blocks.count();
      const Range part = blocks.range(task % blocks.count());
      pack_features(plan_.weight_features_inner ? weight_tile(part, features) : weight_tile(all, part),
                    rhs_ + group * problem_.rhs_group, to + group * size + part.first * (size / outer));
    });
  }

  // Computes a tile of the output, in place if it lies there as a matrix.
  void compute(const Tile& tile) const {
    T* const out = out_ + tile.group * problem_.out_group;
    const std::int64_t rows = length(tile.rows), features = length(tile.features);
    if (within_panel(tile.rows, plan_.rows.other_panel)) {
      T* const corner = out + Cursor(plan_.rows, tile.rows.first).other + tile.features.first * problem_.out_feature;
      if (const auto matrix = in_place(corner, rows, plan_.rows.other_step(), features, problem_.out_feature)) {
        add_products(tile, {0, plan_.reduction_blocks.count()}, *matrix);
        return finish(tile, *matrix);
      }
    }
    const Workspace<T> result(rows * features);
    sum_products(tile, 0, result.data(), true);
    finish(tile, dense(tile, result.data()));
    unpack_features(out_tile(tile), result.data(), out);
  }

  // The partial results of a tile, added in order.
  void combine(const Tile& tile, T* partial) const {
    const std::int64_t elements = length(tile.rows) * length(tile.features);
    for (std::int64_t split = 1; split < plan_.splits; ++split) {
      const T* const more = partial + split * plan_.tile_elements();
      for (std::int64_t i = 0; i < elements; ++i) partial[i] += more[i];
    }
    finish(tile, dense(tile, partial));
    unpack_features(out_tile(tile), partial, out_ + tile.group * problem_.out_group);
  }

  Matrix<T> dense(const Tile& tile, T* data) const {
    return packed(data, !plan_.out_features_inner, length(tile.rows), length(tile.features));
  }

  void finish(const Tile& tile, const Matrix<T>& sums) const {
    epilogue_.apply(sums.data, length(tile.rows), sums.rows_adjacent ? 1 : sums.leading, length(tile.features),
                    sums.rows_adjacent ? sums.leading : 1, tile.group * problem_.out_features + tile.features.first);
  }

  // One split of the sum, or all of it, into a dense tile.
  void sum_products(const Tile& tile, std::int64_t split, T* to, bool all) const {
    const std::int64_t blocks = plan_.reduction_blocks.count();
    const Range part =
        all ? Range{0, blocks} : Range{split * blocks / plan_.splits, (split + 1) * blocks / plan_.splits};
    add_products(tile, part, dense(tile, to));
  }

  // result = columns x weights over a range of reduction blocks.
  void add_products(const Tile& tile, Range blocks, const Matrix<T>& result) const {
    const std::int64_t rows = length(tile.rows), features = length(tile.features);
    const Workspace<T> columns(rows * plan_.reduction_blocks.block), weights(plan_.reduction_blocks.block * features);
    for (std::int64_t block = blocks.first; block < blocks.second; ++block) {
      const Range range = plan_.reduction_blocks.range(block);
      multiply<T>(columns_tile(tile, range, columns.data()), weights_tile(tile, range, weights.data()), result, rows,
                  features, length(range), block > blocks.first);
    }
  }

  Matrix<const T> columns_tile(const Tile& tile, Range range, T* buffer) const {
    const T* const lhs = lhs_ + tile.group * problem_.lhs_group;
    const std::int64_t rows = length(tile.rows), reduction = length(range);
    if (plan_.columns_in_place && within_panel(tile.rows, plan_.rows.lhs_panel) &&
        within_panel(range, plan_.reduction.lhs_panel)) {
      const T* const corner = lhs + lhs_origin(problem_) + Cursor(plan_.rows, tile.rows.first).lhs +
                              Cursor(plan_.reduction, range.first).lhs;
      if (const auto matrix = in_place(corner, rows, plan_.rows.lhs_step(), reduction, plan_.reduction.lhs_step()))
        return *matrix;
    }
    if (plan_.rows_inner) pack_columns(problem_, plan_.reduction, range, plan_.rows, tile.rows, lhs, buffer);
    else pack_columns(problem_, plan_.rows, tile.rows, plan_.reduction, range, lhs, buffer);
    return packed<const T>(buffer, plan_.rows_inner, rows, reduction);
  }

  Matrix<const T> weights_tile(const Tile& tile, Range range, T* buffer) const {
    const std::int64_t features = length(tile.features), reduction = length(range);
    if (plan_.weights_packed) {
      const T* const group = weights_ + tile.group * plan_.reduction.extent * problem_.out_features;
      return plan_.weight_features_inner
                 ? Matrix<const T>{group + range.first * problem_.out_features + tile.features.first, false,
                                   problem_.out_features}
                 : Matrix<const T>{group + tile.features.first * plan_.reduction.extent + range.first, true,
                                   plan_.reduction.extent};
    }
    const T* const rhs = rhs_ + tile.group * problem_.rhs_group;
    if (within_panel(range, plan_.reduction.other_panel)) {
      const T* const corner =
          rhs + Cursor(plan_.reduction, range.first).other + tile.features.first * problem_.rhs_out_feature;
      if (const auto matrix =
              in_place(corner, reduction, plan_.reduction.other_step(), features, problem_.rhs_out_feature))
        return *matrix;
    }
    pack_features(weight_tile(range, tile.features), rhs, buffer);
    return packed<const T>(buffer, !plan_.weight_features_inner, reduction, features);
  }

  static bool within_panel(Range range, std::int64_t panel) {
    return range.first / panel == (range.second - 1) / panel;
  }

  const ConvProblem& problem_;
  const T *lhs_, *rhs_;
  const ConvEpilogue<T>& epilogue_;
  T* out_;
  const ConvPlan plan_;
  const T* weights_ = nullptr;
};

// All output elements of a problem that sums nothing, in the order of memory.
template <class T>
void fill_zero(const ConvProblem& problem, T* out) {
  struct Extent {
    std::int64_t count, step;
  };
  std::vector<Extent> extents{{problem.groups, problem.out_group},
                              {problem.batch, problem.out_batch},
                              {problem.out_features, problem.out_feature}};
  for (const ConvAxis& axis : problem.axes) extents.push_back({axis.out, axis.out_step});
  std::stable_sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return a.count > 1 && (b.count == 1 || std::abs(a.step) < std::abs(b.step));
  });
  const Extent inner = extents[0], middle = extents[1];
  std::int64_t blocks = 1;
  for (std::size_t d = 2; d < extents.size(); ++d) blocks *= extents[d].count;
  constexpr std::int64_t kTask = 1 << 14;  // elements
  parallel_for(blocks, std::max<std::int64_t>(1, kTask / std::max<std::int64_t>(1, inner.count * middle.count)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t block = begin; block < end; ++block) {
                   T* to = out + problem.out_offset;
                   std::int64_t rest = block;
                   for (std::size_t d = 2; d < extents.size(); rest /= extents[d++].count)
                     to += rest % extents[d].count * extents[d].step;
                   for (std::int64_t row = 0; row < middle.count; ++row, to += middle.step) {
                     if (inner.step == 1) std::fill_n(to, inner.count, T{0});
                     else
                       for (std::int64_t i = 0; i < inner.count; ++i) to[i * inner.step] = T{0};
                   }
                 }
               });
}

ConvCost plan_cost(const ConvProblem& problem, std::int64_t element_size) {
  const ConvPlan plan(problem, element_size);
  const std::int64_t rows = plan.row_blocks.block, terms = plan.reduction_blocks.block,
                     features = plan.feature_blocks.block;
  const std::int64_t packed = plan.weights_packed ? problem.groups * plan.reduction.extent * problem.out_features : 0;
  const std::int64_t partial = plan.splits > 1 ? plan.tiles(problem) * plan.splits * plan.tile_elements() : 0;
  ConvCost cost;
  cost.multiply_adds = problem.groups * plan.rows.extent * plan.reduction.extent * problem.out_features;
  cost.products = fmt::format("{} x ({} x {}) x ({} x {})", plan.tiles(problem) * plan.reduction_blocks.count(), rows,
                              terms, terms, features);
  cost.workspace =
      element_size * (packed + partial + num_threads() * (rows * terms + terms * features + plan.tile_elements()));
  return cost;
}

}  // namespace

ConvCost im2col_cost(const ConvProblem& problem, std::int64_t element_size) {
  ConvCost total;
  for (const ConvProblem& phase : split_phases(problem)) {
    if (reduction_index(phase).extent == 0) continue;
    const ConvCost cost = plan_cost(phase, element_size);
    total.multiply_adds += cost.multiply_adds;
    total.workspace = std::max(total.workspace, cost.workspace);
    total.products += (total.products.empty() ? "" : " + ") + cost.products;
  }
  return total;
}

template <class T>
void convolve_by_im2col(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  convolve_by_im2col_with(problem, lhs, rhs, ConvEpilogue<T>{}, out);
}

template <class T>
void convolve_by_im2col_with(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                             T* out) {
  for (const ConvProblem& phase : split_phases(problem)) {
    if (reduction_index(phase).extent > 0) {
      Im2col<T>(phase, lhs, rhs, epilogue, out).run();
    } else {
      fill_zero(phase, out);
      finish(phase, epilogue, out);
    }
  }
}

template void convolve_by_im2col(const ConvProblem&, const float*, const float*, float*);
template void convolve_by_im2col(const ConvProblem&, const double*, const double*, double*);
template void convolve_by_im2col_with(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&,
                                      float*);
template void convolve_by_im2col_with(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&,
                                      double*);

}  // namespace cotangent::kernels
