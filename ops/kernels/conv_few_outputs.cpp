// Convolution with few output features of many input features, as the input's gradient of a first layer is, or the last
// layer of a decoder.
//
// Every input pixel is multiplied by the weights of all kernel positions and output features at once, which are enough
// columns together: a matrix product without borders, stride or inserted zeros, of pixels where they lie. Each output
// then is the sum of the few products that meet there. Products of a task lie in a ring of input lines, as many as an
// output line needs. If channels are adjacent in lhs, a pixel's products are too; if positions are, they are packed in
// panels, and each column has a plane.
#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_few_features.h"
#include "cotangent/ops/kernels/conv_few_outputs_plan.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

template <class T>
class FewOutputs : private FewOutputsPlan {
 public:
  FewOutputs(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : FewOutputsPlan(problem, sizeof(T)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        bias_(epilogue.bias),
        relu_(epilogue.relu),
        out_(out + problem.out_offset) {}

  void run() {
    const std::int64_t features = problem_.groups * weight_elements();
    const Workspace<T> weights(features);
    for (std::int64_t group = 0; group < problem_.groups; ++group)
      pack_weights(group, weights.data() + group * weight_elements());
    const std::int64_t blocks = row_blocks_.count();
    parallel_for(problem_.groups * problem_.batch * blocks, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t group = task / blocks / problem_.batch, image = task / blocks % problem_.batch;
      compute(group, image, row_blocks_.range(task % blocks), weights.data() + group * weight_elements());
    });
  }

 private:
  // Product q = tap * out_features + feature: a row of terms if planar, else column q of a panel.
  void pack_weights(std::int64_t group, T* to) const {
    const std::int64_t width = tile_.panel_width, terms = problem_.in_features;
    std::fill_n(to, weight_elements(), T{0});
    std::int64_t q = 0;
    for_each_tap(problem_, [&](const std::vector<std::int64_t>& tap) {
      const T* const from = rhs_ + group * problem_.rhs_group + tap[0] * rows().rhs_step + tap[1] * columns().rhs_step;
      for (std::int64_t p = 0; p < problem_.out_features; ++p, ++q)
        kernels_.copy({terms, 1, from + p * problem_.rhs_out_feature, problem_.rhs_in_feature, 1,
                       planar_ ? to + q * terms : to + q / width * terms * width + q % width, planar_ ? 1 : width, 1});
    });
  }

  void compute(std::int64_t group, std::int64_t image, Range out_lines, const T* weights) const {
    const Workspace<T> ring(ring_elements()), panels(panel_elements());
    const T* const lhs = lhs_ + group * problem_.lhs_group + image * problem_.lhs_batch;
    const Range lines = lines_of(out_lines);
    // Slots are counted from the first line, so that a step never wraps around.
    std::int64_t next = lines.first;
    Sums sums;
    for (std::int64_t o = out_lines.first; o < out_lines.second; ++o) {
      const Range needed = lines_of({o, o + 1});
      for (; next < needed.second; next += lines_) {
        const Range step{next, std::min(next + lines_, lines.second)};
        T* const to = ring.data() + slot(next - lines.first) * columns().in * (planar_ ? 1 : pitch_);
        if (planar_) multiply_planes(lhs, step, weights, panels.data(), to);
        else multiply_pixels(lhs, step, weights, to);
      }
      T* const out = out_ + group * problem_.out_group + image * problem_.out_batch + o * rows().out_step;
      const T* const bias = bias_ == nullptr ? nullptr : bias_ + group * problem_.out_features;
      for (std::int64_t phase = 0; phase < std::min(columns().lhs_dilation, columns().out); ++phase)
        sum_line(ring.data(), lines, o, phase, bias, out, sums);
    }
  }

  void multiply_pixels(const T* lhs, Range lines, const T* weights, T* to) const {
    const std::int64_t width = columns().in, count = length(lines) * width;
    const Workspace<std::int64_t> from(count), out_rows(count);
    for (std::int64_t i = 0; i < count; ++i) {
      from.data()[i] = (lines.first + i / width) * rows().lhs_step + i % width * columns().lhs_step;
      out_rows.data()[i] = i * pitch_;
    }
    const Segment all{0, 0, problem_.in_features};
    kernels_.multiply({.lhs = lhs,
                       .rows = from.data(),
                       .row_count = count,
                       .lhs_step = 1,
                       .rhs = weights,
                       .rhs_step = tile_.panel_width,
                       .segments = &all,
                       .segment_count = 1,
                       .out = to,
                       .out_rows = out_rows.data(),
                       .width = pitch_,
                       .panel_step = problem_.in_features * tile_.panel_width});
  }

  void multiply_planes(const T* lhs, Range lines, const T* weights, T* panels, T* to) const {
    const std::int64_t width = tile_.flat_width, terms = problem_.in_features, count = length(lines) * columns().in;
    // Plane by plane, since planes are often a multiple of the cache's sets apart.
    const std::int64_t whole = count / width, rest = count % width;
    T* const last = panels + whole * width * terms;
    if (rest > 0) std::fill_n(last, terms * width, T{0});
    for (std::int64_t i = 0; i < terms; ++i) {
      const T* const plane = lhs + lines.first * rows().lhs_step + i * problem_.lhs_feature;
      kernels_.copy({whole, width, plane, width, 1, panels + i * width, terms * width, 1});
      if (rest > 0) kernels_.copy({1, rest, plane + whole * width, width, 1, last + i * width, width, 1});
    }
    const Workspace<std::int64_t> from(products_), out_rows(products_);
    for (std::int64_t q = 0; q < products_; ++q) {
      from.data()[q] = q * terms;
      out_rows.data()[q] = q * plane_;
    }
    const Segment all{0, 0, terms};
    kernels_.multiply_flat({.lhs = weights,
                            .rows = from.data(),
                            .row_count = products_,
                            .lhs_step = 1,
                            .rhs = panels,
                            .rhs_step = width,
                            .segments = &all,
                            .segment_count = 1,
                            .out = to,
                            .out_rows = out_rows.data(),
                            .width = count,
                            .panel_step = terms * width});
  }

  // What an output line and phase of columns is the sum of: where products lie, and for which positions they exist.
  struct Sums {
    std::vector<std::int64_t> offsets, some;
    std::vector<Range> valid;
  };

  void sum_line(const T* ring, Range lines, std::int64_t o, std::int64_t phase, const T* bias, T* out,
                Sums& sums) const {
    const ConvAxis &r = rows(), &c = columns();
    const std::int64_t count = ceiling_quotient(c.out - phase, c.lhs_dilation);
    sums.offsets.clear();
    sums.valid.clear();
    Range inside{0, count};  // the positions that have all products
    for (std::int64_t ky = 0; ky < r.kernel; ++ky) {
      const std::int64_t y = o + ky * r.rhs_dilation - r.low;
      if (y % r.lhs_dilation != 0 || y < 0 || y / r.lhs_dilation >= r.in) continue;
      const std::int64_t line = slot(y / r.lhs_dilation - lines.first) * c.in;
      for (std::int64_t kx = 0; kx < c.kernel; ++kx) {
        const std::int64_t x = phase + kx * c.rhs_dilation - c.low;
        if (x % c.lhs_dilation != 0) continue;
        const std::int64_t shift = x / c.lhs_dilation, q = (ky * c.kernel + kx) * problem_.out_features;
        const Range valid{std::max<std::int64_t>(0, -shift), std::min(count, c.in - shift)};
        if (length(valid) <= 0) continue;
        sums.offsets.push_back(planar_ ? q * plane_ + line + shift : (line + shift) * pitch_ + q);
        sums.valid.push_back(valid);
        inside = {std::max(inside.first, valid.first), std::min(inside.second, valid.second)};
      }
    }
    if (length(inside) <= 0) inside = {0, 0};
    const std::int64_t out_step = c.out_step * c.lhs_dilation;
    out += phase * c.out_step;
    const auto sum = [&](std::int64_t first, std::int64_t positions, const std::vector<std::int64_t>& offsets) {
      kernels_.sum_shifted({.from = ring + first * (planar_ ? 1 : pitch_),
                            .from_step = planar_ ? 1 : pitch_,
                            .from_feature = planar_ ? plane_ : 1,
                            .offsets = offsets.data(),
                            .terms = std::ssize(offsets),
                            .positions = positions,
                            .features = problem_.out_features,
                            .bias = bias,
                            .out = out + first * out_step,
                            .out_step = out_step,
                            .out_feature = problem_.out_feature,
                            .relu = relu_});
    };
    if (length(inside) > 0) sum(inside.first, length(inside), sums.offsets);
    for (std::int64_t j = 0; j < count; ++j) {
      if (j == inside.first && length(inside) > 0) j = inside.second;
      if (j == count) break;
      sums.some.clear();
      for (std::size_t t = 0; t < sums.offsets.size(); ++t)
        if (j >= sums.valid[t].first && j < sums.valid[t].second) sums.some.push_back(sums.offsets[t]);
      sum(j, 1, sums.some);
    }
  }

  const T *lhs_, *rhs_, *bias_;
  const bool relu_;
  T* out_;
  const MatrixKernels<T>& kernels_ = table<MatrixKernels<T>>();
};

}  // namespace

ConvCost few_outputs_cost(const ConvProblem& problem, std::int64_t element_size) {
  if (std::string why = few_outputs_refusal(problem); !why.empty()) return {.refusal = std::move(why)};
  return FewOutputsPlan(problem, element_size).cost();
}

template <class T>
void convolve_few_outputs(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue,
                          T* out) {
  FewOutputs<T>(problem, lhs, rhs, epilogue, out).run();
}

template void convolve_few_outputs(const ConvProblem&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void convolve_few_outputs(const ConvProblem&, const double*, const double*, const ConvEpilogue<double>&,
                                   double*);

}  // namespace cotangent::kernels
