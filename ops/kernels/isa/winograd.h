// The table of Winograd transforms. Internal; plain data, so that code compiled for different instruction sets can
// share it.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// One transform of a square grid of vectors of features into another square grid. Features are adjacent; rows and
// columns of both grids lie at any distance.
template <class T>
struct GridTransform {
  std::int64_t features;  // a multiple of the lanes
  const T* from;
  std::int64_t from_row, from_column;
  T* to;
  std::int64_t to_row, to_column;
  const T* bias = nullptr;  // of contract alone: one for each feature, added to all of the grid; or null
  bool relu = false;        // and what is negative becomes 0
};

constexpr int kWinogradFamilies = 2, kWinogradMostTaps = 5;

// The number of points of a family: 0, 1, -1 and infinity, or 0, +-3/4, +-3/2 and infinity.
constexpr int winograd_points(int family) { return 4 + 2 * family; }

// The transforms of F(m, r), with m + r - 1 points: y = contract(expand(g) * input(d)). The first index is the family;
// the second one is r - 2 for expand, and m - 2 for contract. Null where m or r is no less than the number of points.
template <class T>
struct WinogradKernels {
  using Transform = void (*)(const GridTransform<T>&);

  Transform input[kWinogradFamilies];                            // points x points to points x points
  Transform expand[kWinogradFamilies][kWinogradMostTaps - 1];    // r x r to points x points
  Transform contract[kWinogradFamilies][kWinogradMostTaps - 1];  // points x points to m x m
};

}  // namespace cotangent::kernels
