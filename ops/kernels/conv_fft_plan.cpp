// FftPlan: the choice of extents and of what is in memory at once.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_band.h"
#include "cotangent/ops/kernels/conv_few_outputs_plan.h"
#include "cotangent/ops/kernels/conv_fft.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/fft.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kMostExtent = 1 << 16;
constexpr std::int64_t kMostElements = 1 << 20;   // of a transform of two axes
constexpr std::int64_t kChunkBytes = 4 << 20;     // of spectra at a time, ...
constexpr std::int64_t kKernelBytes = 128 << 20;  // of which those of the kernel should be made once

// Fitted to measurements, in multiply-adds at the best rate: what an element of a transform costs with the copies to
// and from it, what one more level of its transform does, a multiply-add of spectra, and a call.
constexpr double kElement = 38, kLevel = 1.6, kProduct = 2, kCall = 8e5;

std::int64_t parts_of(std::int64_t extent, std::int64_t part) { return ceiling_quotient(extent, part); }

// The ways to cut an axis with transforms of the given extent.
void append_cuts(std::int64_t outs, std::int64_t taps, std::int64_t extent, std::int64_t most_ratio,
                 std::vector<FftCut>& result) {
  const auto append = [&](std::int64_t block, std::int64_t part, std::int64_t hop) {
    if (block < 1 || part < 1) return;
    FftCut cut{.extent = extent, .block = block, .part = part};
    cut.blocks = parts_of(outs, block);
    cut.parts = parts_of(taps, part);
    cut.hop = hop;
    cut.block_hops = block / hop;
    cut.part_hops = part / hop;
    result.push_back(cut);
  };
  const std::int64_t both = extent + 1;  // of a block and a part
  if (taps < both) {
    const std::int64_t block = std::min(outs, both - taps);
    append(block, taps, block);  // one part, so that its hops do not matter
    result.back().part_hops = 0;
  }
  if (outs < both) {
    const std::int64_t part = std::min(taps, both - outs);
    append(outs, part, part);
    result.back().block_hops = 0;
  }
  if (taps < 2 || outs < 2) return;
  for (std::int64_t ratio = 1; ratio <= most_ratio; ++ratio) {
    const std::int64_t hop = both / (ratio + 1);
    append(ratio * hop, hop, hop);
    if (ratio > 1) append(hop, ratio * hop, hop);
  }
}

// Extents without a prime factor above 3, even if asked.
std::vector<std::int64_t> extents(std::int64_t least, std::int64_t most, bool even) {
  std::vector<std::int64_t> result;
  for (std::int64_t power = even ? 2 : 1; power <= kMostExtent && power < 2 * most; power *= 2)
    for (const std::int64_t extent : {power, power / 2 * 3})
      if (extent >= least && extent <= kMostExtent && (extent == power || extent > power) && (!even || extent % 2 == 0))
        result.push_back(extent);
  if (result.empty()) result.push_back(even ? 2 : 1);
  return result;
}

// All of an axis that is alone; fewer of one of two.
std::vector<FftCut> cuts(const FftAxis& axis, bool even, bool alone) {
  std::vector<FftCut> result;
  if (!even && (axis.taps == 1 || axis.outs == 1)) {
    append_cuts(axis.outs, axis.taps, 1, 0, result);
    if (axis.taps == 1) return result;
  }
  constexpr std::int64_t kLeast = 32;
  const std::int64_t few = std::min(axis.taps, axis.outs), most = axis.taps + axis.outs - 1;
  for (const std::int64_t extent : extents(std::min(few, kLeast), alone ? most : std::min(most, 12 * few), even))
    append_cuts(axis.outs, axis.taps, extent, alone ? 3 : 1, result);
  return result;
}

}  // namespace

FftAxis::FftAxis(const ConvAxis& from)
    : axis(from),
      out_residues(from.rhs_dilation / std::gcd(from.stride, from.rhs_dilation)),
      kernel_residues(from.stride / std::gcd(from.stride, from.rhs_dilation)),
      step(from.stride * out_residues),
      outs(ceiling_quotient(from.out, out_residues)),
      taps(ceiling_quotient(from.kernel, kernel_residues)) {}

std::int64_t FftAxis::outs_of(std::int64_t residue) const {
  return ceiling_quotient(std::max<std::int64_t>(0, axis.out - residue), out_residues);
}
std::int64_t FftAxis::taps_of(std::int64_t residue) const {
  return ceiling_quotient(std::max<std::int64_t>(0, axis.kernel - residue), kernel_residues);
}

FftPlan::FftPlan(const ConvProblem& from, std::int64_t element_size, std::int64_t lane_count)
    : problem(in_memory_order(from)), lanes(lane_count) {
  std::vector<ConvAxis> kept;
  bool empty = problem.in_features == 0;
  for (const ConvAxis& axis : problem.axes) {
    if (axis.lhs_dilation != 1) refusal = "lhs is dilated; it serves each phase of such a problem";
    empty = empty || axis.kernel == 0 || axis.in == 0;
    if (axis.in > 1 || axis.kernel > 1 || axis.out > 1 || axis.low != 0) kept.push_back(axis);
  }
  if (empty) refusal = "nothing is summed";
  if (kept.size() > 2)
    refusal =
        fmt::format("it transforms along two spatial axes at most, and {} have more than one position", kept.size());
  if (!refusal.empty()) return;
  while (kept.size() < 2) kept.insert(kept.begin(), {1, 1, 1, 1, 1, 1, 0, 0, 0, 0});
  for (const ConvAxis& axis : kept) axes.emplace_back(axis);
  const auto plain = [](const FftAxis& axis) { return axis.taps == 1 || axis.outs == 1; };
  if (plain(axes[1]) && !plain(axes[0])) std::swap(axes[0], axes[1]);  // the first one can do without a transform
  choose_cuts();
  choose_chunks(element_size);
}

double FftPlan::estimate(const FftCut& first, const FftCut& second) const {
  const auto number = [](std::int64_t count) { return static_cast<double>(count); };
  const double outs = number(images() * first.blocks * second.blocks), features = number(problem.out_features),
               terms = number(kernel_residues() * problem.in_features), groups = number(problem.groups),
               width = number(lanes), parts = number(first.parts * second.parts);
  const double elements = number(first.extent * second.extent);
  const auto transforms = [&](double lines) { return std::ceil(lines / width) * width; };
  const double lines = transforms(groups * number(images() * first.segments() * second.segments()) * terms) +
                       transforms(groups * features * terms * parts) + transforms(groups * outs * features);
  const double frequencies = number(first.extent) * (number(second.extent) / 2 + 1);
  return kCall + lines * elements * (kElement + kLevel * std::log2(elements)) +
         kProduct * groups * outs * features * terms * parts * 4 * std::ceil(frequencies / width) * width;
}

void FftPlan::choose_cuts() {
  const bool line = axes[0].taps == 1 || axes[1].taps == 1 || axes[0].outs == 1;
  const std::vector<FftCut> firsts = cuts(axes[0], false, line), seconds = cuts(axes[1], true, line);
  double least = -1;
  for (const FftCut& first : firsts)
    for (const FftCut& second : seconds) {
      if (first.extent * second.extent > kMostElements) continue;
      const double time = estimate(first, second);
      if (least >= 0 && time >= least) continue;
      least = time;
      axes[0].cut = first;
      axes[1].cut = second;
    }
}

void FftPlan::choose_chunks(std::int64_t element_size) {
  const FftCut &first = axes[0].cut, &second = axes[1].cut;
  chunk.axis = first.segments() > second.segments() ? 0 : 1;
  const FftCut& along = axes[chunk.axis].cut;
  chunk.groups = problem.groups;
  chunk.images = images();
  chunk.features = problem.in_features;
  chunk.blocks = along.blocks;
  chunk.parts = along.parts;
  const std::int64_t line = 2 * vectors() * element_size;
  const auto halve = [](std::int64_t& count) { count = ceiling_quotient(count, 2); };
  const auto bytes = [&](std::int64_t lines) { return lines * line; };
  const auto most = [&] { return bytes(lhs_lines() + out_lines()); };
  const auto cut_groups = [&](std::int64_t least) {
    while (chunk.groups > least && most() + bytes(rhs_lines()) > kChunkBytes)
      chunk.groups = std::max(least, ceiling_quotient(chunk.groups, 2));
  };
  cut_groups(groups_adjacent() ? lanes : 1);
  if (bytes(out_lines()) <= kChunkBytes / 4) {  // sums may stay while their terms come in turn
    while (chunk.features > 1 && most() > kChunkBytes) halve(chunk.features);
    while (chunk.parts > 1 && most() > kChunkBytes) halve(chunk.parts);
  }
  while (chunk.images > 1 && most() > kChunkBytes) halve(chunk.images);
  while (chunk.blocks > 1 && most() > kChunkBytes) halve(chunk.blocks);
  cut_groups(1);
  while (chunk.features > 1 && bytes(rhs_lines()) > kKernelBytes) halve(chunk.features);
  while (chunk.parts > 1 && bytes(rhs_lines()) > kKernelBytes) halve(chunk.parts);
}

std::int64_t FftPlan::lhs_lines() const {
  const FftCut &along = axes[chunk.axis].cut, &other = axes[1 - chunk.axis].cut;
  const std::int64_t segments = (chunk.blocks - 1) * along.block_hops + (chunk.parts - 1) * along.part_hops + 1;
  return chunk.groups * chunk.images * segments * other.segments() * kernel_residues() * chunk.features;
}
std::int64_t FftPlan::rhs_lines() const {
  return chunk.groups * problem.out_features * chunk.parts * axes[1 - chunk.axis].cut.parts * kernel_residues() *
         chunk.features;
}
std::int64_t FftPlan::out_lines() const {
  return chunk.groups * chunk.images * chunk.blocks * axes[1 - chunk.axis].cut.blocks * problem.out_features;
}

// A real transform is counted as log2 of its extent butterflies of half as many pairs, with 5 operations to a number.
ConvCost FftPlan::cost(std::int64_t element_size) const {
  ConvCost cost{.refusal = refusal};
  if (!refusal.empty()) return cost;
  const FftCut &first = axes[0].cut, &second = axes[1].cut;
  const std::int64_t elements = first.extent * second.extent, terms = kernel_residues() * problem.in_features,
                     rows = images() * first.blocks * second.blocks, parts = first.parts * second.parts,
                     lines = problem.groups * (images() * first.segments() * second.segments() * terms +
                                               problem.out_features * (terms * parts + rows));
  const std::int64_t frequencies = first.extent * row_vectors();
  cost.multiply_adds = problem.groups * rows * terms * parts * problem.out_features * 4 * frequencies +
                       static_cast<std::int64_t>(1.25 * static_cast<double>(lines * elements) *
                                                 std::log2(static_cast<double>(elements)));
  cost.products =
      fmt::format("{} transforms of {} x {}, {} complex x ({} x {}) x ({} x {})", lines, first.extent, second.extent,
                  problem.groups * frequencies, rows, terms * parts, terms * parts, problem.out_features);
  cost.workspace = 2 * vectors() * element_size * (lhs_lines() + rhs_lines() + out_lines() + 2 * lanes * num_threads());
  return cost;
}

ConvCost fft_cost(const ConvProblem& problem, std::int64_t element_size) {
  const int lanes =
      element_size == sizeof(float) ? table<FftKernels<float>>().lanes : table<FftKernels<double>>().lanes;
  return FftPlan(problem, element_size, lanes).cost(element_size);
}

double fft_time(const ConvProblem& problem) {
  constexpr double kScattered = 1.3, kNever = std::numeric_limits<double>::infinity();
  // Smaller windows are left to algorithms whose arithmetic is the definition's, though Fft would win by a little.
  constexpr std::int64_t kLeastLine = 16, kLeastWindow = 25;
  double products = static_cast<double>(problem.groups * problem.batch) *
                    static_cast<double>(problem.in_features * problem.out_features);
  std::int64_t window = 1, windows = 0;  // positions that a kernel and the output have both
  for (const ConvAxis& axis : problem.axes) {
    if (axis.lhs_dilation != 1) return kNever;
    const FftAxis residues(axis);
    const std::int64_t few = std::min(residues.taps, residues.outs);
    window *= few;
    windows += few > 1;
    products *= static_cast<double>(axis.out) * static_cast<double>(axis.kernel);
  }
  if (window < (windows > 1 ? kLeastWindow : kLeastLine) || products < kCall) return kNever;
  const FftPlan plan(problem, sizeof(float), table<FftKernels<float>>().lanes);
  // The part of the best rate that others reach, as measured.
  const std::int64_t features = problem.in_features * problem.out_features;
  const double depthwise = plan.lanes > 8 || plan.groups_adjacent() ? 1 : 0.5;
  // Of planes: others leave most of a vector empty.
  const bool few = problem.out_features <= kFewOutputs && problem.in_features > kFewOutputs && problem.lhs_feature != 1;
  const double efficiency = features == 1    ? (problem.groups > 1 ? depthwise : 0.4)
                            : few            ? 0.64
                            : features < 256 ? 0.8
                                             : 0.95;
  if (!plan.refusal.empty()) return kNever;
  // A kernel's gradient where channels come last: the pixels of both operands are apart.
  const bool scattered = problem.lhs_batch < problem.lhs_feature && problem.rhs_out_feature == 1;
  const double estimate = (scattered ? kScattered : 1) * plan.estimate();
  return estimate < products / efficiency ? estimate : kNever;
}

}  // namespace cotangent::kernels
