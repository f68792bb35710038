// The table of Winograd transforms. Internal; plain data, so that code compiled for different instruction sets can
// share it.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// Grids of vectors of features, which are adjacent: squares, or lines, of one row. Rows, columns, and one grid and the
// next, lie at any distance.
template <class T>
struct Grids {
  T* at;
  std::int64_t row, column, next = 0;
};

// Rows and columns of a grid: from the first to before the last.
struct GridPart {
  std::int64_t row, row_end, column, column_end;
};

// The same transform of one grid after another.
template <class T>
struct GridTransform {
  std::int64_t features;  // a multiple of the lanes
  Grids<const T> from;
  Grids<T> to;
  std::int64_t count = 1;          // of grids
  const GridPart* part = nullptr;  // what exists of `from`, elsewhere 0, or, of contract, of `to`; null: all
  const T* bias = nullptr;         // of contract alone: one for each feature, added to all of the grid; or null
  bool relu = false;               // and what is negative becomes 0
};

constexpr int kWinogradFamilies = 3, kWinogradMostTaps = 5;

// The number of points of a family: 0, 1, -1 and infinity; +-3/8, +-5/4 and infinity; or 0, +-3/4, +-3/2 and infinity.
constexpr int winograd_points(int family) { return 4 + family; }

// The transforms of F(m, r), with m + r - 1 points: y = contract(expand(g) * input(d)). The first index is the family;
// the second one is r - 2 for expand, and m - 2 for contract. Null where m or r is no less than the number of points.
template <class T>
struct WinogradTransforms {
  using Transform = void (*)(const GridTransform<T>&);

  Transform input[kWinogradFamilies];                            // of points to points positions on each axis
  Transform expand[kWinogradFamilies][kWinogradMostTaps - 1];    // of r to points
  Transform contract[kWinogradFamilies][kWinogradMostTaps - 1];  // of points to m
};

template <class T>
struct WinogradKernels {
  WinogradTransforms<T> squares, lines;
};

}  // namespace cotangent::kernels
