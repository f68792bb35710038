// Convolution as tiled im2col and GEMM.
//
// Columns exist only as tiles of at most 512 KiB, packed from whatever layout lhs has, multiplied while they are in
// cache. Where a matrix lies in memory as BLAS wants it (the input of a 1x1 convolution, weights, mostly the output) it
// is used in place. A convolution with few outputs and a long sum, as every weight gradient is, is cut along the sum:
// the number of partial results depends on the shape alone, and they are added in a fixed order, so that the bits do
// not depend on the number of threads.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "cotangent/core/gemm.h"
#include "cotangent/core/memory.h"
#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_pack.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTileBytes = 512 << 10;  // of columns
constexpr std::int64_t kMostRows = 2048;        // of a tile
constexpr std::int64_t kReduction = 512;        // of a tile, where the sum is longer than kWholeReduction
constexpr std::int64_t kWholeReduction = 768;
constexpr std::int64_t kMostReduction = 4096;    // of a tile with few rows
constexpr std::int64_t kFeatures = 512;          // of a tile
constexpr std::int64_t kTasks = 16;              // enough for a few threads to share evenly
constexpr std::int64_t kWorthwhilePanel = 128;   // shorter stretches of memory are packed rather than used in place
constexpr std::int64_t kWeightBytes = 32 << 20;  // the most weights that are packed at once

// `extent` in about equal blocks of at most `most`, but whole units; `panel` divides the extent.
Blocks cut(std::int64_t extent, std::int64_t panel, std::int64_t most, std::int64_t unit) {
  if (panel < kWorthwhilePanel) panel = extent;
  const std::int64_t blocks = (panel + most - 1) / most;
  std::int64_t block = (panel + blocks - 1) / blocks;
  if (unit <= 2 * most) block = (block + unit - 1) / unit * unit;
  return {extent, panel, block};
}

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
  const auto transposed = [](bool yes) { return yes ? Transpose::Yes : Transpose::No; };
  if (c.rows_adjacent)
    gemm(transposed(!b.rows_adjacent), transposed(!a.rows_adjacent), columns, rows, reduction, T{1}, b.data, b.leading,
         a.data, a.leading, static_cast<T>(add), c.data, c.leading);
  else
    gemm(transposed(a.rows_adjacent), transposed(b.rows_adjacent), rows, columns, reduction, T{1}, a.data, a.leading,
         b.data, b.leading, static_cast<T>(add), c.data, c.leading);
}

// True if every window lies inside lhs.
bool no_borders(const ConvProblem& problem) {
  return std::all_of(problem.axes.begin(), problem.axes.end(), [](const ConvAxis& axis) {
    return axis.low <= 0 && (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.rhs_dilation - axis.low < axis.in;
  });
}

// Elements that lie in a row when the index is the inner one of a tile of columns.
std::int64_t run_length(const MatrixIndex& index) {
  if (index.axes.empty()) return 1;
  return index.unit > 1 ? index.unit * index.axes[index.axes.size() - 2].extent : index.axes.back().extent;
}

bool runs_contiguous(const MatrixIndex& index) { return index.lhs_step() == 1; }

// Buffers of one call or one tile, from the cache of tensor memory.
template <class T>
class Workspace {
 public:
  explicit Workspace(std::int64_t elements)
      : memory_(elements > 0 ? allocate(static_cast<std::size_t>(elements) * sizeof(T)) : nullptr) {}
  T* data() const { return reinterpret_cast<T*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

// One problem without lhs dilation and with no extent of 0: how it is cut, and the work on each piece.
template <class T>
class Im2col {
 public:
  Im2col(const ConvProblem& problem, const T* lhs, const T* rhs, T* out)
      : problem_(problem),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset),
        rows_(row_index(problem)),
        reduction_(reduction_index(problem)) {
    choose_layouts();
    choose_blocks();
  }

  void run() {
    const Workspace<T> weights(weights_packed_ ? problem_.groups * reduction_.extent * problem_.out_features : 0);
    if (weights_packed_) pack_weights(weights.data());
    weights_ = weights.data();
    const std::int64_t tiles = problem_.groups * row_blocks_.count() * feature_blocks_.count();
    const Workspace<T> partial(splits_ > 1 ? tiles * splits_ * tile_elements() : 0);
    parallel_for(tiles * splits_, 1, [&](std::int64_t task, std::int64_t) {
      const Tile tile = tile_at(task / splits_);
      if (splits_ > 1) sum_products(tile, task % splits_, partial.data() + task * tile_elements(), false);
      else compute(tile);
    });
    if (splits_ > 1)
      parallel_for(tiles, 1, [&](std::int64_t index, std::int64_t) {
        combine(tile_at(index), partial.data() + index * splits_ * tile_elements());
      });
  }

 private:
  struct Tile {
    std::int64_t group;
    Range rows, features;
  };

  void choose_layouts() {
    columns_in_place_ = no_borders(problem_);
    // The index with the longer run becomes the inner one; from 16 elements on, adjacent ones win.
    const std::int64_t row_run = run_length(rows_), reduction_run = run_length(reduction_);
    const bool long_rows = runs_contiguous(rows_) && row_run >= 16,
               long_reduction = runs_contiguous(reduction_) && reduction_run >= 16;
    rows_inner_ = long_rows != long_reduction ? long_rows : row_run > reduction_run;
    weight_features_inner_ = problem_.rhs_out_feature == 1 || reduction_.other_step() != 1;
    out_features_inner_ = problem_.out_feature == 1 || rows_.other_step() != 1;
  }

  void choose_blocks() {
    const std::int64_t tile = kTileBytes / static_cast<std::int64_t>(sizeof(T));
    const std::int64_t rows = rows_.extent, reduction = reduction_.extent, features = problem_.out_features;
    const bool long_sum = reduction > 4 * rows;
    const bool weights_uniform = reduction_.other_panel == reduction &&
                                 (problem_.rhs_out_feature == 1 || reduction_.other_step() == 1 || features == 1);
    weights_packed_ = !weights_uniform && !long_sum &&
                      reduction * features * problem_.groups * static_cast<std::int64_t>(sizeof(T)) <= kWeightBytes;

    std::int64_t most = reduction <= kWholeReduction ? reduction : kReduction;
    if (rows * most < tile) most = std::clamp(tile / rows, most, std::max(most, kMostReduction));
    reduction_blocks_ = cut(reduction, weights_packed_ ? reduction : reduction_.other_panel, most, reduction_.unit);

    most = std::clamp<std::int64_t>(tile / reduction_blocks_.block, 32, kMostRows);
    if (!long_sum) most = std::min(most, std::max<std::int64_t>(64, rows * problem_.groups / kTasks));
    std::int64_t panel = rows_.other_panel;
    if (columns_in_place_) panel = std::min(panel, rows_.lhs_panel);
    row_blocks_ = cut(rows, panel, most, rows_.unit);

    most = kFeatures;
    const std::int64_t tiles = problem_.groups * row_blocks_.count();
    if (tiles * 2 < kTasks && reduction_blocks_.count() < kTasks / 2)
      most = std::clamp<std::int64_t>(features * tiles * 2 / kTasks, 64, most);
    feature_blocks_ = cut(features, features, most, 1);

    const std::int64_t tasks = tiles * feature_blocks_.count();
    splits_ = tasks * 2 < kTasks ? std::min(reduction_blocks_.count(), (kTasks + tasks - 1) / tasks) : 1;
  }

  std::int64_t tile_elements() const { return row_blocks_.block * feature_blocks_.block; }

  Tile tile_at(std::int64_t index) const {
    const std::int64_t features = index % feature_blocks_.count(), rest = index / feature_blocks_.count();
    return {rest / row_blocks_.count(), row_blocks_.range(rest % row_blocks_.count()), feature_blocks_.range(features)};
  }

  FeatureTile weight_tile(Range range, Range features) const {
    return {reduction_, range, features, problem_.rhs_out_feature, weight_features_inner_};
  }
  FeatureTile out_tile(const Tile& tile) const {
    return {rows_, tile.rows, tile.features, problem_.out_feature, out_features_inner_};
  }

  // All weights of each group, as one dense matrix.
  void pack_weights(T* to) const {
    const Range all{0, reduction_.extent}, features{0, problem_.out_features};
    const std::int64_t size = reduction_.extent * problem_.out_features;
    const std::int64_t outer = weight_features_inner_ ? reduction_.extent : problem_.out_features;
    const Blocks blocks{outer, outer, std::max<std::int64_t>(1, kTileBytes * outer / (8 * size))};
    parallel_for(problem_.groups * blocks.count(), 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / blocks.count();
      const Range part = blocks.range(task % blocks.count());
      pack_features(weight_features_inner_ ? weight_tile(part, features) : weight_tile(all, part),
                    rhs_ + group * problem_.rhs_group, to + group * size + part.first * (size / outer));
    });
  }

  // Computes a tile of the output, in place if it lies there as a matrix.
  void compute(const Tile& tile) const {
    T* const out = out_ + tile.group * problem_.out_group;
    const std::int64_t rows = length(tile.rows), features = length(tile.features);
    if (within_panel(tile.rows, rows_.other_panel)) {
      T* const corner = out + Cursor(rows_, tile.rows.first).other + tile.features.first * problem_.out_feature;
      if (const auto matrix = in_place(corner, rows, rows_.other_step(), features, problem_.out_feature))
        return add_products(tile, {0, reduction_blocks_.count()}, *matrix);
    }
    const Workspace<T> result(rows * features);
    sum_products(tile, 0, result.data(), true);
    unpack_features(out_tile(tile), result.data(), out);
  }

  // The partial results of a tile, added in order.
  void combine(const Tile& tile, T* partial) const {
    const std::int64_t elements = length(tile.rows) * length(tile.features);
    for (std::int64_t split = 1; split < splits_; ++split) {
      const T* const more = partial + split * tile_elements();
      for (std::int64_t i = 0; i < elements; ++i) partial[i] += more[i];
    }
    unpack_features(out_tile(tile), partial, out_ + tile.group * problem_.out_group);
  }

  // One split of the sum, or all of it, into a dense tile.
  void sum_products(const Tile& tile, std::int64_t split, T* to, bool all) const {
    const std::int64_t blocks = reduction_blocks_.count();
    const Range part = all ? Range{0, blocks} : Range{split * blocks / splits_, (split + 1) * blocks / splits_};
    add_products(tile, part, packed(to, !out_features_inner_, length(tile.rows), length(tile.features)));
  }

  // result = columns x weights over a range of reduction blocks.
  void add_products(const Tile& tile, Range blocks, const Matrix<T>& result) const {
    const std::int64_t rows = length(tile.rows), features = length(tile.features);
    const Workspace<T> columns(rows * reduction_blocks_.block), weights(reduction_blocks_.block * features);
    for (std::int64_t block = blocks.first; block < blocks.second; ++block) {
      const Range range = reduction_blocks_.range(block);
      multiply<T>(columns_tile(tile, range, columns.data()), weights_tile(tile, range, weights.data()), result, rows,
                  features, length(range), block > blocks.first);
    }
  }

  Matrix<const T> columns_tile(const Tile& tile, Range range, T* buffer) const {
    const T* const lhs = lhs_ + tile.group * problem_.lhs_group;
    const std::int64_t rows = length(tile.rows), reduction = length(range);
    if (columns_in_place_ && within_panel(tile.rows, rows_.lhs_panel) && within_panel(range, reduction_.lhs_panel)) {
      const T* const corner =
          lhs + lhs_origin(problem_) + Cursor(rows_, tile.rows.first).lhs + Cursor(reduction_, range.first).lhs;
      if (const auto matrix = in_place(corner, rows, rows_.lhs_step(), reduction, reduction_.lhs_step()))
        return *matrix;
    }
    if (rows_inner_) pack_columns(problem_, reduction_, range, rows_, tile.rows, lhs, buffer);
    else pack_columns(problem_, rows_, tile.rows, reduction_, range, lhs, buffer);
    return packed<const T>(buffer, rows_inner_, rows, reduction);
  }

  Matrix<const T> weights_tile(const Tile& tile, Range range, T* buffer) const {
    const std::int64_t features = length(tile.features), reduction = length(range);
    if (weights_packed_) {
      const T* const group = weights_ + tile.group * reduction_.extent * problem_.out_features;
      return weight_features_inner_ ? Matrix<const T>{group + range.first * problem_.out_features + tile.features.first,
                                                      false, problem_.out_features}
                                    : Matrix<const T>{group + tile.features.first * reduction_.extent + range.first,
                                                      true, reduction_.extent};
    }
    const T* const rhs = rhs_ + tile.group * problem_.rhs_group;
    if (within_panel(range, reduction_.other_panel)) {
      const T* const corner =
          rhs + Cursor(reduction_, range.first).other + tile.features.first * problem_.rhs_out_feature;
      if (const auto matrix = in_place(corner, reduction, reduction_.other_step(), features, problem_.rhs_out_feature))
        return *matrix;
    }
    pack_features(weight_tile(range, tile.features), rhs, buffer);
    return packed<const T>(buffer, !weight_features_inner_, reduction, features);
  }

  static bool within_panel(Range range, std::int64_t panel) {
    return range.first / panel == (range.second - 1) / panel;
  }

  const ConvProblem& problem_;
  const T *lhs_, *rhs_;
  T* out_;
  const MatrixIndex rows_, reduction_;
  bool columns_in_place_ = false;  // no padding, so that columns may be there already
  bool rows_inner_ = false;        // rows are adjacent in a tile of columns
  bool weight_features_inner_ = false, out_features_inner_ = false;
  Blocks row_blocks_, reduction_blocks_, feature_blocks_;
  std::int64_t splits_ = 1;  // of the sum, each with a partial result
  bool weights_packed_ = false;
  const T* weights_ = nullptr;
};

// All output elements of a problem that sums nothing.
template <class T>
void fill_zero(const ConvProblem& problem, T* out) {
  const MatrixIndex rows = row_index(problem);
  for (std::int64_t group = 0; group < problem.groups; ++group) {
    Cursor cursor(rows, 0);
    for (std::int64_t row = 0; row < rows.extent; ++row, cursor.advance())
      for (std::int64_t p = 0; p < problem.out_features; ++p)
        out[problem.out_offset + group * problem.out_group + cursor.other + p * problem.out_feature] = T{0};
  }
}

}  // namespace

template <class T>
void convolve_by_im2col(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  for (const ConvProblem& phase : split_phases(problem)) {
    if (reduction_index(phase).extent == 0) fill_zero(phase, out);
    else Im2col<T>(phase, lhs, rhs, out).run();
  }
}

template void convolve_by_im2col(const ConvProblem&, const float*, const float*, float*);
template void convolve_by_im2col(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
