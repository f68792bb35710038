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

constexpr std::int64_t kFewFeatures = 4;  // more are left to planes, where these serve

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
    list_terms();
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
    lines_ = input_extent(rows, row_blocks_.block);
    plane_ = ceiling_quotient(outer_planes_ * lines_ * pitch_, line) * line;
    if (plane_ / line % 2 == 0) plane_ += line;
  }

  // What every product of a task has in common: its terms, and where its rows start.
  void list_terms() {
    std::vector<std::int64_t> steps(problem_.axes.size());  // of the axes within a plane of the band
    std::int64_t step = 1;
    for (std::size_t d = problem_.axes.size(); d-- > 0;) {
      steps[d] = step;
      step *= d + 1 == steps.size() ? pitch_ : d + 2 == steps.size() ? lines_ : input_extent(problem_.axes[d], 1);
    }
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < tap.size(); ++d) at += tap[d] * problem_.axes[d].rhs_dilation * steps[d];
      segments_.push_back({std::ssize(segments_) * problem_.in_features, at, problem_.in_features});
    });
    for (std::int64_t p = 0; p < problem_.out_features; ++p) {
      weight_rows_.push_back(p * taps_ * problem_.in_features);
      tile_rows_.push_back(p * tile_plane());
    }
  }

  std::int64_t band_elements() const { return problem_.in_features * plane_ + kernels_.few_width; }
  std::int64_t tile_plane() const { return row_blocks_.block * pitch_; }
  std::int64_t tile_elements() const { return problem_.out_features * tile_plane(); }

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
    gather(group, index, rows, position, band.data());
    multiply(length(rows), weights, band.data(), tile.data());

    for (std::int64_t p = 0; (bias_ != nullptr || relu_) && p < problem_.out_features; ++p) {
      const T bias = bias_ == nullptr ? T{0} : bias_[group * problem_.out_features + p];
      T* const values = tile.data() + p * tile_plane();
      std::transform(values, values + tile_plane(), values,
                     [bias, relu = relu_](T x) { return relu && x + bias < 0 ? T{0} : x + bias; });
    }
    T* to = out_ + group * problem_.out_group + index * problem_.out_batch + rows.first * row_axis().out_step;
    for (std::size_t d = 0; d < others; ++d) to += position[d] * problem_.axes[d].out_step;
    kernels_.copy({column_axis().out, problem_.out_features, tile.data(), 1, tile_plane(), to, column_axis().out_step,
                   problem_.out_feature, length(rows), pitch_, row_axis().out_step});
  }

  // Copies what the rows read to one plane for each channel.
  void gather(std::int64_t group, std::int64_t image, Range rows, const std::vector<std::int64_t>& position,
              T* to) const {
    const ConvAxis &r = row_axis(), &c = column_axis();
    const auto inside = [](const ConvAxis& axis, std::int64_t low, std::int64_t count) {
      return Range{std::clamp<std::int64_t>(-low, 0, count), std::clamp<std::int64_t>(axis.in - low, 0, count)};
    };
    const std::int64_t top = rows.first * r.stride - r.low;
    const Range columns = inside(c, -c.low, pitch_), lines = inside(r, top, input_extent(r, length(rows)));
    const bool any = columns.first < columns.second && lines.first < lines.second;
    const std::int64_t corner = group * problem_.lhs_group + image * problem_.lhs_batch +
                                (top + lines.first) * r.lhs_step + (columns.first - c.low) * c.lhs_step;
    std::fill_n(to + problem_.in_features * plane_, kernels_.few_width, T{0});
    for (std::int64_t plane = 0; plane < outer_planes_; ++plane, to += lines_ * pitch_) {
      std::int64_t rest = plane, from = corner;
      bool empty = !any;
      for (std::size_t d = position.size(); d-- > 0;) {
        const ConvAxis& axis = problem_.axes[d];
        const std::int64_t extent = input_extent(axis, 1), at = position[d] * axis.stride - axis.low + rest % extent;
        empty = empty || at < 0 || at >= axis.in;
        from += at * axis.lhs_step;
        rest /= extent;
      }
      // What is beyond the lines is read by whole tiles, never used, but not to be left undefined.
      const Range kept = empty ? Range{0, 0} : lines;
      const std::int64_t end = plane + 1 < outer_planes_ ? lines_ * pitch_ : plane_ - plane * lines_ * pitch_;
      for (std::int64_t channel = 0; channel < problem_.in_features; ++channel) {
        T* const first = to + channel * plane_;
        T* const last = first + kept.second * pitch_;
        std::fill(first, first + kept.first * pitch_, T{0});
        std::fill(last, first + end, T{0});
        if (length(columns) == pitch_) continue;
        for (T* line = first + kept.first * pitch_; line != last; line += pitch_) {
          std::fill(line, line + columns.first, T{0});
          std::fill(line + columns.second, line + pitch_, T{0});
        }
      }
      if (!empty)
        kernels_.copy({length(columns), problem_.in_features, lhs_ + from, c.lhs_step, problem_.lhs_feature,
                       to + lines.first * pitch_ + columns.first, 1, plane_, length(lines), r.lhs_step, pitch_});
    }
  }

  // All rows as one line where they follow each other in the band, else one by one.
  void multiply(std::int64_t rows, const T* weights, const T* band, T* tile) const {
    const bool joined = row_axis().stride == 1;
    for (std::int64_t y = 0; y < (joined ? 1 : rows); ++y)
      kernels_.multiply_few({.lhs = weights,
                             .rows = weight_rows_.data(),
                             .row_count = problem_.out_features,
                             .lhs_step = 1,
                             .rhs = band + y * row_axis().stride * pitch_,
                             .rhs_step = plane_,
                             .segments = segments_.data(),
                             .segment_count = std::ssize(segments_),
                             .terms = nullptr,
                             .out = tile + y * pitch_,
                             .out_rows = tile_rows_.data(),
                             .width = joined ? (rows - 1) * pitch_ + column_axis().out : column_axis().out,
                             .bias = nullptr,
                             .add = false});
  }

  const ConvProblem problem_;
  const T *lhs_, *rhs_, *bias_;
  const bool relu_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  // From a line of the band to the next, lines and planes of a channel, and from a channel to the next.
  std::int64_t taps_ = 1, pitch_ = 0, lines_ = 0, outer_planes_ = 1, plane_ = 0;
  Blocks row_blocks_;
  std::vector<Segment> segments_;
  std::vector<std::int64_t> weight_rows_, tile_rows_;
};

// More output features than a tile of the kernel for a few has.
bool prefers_planes(const ConvProblem& problem) { return problem.out_features > kFewFeatures; }

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
