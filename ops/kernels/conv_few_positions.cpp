// Convolution of few positions with many weights where channels come first, as the last layers have for one picture.
//
// Each weight would be used a few times, so that to pack them takes as long as to multiply. Here they are read once,
// where they lie, in whatever order, and vectors run along positions: lhs is copied to planes, one for each channel and
// residue of the strides, which hold all pictures with their borders as one long row. A window's term is the same
// distance away for every position, and what the ends of lines add up to is left out when planes are written.
#include "cotangent/ops/kernels/conv_few_positions.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/workspace.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kMostPositions = 128;
constexpr std::int64_t kLeastWeights = 128 << 10;  // bytes of a group
constexpr std::int64_t kBlock = 16;                // output features of a task: whole tiles of 4 or 8
constexpr std::int64_t kTasks = 32;                // that copy, enough for a few threads to share evenly
constexpr std::int64_t kAhead = 2;                 // input features that weights are fetched ahead of their use
constexpr double kLeastUse = 0.75;                 // of the lanes that are multiplied

struct PositionPlan {
  PositionPlan(const ConvProblem& given, std::int64_t element_size) : problem(in_memory_order(given)) {
    const ConvAxis &rows = problem.axes[0], &columns = problem.axes[1];
    const std::int64_t lanes = tile_shape(element_size, 1).lanes, unit = 64 / element_size;
    lead = columns.low;
    pitch = ceiling_quotient(extent(columns), columns.stride);
    if (columns.stride == 1) {  // the zeros before a line are also those behind the one before
      lead = std::max({std::int64_t{0}, columns.low, extent(columns) - columns.low - columns.in});
      pitch = columns.in + lead;
    }
    lines = ceiling_quotient(extent(rows), rows.stride);
    positions = ((problem.batch - 1) * lines + rows.out - 1) * pitch + columns.out;
    vectors = ceiling_quotient(positions, lanes);
    width = vectors * lanes;
    std::int64_t most = 0;  // of the terms
    for_each_tap(problem, [&](const std::vector<std::int64_t>& tap) { most = std::max(most, shift(tap)); });
    plane = ceiling_quotient(std::max(most + width, problem.batch * lines * pitch), unit) * unit;
    if (plane / unit % 2 == 0) plane += unit;  // those a power of two apart would share few sets of the cache
    terms = problem.in_features;
    for (const ConvAxis& axis : problem.axes) terms *= axis.kernel;
  }

  static std::int64_t extent(const ConvAxis& axis) {
    return (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.rhs_dilation + 1;
  }
  std::int64_t residues() const { return problem.axes[0].stride * problem.axes[1].stride; }
  std::int64_t band_elements() const { return problem.in_features * residues() * plane; }

  // From the first column of zeros on, the one that the first output of a line reads.
  std::int64_t column(const std::vector<std::int64_t>& tap) const {
    return tap[1] * problem.axes[1].rhs_dilation + lead - problem.axes[1].low;
  }
  // In which of a channel's planes a window position finds its pixels, and how far from where their outputs have place.
  std::int64_t shift(const std::vector<std::int64_t>& tap) const {
    const ConvAxis &rows = problem.axes[0], &columns = problem.axes[1];
    return tap[0] * rows.rhs_dilation / rows.stride * pitch + column(tap) / columns.stride;
  }
  std::int64_t residue(const std::vector<std::int64_t>& tap) const {
    const ConvAxis &rows = problem.axes[0], &columns = problem.axes[1];
    return tap[0] * rows.rhs_dilation % rows.stride * columns.stride + column(tap) % columns.stride;
  }

  const ConvProblem problem;  // in the order of lhs's memory
  std::int64_t lead;          // columns of zeros before the first one of lhs
  std::int64_t pitch, lines;  // elements of a line; lines of a picture
  std::int64_t positions, vectors, width;
  std::int64_t plane, terms;
};

template <class T>
class FewPositions : private PositionPlan {
 public:
  FewPositions(const ConvProblem& given, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : PositionPlan(given, sizeof(T)),
        lhs_(lhs + given.lhs_offset),
        rhs_(rhs + given.rhs_offset),
        epilogue_(epilogue),
        out_(out + given.out_offset) {}

  void run() const {
    const Workspace<T> band(problem.groups * band_elements());
    const std::int64_t channels = problem.groups * problem.in_features;
    parallel_for(channels, std::max<std::int64_t>(1, channels / kTasks), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        gather(lhs_ + i / problem.in_features * problem.lhs_group + i % problem.in_features * problem.lhs_feature,
               band.data() + i * residues() * plane);
    });
    const std::vector<WeightTerm> weight_terms = list_terms();
    const std::int64_t blocks = ceiling_quotient(problem.out_features, kBlock);
    parallel_for(problem.groups * blocks, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / blocks, first = task % blocks * kBlock;
      multiply(group, first, weight_terms, band.data() + group * band_elements());
    });
  }

 private:
  // The planes of a channel.
  void gather(const T* lhs, T* to) const {
    const ConvAxis &rows = problem.axes[0], &columns = problem.axes[1];
    std::fill_n(to, residues() * plane, T{0});
    for (std::int64_t r = 0; r < residues(); ++r, to += plane) {
      const std::int64_t top = r / columns.stride - rows.low, left = r % columns.stride - lead;
      const Range y = inside(rows, top, lines), x = inside(columns, left, pitch);
      if (y.first >= y.second || x.first >= x.second) continue;
      kernels_.copy(
          {length(x), length(y),
           lhs + (top + y.first * rows.stride) * rows.lhs_step + (left + x.first * columns.stride) * columns.lhs_step,
           columns.stride * columns.lhs_step, rows.stride * rows.lhs_step, to + y.first * pitch + x.first, 1, pitch,
           problem.batch, problem.lhs_batch, lines * pitch});
    }
  }

  // The j < count for which input first + j * stride exists.
  static Range inside(const ConvAxis& axis, std::int64_t first, std::int64_t count) {
    const auto from = [&](std::int64_t at) {  // the first j that is not before input `at`
      return std::clamp<std::int64_t>(at <= first ? 0 : ceiling_quotient(at - first, axis.stride), 0, count);
    };
    return {from(0), from(axis.in)};
  }

  // Input features, then window positions. Weights of a feature that lie far from those of the next one, but close to
  // those of other outputs, as in an input's gradient, are lines here and there, which the processor does not foresee.
  std::vector<WeightTerm> list_terms() const {
    constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));
    const std::int64_t row = std::abs(problem.rhs_out_feature), span = kernels_.flat_rows * row;  // of a tile's weights
    std::int64_t lowest = 0;
    for (const ConvAxis& axis : problem.axes) lowest += std::min<std::int64_t>(0, (axis.kernel - 1) * axis.rhs_step);
    std::vector<WeightTerm> list;
    for (std::int64_t i = 0; i < problem.in_features; ++i) {
      const bool scattered = row < std::abs(problem.rhs_in_feature) && i + kAhead < problem.in_features;
      std::int64_t fetched = 0;
      for_each_tap(problem, [&](const std::vector<std::int64_t>& tap) {
        const std::int64_t weight =
            i * problem.rhs_in_feature + tap[0] * problem.axes[0].rhs_step + tap[1] * problem.axes[1].rhs_step;
        const bool fetch = scattered && fetched < span + kLine;
        list.push_back({weight, (i * residues() + residue(tap)) * plane + shift(tap),
                        fetch ? (i + kAhead) * problem.rhs_in_feature + lowest + fetched : weight});
        fetched += kLine;
      });
    }
    return list;
  }

  void multiply(std::int64_t group, std::int64_t first, const std::vector<WeightTerm>& weight_terms,
                const T* band) const {
    const ConvAxis &rows = problem.axes[0], &columns = problem.axes[1];
    const std::int64_t features = std::min(kBlock, problem.out_features - first);
    const Workspace<T> sums(features * width);
    kernels_.multiply_weight_rows(
        {.weights = rhs_ + group * problem.rhs_group + first * problem.rhs_out_feature,
         .weight_row = problem.rhs_out_feature,
         .rows = features,
         .terms = weight_terms.data(),
         .term_count = terms,
         .lhs = band,
         .vectors = vectors,
         .out = sums.data(),
         .out_row = width,
         .bias = epilogue_.bias == nullptr ? nullptr : epilogue_.bias + group * problem.out_features + first,
         .relu = epilogue_.relu});
    T* const out = out_ + group * problem.out_group + first * problem.out_feature;
    for (std::int64_t image = 0; image < problem.batch; ++image)
      kernels_.copy({columns.out, features, sums.data() + image * lines * pitch, 1, width,
                     out + image * problem.out_batch, columns.out_step, problem.out_feature, rows.out, pitch,
                     rows.out_step});
  }

  const T *lhs_, *rhs_;
  const ConvEpilogue<T> epilogue_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
};

}  // namespace

bool serves_few_positions(const ConvProblem& problem, std::int64_t element_size) {
  const ConvProblem ordered = in_memory_order(problem);
  std::int64_t outputs = problem.batch, weights = problem.in_features * problem.out_features * element_size;
  for (const ConvAxis& axis : ordered.axes) {
    if (axis.lhs_dilation != 1) return false;
    outputs *= axis.out;
    weights *= axis.kernel;
  }
  // Weights of which the features of one side are adjacent are packed in runs, which takes less than it saves.
  if (ordered.axes.size() != 2 || problem.out_feature == 1 || problem.rhs_out_feature == 1 ||
      problem.rhs_in_feature == 1 || outputs > kMostPositions || weights < kLeastWeights ||
      problem.out_features < kBlock)
    return false;
  return static_cast<double>(outputs) >=
         kLeastUse * static_cast<double>(PositionPlan(without_offsets(problem), element_size).width);
}

ConvCost few_positions_cost(const ConvProblem& problem, std::int64_t element_size) {
  const PositionPlan plan(problem, element_size);
  const std::int64_t blocks = problem.groups * ceiling_quotient(problem.out_features, kBlock);
  ConvCost cost;
  cost.multiply_adds = problem.groups * problem.out_features * plan.terms * plan.width;
  cost.products = fmt::format("{} x ({} x {}) x ({} x {})", blocks, std::min(kBlock, problem.out_features), plan.terms,
                              plan.terms, plan.width);
  cost.workspace = element_size * (problem.groups * plan.band_elements() + num_threads() * kBlock * plan.width) +
                   plan.terms * static_cast<std::int64_t>(sizeof(WeightTerm));
  return cost;
}

template <class T>
void convolve_few_positions(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                            T* out) {
  FewPositions<T>(problem, lhs, rhs, epilogue, out).run();
}

template void convolve_few_positions(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&,
                                     float*);
template void convolve_few_positions(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&,
                                     double*);

}  // namespace cotangent::kernels
