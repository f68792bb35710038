// How a convolution with few output features is cut into steps, and when it pays.
#include "cotangent/ops/kernels/conv_few_outputs_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kLeastChannels = 16;     // fewer would not pay for storing and summing products
constexpr std::int64_t kPixels = 128;           // of a step, where there are as many
constexpr std::int64_t kPlanarPixels = 256;     // which are read from one plane after the other
constexpr std::int64_t kRingBytes = 320 << 10;  // unless single lines need more
constexpr std::int64_t kFewestOutputs = 4;      // more are left to others where these multiply no more
constexpr std::int64_t kTaskOverlap = 8;        // output lines of a task, in windows, that it shares with no other

}  // namespace

std::string few_outputs_refusal(const ConvProblem& problem) {
  if (problem.out_features > kFewOutputs)
    return fmt::format("{} output features of a group are more than {}", problem.out_features, kFewOutputs);
  if (problem.in_features < kLeastChannels)
    return fmt::format("{} input features of a group are less than {}", problem.in_features, kLeastChannels);
  const ConvProblem ordered = in_memory_order(problem);
  if (ordered.axes.size() != 2) return "there are more than two spatial axes";
  std::int64_t outputs = 1, window = 1, inputs = 1;
  for (const ConvAxis& axis : ordered.axes) {
    if (axis.stride != 1) return "a stride is not 1";
    if (axis.kernel == 0) return "nothing is summed";
    outputs *= axis.out;
    window *= ceiling_quotient(axis.kernel, axis.lhs_dilation);
    inputs *= axis.in * axis.kernel;
  }
  const ConvAxis &rows = ordered.axes[0], &columns = ordered.axes[1];
  if (problem.lhs_feature != 1 && (columns.lhs_step != 1 || (rows.in > 1 && rows.lhs_step != columns.in)))
    return "neither channels nor positions are adjacent in lhs";
  if (problem.out_features == 1 && problem.lhs_feature == 1)
    return "a single output feature, beneath adjacent channels, leaves no vector to sum";
  if (problem.out_features == 1 && rows.lhs_dilation * columns.lhs_dilation == 1)
    return "a single output feature is the sum of one product per kernel position, which windows give at once";
  if (inputs == 0 || 4 * inputs > 5 * outputs * window) return "products of many inputs would be left over";
  if (problem.out_features > kFewestOutputs && problem.lhs_feature == 1 && 10 * inputs > 7 * outputs * window)
    return "its products are about as many as those of windows";
  return "";
}

FewOutputsPlan::FewOutputsPlan(const ConvProblem& problem, std::int64_t element_size)
    : problem_(in_memory_order(problem)),
      element_size_(element_size),
      taps_(rows().kernel * columns().kernel),
      products_(taps_ * problem.out_features),
      tile_(tile_shape(element_size, products_)),
      planar_(problem.lhs_feature != 1),
      beyond_(64 / element_size) {
  pitch_ = ceiling_quotient(products_, tile_.lanes) * tile_.lanes;
  span_ = (rows().kernel - 1) * rows().rhs_dilation / rows().lhs_dilation + 1;
  for (const Phase& phase : list_phases())
    for (const ColumnTap& tap : phase.taps) {
      if (planar_) continue;
      left_ = std::max(left_, -tap.shift);
      right_ = std::max(right_, tap.shift + phase.count - columns().in);
    }
  const auto line_bytes = line_pixels() * (planar_ ? products_ : pitch_) * element_size_;
  lines_ = std::clamp<std::int64_t>(ceiling_quotient(planar_ ? kPlanarPixels : kPixels, columns().in), 1, rows().in);
  while (lines_ > 1 && line_bytes * lines_ * slots() > kRingBytes) --lines_;
  plane_ = ring_lines() * columns().in + beyond_;
  const std::int64_t pieces = problem_.groups * problem_.batch;
  const std::int64_t least = kTaskOverlap * span_ * rows().lhs_dilation;
  row_blocks_ = cut_evenly(rows().out, std::max(least, ceiling_quotient(rows().out * pieces, kTasks)));
}

ConvCost FewOutputsPlan::cost() const {
  std::int64_t read = 0;
  for (std::int64_t i = 0; i < row_blocks_.count(); ++i) {
    const Range range = lines_of(row_blocks_.range(i));
    read += length(range);
  }
  const std::int64_t images = problem_.groups * problem_.batch;
  ConvCost cost;
  cost.multiply_adds = images * read * columns().in * products_ * problem_.in_features;
  cost.products = fmt::format("{} x ({} x {}) x ({} x {}), then sums of at most {}",
                              images * row_blocks_.count() * ceiling_quotient(read, lines_ * row_blocks_.count()),
                              lines_ * columns().in, problem_.in_features, problem_.in_features, products_,
                              ceiling_quotient(rows().kernel, rows().lhs_dilation) *
                                  ceiling_quotient(columns().kernel, columns().lhs_dilation));
  cost.workspace =
      element_size_ * (problem_.groups * weight_elements() + num_threads() * (ring_elements() + panel_elements())) +
      4 * (planar_ ? products_ : lines_ * columns().in) * static_cast<std::int64_t>(sizeof(std::int64_t));
  return cost;
}

Range FewOutputsPlan::lines_of(Range out) const {
  const ConvAxis& axis = rows();
  const std::int64_t low = out.first - axis.low,
                     high = out.second - 1 + (axis.kernel - 1) * axis.rhs_dilation - axis.low;
  const std::int64_t first = low <= 0 ? 0 : ceiling_quotient(low, axis.lhs_dilation);
  const std::int64_t last = high < 0 ? -1 : std::min(high / axis.lhs_dilation, axis.in - 1);
  return {std::min(first, last + 1), last + 1};
}

std::vector<std::vector<FewOutputsPlan::LineTap>> FewOutputsPlan::list_line_taps() const {
  const ConvAxis& axis = rows();
  std::vector<std::vector<LineTap>> result(static_cast<std::size_t>(axis.out));
  for (std::int64_t o = 0; o < axis.out; ++o)
    for (std::int64_t k = 0; k < axis.kernel; ++k) {
      const std::int64_t y = o + k * axis.rhs_dilation - axis.low;
      if (y >= 0 && y % axis.lhs_dilation == 0 && y / axis.lhs_dilation < axis.in)
        result[static_cast<std::size_t>(o)].push_back({k, y / axis.lhs_dilation});
    }
  return result;
}

std::vector<FewOutputsPlan::Phase> FewOutputsPlan::list_phases() const {
  const ConvAxis& axis = columns();
  std::vector<Phase> result;
  for (std::int64_t phase = 0; phase < std::min(axis.lhs_dilation, axis.out); ++phase) {
    const std::int64_t count = ceiling_quotient(axis.out - phase, axis.lhs_dilation);
    Phase& sums = result.emplace_back(Phase{count, {}});
    for (std::int64_t k = 0; k < axis.kernel; ++k) {
      const std::int64_t x = phase + k * axis.rhs_dilation - axis.low;
      if (x % axis.lhs_dilation != 0) continue;
      const std::int64_t shift = x / axis.lhs_dilation;
      const Range valid{std::max<std::int64_t>(0, -shift), std::min(count, axis.in - shift)};
      if (length(valid) <= 0) continue;
      sums.taps.push_back({k, shift, valid});
    }
  }
  return result;
}

}  // namespace cotangent::kernels
