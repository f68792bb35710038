// 1x1 convolution where channels come first: weights times planes.
//
// Vectors run along positions, so that nothing is transposed. A task is a block of positions of one image: its channels
// are copied side by side, so that they stay in the cache while one tile of features after another is
// multiplied with them.
#include "cotangent/ops/kernels/conv_points.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_pack.h"
#include "cotangent/ops/kernels/conv_tile_shape.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTasks = 32;              // enough for a few threads to share evenly
constexpr std::int64_t kLeastBlocks = 8;         // of all planes, or they are few threads' work
constexpr std::int64_t kTiles = 8;               // of a block: longer runs of memory than of one tile, where ...
constexpr std::int64_t kBlockBytes = 256 << 10;  // ... channels are not too many for it to stay in the cache
constexpr double kLeastUse = 0.9;                // of the vectors, of which the last overlaps the one before

// How the positions of a plane are cut.
struct PointPlan {
  PointPlan(const ConvProblem& problem, std::int64_t element_size) {
    const TileShape tile = tile_shape(element_size, 1);
    positions = problem.axes.back().out;
    height = ceiling_quotient(problem.out_features, tile.flat_rows) * tile.flat_rows;
    const std::int64_t tiles_in_cache = kBlockBytes / (problem.in_features * tile.flat_width * element_size),
                       tiles_of_tasks = problem.groups * problem.batch * positions / (kTasks * tile.flat_width);
    block = std::clamp<std::int64_t>(std::min(tiles_in_cache, tiles_of_tasks), 1, kTiles) * tile.flat_width;
    blocks = (positions - tile.lanes) / block + 1;
    pitch = block + tile.lanes;
  }

  std::int64_t positions, height;  // height: features of whole tiles
  std::int64_t block, blocks;      // positions of a block; the last one has a vector or more, up to ...
  std::int64_t pitch;              // ... these, which are copied for each channel
};

template <class T>
class Points {
 public:
  Points(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : problem_(in_memory_order(problem)),
        plan_(problem_, sizeof(T)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        epilogue_(epilogue),
        out_(out + problem.out_offset) {
    for (std::int64_t channel = 0; channel < problem_.in_features; ++channel) terms_.push_back(channel * plan_.pitch);
  }

  void run() const {
    const std::int64_t group_size = plan_.height * problem_.in_features;
    const Workspace<T> weights(problem_.groups * group_size);
    for (std::int64_t group = 0; group < problem_.groups; ++group)
      pack_plane_weights(problem_, rhs_ + group * problem_.rhs_group, weights.data() + group * group_size);
    const std::int64_t blocks = problem_.groups * problem_.batch * plan_.blocks;
    parallel_for(blocks, std::max<std::int64_t>(1, blocks / kTasks), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task)
        multiply(task, weights.data() + group_of(task) * group_size, task + 1 < end ? lhs_of(task + 1) : nullptr);
    });
  }

 private:
  // A task's block: of which group and image, and where it begins.
  std::int64_t group_of(std::int64_t task) const { return task / plan_.blocks / problem_.batch; }
  std::int64_t image_of(std::int64_t task) const { return task / plan_.blocks % problem_.batch; }
  std::int64_t first_of(std::int64_t task) const { return task % plan_.blocks * plan_.block; }
  const T* lhs_of(std::int64_t task) const {
    return lhs_ + group_of(task) * problem_.lhs_group + image_of(task) * problem_.lhs_batch + first_of(task);
  }

  // Fetches what lies at `ahead`, unless it is null, meanwhile.
  void multiply(std::int64_t task, const T* weights, const T* ahead) const {
    const std::int64_t group = group_of(task), image = image_of(task), first = first_of(task);
    const std::int64_t lanes = kernels_.lanes, rest = plan_.positions - first,
                       length = rest < plan_.pitch ? rest : plan_.block;
    const Workspace<T> channels(plan_.pitch * problem_.in_features);
    kernels_.copy(
        {problem_.in_features, length, lhs_of(task), problem_.lhs_feature, 1, channels.data(), plan_.pitch, 1});
    std::vector<std::int64_t> vectors, out_vectors;
    for (std::int64_t x = 0; x < length; x += lanes) {
      vectors.push_back(std::min(x, length - lanes));
      out_vectors.push_back(first + vectors.back());
    }
    kernels_.multiply_planes(
        {.weights = weights,
         .rows = problem_.out_features,
         .lhs = channels.data(),
         .terms = terms_.data(),
         .term_count = problem_.in_features,
         .vectors = vectors.data(),
         .vector_count = std::ssize(vectors),
         .out = out_ + group * problem_.out_group + image * problem_.out_batch,
         .out_vectors = out_vectors.data(),
         .out_row = problem_.out_feature,
         .bias = epilogue_.bias == nullptr ? nullptr : epilogue_.bias + group * problem_.out_features,
         .relu = epilogue_.relu,
         .ahead = ahead,
         .ahead_term = problem_.lhs_feature,
         .ahead_lines = plan_.block * static_cast<std::int64_t>(sizeof(T)) / 64});
  }

  const ConvProblem problem_;
  const PointPlan plan_;
  const T *lhs_, *rhs_;
  const ConvEpilogue<T> epilogue_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  std::vector<std::int64_t> terms_;
};

}  // namespace

bool serves_points(const ConvProblem& problem, std::int64_t element_size) {
  const ConvProblem ordered = in_memory_order(problem);
  const ConvAxis& points = ordered.axes.back();
  const TileShape tile = tile_shape(element_size, 1);
  if (ordered.axes.size() != 2 || !(ordered.axes.front() == ConvAxis{1, 1, 1, 1, 1, 1, 0, 0, 0, 0}) ||
      !is_pointwise(points) || points.lhs_step != 1 || points.out_step != 1 || points.out < tile.flat_width ||
      problem.in_features == 0 || problem.out_features < tile.flat_rows)
    return false;
  const std::int64_t rounded = ceiling_quotient(points.out, tile.lanes) * tile.lanes;
  return static_cast<double>(points.out) >= kLeastUse * static_cast<double>(rounded) &&
         problem.groups * problem.batch * PointPlan(ordered, element_size).blocks >= kLeastBlocks;
}

ConvCost points_cost(const ConvProblem& problem, std::int64_t element_size) {
  const PointPlan plan(in_memory_order(problem), element_size);
  const std::int64_t pieces = problem.groups * problem.batch * plan.blocks;
  ConvCost cost;
  cost.multiply_adds = problem.groups * problem.batch * plan.positions * problem.in_features * problem.out_features;
  cost.products = fmt::format("{} x ({} x {}) x ({} x {})", pieces, problem.out_features, problem.in_features,
                              problem.in_features, plan.block);
  cost.workspace = element_size * problem.in_features * (problem.groups * plan.height + num_threads() * plan.pitch);
  return cost;
}

template <class T>
void convolve_points(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out) {
  Points<T>(problem, lhs, rhs, epilogue, out).run();
}

template void convolve_points(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void convolve_points(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&, double*);

}  // namespace cotangent::kernels
