// Depthwise convolution, channels first: vectors of adjacent pixels, from a copy of a band of a channel that has zeros
// around it.
#include "cotangent/ops/kernels/conv_depthwise_first.h"

#include "cotangent/core/parallel.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTaskProducts = 1 << 16;

}  // namespace

template <class T>
void ChannelsFirst<T>::compute() const {
  const auto bands = row_bands();
  const auto band_count = static_cast<std::int64_t>(bands.size());
  const std::int64_t units = problem_.batch * outer_.count() * problem_.groups * band_count;
  const std::int64_t block =
      std::max<std::int64_t>(1, kTaskProducts * units / std::max<std::int64_t>(1, product_count(problem_)));
  parallel_for(units, std::min(block, std::max<std::int64_t>(1, units / kTasks)),
               [&](std::int64_t begin, std::int64_t end) {
                 const Elements<T> copy(band_copy_size(bands), true), tile(band_tile_size(bands));
                 std::vector<Taps<T>> taps;
                 std::vector<Slice> slices;
                 std::int64_t outer = -1;
                 for (std::int64_t unit = begin; unit < end; ++unit) {
                   const Range rows = bands[static_cast<std::size_t>(unit % band_count)];
                   std::int64_t rest = unit / band_count;
                   const std::int64_t g = rest % problem_.groups;
                   rest /= problem_.groups;
                   if (rest % outer_.count() != outer)
                     slices = outer_.slices(outer = rest % outer_.count(), {0, problem_.in_features});
                   compute_band(rest / outer_.count(), outer, slices, g, rows, copy.data(), tile.data(), taps);
                 }
               });
}

template <class T>
void ChannelsFirst<T>::compute_band(std::int64_t m, std::int64_t outer, const std::vector<Slice>& slices,
                                    std::int64_t g, Range band, T* copy, T* tile, std::vector<Taps<T>>& taps) const {
  const std::int64_t rows =
      (length(band) - 1) * row_.stride + std::max<std::int64_t>(0, row_.kernel - 1) * row_.rhs_dilation + 1;
  const std::int64_t slice_size = rows * copy_.row_size();
  const std::int64_t offset = g * problem_.lhs_group + m * problem_.lhs_batch;
  const bool direct = column_.out_step == 1 && column_.out >= lanes_;
  for (std::size_t s = 0; s < slices.size(); ++s)
    copy_.copy(band.first * row_.stride - row_.low, rows, lhs_ + offset + slices[s].lhs,
               copy + static_cast<std::int64_t>(s) * slice_size);
  for (std::int64_t p = 0; p < problem_.out_features; ++p) {
    const T* const rhs = rhs_ + g * problem_.rhs_group + p * problem_.rhs_out_feature;
    T* const out = out_ + g * problem_.out_group + m * problem_.out_batch + p * problem_.out_feature +
                   outer_.out_offset(outer) + band.first * row_.out_step;
    taps.clear();
    for (std::size_t s = 0; s < slices.size(); ++s)
      for (std::int64_t k = 0; k < row_.kernel; ++k) {
        const T* const from =
            copy + static_cast<std::int64_t>(s) * slice_size + k * row_.rhs_dilation * copy_.row_size();
        const T* const factors = rhs + slices[s].rhs + k * row_.rhs_step;
        if (column_.stride == 1 && column_.kernel > 0) {
          taps.push_back({from, factors, column_.kernel, -1});
          continue;
        }
        for (std::int64_t j = 0; j < column_.kernel; ++j)
          taps.push_back({from + copy_.offset(j * column_.rhs_dilation), factors + j * column_.rhs_step, 1, -1});
      }
    const std::int64_t out_row = direct ? row_.out_step : padded(column_.out);
    sum_rows(length(band), taps, direct ? out : tile, out_row);
    if (direct) continue;
    kernels_.put({length(band), column_.out, column_.out_step, tile, out_row, out, row_.out_step, owns_between_});
  }
}

template <class T>
void ChannelsFirst<T>::sum_rows(std::int64_t rows, const std::vector<Taps<T>>& taps, T* out,
                                std::int64_t out_row) const {
  const std::int64_t vectors = std::max<std::int64_t>(1, column_.out / lanes_);
  for_each_piece(vectors, 4, [&](Range columns) {
    for_each_piece(rows, kMostSums / length(columns),
                   [&](Range some) { sum_grid(taps, some, length(columns), columns.first * lanes_, out, out_row); });
  });
  if (column_.out > vectors * lanes_)
    for_each_piece(rows, kMostSums, [&](Range some) { sum_grid(taps, some, 1, column_.out - lanes_, out, out_row); });
}

template <class T>
void ChannelsFirst<T>::sum_grid(const std::vector<Taps<T>>& taps, Range rows, std::int64_t vectors, std::int64_t first,
                                T* out, std::int64_t out_row) const {
  WindowSums<T> sums{};
  sums.taps = taps.data();
  sums.tap_count = static_cast<std::int64_t>(taps.size());
  sums.lhs_row = row_.stride * copy_.row_size();
  sums.lhs_start = rows.first * sums.lhs_row + first;
  sums.lhs_step = column_.rhs_dilation;
  sums.rhs_step = column_.rhs_step;
  sums.rows = length(rows);
  sums.columns = vectors;
  sums.lhs_column = sums.out_column = lanes_;
  sums.out_row = out_row;
  sums.out = out + rows.first * out_row + first;
  sums.width = lanes_;
  sums.scalar_factors = true;
  run(sums);
}

template <class T>
void convolve_channels_first(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  const bool long_sums = sums_are_long(problem);
  for (const ConvProblem& phase : split_phases(problem)) {
    const ChannelsFirst<T> part(phase, long_sums, lhs, rhs, out);
    if (long_sums) part.compute_sums();
    else part.compute();
  }
}

template <class T>
std::int64_t channels_first_workspace(const ConvProblem& problem) {
  const bool long_sums = sums_are_long(problem);
  std::int64_t most = 0;
  for (const ConvProblem& shifted : split_phases(problem)) {
    const ConvProblem phase = without_offsets(shifted);
    const ChannelsFirst<T> part(phase, long_sums, nullptr, nullptr, nullptr);
    most = std::max(most, long_sums ? part.compute_sums_workspace() : part.compute_workspace());
  }
  return most;
}

template std::int64_t channels_first_workspace<float>(const ConvProblem&);
template std::int64_t channels_first_workspace<double>(const ConvProblem&);
template void convolve_channels_first(const ConvProblem&, const float*, const float*, float*);
template void convolve_channels_first(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
