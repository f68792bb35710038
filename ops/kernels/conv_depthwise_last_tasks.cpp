// Depthwise convolution, channels last: how the work is cut into tasks.
#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise_last.h"

namespace cotangent::kernels {
namespace {

// Channels in so many about equal blocks, of at least 64.
std::vector<Range> channel_blocks(std::int64_t channels, std::int64_t count) {
  count = std::clamp<std::int64_t>(count, 1, std::max<std::int64_t>(1, channels / 64));
  std::vector<Range> blocks;
  for (std::int64_t i = 0; i < count; ++i)
    blocks.emplace_back(i * (channels / 16) / count * 16,
                        i + 1 == count ? channels : (i + 1) * (channels / 16) / count * 16);
  return blocks;
}

// Tasks are batch entries, cut into bands of rows and blocks of channels where there are few.
template <class T>
void compute_rows(const ConvProblem& problem, const std::vector<ChannelsLast<T>>& parts) {
  std::int64_t rows = 0;
  for (const ChannelsLast<T>& part : parts) rows = std::max(rows, part.rows());
  const std::int64_t tasks = task_count(product_count(problem), problem.batch * problem.groups * rows);
  const std::int64_t bands = std::clamp<std::int64_t>(tasks / problem.batch, 1, std::max<std::int64_t>(1, rows / 4));
  const auto blocks = channel_blocks(problem.groups, tasks / (problem.batch * bands));
  const auto block_count = static_cast<std::int64_t>(blocks.size());
  parallel_for(problem.batch * bands * block_count, 1, [&](std::int64_t task, std::int64_t) {
    const Range channels = blocks[static_cast<std::size_t>(task % block_count)];
    const std::int64_t band = task / block_count % bands, m = task / block_count / bands;
    for (const ChannelsLast<T>& part : parts)
      part.forward(m, {part.rows() * band / bands, part.rows() * (band + 1) / bands}, channels);
  });
}

// How long sums are cut: into parts that are added in order, each of so many positions with `padded` elements.
struct SumPlan {
  std::int64_t tasks, splits, padded, positions;
  // From position to position. Those of a position are used together with those of all others, so they should not lie
  // a multiple of a few cache lines apart.
  std::int64_t step() const { return padded % 32 == 0 ? padded + 16 : padded; }
  std::int64_t elements() const { return splits * positions * step(); }
};

template <class T>
SumPlan plan_sums(const ConvProblem& problem, const ChannelsLast<T>& part) {
  const std::int64_t tasks = task_count(product_count(problem), problem.groups * part.kernel_rows());
  const std::int64_t lanes = table<DepthwiseKernels<T>>().lanes;
  return {tasks, std::clamp<std::int64_t>(part.kernel_rows() / 8, 1, tasks),
          (problem.groups + lanes - 1) / lanes * lanes, part.positions()};
}

// Tasks are parts of the sum and blocks of channels.
template <class T>
void compute_sums(const ConvProblem& problem, const ChannelsLast<T>& part, std::int64_t groups) {
  const SumPlan plan = plan_sums(problem, part);
  const std::int64_t splits = plan.splits, padded = plan.padded, positions = plan.positions, step = plan.step();
  const auto blocks = channel_blocks(problem.groups, plan.tasks / splits);
  const auto block_count = static_cast<std::int64_t>(blocks.size());
  const std::int64_t lanes = table<DepthwiseKernels<T>>().lanes;
  const Elements<T> partial(plan.elements());
  parallel_for(splits * block_count, 1, [&](std::int64_t task, std::int64_t) {
    const Range channels = blocks[static_cast<std::size_t>(task % block_count)];
    const std::int64_t split = task / block_count, size = (length(channels) + lanes - 1) / lanes * lanes;
    T* const to = partial.data() + split * positions * step + channels.first;
    for (std::int64_t i = 0; i < positions; ++i) std::fill_n(to + i * step, size, T{0});
    part.add_sums({part.kernel_rows() * split / splits, part.kernel_rows() * (split + 1) / splits}, channels, to, step);
  });
  // Vectors do not overlap in the partial sums, but the last ones of lhs and rhs may have.
  const std::int64_t whole = problem.groups / lanes * lanes;
  parallel_for(positions, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t position = begin; position < end; ++position) {
      T* const sum = partial.data() + position * step;
      for (std::int64_t split = 1; split < splits; ++split) {
        const T* const more = sum + split * positions * step;
        for (std::int64_t i = 0; i < padded; ++i) sum[i] += more[i];
      }
      T* const out = part.element(position);
      for (std::int64_t g = 0; g < std::min(groups, whole); ++g) out[g * problem.out_group] = sum[g];
      for (std::int64_t g = whole; g < groups; ++g) out[g * problem.out_group] = sum[g + padded - problem.groups];
    }
  });
}

}  // namespace

template <class T>
void convolve_channels_last(const ConvProblem& problem, std::int64_t groups, const T* lhs, const T* rhs, T* out) {
  const bool long_sums = sums_are_long(problem);
  const std::vector<ConvProblem> phases = split_phases(problem);
  const Elements<T> zeros(problem.groups, true);
  std::vector<ChannelsLast<T>> parts;
  for (const ConvProblem& phase : phases) parts.emplace_back(phase, long_sums, zeros.data(), lhs, rhs, out);
  if (!long_sums) return compute_rows(problem, parts);
  for (std::size_t i = 0; i < phases.size(); ++i) compute_sums(phases[i], parts[i], groups);
}

template <class T>
std::int64_t channels_last_workspace(const ConvProblem& problem) {
  std::int64_t sums = 0;
  if (sums_are_long(problem))
    for (const ConvProblem& shifted : split_phases(problem)) {
      const ConvProblem phase = without_offsets(shifted);
      sums =
          std::max(sums, plan_sums(phase, ChannelsLast<T>(phase, true, nullptr, nullptr, nullptr, nullptr)).elements());
    }
  return problem.groups + sums;
}

template std::int64_t channels_last_workspace<float>(const ConvProblem&);
template std::int64_t channels_last_workspace<double>(const ConvProblem&);
template void convolve_channels_last(const ConvProblem&, std::int64_t, const float*, const float*, float*);
template void convolve_channels_last(const ConvProblem&, std::int64_t, const double*, const double*, double*);

}  // namespace cotangent::kernels
