// The reduction kernel: any axes of any tensor, for any associative operation. Internal.
//
// The elements that one output depends on are visited as strips: contiguous runs, either along the reduced axes (a
// strip then gives one value) or across them (a strip then gives one value to each of a row of outputs). Where there
// are few outputs, the strips are cut into blocks whose partial results are combined in order. Strips and blocks depend
// on the shape only, and so does every bit of the result.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "cotangent/ops/kernels/elementwise.h"

namespace cotangent::kernels {

// Sums and products of floating numbers keep their type, those of integers and Bool are Int64, as in NumPy; Float32 is
// accumulated in Float64.
template <class T>
using SumOf = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
template <class T>
using AccumulatorOf = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
constexpr DType accumulation_dtype(DType dtype) { return is_floating(dtype) ? dtype : DType::Int64; }

// The sum of the elements of a map of T.
template <class Elements>
auto accurate_sum(const Elements& x) {
  using Accumulator = AccumulatorOf<typename Elements::Scalar>;
  constexpr std::int64_t kLanes = 8;  // enough sums at once to keep vector units busy
  Eigen::Array<Accumulator, kLanes, 1> lanes = Eigen::Array<Accumulator, kLanes, 1>::Zero();
  const std::int64_t whole = x.size() / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) lanes += x.template segment<kLanes>(i).template cast<Accumulator>();
  return lanes.sum() + x.tail(x.size() - whole).template cast<Accumulator>().sum();
}

// A shape split into kept and reduced axes, extents of 1 dropped and neighbours of one kind merged. The innermost
// merged axis is the run; the others are walked by index.
struct ReductionPlan {
  Shape kept, reduced;
  Strides kept_strides, reduced_strides;
  std::int64_t run = 1;
  bool run_is_reduced = false;

  ReductionPlan(const Shape& shape, const std::vector<int>& axes) {
    std::vector<bool> is_reduced(shape.size(), false);
    for (int axis : axes) is_reduced[static_cast<std::size_t>(axis)] = true;
    struct Merged {
      std::int64_t extent, stride;
      bool reduced;
    };
    std::vector<Merged> merged;  // innermost first
    std::int64_t stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0; stride *= shape[axis]) {
      if (shape[axis] == 1) continue;
      if (!merged.empty() && merged.back().reduced == is_reduced[axis]) merged.back().extent *= shape[axis];
      else merged.push_back({shape[axis], stride, is_reduced[axis]});
    }
    if (merged.empty()) return;
    run = merged.front().extent;
    run_is_reduced = merged.front().reduced;
    for (auto axis = merged.rbegin(); axis + 1 != merged.rend(); ++axis) {
      (axis->reduced ? reduced : kept).push_back(axis->extent);
      (axis->reduced ? reduced_strides : kept_strides).push_back(axis->stride);
    }
  }
};

constexpr std::int64_t kStrip = 1024;           // elements at most: short sums are accurate sums
constexpr std::int64_t kReduceBlock = 1 << 15;  // elements a block of strips has at least
constexpr std::int64_t kManyTiles = 64;         // enough work for any team without cutting the strips into blocks

// A shape seen as (outer, extent, inner) around one axis, for operations that walk along it.
struct AxisSplit {
  std::int64_t outer = 1, extent, inner = 1;

  AxisSplit(const Shape& shape, int axis) : extent(shape[static_cast<std::size_t>(axis)]) {
    for (int k = 0; k < axis; ++k) outer *= shape[static_cast<std::size_t>(k)];
    for (int k = axis + 1; k < shape.ndim(); ++k) inner *= shape[static_cast<std::size_t>(k)];
  }

  // Calls body(at, width) in parallel for tiles of at most kStrip neighbouring columns, the first starting at element
  // `at`.
  template <class Body>
  void for_each_tile(Body body) const {
    const std::int64_t per_row = (inner + kStrip - 1) / kStrip;
    const std::int64_t elements = std::max<std::int64_t>(1, extent * std::min(inner, kStrip));
    parallel_for(outer * per_row, std::max<std::int64_t>(1, kElementwiseBlock / elements),
                 [&](std::int64_t first, std::int64_t last) {
                   for (std::int64_t tile = first; tile < last; ++tile) {
                     const std::int64_t begin = tile % per_row * kStrip;
                     body(tile / per_row * extent * inner + begin, std::min(kStrip, inner - begin));
                   }
                 });
  }
};

// Takes strips of few elements, as those of a layer's features are, with accumulators that stay in registers.
template <int kWidth, class Operation, class Accumulator, class Strips>
void take_strips(Strips strip_at, std::int64_t first, std::int64_t last, Accumulator* values) {
  std::array<Accumulator, kWidth> local;
  std::copy_n(values, kWidth, local.begin());
  for (std::int64_t strip = first; strip < last; ++strip) {
    const auto* const x = strip_at(strip);
    for (std::size_t i = 0; i < kWidth; ++i) Operation::take(local[i], x[i], strip);
  }
  std::copy_n(local.begin(), kWidth, values);
}

// output = input reduced over `axes` (normalised). Operation has an Accumulator type, its value `initial` before any
// element, strip(x, index), the accumulator of one strip, take(accumulator, element, index), which adds one element,
// combine(earlier, later), and result(accumulator). `index` counts the reduced elements in row-major order.
template <class T, class Out, class Operation>
void reduce(const Tensor& input, const std::vector<int>& axes, Tensor& output, Operation) {
  using Accumulator = typename Operation::Accumulator;
  if (output.size() == 0) return;
  Out* const out = output.mutable_data<Out>().data();
  if (input.size() == 0) {
    std::fill_n(out, output.size(), Operation::result(Operation::initial));
    return;
  }

  // A tile is a row of at most kStrip outputs, one if the run is reduced; `strips` strips lead to it.
  const ReductionPlan plan(input.shape(), axes);
  const T* const in = input.data<T>().data();
  const std::int64_t pieces = (plan.run + kStrip - 1) / kStrip;  // of a run
  const std::int64_t row = plan.run_is_reduced ? 1 : plan.run, tiles_per_row = plan.run_is_reduced ? 1 : pieces;
  const std::int64_t strips_per_run = plan.run_is_reduced ? pieces : 1;
  const std::int64_t tiles = plan.kept.elements() * tiles_per_row;
  const std::int64_t strips = plan.reduced.elements() * strips_per_run;

  // Reduces strips [first, last) of a tile into values[0, width); returns the width.
  const auto reduce_strips = [&](std::int64_t tile, std::int64_t first, std::int64_t last, Accumulator* values) {
    const T* const base = in + offset(plan.kept, plan.kept_strides, tile / tiles_per_row);
    if (plan.run_is_reduced) {
      values[0] = Operation::initial;
      for (std::int64_t strip = first; strip < last; ++strip) {
        const std::int64_t outer = strip / strips_per_run, begin = strip % strips_per_run * kStrip;
        const T* const x = base + offset(plan.reduced, plan.reduced_strides, outer) + begin;
        const ConstMap<T> elements(x, std::min(kStrip, plan.run - begin));
        values[0] = Operation::combine(values[0], Operation::strip(elements, outer * plan.run + begin));
      }
      return std::int64_t{1};
    }
    const std::int64_t begin = tile % tiles_per_row * kStrip, width = std::min(kStrip, plan.run - begin);
    std::fill_n(values, width, Operation::initial);
    const auto strip_at = [&](std::int64_t strip) {
      return base + begin +
             (plan.reduced.size() == 1 ? strip * plan.reduced_strides[0]
                                       : offset(plan.reduced, plan.reduced_strides, strip));
    };
    if (width == 8) take_strips<8, Operation>(strip_at, first, last, values);
    else if (width == 16) take_strips<16, Operation>(strip_at, first, last, values);
    else
      for (std::int64_t strip = first; strip < last; ++strip) {
        const T* const x = strip_at(strip);
        for (std::int64_t i = 0; i < width; ++i) Operation::take(values[i], x[i], strip);
      }
    return width;
  };
  const auto place = [&](std::int64_t tile) { return tile / tiles_per_row * row + tile % tiles_per_row * kStrip; };

  const std::int64_t strip_elements = std::min(kStrip, plan.run);
  const std::int64_t strips_per_block =
      tiles >= kManyTiles ? strips : std::min(strips, std::max<std::int64_t>(1, kReduceBlock / strip_elements));
  const std::int64_t blocks = (strips + strips_per_block - 1) / strips_per_block;
  const std::int64_t tasks_at_once =
      std::max<std::int64_t>(1, kElementwiseBlock / std::max<std::int64_t>(1, strip_elements * strips_per_block));
  if (blocks == 1) {
    parallel_for(tiles, tasks_at_once, [&](std::int64_t first, std::int64_t last) {
      std::array<Accumulator, kStrip> values;
      for (std::int64_t tile = first; tile < last; ++tile) {
        const std::int64_t width = reduce_strips(tile, 0, strips, values.data());
        std::transform(values.data(), values.data() + width, out + place(tile), Operation::result);
      }
    });
    return;
  }

  const std::int64_t outputs = output.size();
  const auto partial = std::make_unique<Accumulator[]>(static_cast<std::size_t>(blocks * outputs));
  parallel_for(tiles * blocks, tasks_at_once, [&](std::int64_t first, std::int64_t last) {
    std::array<Accumulator, kStrip> values;  // of this thread: neighbours in `partial` may share a cache line
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t tile = task / blocks, block = task % blocks, begin = block * strips_per_block;
      const std::int64_t width = reduce_strips(tile, begin, std::min(strips, begin + strips_per_block), values.data());
      std::copy_n(values.data(), width, partial.get() + block * outputs + place(tile));
    }
  });
  for (std::int64_t i = 0; i < outputs; ++i) {
    Accumulator total = partial[static_cast<std::size_t>(i)];
    for (std::int64_t block = 1; block < blocks; ++block)
      total = Operation::combine(total, partial[static_cast<std::size_t>(block * outputs + i)]);
    out[i] = Operation::result(total);
  }
}

}  // namespace cotangent::kernels
