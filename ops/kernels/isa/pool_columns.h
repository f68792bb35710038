// The loops of pooling over columns, for the level compiled for. Internal.
#pragma once

#include <cstdint>
#include <limits>

#include "cotangent/ops/kernels/isa/pool_cells.h"

namespace cotangent::kernels::COTANGENT_ISA {

struct ColumnRange {
  std::int64_t begin, end;
};

// The columns that find an element of the run.
inline ColumnRange reached(const Columns& c, const WindowRun& run) {
  const std::int64_t last = c.first + c.count;
  return {run.first > c.first ? run.first : c.first, run.last < last ? run.last : last};
}

// Calls f(k, i, n, elements) for each run k that some of columns [first, first + count) see: n of them from
// first + i on, whose elements of x are laid side by side. Columns are `step` elements of x apart.
template <class T, class F>
void for_each_run_beside(const Columns& c, const T* x, F f) {
  T elements[kBeside];
  for (std::int64_t k = 0; k < c.run_count; ++k) {
    const auto [begin, end] = reached(c, c.runs[k]);
    if (begin >= end) continue;
    copy_every(x + c.runs[k].offset + begin * c.step, c.step, end - begin, elements);
    f(k, begin - c.first, end - begin, static_cast<const T*>(elements));
  }
}

// out[i] = the fold of all elements that column first + i sees, and of `nothing`, which changes none.
template <class Fold, class T>
void fold_columns(const Columns& c, const T* x, T nothing, T* out) {
  namespace simd = Eigen::internal;
  fill_all(out, c.count, nothing);
  for_each_run_beside(c, x, [&](std::int64_t, std::int64_t begin, std::int64_t n, const T* elements) {
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
  ColumnWinners(const Columns& c, const T* x) {
    fill_all(which, c.count, -1);
    fill_all(best, c.count, -std::numeric_limits<T>::infinity());
    for_each_run_beside(c, x, [this](std::int64_t k, std::int64_t begin, std::int64_t n, const T* elements) {
      T* const to = best + begin;
      std::int32_t* const index = which + begin;
      const auto element = static_cast<std::int32_t>(k);
      for (std::int64_t i = 0; i < n; ++i) {
        const T value = elements[i], old = to[i];
        // Not `>`: NaN beats a number, and nothing beats NaN.
        const bool wins = !(value <= old) & (old == old);
        to[i] = wins ? value : old;
        index[i] = wins ? element : index[i];
      }
    });
    std::int32_t signs = 0;
    for (std::int64_t i = 0; i < c.count; ++i) signs |= which[i];
    if (signs >= 0) return;
    for (std::int64_t i = 0; i < c.count; ++i)  // where there was nothing larger than -inf, the first one
      for (std::int64_t k = 0; which[i] < 0 && k < c.run_count; ++k)
        if (c.runs[k].first <= c.first + i && c.first + i < c.runs[k].last) which[i] = static_cast<std::int32_t>(k);
  }

  std::int32_t which[kBeside];
  T best[kBeside];
};

// dx += u[i] at the winner of column first + i; or, if not kAdds, = that, and = 0 at the others that the columns
// see: then windows must partition the input.
template <bool kAdds, class T>
void scatter_to_column_winners(const Columns& c, const T* x, const T* u, T* dx) {
  const ColumnWinners<T> winners(c, x);
  if constexpr (!kAdds)  // the window's last axis is a step long: its runs make up whole lines
    for (std::int64_t k = 0; k < c.run_count; k += c.step)
      fill_all(dx + c.runs[k].offset + c.first * c.step, c.count * c.step, T{0});
  for (std::int64_t i = 0; i < c.count; ++i)
    if (winners.which[i] >= 0) dx[c.runs[winners.which[i]].offset + (c.first + i) * c.step] += u[i];
}

// out[i] = u at the winner of column first + i, 0 if it sees nothing.
template <class T>
void gather_from_column_winners(const Columns& c, const T* x, const T* u, T* out) {
  const ColumnWinners<T> winners(c, x);
  for (std::int64_t i = 0; i < c.count; ++i)
    out[i] = winners.which[i] < 0 ? T{0} : u[c.runs[winners.which[i]].offset + (c.first + i) * c.step];
}

// Writes u[i], or adds it if kAdds, to all elements that column first + i sees.
template <bool kAdds, class T>
void spread_columns(const Columns& c, const T* u, T* dx) {
  for (std::int64_t k = 0; k < c.run_count; ++k) {
    const auto [begin, end] = reached(c, c.runs[k]);
    T* const to = dx + c.runs[k].offset;
    for (std::int64_t i = begin; i < end; ++i) {
      if constexpr (kAdds) to[i * c.step] += u[i - c.first];
      else to[i * c.step] = u[i - c.first];
    }
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
