// Depthwise convolution, channels first: sums over whole planes, as a kernel's gradient asks for.
#include <numeric>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise_first.h"

namespace cotangent::kernels {

template <class T>
void ChannelsFirst<T>::compute_sums() const {
  const std::int64_t features = problem_.in_features, splits = sum_splits(), size = sum_size(), blocks = sum_blocks();
  const Elements<T> partial(problem_.groups * splits * size);
  parallel_for(splits * blocks, 1, [&](std::int64_t task, std::int64_t) {
    const std::int64_t split = task / blocks, block = task % blocks;
    sum_features({problem_.groups * block / blocks, problem_.groups * (block + 1) / blocks},
                 {features * split / splits, features * (split + 1) / splits}, partial.data() + split * size,
                 splits * size);
  });
  parallel_for(problem_.groups, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t g = begin; g < end; ++g) {
      T* const sum = partial.data() + g * splits * size;
      for (std::int64_t split = 1; split < splits; ++split)
        for (std::int64_t i = 0; i < size; ++i) sum[i] += sum[split * size + i];
      for (std::int64_t i = 0; i < size; ++i) *element(g, i) = sum[i];
    }
  });
}

// Planes are read in the order of memory, if batch entries lie farther apart than groups.
template <class T>
void ChannelsFirst<T>::sum_features(Range groups, Range features, T* to, std::int64_t to_group) const {
  const std::int64_t positions = row_.out * column_.out, all = problem_.batch * outer_.count();
  const std::int64_t size = sum_size(), lane = lanes_;
  const Elements<T> vectors(length(groups) * size * lane, true);
  const auto bands = kernel_bands();
  const std::int64_t most = most_rows(bands);
  const Elements<T> copy(kernel_copy_size(most), true);
  const Elements<T> tails(most * padded(column_.kernel), true);
  std::vector<Taps<T>> taps;
  for (std::int64_t index = 0; index < all; ++index)
    for (const Slice& slice : outer_.slices(index % outer_.count(), features))
      for (std::int64_t g = groups.first; g < groups.second; ++g)
        for (const Range& band : bands) {
          const std::int64_t rows = (length(band) - 1) * row_.rhs_dilation + (row_.out - 1) * row_.stride + 1;
          const std::int64_t offset = g * problem_.lhs_group + index / outer_.count() * problem_.lhs_batch + slice.lhs;
          copy_.copy(band.first * row_.rhs_dilation - row_.low, rows, lhs_ + offset, copy.data());
          for (std::int64_t p = 0; p < problem_.out_features; ++p) {
            const T* const rhs = rhs_ + g * problem_.rhs_group + p * problem_.rhs_out_feature + slice.rhs;
            T* const sums = vectors.data() + ((g - groups.first) * size + (p * all + index) * positions) * lane;
            take_band(band, copy.data(), rhs, tails.data(), taps);
            add_grids(taps, sums);
          }
        }
  for (std::int64_t g = 0; g < length(groups); ++g)
    for (std::int64_t i = 0; i < size; ++i) {
      const T* const vector = vectors.data() + (g * size + i) * lane;
      to[(groups.first + g) * to_group + i] = std::accumulate(vector, vector + lane, T{0});
    }
}

template <class T>
void ChannelsFirst<T>::take_band(Range band, const T* copy, const T* rhs, T* tails, std::vector<Taps<T>>& taps) const {
  taps.clear();
  const std::int64_t whole = column_.rhs_step == 1 ? column_.kernel / lanes_ : 0,
                     rest = column_.kernel - whole * lanes_;
  for (std::int64_t k = band.first; k < band.second; ++k) {
    const T* const from = copy + (k - band.first) * row_.rhs_dilation * copy_.row_size();
    const T* const factors = rhs + k * row_.rhs_step;
    if (whole > 0) taps.push_back({from, factors, whole, -1});
    if (rest == 0) continue;
    for (std::int64_t i = 0; i < rest; ++i) tails[i] = factors[(whole * lanes_ + i) * column_.rhs_step];
    taps.push_back({from + whole * lanes_, tails, padded(rest) / lanes_, -1});
    tails += padded(rest);
  }
}

template <class T>
void ChannelsFirst<T>::add_grids(const std::vector<Taps<T>>& taps, T* to) const {
  const std::int64_t common = std::gcd(column_.stride, column_.rhs_dilation), apart = column_.rhs_dilation / common;
  for (std::int64_t x = 0; x < std::min(apart, column_.out); ++x)
    for (const Range& columns : equal_pieces((column_.out - x + apart - 1) / apart, kMostSums))
      for (const Range& rows : equal_pieces(row_.out, kMostSums / length(columns))) {
        const std::int64_t first = x + columns.first * apart;
        WindowSums<T> sums{};
        sums.taps = taps.data();
        sums.tap_count = static_cast<std::int64_t>(taps.size());
        sums.lhs_row = row_.stride * copy_.row_size();
        sums.lhs_column = column_.stride / common;
        sums.lhs_start = rows.first * sums.lhs_row + copy_.offset(first * column_.stride);
        sums.lhs_step = sums.rhs_step = sums.width = lanes_;
        sums.rows = length(rows);
        sums.columns = length(columns);
        sums.out_row = column_.out * lanes_;
        sums.out_column = apart * lanes_;
        sums.out = to + rows.first * sums.out_row + first * lanes_;
        sums.add = true;
        run(sums);
      }
}

template <class T>
T* ChannelsFirst<T>::element(std::int64_t g, std::int64_t i) const {
  const std::int64_t x = i % column_.out, y = i / column_.out % row_.out;
  std::int64_t rest = i / column_.out / row_.out;
  const std::int64_t outer = rest % outer_.count();
  rest /= outer_.count();
  return out_ + g * problem_.out_group + rest / problem_.batch * problem_.out_feature +
         rest % problem_.batch * problem_.out_batch + outer_.out_offset(outer) + y * row_.out_step +
         x * column_.out_step;
}

template void ChannelsFirst<float>::compute_sums() const;
template void ChannelsFirst<double>::compute_sums() const;

}  // namespace cotangent::kernels
