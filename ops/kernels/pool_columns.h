// The loops of pooling over the columns of a row that have one channel and do not lie side by side in the input.
// Internal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/pool_loops.h"

namespace cotangent::kernels {

// One element of the window, moved along the columns (windows of the last spatial axis) of an output row: the columns
// from `first` up to `last` find it inside the input. `offset` is the input element that column 0 sees, or would see,
// in channel 0.
struct WindowRun {
  std::int64_t element;  // of the window, counted row-major
  std::int64_t offset, first, last;
};

constexpr std::int64_t kBeside = 64;  // columns at a time

// Calls f(k, i, n, elements) for each run k that some of columns [first, first + count) see: n of them from
// first + i on, whose elements of x are laid side by side. Columns are `step` elements of x apart.
template <class T, class F>
void for_each_run_beside(const std::vector<WindowRun>& runs, std::int64_t step, std::int64_t first, std::int64_t count,
                         const T* x, F f) {
  T elements[kBeside];
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const std::int64_t begin = std::max(runs[k].first, first), end = std::min(runs[k].last, first + count);
    if (begin >= end) continue;
    copy_every(x + runs[k].offset + begin * step, step, end - begin, elements);
    f(k, begin - first, end - begin, static_cast<const T*>(elements));
  }
}

// out[i] = the fold of all elements that column first + i sees, and of `nothing`, which changes none.
template <class Fold, class T>
void fold_columns(const std::vector<WindowRun>& runs, std::int64_t step, std::int64_t first, std::int64_t count,
                  const T* x, T nothing, T* out) {
  namespace simd = Eigen::internal;
  std::fill_n(out, count, nothing);
  for_each_run_beside(runs, step, first, count, x,
                      [&](std::size_t, std::int64_t begin, std::int64_t n, const T* elements) {
                        T* const to = out + begin;
                        for_each_packet<T>(n, [&]<class P>(std::int64_t i) {
                          simd::pstoreu(to + i, Fold::of(simd::ploadu<P>(to + i), simd::ploadu<P>(elements + i)));
                        });
                      });
}

// Which run each of these columns has the first largest element in, or the first NaN if there is one; -1 for columns
// that see nothing.
template <class T>
struct ColumnWinners {
  ColumnWinners(const std::vector<WindowRun>& runs, std::int64_t step, std::int64_t first, std::int64_t count,
                const T* x) {
    std::fill_n(which, count, -1);
    std::fill_n(best, count, T{0});
    for_each_run_beside(runs, step, first, count, x,
                        [this](std::size_t k, std::int64_t begin, std::int64_t n, const T* elements) {
                          T* const to = best + begin;
                          std::int32_t* const index = which + begin;
                          const auto element = static_cast<std::int32_t>(k);
                          for (std::int64_t i = 0; i < n; ++i) {
                            const T value = elements[i], old = to[i];
                            // Not `>`: NaN beats a number, and nothing beats NaN.
                            const bool wins = (index[i] < 0) | (!(value <= old) & (old == old));
                            to[i] = wins ? value : old;
                            index[i] = wins ? element : index[i];
                          }
                        });
  }

  std::int32_t which[kBeside];
  T best[kBeside];
};

// dx += u[i] at the winner of column first + i; or, if not kAdds, = that, and = 0 at the others that the columns
// see: then windows must partition the input.
template <bool kAdds, class T>
void scatter_to_column_winners(const std::vector<WindowRun>& runs, std::int64_t step, std::int64_t first,
                               std::int64_t count, const T* x, const T* u, T* dx) {
  const ColumnWinners<T> winners(runs, step, first, count, x);
  if constexpr (!kAdds)  // the window's last axis is a step long: its runs make up whole lines
    for (std::size_t k = 0; k < runs.size(); k += static_cast<std::size_t>(step))
      std::fill_n(dx + runs[k].offset + first * step, count * step, T{0});
  for (std::int64_t i = 0; i < count; ++i)
    if (winners.which[i] >= 0) dx[runs[static_cast<std::size_t>(winners.which[i])].offset + (first + i) * step] += u[i];
}

// out[i] = u at the winner of column first + i, 0 if it sees nothing.
template <class T>
void gather_from_column_winners(const std::vector<WindowRun>& runs, std::int64_t step, std::int64_t first,
                                std::int64_t count, const T* x, const T* u, T* out) {
  const ColumnWinners<T> winners(runs, step, first, count, x);
  for (std::int64_t i = 0; i < count; ++i)
    out[i] =
        winners.which[i] < 0 ? T{0} : u[runs[static_cast<std::size_t>(winners.which[i])].offset + (first + i) * step];
}

// Writes u[i], or adds it if kAdds, to all elements that column first + i sees.
template <bool kAdds, class T>
void spread_columns(const std::vector<WindowRun>& runs, std::int64_t step, std::int64_t first, std::int64_t count,
                    const T* u, T* dx) {
  for (const WindowRun& run : runs) {
    const std::int64_t begin = std::max(run.first, first), end = std::min(run.last, first + count);
    T* const to = dx + run.offset;
    for (std::int64_t i = begin; i < end; ++i) {
      if constexpr (kAdds) to[i * step] += u[i - first];
      else to[i * step] = u[i - first];
    }
  }
}

}  // namespace cotangent::kernels
