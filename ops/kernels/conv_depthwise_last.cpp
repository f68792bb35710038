// Depthwise convolution, channels last: vectors of adjacent channels, read where they lie.
#include "cotangent/ops/kernels/conv_depthwise_last.h"

#include <functional>

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kFetchBytes = 4 << 20;  // of a tensor, from which on it is fetched ahead

// One past the last element, from where the first one is, or null if there are few, or none while planning.
template <class T>
const T* end_of(const T* begin, std::int64_t last) {
  const std::int64_t bytes = (last + 1) * static_cast<std::int64_t>(sizeof(T));
  return begin == nullptr || bytes < kFetchBytes ? nullptr : begin + last + 1;
}

// A place to fetch ahead, `offset` from `from`, if it lies before the end of its tensor and pixels follow each other
// without gaps; a tensor that has no end may have no elements.
template <class T>
const T* ahead_of(const T* from, std::int64_t offset, const T* end, bool dense) {
  return dense && std::less<const T*>()(from + offset, end) ? from + offset : nullptr;
}

}  // namespace

template <class T>
ChannelsLast<T>::ChannelsLast(const ConvProblem& problem, bool long_sums, const T* zeros, const T* lhs, const T* rhs,
                              T* out)
    : problem_(problem),
      row_(problem.axes[problem.axes.size() - 2]),
      column_(problem.axes.back()),
      outer_(problem),
      lhs_(lhs + problem.lhs_offset),
      rhs_(rhs + problem.rhs_offset),
      out_(out + problem.out_offset),
      windows_(row_, column_, long_sums, zeros) {
  std::int64_t lhs_last = (problem.batch - 1) * problem.lhs_batch + (problem.in_features - 1) * problem.lhs_feature,
               rhs_last = (problem.in_features - 1) * problem.rhs_in_feature,
               out_last = (problem.batch - 1) * problem.out_batch;
  for (const ConvAxis& axis : problem.axes) {
    lhs_last += (axis.in - 1) * axis.lhs_step;
    rhs_last += (axis.kernel - 1) * axis.rhs_step;
    out_last += (axis.out - 1) * axis.out_step;
  }
  lhs_end_ = end_of(lhs_, lhs_last);
  rhs_end_ = end_of(rhs_, rhs_last);
  out_end_ = end_of<T>(out_, out_last);
  if (long_sums) make_factor_tiles();
  else make_tiles();
}

// `move` input pixels lie between columns; of those `step` apart from the first on it tells which are inside.
template <class T>
typename ChannelsLast<T>::Tile ChannelsLast<T>::make_tile(std::int64_t column, std::int64_t count, std::int64_t move,
                                                          std::int64_t step) const {
  const std::int64_t pixel = column * move - column_.low;
  return {column, count, pixel, pixel < 0 ? (-pixel + step - 1) / step : 0,
          pixel < column_.in ? (column_.in - 1 - pixel) / step + 1 : 0};
}

// With dilation, columns that meet the same pixels go together. Tiles are of few sizes, and the last one overlaps the
// one before.
template <class T>
void ChannelsLast<T>::make_tiles() {
  const std::int64_t apart = column_.rhs_dilation;
  if (!has_tile(column_.kernel, column_.stride) || (apart > 1 && column_.stride > 1)) return;
  for (std::int64_t x = 0; x < std::min(apart, column_.out); ++x) {
    const std::int64_t count = (column_.out - x + apart - 1) / apart;
    std::int64_t size = 1;
    for (const std::int64_t other : {4, 7, 8})
      if (const auto covered = [&](std::int64_t s) { return (count + s - 1) / s * s; };
          other <= count && (size == 1 || covered(other) <= covered(size)))
        size = other;
    for (std::int64_t i = 0; i < count; i += size)
      tiles_.push_back(make_tile(x + std::min(i, count - size) * apart, size, column_.stride, apart));
  }
  const bool dense = row_.stride == 1 && row_.rhs_dilation == 1 && column_.stride == 1 && apart == 1;
  if (dense && row_.kernel == 3 && column_.kernel == 3 && problem_.in_features * outer_.kernel() == 1)
    for_each_piece(column_.out, 4,
                   [&](Range columns) { pairs_.push_back(make_tile(columns.first, length(columns), 1, 1)); });
}

template <class T>
void ChannelsLast<T>::make_factor_tiles() {
  if (!has_factor_tile(column_.out)) return;
  // With a stride a tile meets twice the pixels, which are read once more for every vector of channels.
  const std::int64_t most = column_.rhs_dilation > 1 && column_.out <= 3 ? kFactors / 2 : kFactors;
  for_each_piece(column_.kernel, most, [&](Range factors) {
    factor_tiles_.push_back(make_tile(factors.first, length(factors), column_.rhs_dilation, 1));
  });
}

template <class T>
void ChannelsLast<T>::forward(std::int64_t m, Range rows, Range channels) const {
  std::vector<Slice> slices;
  TapLists<T> lists;
  std::vector<TapRow<T>> taps;
  for (std::int64_t at = rows.first, last = -1, together = 1; at < rows.second; at += together) {
    const std::int64_t outer = at / row_.out, y = at % row_.out;
    if (outer != last) slices = outer_.slices(last = outer, {0, problem_.in_features});
    together = pairs_.empty() || slices.empty() ? 1 : std::min<std::int64_t>({2, rows.second - at, row_.out - y});
    const T* const from = lhs_ + m * problem_.lhs_batch + channels.first;
    T* const to = out_ + m * problem_.out_batch + outer_.out_offset(outer) + y * row_.out_step + channels.first;
    for (std::int64_t p = 0; p < problem_.out_features; ++p) {
      const T* const factors = rhs_ + p * problem_.rhs_out_feature + channels.first;
      T* const out = to + p * problem_.out_feature;
      if (tiles_.empty()) windows_.sum_row(slices, y, from, factors, out, length(channels), lists);
      else tile_rows(slices, {y, together, from, factors, out, length(channels)}, taps);
    }
  }
}

template <class T>
void ChannelsLast<T>::tile_rows(const std::vector<Slice>& slices, const RowsAt& at,
                                std::vector<TapRow<T>>& taps) const {
  taps.clear();
  const bool pair = at.count == 2;
  const std::int64_t start = at.y * row_.stride - row_.low;
  const Range kernel = pair ? Range{0, 4} : kernel_range(row_, at.y);
  for (const Slice& slice : slices)
    for (std::int64_t k = kernel.first; k < kernel.second; ++k) {
      const std::int64_t y = start + k * row_.rhs_dilation;
      const bool inside = y >= 0 && y < row_.in;
      taps.push_back({inside ? at.lhs + slice.lhs + y * row_.lhs_step : nullptr,
                      at.rhs + slice.rhs + (pair && k == 3 ? 0 : k) * row_.rhs_step});
    }
  PixelTile<T> tile{};
  tile.rows = taps.data();
  tile.row_count = static_cast<std::int64_t>(taps.size());
  tile.taps = column_.kernel;
  tile.stride = column_.stride;
  tile.lhs_step = column_.rhs_dilation * column_.lhs_step;
  tile.rhs_step = column_.rhs_step;
  tile.out_step = column_.rhs_dilation * column_.out_step;
  tile.out_row = row_.out_step;
  tile.width = at.width;
  const bool read = lhs_end_ != nullptr && column_.lhs_step == at.width && !slices.empty(),
             write = out_end_ != nullptr && column_.out_step == at.width;
  const T* next = at.lhs;  // the first input row that these rows do not read, if any
  if (read) next += slices.back().lhs + (start + (row_.kernel - 1) * row_.rhs_dilation + at.count) * row_.lhs_step;
  for (const Tile& some : pair ? pairs_ : tiles_) {
    tile.columns = some.count;
    tile.lhs_start = some.pixel * column_.lhs_step;
    tile.first = some.first;
    tile.last = some.last;
    tile.out = at.out + some.column * column_.out_step;
    const std::int64_t pixel = some.column * column_.stride * column_.lhs_step;
    for (std::int64_t i = 0; i < 2; ++i) {
      const bool used = i < (pair ? 2 : row_.stride);
      tile.ahead.lhs[i] = ahead_of(next, pixel + i * row_.lhs_step, lhs_end_, read && used);
      tile.ahead.out[i] = ahead_of<T>(tile.out, (at.count + i) * row_.out_step, out_end_, write && i < at.count);
    }
    pair ? kernels_.tile_pair(tile) : kernels_.tile(tile);
  }
}

template <class T>
void ChannelsLast<T>::add_sums(Range kernel_rows, Range channels, T* to, std::int64_t to_step) const {
  const std::int64_t per_feature = outer_.kernel() * row_.kernel;
  if (per_feature == 0) return;
  TapLists<T> lists;
  for (std::int64_t i = kernel_rows.first / per_feature; i * per_feature < kernel_rows.second; ++i)
    for (std::int64_t p = 0; p < problem_.out_features; ++p)
      for (std::int64_t m = 0; m < problem_.batch; ++m)
        for (std::int64_t o = 0; o < outer_.count(); ++o) {
          const std::int64_t place = ((p * problem_.batch + m) * outer_.count() + o) * row_.out * column_.out;
          const T* const lhs = lhs_ + m * problem_.lhs_batch + channels.first;
          const T* const rhs = rhs_ + p * problem_.rhs_out_feature + channels.first;
          for (const Slice& slice : outer_.slices(o, {i, i + 1})) {
            const std::int64_t start = i * per_feature + slice.kernel * row_.kernel;
            const Range part{std::clamp<std::int64_t>(kernel_rows.first - start, 0, row_.kernel),
                             std::clamp<std::int64_t>(kernel_rows.second - start, 0, row_.kernel)};
            if (part.first == part.second) continue;
            T* const sums = to + place * to_step;
            if (factor_tiles_.empty())
              windows_.add_rows(part, lhs + slice.lhs, rhs + slice.rhs, sums, to_step, length(channels), lists);
            else add_tiles(part, lhs + slice.lhs, rhs + slice.rhs, sums, to_step, length(channels));
          }
        }
}

template <class T>
void ChannelsLast<T>::add_tiles(Range kernel, const T* lhs, const T* rhs, T* to, std::int64_t to_step,
                                std::int64_t width) const {
  FactorTile<T> tile{};
  tile.sums = column_.out;
  tile.sum_pixels = column_.stride;
  tile.factor_pixels = column_.rhs_dilation;
  tile.sum_step = column_.stride * column_.lhs_step;
  tile.factor_step = column_.rhs_dilation * column_.lhs_step;
  tile.rhs_step = column_.rhs_step;
  tile.out_step = to_step;
  tile.width = width;
  const bool read_lhs = lhs_end_ != nullptr && column_.lhs_step == width,
             read_rhs = rhs_end_ != nullptr && column_.rhs_step == width;
  const std::int64_t together = gradient_rows(tile.sums);
  for (std::int64_t k = kernel.first; k < kernel.second; ++k) {
    const std::int64_t start = k * row_.rhs_dilation - row_.low;
    const std::int64_t next = (start + (row_.out - 1) * row_.stride + 1) * row_.lhs_step;
    for (const Tile& some : factor_tiles_)
      for (std::int64_t y = 0; y < row_.out; y += together) {
        tile.rows = 0;
        for (std::int64_t r = y; r < std::min(y + together, row_.out); ++r) {
          const std::int64_t at = start + r * row_.stride;
          if (at < 0 || at >= row_.in) continue;
          tile.lhs[tile.rows] = lhs + at * row_.lhs_step + some.pixel * column_.lhs_step;
          tile.out[tile.rows++] = to + r * column_.out * to_step;
        }
        if (tile.rows == 0) continue;
        tile.rhs = rhs + k * row_.rhs_step + some.column * column_.rhs_step;
        tile.count = some.count;
        tile.first = some.first;
        tile.last = some.last;
        const std::int64_t pixel = some.column * tile.factor_step;
        for (std::int64_t i = 0; i < 2; ++i)
          tile.ahead.lhs[i] =
              ahead_of(lhs, next + pixel + i * row_.lhs_step, lhs_end_, read_lhs && y == 0 && i < row_.rhs_dilation);
        tile.ahead.rhs = ahead_of(tile.rhs, row_.rhs_step, rhs_end_, read_rhs && y == 0);
        kernels_.add_gradient(tile);
      }
  }
}

template <class T>
T* ChannelsLast<T>::element(std::int64_t position) const {
  const std::int64_t x = position % column_.out, y = position / column_.out % row_.out;
  std::int64_t rest = position / column_.out / row_.out;
  const std::int64_t outer = rest % outer_.count();
  rest /= outer_.count();
  return out_ + rest / problem_.batch * problem_.out_feature + rest % problem_.batch * problem_.out_batch +
         outer_.out_offset(outer) + y * row_.out_step + x * column_.out_step;
}

template class ChannelsLast<float>;
template class ChannelsLast<double>;

}  // namespace cotangent::kernels
