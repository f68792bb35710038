// Depthwise convolution, channels first: vectors of adjacent pixels, from a copy of a band of a channel that has zeros
// around it.
#include <numeric>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kBandBytes = 20 << 10;  // of a copy, so that it stays in the nearest cache
constexpr std::int64_t kTaskProducts = 1 << 16;

// One of two things that an input position depends on, on an axis: output or kernel positions.
struct Moves {
  std::int64_t extent, step;
};

// Copies of input rows. Vectors run along `vector`, so every vector.step-th pixel is adjacent in the copy: a row is cut
// into phases, of which those that `other` needs are there. Around them the memory of a copy holds zeros.
template <class T>
class Band {
 public:
  Band(const ConvAxis& row, const ConvAxis& column, Moves vector, Moves other, std::int64_t lanes)
      : row_(row), step_(vector.step) {
    other.extent = std::max<std::int64_t>(1, other.extent);  // a kernel may have none
    const std::int64_t reach = (other.extent - 1) * other.step / step_;
    pitch_ = (vector.extent + lanes - 1) / lanes * lanes + reach + 1;
    for (std::int64_t k = 0; k < std::min(other.extent, step_); ++k) {
      const std::int64_t phase = k * other.step % step_, skipped = column.low - phase;
      if (find(phase) != phases_.end()) continue;
      const std::int64_t first = std::clamp<std::int64_t>(skipped > 0 ? (skipped + step_ - 1) / step_ : 0, 0, pitch_);
      const std::int64_t beyond = column.in + skipped;
      const std::int64_t last = std::clamp<std::int64_t>(beyond > 0 ? (beyond + step_ - 1) / step_ : 0, first, pitch_);
      phases_.push_back({phase, first, last, first * step_ - skipped});
    }
  }

  std::int64_t row_size() const { return pitch_ * static_cast<std::int64_t>(phases_.size()); }

  // Where, in a row, the first vector reads when the other position moves it by so many pixels.
  std::int64_t offset(std::int64_t pixels) const {
    return (find(pixels % step_) - phases_.begin()) * pitch_ + pixels / step_;
  }

  // Copies `count` input rows from `first` on, some of which may lie outside; `from` is row 0.
  void copy(std::int64_t first, std::int64_t count, const T* from, T* to) const {
    const std::int64_t size = row_size(), begin = std::clamp<std::int64_t>(-first, 0, count),
                       end = std::clamp<std::int64_t>(row_.in - first, begin, count);
    std::fill(to, to + begin * size, T{0});
    std::fill(to + end * size, to + count * size, T{0});
    if (begin == end) return;
    for (std::size_t i = 0; i < phases_.size(); ++i) {
      const Phase& phase = phases_[i];
      kernels_.take({end - begin, phase.last - phase.first, step_, from + (first + begin) * row_.lhs_step + phase.from,
                     row_.lhs_step, to + begin * size + static_cast<std::int64_t>(i) * pitch_ + phase.first, size});
    }
  }

 private:
  // Pixels phase, phase + step, ...: those inside the input are [first, last), and come from pixel `from` on.
  struct Phase {
    std::int64_t phase, first, last, from;
  };
  typename std::vector<Phase>::const_iterator find(std::int64_t phase) const {
    return std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) { return p.phase == phase; });
  }

  const ConvAxis row_;
  const std::int64_t step_;
  std::int64_t pitch_;
  std::vector<Phase> phases_;
  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
};

// One problem without lhs dilation.
template <class T>
class ChannelsFirst {
 public:
  ChannelsFirst(const ConvProblem& problem, bool long_sums, const T* lhs, const T* rhs, T* out)
      : problem_(problem),
        row_(problem.axes[problem.axes.size() - 2]),
        column_(problem.axes.back()),
        outer_(problem),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset),
        out_moves_{column_.out, column_.stride},
        kernel_moves_{column_.kernel, column_.rhs_dilation},
        copy_(row_, column_, long_sums ? kernel_moves_ : out_moves_, long_sums ? out_moves_ : kernel_moves_, lanes_) {}

  // The output, by bands of rows.
  void compute() const {
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

  // The output as sums over parts of the input features, added in order.
  void compute_sums() const {
    const std::int64_t features = problem_.in_features, splits = sum_splits(), size = sum_size();
    const Elements<T> partial(problem_.groups * splits * size);
    parallel_for(problem_.groups * splits, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t split = task % splits;
      sum_features(task / splits, {features * split / splits, features * (split + 1) / splits},
                   partial.data() + task * size);
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

  // The most elements that either of them allocates.
  std::int64_t compute_workspace() const {
    const auto bands = row_bands();
    return bands.empty() ? 0 : num_threads() * (band_copy_size(bands) + band_tile_size(bands));
  }
  std::int64_t compute_sums_workspace() const {
    const std::int64_t most = most_rows(kernel_bands());
    return problem_.groups * sum_splits() * sum_size() +
           num_threads() * (sum_size() * lanes_ + kernel_copy_size(most) + most * padded(column_.kernel));
  }

 private:
  std::int64_t padded(std::int64_t extent) const { return (extent + lanes_ - 1) / lanes_ * lanes_; }

  void compute_band(std::int64_t m, std::int64_t outer, const std::vector<Slice>& slices, std::int64_t g, Range band,
                    T* copy, T* tile, std::vector<Taps<T>>& taps) const {
    const std::int64_t rows =
        (length(band) - 1) * row_.stride + std::max<std::int64_t>(0, row_.kernel - 1) * row_.rhs_dilation + 1;
    const std::int64_t slice_size = rows * copy_.row_size();
    for (std::size_t s = 0; s < slices.size(); ++s)
      copy_.copy(band.first * row_.stride - row_.low, rows,
                 lhs_ + g * problem_.lhs_group + m * problem_.lhs_batch + slices[s].lhs,
                 copy + static_cast<std::int64_t>(s) * slice_size);
    const bool direct = column_.out_step == 1 && column_.out >= lanes_;
    for (std::int64_t p = 0; p < problem_.out_features; ++p) {
      const T* const rhs = rhs_ + g * problem_.rhs_group + p * problem_.rhs_out_feature;
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
      T* const out = out_ + g * problem_.out_group + m * problem_.out_batch + p * problem_.out_feature +
                     outer_.out_offset(outer) + band.first * row_.out_step;
      const std::int64_t out_row = direct ? row_.out_step : padded(column_.out);
      sum_rows(length(band), taps, direct ? out : tile, out_row);
      if (direct) continue;
      kernels_.put({length(band), column_.out, column_.out_step, tile, out_row, out, row_.out_step});
    }
  }

  // Whole vectors of so many rows, and then the last vector of each, which may overlap the one before.
  void sum_rows(std::int64_t rows, const std::vector<Taps<T>>& taps, T* out, std::int64_t out_row) const {
    const std::int64_t vectors = std::max<std::int64_t>(1, column_.out / lanes_);
    for_each_piece(vectors, 4, [&](Range columns) {
      for_each_piece(rows, kMostSums / length(columns),
                     [&](Range some) { sum_grid(taps, some, length(columns), columns.first * lanes_, out, out_row); });
    });
    if (column_.out > vectors * lanes_)
      for_each_piece(rows, kMostSums, [&](Range some) { sum_grid(taps, some, 1, column_.out - lanes_, out, out_row); });
  }

  void sum_grid(const std::vector<Taps<T>>& taps, Range rows, std::int64_t vectors, std::int64_t first, T* out,
                std::int64_t out_row) const {
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

  void run(WindowSums<T>& sums) const {
    if (sums.rows > sums.columns) {  // kernels want few rows
      std::swap(sums.rows, sums.columns);
      std::swap(sums.lhs_row, sums.lhs_column);
      std::swap(sums.out_row, sums.out_column);
    }
    kernels_.sum_windows(sums);
  }

  // Of the output.
  std::vector<Range> row_bands() const {
    const std::int64_t row_bytes =
        copy_.row_size() * slice_count() * row_.stride * static_cast<std::int64_t>(sizeof(T));
    return equal_pieces(row_.out, std::max<std::int64_t>(12, kBandBytes / std::max<std::int64_t>(1, row_bytes)));
  }
  std::int64_t slice_count() const { return problem_.in_features * outer_.kernel(); }
  std::int64_t band_copy_size(const std::vector<Range>& bands) const {
    return slice_count() * ((length(bands[0]) + 1) * row_.stride + row_.kernel * row_.rhs_dilation) * copy_.row_size();
  }
  std::int64_t band_tile_size(const std::vector<Range>& bands) const {
    return (length(bands[0]) + 1) * padded(column_.out);
  }

  // Of sums: parts that are added, elements of each, and the most rows of the kernel that are taken at once.
  std::int64_t sum_splits() const {
    const std::int64_t features = problem_.in_features;
    return std::clamp<std::int64_t>(task_count(product_count(problem_), problem_.groups * features) / problem_.groups,
                                    1, features);
  }
  std::int64_t sum_size() const {
    return problem_.out_features * problem_.batch * outer_.count() * row_.out * column_.out;
  }
  std::vector<Range> kernel_bands() const {
    const std::int64_t row_bytes = copy_.row_size() * row_.rhs_dilation * static_cast<std::int64_t>(sizeof(T));
    return equal_pieces(row_.kernel, std::max<std::int64_t>(8, kBandBytes / row_bytes));
  }
  static std::int64_t most_rows(const std::vector<Range>& bands) { return bands.empty() ? 0 : length(bands[0]) + 1; }
  std::int64_t kernel_copy_size(std::int64_t most) const {
    return (most * row_.rhs_dilation + row_.out * row_.stride) * copy_.row_size();
  }

  // The sums of a group over some input features: `to` has an element for every output feature and position.
  void sum_features(std::int64_t g, Range features, T* to) const {
    const std::int64_t positions = row_.out * column_.out, all = problem_.batch * outer_.count();
    const std::int64_t size = sum_size(), lane = lanes_;
    const Elements<T> vectors(size * lane, true);
    const auto bands = kernel_bands();
    const std::int64_t most = most_rows(bands);
    const Elements<T> copy(kernel_copy_size(most), true);
    const Elements<T> tails(most * padded(column_.kernel), true);
    std::vector<Taps<T>> taps;
    for (std::int64_t index = 0; index < all; ++index)
      for (const Slice& slice : outer_.slices(index % outer_.count(), features))
        for (const Range& band : bands) {
          const std::int64_t rows = (length(band) - 1) * row_.rhs_dilation + (row_.out - 1) * row_.stride + 1;
          copy_.copy(band.first * row_.rhs_dilation - row_.low, rows,
                     lhs_ + g * problem_.lhs_group + index / outer_.count() * problem_.lhs_batch + slice.lhs,
                     copy.data());
          for (std::int64_t p = 0; p < problem_.out_features; ++p) {
            const T* const rhs = rhs_ + g * problem_.rhs_group + p * problem_.rhs_out_feature + slice.rhs;
            take_band(band, copy.data(), rhs, tails.data(), taps);
            add_grids(taps, vectors.data() + (p * all + index) * positions * lane);
          }
        }
    for (std::int64_t i = 0; i < size; ++i)
      to[i] = std::accumulate(vectors.data() + i * lane, vectors.data() + (i + 1) * lane, T{0});
  }

  // The taps of a band of kernel rows: whole vectors where they lie, the rest of a row from a copy with zeros after it.
  void take_band(Range band, const T* copy, const T* rhs, T* tails, std::vector<Taps<T>>& taps) const {
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

  // Adds the taps to the vectors of all output positions. Columns whose copies lie at equal distances go together.
  void add_grids(const std::vector<Taps<T>>& taps, T* to) const {
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

  T* element(std::int64_t g, std::int64_t i) const {
    const std::int64_t x = i % column_.out, y = i / column_.out % row_.out;
    std::int64_t rest = i / column_.out / row_.out;
    const std::int64_t outer = rest % outer_.count();
    rest /= outer_.count();
    return out_ + g * problem_.out_group + rest / problem_.batch * problem_.out_feature +
           rest % problem_.batch * problem_.out_batch + outer_.out_offset(outer) + y * row_.out_step +
           x * column_.out_step;
  }

  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
  const std::int64_t lanes_ = kernels_.lanes;
  const ConvProblem& problem_;
  const ConvAxis row_, column_;
  const OuterPositions outer_;
  const T *lhs_, *rhs_;
  T* out_;
  const Moves out_moves_, kernel_moves_;
  const Band<T> copy_;
};

}  // namespace

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
