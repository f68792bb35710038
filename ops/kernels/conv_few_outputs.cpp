// Convolution with few output features of many input features, as the input's gradient of a first layer is, or the last
// layer of a decoder.
//
// Every input pixel is multiplied by the weights of all kernel positions and output features at once, which are enough
// columns together: a matrix product without borders, stride or inserted zeros, of pixels where they lie. Each output
// then is the sum of the few products that meet there. Products of a task lie in a ring of input lines, as many as an
// output line needs. If channels are adjacent in lhs, a pixel's products are too, between pixels of zeros at both ends
// of a line; if positions are, lhs is multiplied where it lies, each column has a plane of products, and sums know
// which of theirs are there.
#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_few_features.h"
#include "cotangent/ops/kernels/conv_few_outputs_plan.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {
namespace {

// Pixels of few channels are read in so many streams: a tile of adjacent ones would jump about in a page of memory,
// where the processor does not see what to fetch next.
constexpr std::int64_t kStreams = 8;

template <class T>
class FewOutputs : private FewOutputsPlan {
 public:
  FewOutputs(const ConvProblem& problem, const T* lhs, const T* rhs, const ConvEpilogue<T>& epilogue, T* out)
      : FewOutputsPlan(problem, sizeof(T)),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        bias_(epilogue.bias),
        relu_(epilogue.relu),
        out_(out + problem.out_offset),
        line_taps_(list_line_taps()),
        phases_(list_phases()),
        in_order_(list_rows(1)),
        in_streams_(list_rows(kStreams)) {}

  void run() {
    const std::int64_t features = problem_.groups * weight_elements();
    const Workspace<T> weights(features);
    for (std::int64_t group = 0; group < problem_.groups; ++group)
      pack_weights(group, weights.data() + group * weight_elements());
    const std::int64_t blocks = row_blocks_.count(), tasks = problem_.groups * problem_.batch * blocks;
    parallel_for(tasks, std::max<std::int64_t>(1, tasks / kTasks), [&](std::int64_t begin, std::int64_t end) {
      const Workspace<T> memory(ring_elements()), panel(panel_elements());
      T* const ring = memory.data() + beyond_;
      clear_borders(ring);
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t group = task / blocks / problem_.batch, image = task / blocks % problem_.batch;
        compute(group, image, row_blocks_.range(task % blocks), weights.data() + group * weight_elements(), ring,
                panel.data());
      }
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

  void clear_borders(T* ring) const {
    if (planar_) return;
    for (std::int64_t line = 0; line < ring_lines(); ++line, ring += line_pixels() * pitch_) {
      std::fill_n(ring, left_ * pitch_, T{0});
      std::fill_n(ring + (left_ + columns().in) * pitch_, right_ * pitch_, T{0});
    }
  }

  void compute(std::int64_t group, std::int64_t image, Range out_lines, const T* weights, T* ring, T* panel) const {
    const T* const lhs = lhs_ + group * problem_.lhs_group + image * problem_.lhs_batch;
    const T* const bias = bias_ == nullptr ? nullptr : bias_ + group * problem_.out_features;
    const Range lines = lines_of(out_lines);
    // Slots are counted from the first line, so that a step never wraps around; `turn` is the line of the first slot.
    std::int64_t next = lines.first, turn = next;
    Sums sums;
    for (std::int64_t o = out_lines.first; o < out_lines.second; ++o) {
      const std::vector<LineTap>& taps = line_taps_[static_cast<std::size_t>(o)];
      for (; !taps.empty() && next <= taps.back().line; next += lines_) {
        if (next - turn == ring_lines()) turn = next;
        const Range step{next, std::min(next + lines_, lines.second)};
        T* const to = ring + (next - turn) * line_pixels() * (planar_ ? 1 : pitch_);
        if (planar_) multiply_planes(lhs, step, weights, panel, to, step.second < lines.second);
        else multiply_pixels(lhs, step, weights, to);
      }
      T* const out = out_ + group * problem_.out_group + image * problem_.out_batch + o * rows().out_step;
      const bool pair = planar_ && phases_.size() == 2;
      for (std::size_t phase = 0; phase < phases_.size(); phase += pair ? 2 : 1) {
        T* const to = out + static_cast<std::int64_t>(phase) * columns().out_step;
        if (planar_) sum_planes(ring, taps, turn, &phases_[phase], pair ? 2 : 1, bias, to, sums);
        else sum_pixels(ring, taps, turn, phases_[phase], bias, to, sums);
      }
    }
  }

  // The rows of a step's product: where each is read, and where it goes.
  struct ProductRows {
    std::vector<std::int64_t> from, to;
  };

  // A tile reads from several streams at once, each of which runs through pixels in order.
  ProductRows list_rows(std::int64_t streams) const {
    const std::int64_t count = planar_ ? products_ : lines_ * columns().in, run = ceiling_quotient(count, streams);
    ProductRows result;
    for (std::int64_t start = 0; start < run; ++start)
      for (std::int64_t i = start; i < count; i += run) {
        result.from.push_back(planar_ ? i * problem_.in_features
                                      : i / columns().in * rows().lhs_step + i % columns().in * columns().lhs_step);
        result.to.push_back(planar_ ? i * plane_
                                    : (i / columns().in * line_pixels() + left_ + i % columns().in) * pitch_);
      }
    return result;
  }

  void multiply_pixels(const T* lhs, Range lines, const T* weights, T* to) const {
    const Segment all{0, 0, problem_.in_features};
    const ProductRows& product_rows = length(lines) == lines_ ? in_streams_ : in_order_;
    kernels_.multiply({.lhs = lhs + lines.first * rows().lhs_step,
                       .rows = product_rows.from.data(),
                       .row_count = length(lines) * columns().in,
                       .lhs_step = 1,
                       .rhs = weights,
                       .rhs_step = tile_.panel_width,
                       .segments = &all,
                       .segment_count = 1,
                       .out = to,
                       .out_rows = product_rows.to.data(),
                       .width = pitch_,
                       .panel_step = problem_.in_features * tile_.panel_width});
  }

  // If there are more lines, fetches them meanwhile.
  void multiply_planes(const T* lhs, Range lines, const T* weights, T* panel, T* to, bool more) const {
    const std::int64_t width = tile_.flat_width, terms = problem_.in_features, count = length(lines) * columns().in;
    const std::int64_t whole = count / width, rest = count % width;
    const T* const planes = lhs + lines.first * rows().lhs_step;
    if (rest > 0) {
      std::fill_n(panel, terms * width, T{0});
      kernels_.copy({1, rest, planes + whole * width, width, 1, panel, width, 1, terms, problem_.lhs_feature, width});
    }
    const Segment all{0, 0, terms};
    TileProduct<T> product{.lhs = weights,
                           .rows = in_order_.from.data(),
                           .row_count = products_,
                           .lhs_step = 1,
                           .rhs = planes,
                           .rhs_step = problem_.lhs_feature,
                           .segments = &all,
                           .segment_count = 1,
                           .out = to,
                           .out_rows = in_order_.to.data(),
                           .width = whole * width,
                           .panel_step = width,
                           .ahead = more ? planes + lines_ * rows().lhs_step : nullptr,
                           .ahead_row = ceiling_quotient(width, products_),
                           .ahead_term = problem_.lhs_feature};
    if (whole > 0) kernels_.multiply_flat(product);
    if (rest == 0) return;
    product.rhs = panel;
    product.rhs_step = width;
    product.out = to + whole * width;
    product.width = rest;
    product.ahead = nullptr;
    kernels_.multiply_flat(product);
  }

  // Where the products of a line's sums lie.
  struct Sums {
    std::vector<std::int64_t> offsets;
    std::vector<LineTerm> terms[2];
  };

  std::int64_t slot_of(const LineTap& tap, std::int64_t turn) const {
    return tap.line - turn + (tap.line < turn ? ring_lines() : 0);
  }
  std::int64_t product_of(const LineTap& tap, const ColumnTap& column) const {
    return (tap.kernel * columns().kernel + column.kernel) * problem_.out_features;
  }

  // Pixels of zeros are around a line.
  void sum_pixels(const T* ring, const std::vector<LineTap>& lines, std::int64_t turn, const Phase& phase,
                  const T* bias, T* out, Sums& sums) const {
    sums.offsets.clear();
    for (const LineTap& tap : lines)
      for (const ColumnTap& column : phase.taps)
        sums.offsets.push_back((slot_of(tap, turn) * line_pixels() + left_ + column.shift) * pitch_ +
                               product_of(tap, column));
    kernels_.sum_shifted({.from = ring,
                          .from_step = pitch_,
                          .offsets = sums.offsets.data(),
                          .terms = std::ssize(sums.offsets),
                          .positions = phase.count,
                          .features = problem_.out_features,
                          .bias = bias,
                          .out = out,
                          .out_step = columns().out_step * columns().lhs_dilation,
                          .out_feature = problem_.out_feature,
                          .relu = relu_});
  }

  // Of one phase, or of two that are all that there are.
  void sum_planes(const T* ring, const std::vector<LineTap>& lines, std::int64_t turn, const Phase* phases,
                  std::int64_t count, const T* bias, T* out, Sums& sums) const {
    LineSums<T> line{};
    for (std::int64_t i = 0; i < count; ++i) {
      std::vector<LineTerm>& terms = sums.terms[i];
      terms.clear();
      for (const LineTap& tap : lines)
        for (const ColumnTap& column : phases[i].taps)
          terms.push_back({slot_of(tap, turn) * line_pixels() + column.shift + product_of(tap, column) * plane_,
                           column.valid.first, column.valid.second});
      line.terms[i] = terms.data();
      line.term_count[i] = std::ssize(terms);
      line.sums[i] = phases[i].count;
    }
    line.from = ring;
    line.from_feature = plane_;
    line.features = problem_.out_features;
    line.lines = count;
    line.bias = bias;
    line.out = out;
    line.out_step = columns().out_step * (count == 1 ? columns().lhs_dilation : 1);
    line.out_feature = problem_.out_feature;
    line.relu = relu_;
    kernels_.sum_lines(line);
  }

  const T *lhs_, *rhs_, *bias_;
  const bool relu_;
  T* out_;
  const std::vector<std::vector<LineTap>> line_taps_;  // of each output line
  const std::vector<Phase> phases_;                    // of the columns
  const ProductRows in_order_, in_streams_;
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
