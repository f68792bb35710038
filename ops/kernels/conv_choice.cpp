// The choice of algorithms for a convolution.
#include "cotangent/ops/kernels/conv_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

using enum ConvAlgorithm;

constexpr std::int64_t kTiny = 512;  // multiply-adds that the definition does sooner than another is set up
constexpr std::int64_t kFewInFeatures = 16, kFewPositions = 16, kVector = 16;
constexpr std::int64_t kLeastTerms = 64;  // of a long sum, unless its sums stay in the cache:
constexpr std::int64_t kSumsInCache = 160 << 10;
constexpr std::int64_t kDefinition = 1 << 20;  // that it may be left with when memory is short

std::int64_t product(const ConvProblem& problem, std::int64_t ConvAxis::*extent) {
  std::int64_t result = 1;
  for (const ConvAxis& axis : problem.axes) result *= axis.*extent;
  return result;
}

std::int64_t multiply_adds(const ConvProblem& problem) {
  return problem.groups * problem.batch * problem.in_features * problem.out_features *
         product(problem, &ConvAxis::out) * product(problem, &ConvAxis::kernel);
}

bool has_output(const ConvProblem& problem) {
  return problem.batch > 0 && problem.out_features > 0 && product(problem, &ConvAxis::out) > 0;
}

bool sums_nothing(const ConvProblem& problem) {
  return problem.in_features == 0 || product(problem, &ConvAxis::kernel) == 0;
}

// True for a kernel nearly as large as the picture whose features fill vectors, or of a single feature if Direct would
// have to collect its pixels one by one or has few terms.
bool is_large_kernel_gradient(const ConvProblem& problem) {
  if (!has_large_kernel(problem)) return false;
  const bool single = problem.out_features == 1 && (problem.lhs_batch == 1 || problem.in_features < kFewInFeatures);
  return single || problem.out_features >= kVector;
}

// More window than output, or as much where features are groups of their own, and channels of lhs that are the
// problem's batch, or a single one: a kernel's gradient, or pictures smaller than the kernel. But where its sums are
// short, as those of a single small picture are, many, and features adjacent, accumulators in memory do not pay.
bool is_long_sum(const ConvProblem& problem) {
  const std::int64_t window = product(problem, &ConvAxis::kernel), outputs = product(problem, &ConvAxis::out),
                     sums = problem.groups * problem.batch * problem.out_features * outputs;
  const bool is_short = window * problem.in_features < kLeastTerms && sums > kSumsInCache && problem.lhs_batch == 1 &&
                        problem.rhs_out_feature == 1 && problem.out_feature == 1;
  const bool is_plane = window == outputs && problem.groups > 1 && problem.in_features == 1;
  return (window > outputs || is_plane || is_large_kernel_gradient(problem)) && !is_short &&
         (problem.batch == 1 || problem.in_features == 1 || problem.lhs_batch < problem.lhs_feature);
}

constexpr const char* kInPlace = "its windows can be multiplied where they lie";
constexpr const char* kFewerProducts = "fewer multiplications for windows of this size outweigh the transforms";
constexpr const char* kMeetsZeros = "its window is larger than lhs, and most of it meets zeros";
constexpr const char* kLargeWindow = "products of spectra are fewer for windows and outputs of this size";

struct Candidate {
  ConvAlgorithm algorithm;
  const char* reason;
};

// For a problem without lhs dilation, best first.
std::vector<Candidate> candidates(const ConvProblem& problem, std::int64_t element_size) {
  if (sums_nothing(problem)) return {{Im2col, "it sums nothing"}};
  std::vector<Candidate> result;
  if (multiply_adds(problem) <= kTiny) result.push_back({Definition, "it is tiny"});
  if (is_thin_product(problem))
    result.push_back({Im2col, "it is a product of matrices that are there already, and thin"});
  if (is_long_sum(problem))
    result.push_back({LongSum, is_large_kernel_gradient(problem)
                                   ? "it is the gradient of a kernel nearly as large as the picture"
                                   : "its window is larger than its output, as that of a kernel's gradient is"});
  else if (long_sum_skips_zeros(problem, element_size)) result.push_back({LongSum, kMeetsZeros});
  if (problem.in_features < kFewInFeatures && product(problem, &ConvAxis::out) > kFewPositions)
    result.push_back({FewFeatures, "its features are too few for a vector, and positions are not"});
  result.push_back({Direct, kInPlace});
  result.push_back({Im2col, "nothing else may serve"});
  result.push_back({Definition, "nothing else may serve"});
  return result;
}

// True if what the outputs see, which most algorithms copy in parts, has more elements than memory would hold. Strides
// and dilations reach 2^48, so that sizes of such parts would overflow.
bool spreads_too_far(const ConvProblem& problem) {
  auto span = static_cast<double>(std::max({problem.batch, problem.in_features, problem.out_features, problem.groups}));
  for (const ConvAxis& axis : problem.axes)
    span *= static_cast<double>(axis.out) * static_cast<double>(axis.stride) +
            static_cast<double>(axis.kernel) * static_cast<double>(axis.rhs_dilation);
  return span > static_cast<double>(std::int64_t{1} << 35);
}

bool fits(ConvAlgorithm algorithm, const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  const ConvCost cost = cost_of(algorithm, problem, element_size);
  return cost.refusal.empty() && cost.workspace <= limits.max_workspace;
}

bool may_use_winograd(const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  return element_size == sizeof(float) && !limits.exact && winograd_times(problem).pays();
}

// True if Winograd's way pays for every phase, and more than for all of them together, where phases share tiles that
// are shifted against outputs, and those at the ends are empty in part.
bool may_use_winograd_apart(const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  if (!is_dilated(problem) || element_size != sizeof(float) || limits.exact) return false;
  double apart = 0;
  for (const ConvProblem& phase : split_phases(problem)) {
    if (!has_output(phase) || sums_nothing(phase)) continue;
    const WinogradTimes times = winograd_times(phase);
    if (!times.pays() || !fits(Winograd, phase, element_size, limits)) return false;
    apart += times.winograd;
  }
  const WinogradTimes together = winograd_times(problem);
  return apart > 0 && apart < std::min(together.winograd, together.exact);
}

bool may_use_fft(const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  return limits.algorithm == Auto && element_size == sizeof(float) && !limits.exact &&
         std::isfinite(fft_time(problem)) && fits(Fft, problem, element_size, limits);
}

// True if the algorithm takes the problem as it is, lhs dilation and all.
bool serves_dilated(ConvAlgorithm algorithm, const ConvProblem& problem, std::int64_t element_size) {
  if (algorithm != Definition && algorithm != Im2col && spreads_too_far(problem)) return false;
  if (algorithm == Direct) return direct_serves_dilated(problem);
  if (algorithm == FewFeatures) return few_features_serves_dilated(problem, element_size);
  if (algorithm == LongSum) return long_sum_serves_dilated(problem, element_size);
  return algorithm == Definition || algorithm == Im2col || algorithm == Depthwise || algorithm == Winograd;
}

// The least workspace that would do for the whole problem.
std::int64_t least_workspace(const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto needs = [element_size](ConvAlgorithm algorithm, const ConvProblem& part) {
    const ConvCost cost = cost_of(algorithm, part, element_size);
    return cost.refusal.empty() ? cost.workspace : kMost;
  };
  std::int64_t by_phases = 0;
  for (const ConvProblem& phase : split_phases(problem)) {
    if (!has_output(phase) || multiply_adds(phase) <= kDefinition) continue;
    std::int64_t least = kMost;
    for (const Candidate& candidate : candidates(phase, element_size))
      if (candidate.algorithm != Definition) least = std::min(least, needs(candidate.algorithm, phase));
    if (may_use_fft(phase, element_size, {.exact = limits.exact})) least = std::min(least, needs(Fft, phase));
    by_phases = std::max(by_phases, least);
  }
  const std::int64_t whole = may_use_winograd(problem, element_size, limits) ? needs(Winograd, problem) : kMost;
  std::int64_t least = std::min({by_phases, whole, needs(Depthwise, problem)});
  for (const ConvAlgorithm algorithm : {Direct, FewFeatures, LongSum})
    if (serves_dilated(algorithm, problem, element_size)) least = std::min(least, needs(algorithm, problem));
  return least;
}

// For a phase of a problem, or the whole; nothing if max_workspace is too small for any algorithm.
std::optional<ConvStep> choose_plain(const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  if (may_use_fft(problem, element_size, limits)) return ConvStep{Fft, problem, kLargeWindow};
  for (const Candidate& candidate : candidates(problem, element_size)) {
    if (candidate.algorithm == Definition && multiply_adds(problem) > kDefinition) continue;
    if (fits(candidate.algorithm, problem, element_size, limits))
      return ConvStep{candidate.algorithm, problem, candidate.reason};
  }
  return std::nullopt;
}

// For a problem as it is, lhs dilation and all; nothing if that is none of the kinds that gain by it.
std::optional<ConvStep> choose_whole(const ConvProblem& problem, std::int64_t element_size, const ConvLimits& limits) {
  if (depthwise_pays(problem, element_size)) {
    if (may_use_fft(problem, element_size, limits)) return ConvStep{Fft, problem, kLargeWindow};
    if (fits(Depthwise, problem, element_size, limits))
      return ConvStep{Depthwise, problem, "its groups have next to no features"};
  }
  if (may_use_winograd(problem, element_size, limits) && fits(Winograd, problem, element_size, limits)) {
    if (may_use_fft(problem, element_size, limits) && fft_time(problem) < winograd_times(problem).winograd)
      return ConvStep{Fft, problem, kLargeWindow};
    return ConvStep{Winograd, problem, kFewerProducts};
  }
  if (multiply_adds(problem) <= kTiny) return std::nullopt;
  const bool pointwise = product(problem, &ConvAxis::kernel) == 1 && problem.lhs_feature == 1;  // nothing to gain
  const bool few = !pointwise && !is_thin_product(problem) && serves_dilated(FewFeatures, problem, element_size) &&
                   fits(FewFeatures, problem, element_size, limits);
  if (few && !long_sum_skips_zeros(problem, element_size)) {
    if (may_use_fft(problem, element_size, limits)) return ConvStep{Fft, problem, kLargeWindow};
    return ConvStep{FewFeatures, problem, "its few output features fill vectors with those of all kernel positions"};
  }
  if (is_dilated(problem) && (few || is_long_sum(problem)) && serves_dilated(LongSum, problem, element_size) &&
      fits(LongSum, problem, element_size, limits))
    return ConvStep{LongSum, problem,
                    few ? kMeetsZeros : "it is a kernel's gradient, of few features that are not dilated themselves"};
  return std::nullopt;
}

// For a problem whose phases would need more memory: what is not best, but needs less.
ConvStep choose_small(std::string_view operation, const ConvProblem& problem, std::int64_t element_size,
                      const ConvLimits& limits) {
  for (const ConvAlgorithm algorithm : {Direct, Depthwise, FewFeatures, LongSum})
    if (serves_dilated(algorithm, problem, element_size) && fits(algorithm, problem, element_size, limits))
      return {algorithm, problem, "faster ones need more memory than max_workspace"};
  fail(operation,
       fmt::format("max_workspace is {} bytes and the least that an algorithm needs is {}; allow that, or ask "
                   "for ConvAlgorithm::Definition, which needs none and is slow",
                   limits.max_workspace, least_workspace(problem, element_size, limits)));
}

// True if these are phases that Direct solves better together: each of their tasks reads the same pixels.
bool shares_pixels(const std::vector<ConvStep>& phases) {
  const auto is_direct = [](const ConvStep& step) { return step.algorithm == Direct; };
  return phases.size() > 1 && std::any_of(phases.begin(), phases.end(), is_direct) &&
         std::all_of(phases.begin(), phases.end(),
                     [&](const ConvStep& step) { return is_direct(step) || sums_nothing(step.problem); });
}

ConvStep forced(std::string_view operation, const ConvProblem& problem, std::int64_t element_size,
                const ConvLimits& limits) {
  const ConvCost cost = cost_of(limits.algorithm, problem, element_size);
  if (!cost.refusal.empty())
    fail(operation, fmt::format("algorithm {} cannot serve here: {}; leave the choice to ConvAlgorithm::Auto",
                                name(limits.algorithm), cost.refusal));
  if ((limits.algorithm == Winograd || limits.algorithm == Fft) && limits.exact)
    fail(operation, fmt::format("algorithm {} adds other products than the definition; ask for Precision::Default",
                                name(limits.algorithm)));
  if (cost.workspace > limits.max_workspace)
    fail(operation,
         fmt::format("max_workspace is {} bytes and algorithm {} needs {}; allow that, or leave the choice to "
                     "ConvAlgorithm::Auto",
                     limits.max_workspace, name(limits.algorithm), cost.workspace));
  return {limits.algorithm, problem, "it was asked for"};
}

}  // namespace

ConvCost cost_of(ConvAlgorithm algorithm, const ConvProblem& problem, std::int64_t element_size) {
  if (algorithm != Definition && algorithm != Im2col && spreads_too_far(problem))
    return {.refusal = "its strides and dilations spread windows over more than memory holds"};
  switch (algorithm) {
    case Im2col: return im2col_cost(problem, element_size);
    case Direct: return direct_cost(problem, element_size);
    case LongSum: return long_sum_cost(problem, element_size);
    case FewFeatures: return few_features_cost(problem, element_size);
    case Depthwise: return depthwise_cost(problem, element_size);
    case Fft: return fft_cost(problem, element_size);
    case Winograd:
      if (element_size != sizeof(float)) return {.refusal = "Float64 is computed exactly"};
      return winograd_cost(problem);
    default: break;
  }
  ConvCost cost{.products = "a loop over outputs"};
  for (const ConvProblem& phase : split_phases(problem)) cost.multiply_adds += multiply_adds(phase);
  return cost;
}

std::vector<ConvProblem> parts_for(ConvAlgorithm algorithm, const ConvProblem& problem, std::int64_t element_size) {
  if (serves_dilated(algorithm, problem, element_size)) return {problem};
  std::vector<ConvProblem> phases = split_phases(problem);
  std::erase_if(phases, [](const ConvProblem& phase) { return !has_output(phase) || sums_nothing(phase); });
  return phases;
}

std::vector<ConvStep> choose(std::string_view operation, const ConvProblem& problem, std::int64_t element_size,
                             const ConvLimits& limits) {
  if (!has_output(problem)) return {};
  if (limits.algorithm != Auto && serves_dilated(limits.algorithm, problem, element_size))
    return {forced(operation, problem, element_size, limits)};
  const bool apart = limits.algorithm == Auto && may_use_winograd_apart(problem, element_size, limits);
  if (limits.algorithm == Auto && !apart)
    if (const std::optional<ConvStep> whole = choose_whole(problem, element_size, limits)) return {*whole};
  std::vector<ConvStep> steps;
  for (ConvProblem& phase : split_phases(problem)) {
    if (!has_output(phase)) continue;
    const bool ask = limits.algorithm != Auto && !sums_nothing(phase);
    const std::optional<ConvStep> step = ask ? forced(operation, phase, element_size, limits)
                                         : apart && !sums_nothing(phase) ? ConvStep{Winograd, phase, kFewerProducts}
                                                                         : choose_plain(phase, element_size, limits);
    if (!step) return {choose_small(operation, problem, element_size, limits)};
    steps.push_back(*step);
  }
  if (shares_pixels(steps) && serves_dilated(Direct, problem, element_size) &&
      fits(Direct, problem, element_size, limits))
    return {{Direct, problem, kInPlace}};
  return steps;
}

}  // namespace cotangent::kernels
