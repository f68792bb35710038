// Convolution between few features on both sides, as filters of pictures and signals are.
//
// A panel of one or three features would leave most of a vector idle. Here the vectors run along output positions
// instead: a band of lhs is gathered with one plane for each channel, rows of the tile product are the output features,
// and its columns are positions, counted along the padded rows of the band so that lines join up; what falls into the
// padding is computed and dropped.
#include "cotangent/ops/kernels/conv_few_features.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTasks = 16;             // enough for a few threads to share evenly
constexpr std::int64_t kBandBytes = 192 << 10;  // of a task, unless a single row of outputs needs more
constexpr std::int64_t kColumns = 512;          // of a task, where there are as many

constexpr std::int64_t kFewOutputs = 4;  // more are left to planes, where these serve

template <class T>
class FewFeatures {
 public:
  FewFeatures(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : problem_(in_memory_order(problem)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        bias_(epilogue.bias),
        relu_(epilogue.relu),
        out_(out + problem.out_offset) {
    for (const ConvAxis& axis : problem_.axes) taps_ *= axis.kernel;
    plan();
  }

  void run() {
    const std::int64_t terms = taps_ * problem_.in_features;
    const Workspace<T> weights(problem_.groups * problem_.out_features * terms);
    for (std::int64_t row = 0; row < problem_.groups * problem_.out_features; ++row)
      pack_weights(row / problem_.out_features, row % problem_.out_features, weights.data() + row * terms);
    const std::int64_t boxes = box_count();
    parallel_for(problem_.groups * boxes, 1, [&](std::int64_t task, std::int64_t) {
      compute(task / boxes, task % boxes, weights.data() + task / boxes * problem_.out_features * terms);
    });
  }

  ConvCost cost() const {
    std::int64_t lines = problem_.groups * problem_.batch;
    for (std::size_t d = 0; d + 1 < problem_.axes.size(); ++d) lines *= problem_.axes[d].out;
    const std::int64_t terms = taps_ * problem_.in_features;
    ConvCost cost;
    cost.multiply_adds = lines * column_axis().out * terms * problem_.out_features;
    cost.products = fmt::format("{} x ({} x {}) x ({} x {})", problem_.groups * box_count(), problem_.out_features,
                                terms, terms, row_blocks_.block * pitch_);
    cost.workspace = static_cast<std::int64_t>(sizeof(T)) * (problem_.groups * problem_.out_features * terms +
                                                             num_threads() * (band_elements() + tile_elements()));
    return cost;
  }

 private:
  const ConvAxis& row_axis() const { return problem_.axes[problem_.axes.size() - 2]; }
  const ConvAxis& column_axis() const { return problem_.axes.back(); }

  static std::int64_t input_extent(const ConvAxis& axis, std::int64_t outputs) {
    return (outputs - 1) * axis.stride + (axis.kernel - 1) * axis.rhs_dilation + 1;
  }

  void plan() {
    const ConvAxis& rows = row_axis();
    pitch_ = input_extent(column_axis(), column_axis().out);
    outer_planes_ = 1;
    std::int64_t others = 1;
    for (std::size_t d = 0; d + 2 < problem_.axes.size(); ++d) {
      outer_planes_ *= input_extent(problem_.axes[d], 1);
      others *= problem_.axes[d].out;
    }
    std::int64_t most = std::max<std::int64_t>(1, kColumns / column_axis().out);
    const auto bytes = [&](std::int64_t row_count) {
      return problem_.in_features * outer_planes_ * input_extent(rows, row_count) * pitch_ *
             static_cast<std::int64_t>(sizeof(T));
    };
    while (most > 1 && bytes(std::min(most, rows.out)) > kBandBytes) --most;
    const std::int64_t pieces = problem_.groups * problem_.batch * others;
    most = std::min(most, std::max<std::int64_t>(1, rows.out * pieces / kTasks));
    row_blocks_ = cut_evenly(rows.out, most);
    // Planes a power of two apart would share few sets of the cache.
    const std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
    plane_ = ceiling_quotient(outer_planes_ * input_extent(rows, row_blocks_.block) * pitch_, line) * line;
    if (plane_ / line % 2 == 0) plane_ += line;
  }

  std::int64_t band_elements() const { return problem_.in_features * plane_ + kernels_.few_width; }
  std::int64_t tile_elements() const { return problem_.out_features * row_blocks_.block * pitch_; }

  std::int64_t box_count() const {
    std::int64_t count = problem_.batch * row_blocks_.count();
    for (std::size_t d = 0; d + 2 < problem_.axes.size(); ++d) count *= problem_.axes[d].out;
    return count;
  }

  // The weights of one output feature: kernel positions, then input features.
  void pack_weights(std::int64_t group, std::int64_t feature, T* to) const {
    const T* const from = rhs_ + group * problem_.rhs_group + feature * problem_.rhs_out_feature;
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem_.axes[d].rhs_step;
      kernels_.copy({problem_.in_features, 1, from + at, problem_.rhs_in_feature, 1, to, 1, 1});
      to += problem_.in_features;
    });
  }

  void compute(std::int64_t group, std::int64_t index, const T* weights) const {
    const Range rows = row_blocks_.range(index % row_blocks_.count());
    index /= row_blocks_.count();
    const std::size_t others = problem_.axes.size() - 2;
    std::vector<std::int64_t> position(others);
    for (std::size_t d = others; d-- > 0; index /= problem_.axes[d].out) position[d] = index % problem_.axes[d].out;

    const Workspace<T> band(band_elements()), tile(tile_elements());
    const std::vector<std::int64_t> steps = gather(group, index, rows, position, band.data());
    std::vector<Segment> segments;
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem_.axes[d].rhs_dilation * steps[d];
      segments.push_back({std::ssize(segments) * problem_.in_features, at, problem_.in_features});
    });
    multiply(length(rows), segments, weights, band.data(), tile.data());

    for (std::int64_t p = 0; (bias_ != nullptr || relu_) && p < problem_.out_features; ++p) {
      const T bias = bias_ == nullptr ? T{0} : bias_[group * problem_.out_features + p];
      T* const values = tile.data() + p * (tile_elements() / problem_.out_features);
      std::transform(values, values + tile_elements() / problem_.out_features, values,
                     [bias, relu = relu_](T x) { return relu && x + bias < 0 ? T{0} : x + bias; });
    }
    T* to = out_ + group * problem_.out_group + index * problem_.out_batch + rows.first * row_axis().out_step;
    for (std::size_t d = 0; d < others; ++d) to += position[d] * problem_.axes[d].out_step;
    for (std::int64_t y = 0; y < length(rows); ++y)
      kernels_.copy({column_axis().out, problem_.out_features, tile.data() + y * pitch_, 1,
                     tile_elements() / problem_.out_features, to + y * row_axis().out_step, column_axis().out_step,
                     problem_.out_feature});
  }

  // Copies what the rows read to one plane for each channel; returns the steps of the axes within a plane.
  std::vector<std::int64_t> gather(std::int64_t group, std::int64_t image, Range rows,
                                   const std::vector<std::int64_t>& position, T* to) const {
    std::vector<std::int64_t> steps(problem_.axes.size()), low(problem_.axes.size()), extent(problem_.axes.size());
    std::int64_t step = 1, lines = 1;
    for (std::size_t d = problem_.axes.size(); d-- > 0; step *= extent[d]) {
      const ConvAxis& axis = problem_.axes[d];
      const bool is_row = d == position.size(), is_column = d > position.size();
      const std::int64_t first = is_row ? rows.first : is_column ? 0 : position[d];
      low[d] = first * axis.stride - axis.low;
      extent[d] = is_column ? pitch_ : input_extent(axis, is_row ? length(rows) : 1);
      steps[d] = step;
      if (!is_column) lines *= extent[d];
    }
    const ConvAxis& columns = column_axis();
    const Range inside{std::clamp<std::int64_t>(-low.back(), 0, pitch_),
                       std::clamp<std::int64_t>(columns.in - low.back(), 0, pitch_)};
    const T* const lhs = lhs_ + group * problem_.lhs_group + image * problem_.lhs_batch;
    for (std::int64_t line = 0; line < lines; ++line) {
      std::int64_t rest = line, from = 0;
      bool empty = inside.first >= inside.second;
      for (std::size_t d = position.size() + 1; d-- > 0; rest /= extent[d]) {
        const std::int64_t at = low[d] + rest % extent[d];
        empty = empty || at < 0 || at >= problem_.axes[d].in;
        from += at * problem_.axes[d].lhs_step;
      }
      T* const row = to + line * pitch_;
      const Range part = empty ? Range{pitch_, pitch_} : inside;
      for (std::int64_t channel = 0; channel < problem_.in_features; ++channel) {
        std::fill_n(row + channel * plane_, part.first, T{0});
        std::fill_n(row + channel * plane_ + part.second, pitch_ - part.second, T{0});
      }
      if (!empty)
        kernels_.copy({length(part), problem_.in_features, lhs + from + (low.back() + part.first) * columns.lhs_step,
                       columns.lhs_step, problem_.lhs_feature, row + part.first, 1, plane_});
    }
    // Beyond the last line: read by whole tiles, never used, but not to be left undefined.
    for (std::int64_t channel = 0; channel < problem_.in_features; ++channel)
      std::fill_n(to + channel * plane_ + lines * pitch_, plane_ - lines * pitch_, T{0});
    std::fill_n(to + problem_.in_features * plane_, kernels_.few_width, T{0});
    return steps;
  }

  // All rows as one line where they follow each other in the band, else one by one.
  void multiply(std::int64_t rows, const std::vector<Segment>& segments, const T* weights, const T* band,
                T* tile) const {
    const bool joined = row_axis().stride == 1;
    const std::int64_t terms = taps_ * problem_.in_features, plane = tile_elements() / problem_.out_features;
    std::vector<std::int64_t> features, out_rows;
    for (std::int64_t p = 0; p < problem_.out_features; ++p) {
      features.push_back(p * terms);
      out_rows.push_back(p * plane);
    }
    for (std::int64_t y = 0; y < (joined ? 1 : rows); ++y)
      kernels_.multiply_few({.lhs = weights,
                             .rows = features.data(),
                             .row_count = problem_.out_features,
                             .lhs_step = 1,
                             .rhs = band + y * row_axis().stride * pitch_,
                             .rhs_step = plane_,
                             .segments = segments.data(),
                             .segment_count = std::ssize(segments),
                             .terms = nullptr,
                             .out = tile + y * pitch_,
                             .out_rows = out_rows.data(),
                             .width = joined ? (rows - 1) * pitch_ + column_axis().out : column_axis().out,
                             .bias = nullptr,
                             .add = false});
  }

  const ConvProblem problem_;
  const T *lhs_, *rhs_, *bias_;
  const bool relu_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  std::int64_t taps_ = 1, pitch_ = 0, plane_ = 0, outer_planes_ = 1;
  Blocks row_blocks_;
};

// More output features than a tile of the kernel for a few has.
bool prefers_planes(const ConvProblem& problem) { return problem.out_features > kFewOutputs; }

}  // namespace

ConvCost few_features_cost(const ConvProblem& problem, std::int64_t element_size) {
  if (ConvCost cost = few_outputs_cost(problem, element_size); cost.refusal.empty()) return cost;
  if (ConvCost cost = planes_cost(problem, element_size); prefers_planes(problem) && cost.refusal.empty()) return cost;
  const bool single = element_size == sizeof(float);
  const int most = single ? table<MatrixKernels<float>>().few_rows : table<MatrixKernels<double>>().few_rows;
  if (problem.out_features > most)
    return {.refusal = fmt::format("{} output features of a group are more than {}", problem.out_features, most)};
  const ConvProblem ordered = in_memory_order(problem);
  for (const ConvAxis& axis : ordered.axes) {
    if (axis.lhs_dilation != 1) return {.refusal = "lhs is dilated; it serves each phase of such a problem"};
    if (axis.kernel == 0) return {.refusal = "nothing is summed"};
  }
  if (ordered.axes.back().stride != 1) return {.refusal = "the stride along lhs's innermost spatial axis is not 1"};
  if (problem.in_features == 0) return {.refusal = "nothing is summed"};
  return single ? FewFeatures<float>(without_offsets(problem), nullptr, nullptr, {}, nullptr).cost()
                : FewFeatures<double>(without_offsets(problem), nullptr, nullptr, {}, nullptr).cost();
}

bool few_features_serves_dilated(const ConvProblem& problem, std::int64_t element_size) {
  return few_outputs_cost(problem, element_size).refusal.empty();
}

template <class T>
void convolve_few_features_with(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                                T* out) {
  if (few_outputs_cost(problem, sizeof(T)).refusal.empty()) convolve_few_outputs<T>(problem, lhs, rhs, epilogue, out);
  else if (prefers_planes(problem) && planes_cost(problem, sizeof(T)).refusal.empty())
    convolve_planes<T>(problem, lhs, rhs, epilogue, out);
  else FewFeatures<T>(problem, lhs, rhs, epilogue, out).run();
}

template <class T>
void convolve_few_features(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  convolve_few_features_with<T>(problem, lhs, rhs, {}, out);
}

template void convolve_few_features(const ConvProblem&, const float*, const float*, float*);
template void convolve_few_features(const ConvProblem&, const double*, const double*, double*);
template void convolve_few_features_with(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&,
                                         float*);
template void convolve_few_features_with(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&,
                                         double*);

}  // namespace cotangent::kernels
