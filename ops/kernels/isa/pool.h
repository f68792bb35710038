// The table of pooling's kernels, for neighbouring outputs and the input elements beneath them. Internal; plain data.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// `count` elements of the window, moved along n neighbouring outputs: output i sees input elements offsets[k] + i. And
// along `columns` such groups of outputs, which follow each other and see input elements that are `step` apart.
struct Cell {
  const std::int64_t* offsets;
  std::int64_t count, n, columns, step;
};

// One element of the window, moved along the columns (windows of the last spatial axis) of an output row: the columns
// from `first` up to `last` find it inside the input. `offset` is the input element that column 0 sees, or would see,
// in channel 0.
struct WindowRun {
  std::int64_t element;  // of the window, counted row-major
  std::int64_t offset, first, last;
};

constexpr std::int64_t kBeside = 64;  // columns at a time

// Columns [first, first + count) of a row, at most kBeside, with one channel: `step` input elements apart, not 1.
struct Columns {
  const WindowRun* runs;
  std::int64_t run_count, step, first, count;
};

// What pooling does with outputs of one kind, Cell or Columns: number i of them is out[i] or u[i]. An output's winner
// is its first largest element, or its first NaN if there is one.
template <class T, class Outputs>
struct PoolLoops {
  // out = the fold of all elements that it sees, `nothing`, which changes none, if there are none.
  using Fold = void (*)(const Outputs&, const T* x, T nothing, T* out);
  Fold largest;  // NaN if one is
  Fold sum;

  // dx at the winner = u, and 0 at the others that the outputs see; or `add_...`, added to what is there. The former is
  // for windows that partition the input.
  using Scatter = void (*)(const Outputs&, const T* x, const T* u, T* dx);
  Scatter scatter, add_scatter;

  // out = u at the winner, 0 if it sees nothing.
  void (*gather)(const Outputs&, const T* x, const T* u, T* out);

  // dx = u, or added to, at all elements that it sees.
  using Spread = void (*)(const Outputs&, const T* u, T* dx);
  Spread spread, add_spread;
};

template <class T>
struct PoolKernels {
  PoolLoops<T, Cell> cells;
  PoolLoops<T, Columns> columns;

  const PoolLoops<T, Cell>& of(const Cell&) const { return cells; }
  const PoolLoops<T, Columns>& of(const Columns&) const { return columns; }
};

}  // namespace cotangent::kernels
