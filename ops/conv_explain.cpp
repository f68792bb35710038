// Explain: the choice of an algorithm, put in words and numbers.
#include "cotangent/ops/conv_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/conv_rules.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent {
namespace {

using enum ConvAlgorithm;

constexpr std::array kAlgorithms{Definition, Im2col, Direct, LongSum, FewFeatures, Depthwise, Winograd, Fft};

// Multiply-adds that one thread executes in a second at best: measured once, on a product that stays in cache.
template <class T>
double multiply_rate() {
  static const double rate = [] {
    const kernels::MatrixKernels<T>& matrix = kernels::table<kernels::MatrixKernels<T>>();
    const std::int64_t rows = 4 * matrix.tile_rows[matrix.panel_width / matrix.lanes], terms = 256,
                       width = matrix.panel_width;
    const std::vector<T> lhs(static_cast<std::size_t>(rows * terms), T{1}),
        rhs(static_cast<std::size_t>(terms * width), T{1});
    std::vector<T> out(static_cast<std::size_t>(rows * width));
    std::vector<std::int64_t> lhs_rows, out_rows;
    for (std::int64_t row = 0; row < rows; ++row) {
      lhs_rows.push_back(row * terms);
      out_rows.push_back(row * width);
    }
    const kernels::Segment segment{0, 0, terms};
    double best = 0;
    for (int run = 0; run < 50; ++run) {
      const auto start = std::chrono::steady_clock::now();
      matrix.multiply({.lhs = lhs.data(),
                       .rows = lhs_rows.data(),
                       .row_count = rows,
                       .lhs_step = 1,
                       .rhs = rhs.data(),
                       .rhs_step = width,
                       .segments = &segment,
                       .segment_count = 1,
                       .terms = nullptr,
                       .out = out.data(),
                       .out_rows = out_rows.data(),
                       .width = width,
                       .bias = nullptr,
                       .add = false});
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      best = std::max(best, static_cast<double>(rows * terms * width) / time.count());
    }
    return best;
  }();
  return rate;
}

// The part of that rate that an algorithm is seen to reach on convolutions of some size.
double efficiency(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case Direct: return 0.85;
    case LongSum: return 0.8;
    case Winograd: return 0.6;
    case Im2col: return 0.6;
    case FewFeatures: return 0.5;
    case Fft: return 0.3;
    case Depthwise: return 0.4;
    default: return 0.01;
  }
}

std::int64_t multiply_adds(const kernels::ConvProblem& problem) {
  std::int64_t count = problem.groups * problem.batch * problem.in_features * problem.out_features;
  for (const kernels::ConvAxis& axis : problem.axes) count *= axis.out * axis.kernel;
  return count;
}

ConvAlternative alternative(ConvAlgorithm algorithm, const kernels::ConvProblem& problem, std::int64_t element_size) {
  ConvAlternative result{algorithm};
  for (const kernels::ConvProblem& part : kernels::parts_for(algorithm, problem, element_size)) {
    const kernels::ConvCost cost = kernels::cost_of(algorithm, part, element_size);
    if (!cost.refusal.empty()) return {algorithm, cost.refusal};
    result.executed_multiply_adds += cost.multiply_adds;
    result.workspace = std::max(result.workspace, cost.workspace);
  }
  return result;
}

}  // namespace

ConvExplanation explain(const Tensor& lhs, const Tensor& rhs, const ConvOptions& options) {
  constexpr std::string_view kName = "conv_general_dilated";
  const kernels::ConvAttributes attributes = resolve_conv(kName, lhs.shape(), rhs.shape(), options);
  const DType dtype = conv_dtype(kName, lhs, rhs, options.preferred_element_type);
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  const kernels::ConvProblem problem = kernels::make_conv_problem(
      lhs.shape(), rhs.shape(), conv_shape(kName, lhs.shape(), rhs.shape(), attributes), attributes);
  const double rate = (dtype == DType::Float32 ? multiply_rate<float>() : multiply_rate<double>()) * num_threads();

  ConvExplanation result;
  std::int64_t largest = -1;
  for (const kernels::ConvStep& step : kernels::choose(kName, problem, size, attributes.limits)) {
    const kernels::ConvCost cost = kernels::cost_of(step.algorithm, step.problem, size);
    result.phases += cost.phases;
    result.products += (result.products.empty() ? "" : " + ") + cost.products;
    result.executed_multiply_adds += cost.multiply_adds;
    result.workspace = std::max(result.workspace, cost.workspace);
    result.seconds += static_cast<double>(cost.multiply_adds) / (rate * efficiency(step.algorithm));
    if (cost.multiply_adds <= largest) continue;
    largest = cost.multiply_adds;
    result.algorithm = step.algorithm;
    result.reason = step.reason;
  }
  if (result.phases == 0) result.reason = "the output has no elements";
  for (const kernels::ConvProblem& phase : kernels::split_phases(problem))
    result.useful_multiply_adds += multiply_adds(phase);
  for (ConvAlgorithm algorithm : kAlgorithms)
    if (result.phases > 0 && algorithm != result.algorithm)
      result.alternatives.push_back(alternative(algorithm, problem, size));
  return result;
}

std::string to_string(const ConvExplanation& e) {
  std::string text = fmt::format(
      "{}: {}\n  {}\n  {} multiply-adds executed, {} useful ({:.2f}), in {} phase{}; workspace {} bytes; about {:.3g} "
      "ms\n",
      name(e.algorithm), e.reason, e.products, e.executed_multiply_adds, e.useful_multiply_adds,
      e.useful_multiply_adds > 0
          ? static_cast<double>(e.executed_multiply_adds) / static_cast<double>(e.useful_multiply_adds)
          : 1.0,
      e.phases, e.phases == 1 ? "" : "s", e.workspace, e.seconds * 1e3);
  for (const ConvAlternative& other : e.alternatives)
    text += other.refusal.empty() ? fmt::format("  {} would execute {} multiply-adds in {} bytes\n",
                                                name(other.algorithm), other.executed_multiply_adds, other.workspace)
                                  : fmt::format("  {} cannot serve: {}\n", name(other.algorithm), other.refusal);
  return text;
}

}  // namespace cotangent
