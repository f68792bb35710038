// The transforms of Winograd convolution on vectors of features. For the level compiled for.
//
// F(m, r), the m outputs of a window of r taps, from n = m + r - 1 products (S. Winograd, "Arithmetic Complexity of
// Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016) is the
// transpose of Toom and Cook's multiplication of polynomials: with the finite points p and infinity,
//   y = A^T ((G g) * (B^T d)),
//   A^T[i, p] = p^i,  G[p, k] = p^k / N(p),  B^T[p, :] = the coefficients of prod (x - q) over the other points q,
//   N(p) = prod (p - q);  for infinity the last power alone, and the coefficients of prod (x - q) over all points.
// The points are pairs +-p, which share an even and an odd part, infinity and, where their number is even, 0. +-3/4 and
// +-3/2 have a third of the error of the usual +-1 and +-2, and +-3/8 and +-5/4 a fourth of that of 0, +-1 and 1/2
// (B. Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks",
// 2020, on the choice of points).
#pragma once

#include <Eigen/Core>

#include "cotangent/ops/kernels/isa/micro_kernel.h"
#include "cotangent/ops/kernels/isa/winograd.h"

namespace cotangent::kernels::COTANGENT_ISA {

// The pairs of points of a family, and what follows from them.
template <int Points>
struct WinogradPoints;

template <>
struct WinogradPoints<4> {
  static constexpr int kPairs = 1;
  static constexpr double kPoint[kPairs] = {1};
  static constexpr double kAll[kPairs + 1] = {-1, 1};      // prod (x^2 - q^2), in powers of x^2
  static constexpr double kOther[kPairs][kPairs] = {{1}};  // the same without the pair
  static constexpr double kNorm[kPairs] = {2};             // N(p) = N(-p)
};

// Two pairs a and b, and whether 0 is a point.
template <bool Zero>
struct TwoPairs {
  static constexpr int kPairs = 2;
  static constexpr double a = Zero ? 0.75 : 0.375, b = Zero ? 1.5 : 1.25;
  static constexpr double kPoint[kPairs] = {a, b};
  static constexpr double kAll[kPairs + 1] = {a * a * b * b, -(a* a + b * b), 1};
  static constexpr double kOther[kPairs][kPairs] = {{-b * b, 1}, {-a * a, 1}};
  static constexpr double kNorm[kPairs] = {2 * a * (Zero ? a : 1) * (a * a - b * b),
                                           2 * b*(Zero ? b : 1) * (b * b - a * a)};  // N(p) = N(-p), or -N(-p)
};

template <>
struct WinogradPoints<5> : TwoPairs<false> {};
template <>
struct WinogradPoints<6> : TwoPairs<true> {};

constexpr double power(double base, int exponent) { return exponent == 0 ? 1 : base * power(base, exponent - 1); }

// total + coefficient * x.
template <class T>
inline Packet<T> add_multiple(double coefficient, const Packet<T>& x, const Packet<T>& total) {
  using namespace Eigen::internal;
  if (coefficient == 1) return padd(total, x);
  if (coefficient == -1) return psub(total, x);
  return pmadd(pset1<Packet<T>>(static_cast<T>(coefficient)), x, total);
}

template <class T>
inline Packet<T> multiple(double coefficient, const Packet<T>& x) {
  using namespace Eigen::internal;
  if (coefficient == 1) return x;
  return pmul(pset1<Packet<T>>(static_cast<T>(coefficient)), x);
}

// B^T, one-dimensional. 0 comes first, then the pairs, p before -p, and infinity.
template <class T, int Points>
struct InputTransform {
  static constexpr int kIn = Points, kOut = Points, kZero = Points % 2 == 0;
  using Set = WinogradPoints<Points>;

  static inline __attribute__((always_inline)) void apply(const Packet<T>* d, Packet<T>* to) {
    using P = Packet<T>;
    using namespace Eigen::internal;
    P zero = d[2 * Set::kPairs], infinity = d[2 * Set::kPairs + kZero];  // kAll ends with 1
#pragma GCC unroll 8
    for (int i = 0; i < Set::kPairs; ++i) {
      if (kZero) zero = add_multiple<T>(Set::kAll[i], d[2 * i], zero);
      infinity = add_multiple<T>(Set::kAll[i], d[2 * i + kZero], infinity);
    }
    if (kZero) to[0] = zero;
    to[Points - 1] = infinity;
#pragma GCC unroll 8
    for (int pair = 0; pair < Set::kPairs; ++pair) {
      P even = d[2 * Set::kPairs - 1 + kZero], odd = d[2 * Set::kPairs - 2 + kZero];  // kOther ends with 1
#pragma GCC unroll 8
      for (int i = 0; i + 1 < Set::kPairs; ++i) {
        even = add_multiple<T>(Set::kOther[pair][i], d[2 * i + 1 + kZero], even);
        odd = add_multiple<T>(Set::kOther[pair][i], d[2 * i + kZero], odd);
      }
      to[kZero + 2 * pair] = add_multiple<T>(Set::kPoint[pair], odd, even);
      to[kZero + 2 * pair + 1] = add_multiple<T>(-Set::kPoint[pair], odd, even);
    }
  }
};

// G, one-dimensional, for Taps taps.
template <class T, int Points, int Taps>
struct Expansion {
  static constexpr int kIn = Taps, kOut = Points, kZero = Points % 2 == 0;
  using Set = WinogradPoints<Points>;

  static inline __attribute__((always_inline)) void apply(const Packet<T>* g, Packet<T>* to) {
    using P = Packet<T>;
    if (kZero) to[0] = multiple<T>(1 / Set::kAll[0], g[0]);
    to[Points - 1] = g[Taps - 1];
#pragma GCC unroll 8
    for (int pair = 0; pair < Set::kPairs; ++pair) {
      const double p = Set::kPoint[pair], n = Set::kNorm[pair];
      P even = multiple<T>(1 / n, g[0]), odd = multiple<T>(p / n, g[1]);
#pragma GCC unroll 8
      for (int k = 2; k < Taps; ++k) {
        P& part = k % 2 == 0 ? even : odd;
        part = add_multiple<T>(power(p, k) / n, g[k], part);
      }
      to[kZero + 2 * pair] = Eigen::internal::padd(even, odd);
      to[kZero + 2 * pair + 1] = kZero ? Eigen::internal::psub(even, odd) : Eigen::internal::psub(odd, even);
    }
  }
};

// A^T, one-dimensional, for Outputs outputs.
template <class T, int Points, int Outputs>
struct Contraction {
  static constexpr int kIn = Points, kOut = Outputs, kZero = Points % 2 == 0;
  using Set = WinogradPoints<Points>;

  static inline __attribute__((always_inline)) void apply(const Packet<T>* u, Packet<T>* to) {
    using P = Packet<T>;
    P sum[Set::kPairs], difference[Set::kPairs];
#pragma GCC unroll 8
    for (int pair = 0; pair < Set::kPairs; ++pair) {
      sum[pair] = Eigen::internal::padd(u[kZero + 2 * pair], u[kZero + 2 * pair + 1]);
      difference[pair] = Eigen::internal::psub(u[kZero + 2 * pair], u[kZero + 2 * pair + 1]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < Outputs; ++i) {
      const P* part = i % 2 == 0 ? sum : difference;
      P total = kZero && i == 0    ? Eigen::internal::padd(u[0], part[0])
                : i == Outputs - 1 ? add_multiple<T>(power(Set::kPoint[0], i), part[0], u[Points - 1])
                                   : multiple<T>(power(Set::kPoint[0], i), part[0]);
#pragma GCC unroll 8
      for (int pair = 1; pair < Set::kPairs; ++pair)
        total = add_multiple<T>(power(Set::kPoint[pair], i), part[pair], total);
      to[i] = total;
    }
  }
};

template <class T, int Columns>
inline void finish_row(const Packet<T>& bias, bool relu, Packet<T>* row) {
#pragma GCC unroll 8
  for (int j = 0; j < Columns; ++j) row[j] = Eigen::internal::padd(row[j], bias);
  if (!relu) return;
#pragma GCC unroll 8
  for (int j = 0; j < Columns; ++j) row[j] = rectified<T>(row[j]);
}

// A one-dimensional transform along the rows of a grid and then along its columns. With Contract, what the grid asks
// for is done to the result. With Part, some of the grid does not exist.
template <class T, class Transform, bool Contract, bool Part>
void transform_grids(const GridTransform<T>& grid) {
  using P = Packet<T>;
  using namespace Eigen::internal;
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  constexpr bool kReadPart = Part && !Contract, kWritePart = Part && Contract;
  const GridPart part = Part ? *grid.part : GridPart{};
  const auto in_rows = [&](int i) { return i >= part.row && i < part.row_end; };
  const auto in_columns = [&](int j) { return j >= part.column && j < part.column_end; };
  const bool finish = Contract && (grid.bias != nullptr || grid.relu);
  for (std::int64_t g = 0; g < grid.count; ++g)
    for (std::int64_t f = 0; f < grid.features; f += kLanes<T>) {
      P middle[kOut][kIn];
      const T* from = grid.from.at + g * grid.from.next + f;
#pragma GCC unroll 8
      for (int j = 0; j < kIn; ++j, from += grid.from.column) {
        P in[kIn], out[kOut];
        const bool column = !kReadPart || in_columns(j);
#pragma GCC unroll 8
        for (int i = 0; i < kIn; ++i)
          in[i] = column && (!kReadPart || in_rows(i)) ? ploadu<P>(from + i * grid.from.row) : pset1<P>(T{0});
        Transform::apply(in, out);
#pragma GCC unroll 8
        for (int i = 0; i < kOut; ++i) middle[i][j] = out[i];
      }
      T* to = grid.to.at + g * grid.to.next + f;
      const P bias = finish && grid.bias != nullptr ? ploadu<P>(grid.bias + f) : pset1<P>(T{0});
#pragma GCC unroll 8
      for (int i = 0; i < kOut; ++i, to += grid.to.row) {
        if (kWritePart && !in_rows(i)) continue;
        P out[kOut];
        Transform::apply(middle[i], out);
        if (finish) finish_row<T, kOut>(bias, grid.relu, out);
#pragma GCC unroll 8
        for (int j = 0; j < kOut; ++j)
          if (!kWritePart || in_columns(j)) pstoreu(to + j * grid.to.column, out[j]);
      }
    }
}

// The same for grids of one row.
template <class T, class Transform, bool Contract, bool Part>
void transform_lines(const GridTransform<T>& grid) {
  using P = Packet<T>;
  using namespace Eigen::internal;
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  const GridPart part = Part ? *grid.part : GridPart{};
  const bool row = !Part || (part.row <= 0 && part.row_end > 0);
  const auto exists = [&](int j) { return !Part || (row && j >= part.column && j < part.column_end); };
  const bool finish = Contract && (grid.bias != nullptr || grid.relu);
  for (std::int64_t g = 0; g < grid.count; ++g)
    for (std::int64_t f = 0; f < grid.features; f += kLanes<T>) {
      const T* const from = grid.from.at + g * grid.from.next + f;
      P in[kIn], out[kOut];
#pragma GCC unroll 8
      for (int j = 0; j < kIn; ++j)
        in[j] = Contract || exists(j) ? ploadu<P>(from + j * grid.from.column) : pset1<P>(T{0});
      Transform::apply(in, out);
      if (finish) finish_row<T, kOut>(grid.bias != nullptr ? ploadu<P>(grid.bias + f) : pset1<P>(T{0}), grid.relu, out);
      T* const to = grid.to.at + g * grid.to.next + f;
#pragma GCC unroll 8
      for (int j = 0; j < kOut; ++j)
        if (!Contract || exists(j)) pstoreu(to + j * grid.to.column, out[j]);
    }
}

template <class T, class Transform, bool Line, bool Contract = false>
void transform_grid(const GridTransform<T>& grid) {
  if constexpr (Line) {
    if (grid.part == nullptr) transform_lines<T, Transform, Contract, false>(grid);
    else transform_lines<T, Transform, Contract, true>(grid);
  } else {
    if (grid.part == nullptr) transform_grids<T, Transform, Contract, false>(grid);
    else transform_grids<T, Transform, Contract, true>(grid);
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
