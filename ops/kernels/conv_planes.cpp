// Convolution of few input features to planes, as a first layer's is where channels come first.
//
// Vectors run along output positions, so that each feature's plane is written as it lies in memory. What a task reads
// is copied to a band first, with its borders: a plane for each channel and, with a stride, for each residue of the
// columns, so that the columns of a vector are adjacent. The last vector of a line overlaps the one before it.
#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_few_features.h"
#include "cotangent/ops/kernels/conv_pack.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kMostChannels = 16;
constexpr std::int64_t kTasks = 16;             // enough for a few threads to share evenly
constexpr std::int64_t kBandBytes = 128 << 10;  // of a task, unless a single line of outputs needs more

template <class T>
class Planes {
 public:
  Planes(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : problem_(in_memory_order(problem)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        bias_(epilogue.bias),
        relu_(epilogue.relu),
        out_(out + problem.out_offset),
        terms_(rows().kernel * columns().kernel * problem.in_features),
        height_(ceiling_quotient(problem.out_features, kernels_.flat_rows) * kernels_.flat_rows),
        vectors_(ceiling_quotient(columns().out, kernels_.lanes)),
        pitch_(ceiling_quotient(extent(columns(), columns().out), columns().stride)) {
    const std::int64_t line = problem_.in_features * columns().stride * pitch_ * static_cast<std::int64_t>(sizeof(T));
    std::int64_t most =
        std::min(rows().out, std::max<std::int64_t>(1, rows().out * problem_.groups * problem_.batch / kTasks));
    while (most > 1 && line * extent(rows(), most) > kBandBytes) --most;
    row_blocks_ = cut_evenly(rows().out, most);
    // Planes a power of two apart would share few sets of the cache.
    const std::int64_t unit = 64 / static_cast<std::int64_t>(sizeof(T));
    plane_ = ceiling_quotient(extent(rows(), row_blocks_.block) * pitch_, unit) * unit;
    if (plane_ / unit % 2 == 0) plane_ += unit;
  }

  void run() {
    const Workspace<T> weights(problem_.groups * height_ * terms_);
    for (std::int64_t group = 0; group < problem_.groups; ++group)
      pack_plane_weights(problem_, rhs_ + group * problem_.rhs_group, weights.data() + group * height_ * terms_);
    const std::vector<std::int64_t> terms = list_terms();
    const std::int64_t blocks = row_blocks_.count();
    parallel_for(problem_.groups * problem_.batch * blocks, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / blocks / problem_.batch, image = task / blocks % problem_.batch;
      compute(group, image, row_blocks_.range(task % blocks), weights.data() + group * height_ * terms_, terms);
    });
  }

  ConvCost cost() const {
    const std::int64_t images = problem_.groups * problem_.batch;
    ConvCost cost;
    cost.multiply_adds = images * rows().out * vectors_ * kernels_.lanes * terms_ * height_;
    cost.products = fmt::format("{} x ({} x {}) x ({} x {})", images * row_blocks_.count(), problem_.out_features,
                                terms_, terms_, row_blocks_.block * columns().out);
    cost.workspace =
        static_cast<std::int64_t>(sizeof(T)) * (problem_.groups * height_ * terms_ + num_threads() * band_elements()) +
        num_threads() * 2 * row_blocks_.block * vectors_ * static_cast<std::int64_t>(sizeof(std::int64_t));
    return cost;
  }

 private:
  const ConvAxis& rows() const { return problem_.axes[0]; }
  const ConvAxis& columns() const { return problem_.axes[1]; }
  static std::int64_t extent(const ConvAxis& axis, std::int64_t outputs) {
    return (outputs - 1) * axis.stride + (axis.kernel - 1) * axis.rhs_dilation + 1;
  }
  std::int64_t band_elements() const { return problem_.in_features * columns().stride * plane_; }

  // Where the terms of a window lie in a band.
  std::vector<std::int64_t> list_terms() const {
    std::vector<std::int64_t> terms;
    terms.reserve(static_cast<std::size_t>(terms_));
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      const std::int64_t x = tap[1] * columns().rhs_dilation, stride = columns().stride;
      for (std::int64_t channel = 0; channel < problem_.in_features; ++channel)
        terms.push_back((channel * stride + x % stride) * plane_ + tap[0] * rows().rhs_dilation * pitch_ + x / stride);
    });
    return terms;
  }

  void compute(std::int64_t group, std::int64_t image, Range lines, const T* weights,
               const std::vector<std::int64_t>& terms) const {
    const Workspace<T> band(band_elements());
    gather(lhs_ + group * problem_.lhs_group + image * problem_.lhs_batch, lines, band.data());
    const std::int64_t count = length(lines) * vectors_;
    const Workspace<std::int64_t> from(count), to(count);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t x = std::min(i % vectors_ * kernels_.lanes, columns().out - kernels_.lanes), y = i / vectors_;
      from.data()[i] = y * rows().stride * pitch_ + x;
      to.data()[i] = (lines.first + y) * rows().out_step + x;
    }
    kernels_.multiply_planes({.weights = weights,
                              .rows = problem_.out_features,
                              .lhs = band.data(),
                              .terms = terms.data(),
                              .term_count = terms_,
                              .vectors = from.data(),
                              .vector_count = count,
                              .out = out_ + group * problem_.out_group + image * problem_.out_batch,
                              .out_vectors = to.data(),
                              .out_row = problem_.out_feature,
                              .bias = bias_ == nullptr ? nullptr : bias_ + group * problem_.out_features,
                              .relu = relu_});
  }

  void gather(const T* lhs, Range lines, T* band) const {
    const ConvAxis &r = rows(), &c = columns();
    std::fill_n(band, band_elements(), T{0});
    const std::int64_t top = lines.first * r.stride - r.low, count = extent(r, length(lines));
    for (std::int64_t residue = 0; residue < c.stride; ++residue) {
      // Column j of this residue is at j * stride + residue - low.
      const std::int64_t shift = residue - c.low;
      const std::int64_t first = shift >= 0 ? 0 : ceiling_quotient(-shift, c.stride);
      const std::int64_t last = c.in - shift <= 0 ? 0 : std::min(pitch_, ceiling_quotient(c.in - shift, c.stride));
      if (first >= last) continue;
      for (std::int64_t y = std::max<std::int64_t>(0, -top); y < std::min(count, r.in - top); ++y)
        kernels_.copy({last - first, problem_.in_features,
                       lhs + (top + y) * r.lhs_step + (first * c.stride + shift) * c.lhs_step, c.stride * c.lhs_step,
                       problem_.lhs_feature, band + residue * plane_ + y * pitch_ + first, 1, c.stride * plane_});
    }
  }

  const ConvProblem problem_;
  const T *lhs_, *rhs_, *bias_;
  const bool relu_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
  const std::int64_t terms_, height_, vectors_;  // height: features of whole tiles; vectors: of a line
  const std::int64_t pitch_;                     // elements of a band from a line to the next
  std::int64_t plane_ = 0;                       // and from a plane to the next
  Blocks row_blocks_;
};

}  // namespace

ConvCost planes_cost(const ConvProblem& problem, std::int64_t element_size) {
  const auto refuse = [](std::string why) { return ConvCost{.refusal = std::move(why)}; };
  if (problem.in_features >= kMostChannels)
    return refuse(fmt::format("{} input features of a group are {} or more", problem.in_features, kMostChannels));
  const ConvProblem ordered = in_memory_order(problem);
  if (ordered.axes.size() != 2) return refuse("there are more than two spatial axes");
  for (const ConvAxis& axis : ordered.axes) {
    if (axis.lhs_dilation != 1) return refuse("lhs is dilated");
    if (axis.kernel == 0) return refuse("nothing is summed");
  }
  if (problem.in_features == 0) return refuse("nothing is summed");
  const int lanes =
      element_size == sizeof(float) ? table<MatrixKernels<float>>().lanes : table<MatrixKernels<double>>().lanes;
  if (ordered.axes[1].out_step != 1 || ordered.axes[1].out < lanes)
    return refuse(fmt::format("{} output positions are adjacent, less than the {} of a vector",
                              ordered.axes[1].out_step == 1 ? ordered.axes[1].out : 1, lanes));
  return element_size == sizeof(float) ? Planes<float>(without_offsets(problem), nullptr, nullptr, {}, nullptr).cost()
                                       : Planes<double>(without_offsets(problem), nullptr, nullptr, {}, nullptr).cost();
}

template <class T>
void convolve_planes(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out) {
  Planes<T>(problem, lhs, rhs, epilogue, out).run();
}

template void convolve_planes(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void convolve_planes(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&, double*);

}  // namespace cotangent::kernels
