// Depthwise convolution, channels last: vectors of adjacent channels, read where they lie.
#include <array>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kRowsTogether = 4;  // rows of a kernel that are summed before they join a longer sum

// Kernel positions of the last axis, for a block of columns: a run that all columns read inside the input, or a single
// one of which some columns read zeros.
struct ColumnTaps {
  std::int64_t first, count;
  bool whole;
};

// A grid of sums: adjacent output positions on the last two axes.
struct Grid {
  Range rows, columns;
  std::vector<ColumnTaps> taps;
  bool swapped() const { return length(rows) > length(columns); }  // kernels want few rows
};

std::vector<ColumnTaps> column_taps(const ConvAxis& axis, Range columns) {
  const std::int64_t reach = (length(columns) - 1) * axis.stride;
  std::vector<ColumnTaps> taps;
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    const std::int64_t first = columns.first * axis.stride + k * axis.rhs_dilation - axis.low;
    if (first + reach < 0 || first >= axis.in) continue;  // with gaps between columns none may be inside; no harm
    const bool whole = first >= 0 && first + reach < axis.in;
    if (whole && !taps.empty() && taps.back().whole && taps.back().first + taps.back().count == k) ++taps.back().count;
    else taps.push_back({k, 1, whole});
  }
  return taps;
}

// One problem without lhs dilation.
template <class T>
class ChannelsLast {
 public:
  ChannelsLast(const ConvProblem& problem, bool long_sums, const T* zeros, const T* lhs, const T* rhs, T* out)
      : problem_(problem),
        row_(problem.axes[problem.axes.size() - 2]),
        column_(problem.axes.back()),
        outer_(problem),
        zeros_(zeros),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset) {
    const bool dense = row_.stride == 1 && row_.rhs_dilation == 1 && column_.stride == 1 && column_.rhs_dilation == 1;
    slides_ = dense && row_.kernel == 3 && column_.kernel == 3 && problem.in_features * outer_.kernel() == 1;
    slides_gradient_ = dense && row_.out == 3 && column_.out == 3;
    for (const Range& columns : equal_pieces(column_.out, kMostSums)) {
      const auto rows = long_sums ? equal_pieces(row_.out, kMostSums / length(columns)) : std::vector<Range>{{0, 1}};
      for (const Range& some : rows) grids_.push_back({some, columns, column_taps(column_, columns)});
    }
  }

  std::int64_t rows() const { return outer_.count() * row_.out; }

  // Rows of the output of batch entry m, for some channels.
  void forward(std::int64_t m, Range rows, Range channels) const {
    std::vector<Slice> slices;
    Taker taker;
    for (std::int64_t at = rows.first, last = -1, together = 1; at < rows.second; at += together) {
      const std::int64_t outer = at / row_.out, y = at % row_.out;
      if (outer != last) slices = outer_.slices(last = outer, {0, problem_.in_features});
      const bool slides = slides_ && !slices.empty();
      together = slides ? std::min<std::int64_t>({2, rows.second - at, row_.out - y}) : 1;
      const T* const from = lhs_ + m * problem_.lhs_batch + channels.first;
      T* const to = out_ + m * problem_.out_batch + outer_.out_offset(outer) + y * row_.out_step + channels.first;
      for (std::int64_t p = 0; p < problem_.out_features; ++p) {
        const T* const factors = rhs_ + p * problem_.rhs_out_feature + channels.first;
        T* const out = to + p * problem_.out_feature;
        if (slides) slide(slices.front(), y, together, from, factors, out, length(channels));
        else sum_row(slices, y, from, factors, out, length(channels), taker);
      }
    }
  }

  // The sums over a range of rows of the kernel (of all input features and slices), for some channels: added to
  // `to`, which has a row of vectors for every output feature and position.
  void add_sums(Range kernel_rows, Range channels, T* to, std::int64_t to_step) const {
    const std::int64_t per_feature = outer_.kernel() * row_.kernel;
    if (per_feature == 0) return;
    Taker taker;
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
              if (slides_gradient_)
                slide_gradient(part, lhs + slice.lhs, rhs + slice.rhs, to + place * to_step, to_step, length(channels));
              else
                add_rows(part, lhs + slice.lhs, rhs + slice.rhs, to + place * to_step, to_step, length(channels),
                         taker);
            }
          }
  }

  std::int64_t kernel_rows() const { return problem_.in_features * outer_.kernel() * row_.kernel; }
  std::int64_t positions() const {
    return problem_.out_features * problem_.batch * outer_.count() * row_.out * column_.out;
  }
  // Where the element of group 0 at a position of add_sums() belongs in the output.
  T* element(std::int64_t position) const {
    const std::int64_t x = position % column_.out, y = position / column_.out % row_.out;
    std::int64_t rest = position / column_.out / row_.out;
    const std::int64_t outer = rest % outer_.count();
    rest /= outer_.count();
    return out_ + rest / problem_.batch * problem_.out_feature + rest % problem_.batch * problem_.out_batch +
           outer_.out_offset(outer) + y * row_.out_step + x * column_.out_step;
  }

 private:
  struct Taker {
    std::vector<Taps<T>> taps;
    std::vector<const T*> places;
    void clear() {
      taps.clear();
      places.clear();
    }
  };

  // Appends the taps of a row of the kernel. `inside` tells which rows of the grid read it inside the input, and `lhs`
  // is where the first of them does or would.
  void take_row(const Grid& grid, Range inside, const T* lhs, const T* rhs, Taker& to) const {
    const std::int64_t rows = length(grid.rows), columns = length(grid.columns);
    const bool whole_rows = length(inside) == rows;
    for (const ColumnTaps& tap : grid.taps) {
      const T* const factor = rhs + tap.first * column_.rhs_step;
      const std::int64_t x = grid.columns.first * column_.stride + tap.first * column_.rhs_dilation - column_.low;
      if (whole_rows && tap.whole) {
        to.taps.push_back({lhs + x * column_.lhs_step, factor, tap.count, -1});
        continue;
      }
      for (std::int64_t k = 0; k < tap.count; ++k) {
        to.taps.push_back({nullptr, factor + k * column_.rhs_step, 1, static_cast<std::int64_t>(to.places.size())});
        const std::int64_t first = x + k * column_.rhs_dilation;
        const auto place = [&](std::int64_t r, std::int64_t c) {
          const std::int64_t at = first + c * column_.stride;
          const bool read = r >= inside.first && r < inside.second && at >= 0 && at < column_.in;
          to.places.push_back(read ? lhs + r * row_.stride * row_.lhs_step + at * column_.lhs_step : zeros_);
        };
        for (std::int64_t i = 0; i < (grid.swapped() ? columns : rows); ++i)
          for (std::int64_t j = 0; j < (grid.swapped() ? rows : columns); ++j)
            grid.swapped() ? place(j, i) : place(i, j);
      }
    }
  }

  void sum(const Grid& grid, const Taker& taker, T* out, std::int64_t out_row, std::int64_t out_column,
           std::int64_t width, bool add, const Ahead<T>& ahead = {}) const {
    WindowSums<T> sums{taker.taps.data(),
                       static_cast<std::int64_t>(taker.taps.size()),
                       taker.places.data(),
                       0,
                       column_.rhs_dilation * column_.lhs_step,
                       column_.rhs_step,
                       length(grid.rows),
                       length(grid.columns),
                       row_.stride * row_.lhs_step,
                       column_.stride * column_.lhs_step,
                       out_row,
                       out_column,
                       out,
                       width,
                       false,
                       add,
                       add,
                       ahead};
    if (grid.swapped()) {
      std::swap(sums.rows, sums.columns);
      std::swap(sums.lhs_row, sums.lhs_column);
      std::swap(sums.out_row, sums.out_column);
    }
    kernels_.sum_windows(sums);
  }

  // A row of output, by blocks of columns.
  void sum_row(const std::vector<Slice>& slices, std::int64_t y, const T* lhs, const T* rhs, T* out, std::int64_t width,
               Taker& taker) const {
    const Range kernel = kernel_range(row_, y);
    for (const Grid& grid : grids_) {
      taker.clear();
      for (const Slice& slice : slices)
        for (std::int64_t k = kernel.first; k < kernel.second; ++k) {
          const std::int64_t at = y * row_.stride + k * row_.rhs_dilation - row_.low;
          take_row(grid, {0, 1}, lhs + slice.lhs + at * row_.lhs_step, rhs + slice.rhs + k * row_.rhs_step, taker);
        }
      Ahead<T> ahead{};
      if (&grid == &grids_.front() && !slices.empty()) {
        const std::int64_t seen = y * row_.stride + (row_.kernel - 1) * row_.rhs_dilation - row_.low + 1;
        look_ahead(ahead, seen, std::min<std::int64_t>(row_.stride, 6), lhs + slices.front().lhs, width);
        if (y + 1 < row_.out) ahead.add(out + row_.out_step);
      }
      sum(grid, taker, out + grid.columns.first * column_.out_step, row_.out_step, column_.out_step, width, false,
          ahead);
    }
  }

  // Some rows of the kernel, for all output positions on the last two axes.
  void add_rows(Range kernel, const T* lhs, const T* rhs, T* to, std::int64_t to_step, std::int64_t width,
                Taker& taker) const {
    for (std::int64_t k = kernel.first; k < kernel.second; k += kRowsTogether)
      for (const Grid& grid : grids_) {
        taker.clear();
        for (std::int64_t j = k; j < std::min(k + kRowsTogether, kernel.second); ++j) {
          const std::int64_t at = grid.rows.first * row_.stride + j * row_.rhs_dilation - row_.low;
          Range inside{length(grid.rows), 0};
          for (std::int64_t r = 0; r < length(grid.rows); ++r)
            if (const std::int64_t read = at + r * row_.stride; read >= 0 && read < row_.in)
              inside = {std::min(inside.first, r), r + 1};
          if (inside.first < inside.second)
            take_row(grid, inside, lhs + at * row_.lhs_step, rhs + j * row_.rhs_step, taker);
        }
        Ahead<T> ahead{};
        if (&grid == &grids_.front()) {
          const std::int64_t seen =
              (k + kRowsTogether - 1) * row_.rhs_dilation + (row_.out - 1) * row_.stride - row_.low + 1;
          look_ahead(ahead, seen, std::min<std::int64_t>(kRowsTogether * row_.rhs_dilation, 6), lhs, width);
          for (std::int64_t j = k + kRowsTogether; j < std::min(k + 2 * kRowsTogether, kernel.second); ++j)
            ahead.add(rhs + j * row_.rhs_step);
        }
        if (!taker.taps.empty())
          sum(grid, taker, to + (grid.rows.first * column_.out + grid.columns.first) * to_step, column_.out * to_step,
              to_step, width, true, ahead);
      }
  }

  // Asks for input rows from `first` on, where they are dense.
  void look_ahead(Ahead<T>& ahead, std::int64_t first, std::int64_t count, const T* lhs, std::int64_t width) const {
    ahead.elements = width == column_.lhs_step ? column_.in * column_.lhs_step : 0;
    for (std::int64_t i = std::max<std::int64_t>(0, first); i < std::min(first + count, row_.in); ++i)
      ahead.add(lhs + i * row_.lhs_step);
  }

  // The input rows from `first` on.
  void set_rows(SlidingRows<T>& rows, std::int64_t first, const T* lhs) const {
    const std::int64_t skipped = std::max<std::int64_t>(0, -column_.low);  // negative padding
    for (std::int64_t i = 0; i < rows.rows + 2; ++i) {
      const bool inside = first + i >= 0 && first + i < row_.in;
      rows.lhs[i] = inside ? lhs + (first + i) * row_.lhs_step + skipped * column_.lhs_step : zeros_;
      rows.lhs_step[i] = inside ? column_.lhs_step : 0;
    }
    rows.in = column_.in - skipped;
    rows.low = column_.low + skipped;
  }

  void slide(const Slice& slice, std::int64_t y, std::int64_t count, const T* lhs, const T* rhs, T* out,
             std::int64_t width) const {
    SlidingRows<T> rows{};
    rows.rows = count;
    set_rows(rows, y - row_.low, lhs + slice.lhs);
    rows.out_pixels = column_.out;
    rows.width = width;
    rows.rhs[0] = rhs + slice.rhs;
    rows.rhs_row = row_.rhs_step;
    rows.rhs_step = column_.rhs_step;
    for (std::int64_t r = 0; r < count; ++r) rows.out[r] = out + r * row_.out_step;
    rows.out_step = column_.out_step;
    look_ahead(rows.ahead, y - row_.low + count + 2, 2, lhs + slice.lhs, width);
    for (std::int64_t r = 0; r < std::min<std::int64_t>(2, row_.out - y - count); ++r)
      rows.ahead.add(out + (count + r) * row_.out_step);
    kernels_.slide(rows);
  }

  void slide_gradient(Range kernel, const T* lhs, const T* rhs, T* to, std::int64_t to_step, std::int64_t width) const {
    for (std::int64_t k = kernel.first; k < kernel.second; k += 2) {
      SlidingRows<T> rows{};
      rows.rows = std::min<std::int64_t>(2, kernel.second - k);
      set_rows(rows, k - row_.low, lhs);
      rows.out_pixels = column_.kernel;
      rows.width = width;
      for (std::int64_t r = 0; r < rows.rows; ++r) rows.rhs[r] = rhs + (k + r) * row_.rhs_step;
      rows.rhs_step = column_.rhs_step;
      rows.out[0] = to;
      rows.out_row = 3 * to_step;
      rows.out_step = to_step;
      rows.add = true;
      look_ahead(rows.ahead, k - row_.low + rows.rows + 2, 2, lhs, width);
      for (std::int64_t r = k + 2; r < std::min(k + 4, kernel.second); ++r) rows.ahead.add(rhs + r * row_.rhs_step);
      kernels_.slide_gradient(rows);
    }
  }

  const ConvProblem& problem_;
  const ConvAxis row_, column_;
  const OuterPositions outer_;
  const T *zeros_, *lhs_, *rhs_;
  T* out_;
  bool slides_, slides_gradient_;
  std::vector<Grid> grids_;
  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
};

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
  std::int64_t elements() const { return splits * positions * padded; }
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
  const std::int64_t splits = plan.splits, padded = plan.padded, positions = plan.positions;
  const auto blocks = channel_blocks(problem.groups, plan.tasks / splits);
  const auto block_count = static_cast<std::int64_t>(blocks.size());
  const std::int64_t lanes = table<DepthwiseKernels<T>>().lanes;
  const Elements<T> partial(plan.elements());
  parallel_for(splits * block_count, 1, [&](std::int64_t task, std::int64_t) {
    const Range channels = blocks[static_cast<std::size_t>(task % block_count)];
    const std::int64_t split = task / block_count, size = (length(channels) + lanes - 1) / lanes * lanes;
    T* const to = partial.data() + split * positions * padded + channels.first;
    for (std::int64_t i = 0; i < positions; ++i) std::fill_n(to + i * padded, size, T{0});
    part.add_sums({part.kernel_rows() * split / splits, part.kernel_rows() * (split + 1) / splits}, channels, to,
                  padded);
  });
  // Vectors do not overlap in the partial sums, but the last ones of lhs and rhs may have.
  const std::int64_t whole = problem.groups / lanes * lanes;
  parallel_for(positions, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t position = begin; position < end; ++position) {
      T* const sum = partial.data() + position * padded;
      for (std::int64_t split = 1; split < splits; ++split) {
        const T* const more = sum + split * positions * padded;
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
