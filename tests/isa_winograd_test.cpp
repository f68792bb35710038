// Tests of the Winograd transforms of every instruction set that this processor has, against plain sums.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cotangent/ops/kernels/isa/winograd.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using kernels::WinogradKernels;
using kernels::WinogradTransforms;
using testing::expect_sum;
using testing::for_each_level;
using testing::rectified;
using testing::samples;

constexpr std::int64_t kFeatures = 32;  // a multiple of all lanes

// The transforms of squares, or of lines, whose grids have one row.
struct Transforms : WinogradTransforms<float> {
  Transforms(const WinogradKernels<float>& kernels, bool is_line)
      : WinogradTransforms<float>(is_line ? kernels.lines : kernels.squares), line(is_line) {}

  std::int64_t rows(std::int64_t columns) const { return line ? 1 : columns; }
  std::int64_t size(std::int64_t columns) const { return rows(columns) * columns * kFeatures; }

  bool line;
};

void for_all_transforms(void (*check)(const Transforms&)) {
  for (const bool line : {false, true}) {
    SCOPED_TRACE(line ? "lines" : "squares");
    for_each_level<WinogradKernels<float>>([&](const WinogradKernels<float>& kernels) { check({kernels, line}); });
  }
}

// Runs a transform from a dense grid of n columns to one of m.
std::vector<float> run(const Transforms& table, Transforms::Transform transform, const std::vector<float>& from,
                       std::int64_t n, std::int64_t m, const float* bias = nullptr, bool relu = false) {
  std::vector<float> to(table.size(m) + 1, 77);
  transform({.features = kFeatures,
             .from = {from.data(), n * kFeatures, kFeatures},
             .to = {to.data(), m * kFeatures, kFeatures},
             .bias = bias,
             .relu = relu});
  EXPECT_EQ(to.back(), 77.0f) << "wrote past the end";
  to.pop_back();
  return to;
}

// What coordinate `at` counts in output i of m: its point to the power of i, and that at infinity in the last one.
double contraction(int family, std::int64_t m, std::int64_t i, std::int64_t at) {
  constexpr double kPoints[][5] = {{0, 1, -1}, {0.375, -0.375, 1.25, -1.25}, {0, 0.75, -0.75, 1.5, -1.5}};
  if (at == kernels::winograd_points(family) - 1) return i == m - 1;
  return std::pow(kPoints[family][at], static_cast<double>(i));
}

void check_contract(const Transforms& table) {
  for (int family = 0; family < kernels::kWinogradFamilies; ++family)
    for (std::int64_t n = kernels::winograd_points(family), m = 2; m < n; ++m)
      for (int kind = 0; kind < 5; ++kind) {  // bias, relu; and a bias that is not a number
        SCOPED_TRACE(::testing::Message() << n << " points, " << m << " outputs, kind " << kind);
        const bool biased = kind >= 2, relu = kind % 2 == 1 || kind == 4;
        const std::vector<float> u = samples<float>(table.size(n), -0.1, 0.1, 1);
        std::vector<float> bias = samples<float>(kFeatures, -1, 1, 2);
        if (kind == 4) bias[5] = std::numeric_limits<float>::quiet_NaN();
        const std::vector<float> y =
            run(table, table.contract[family][m - 2], u, n, m, biased ? bias.data() : nullptr, relu);
        for (std::int64_t i = 0; i < table.rows(m); ++i)
          for (std::int64_t j = 0; j < m; ++j)
            for (std::int64_t f = 0; f < kFeatures; ++f) {
              double sum = biased ? static_cast<double>(bias[f]) : 0.0, size = 1;
              for (std::int64_t a = 0; a < table.rows(n); ++a)
                for (std::int64_t b = 0; b < n; ++b) {
                  const double factor = (table.line ? 1 : contraction(family, m, i, a)) * contraction(family, m, j, b);
                  sum += factor * u[(a * n + b) * kFeatures + f];
                  size += 0.1 * std::abs(factor);
                }
              expect_sum(y[(i * m + j) * kFeatures + f], relu ? rectified(sum) : sum, static_cast<int>(8 * size));
            }
      }
}

// y = contract(expand(g) * input(d)) is the correlation of d with g.
void check_correlation(const Transforms& table) {
  for (int family = 0; family < kernels::kWinogradFamilies; ++family)
    for (std::int64_t n = kernels::winograd_points(family), m = 2; m < n; ++m) {
      const std::int64_t r = n + 1 - m;
      SCOPED_TRACE(::testing::Message() << "F(" << m << ", " << r << ")");
      const std::vector<float> d = samples<float>(table.size(n), -1, 1, 1), g = samples<float>(table.size(r), -1, 1, 2);
      std::vector<float> product = run(table, table.expand[family][r - 2], g, r, n);
      const std::vector<float> input = run(table, table.input[family], d, n, n);
      for (std::size_t i = 0; i < product.size(); ++i) product[i] *= input[i];
      const std::vector<float> y = run(table, table.contract[family][m - 2], product, n, m);
      for (std::int64_t i = 0; i < table.rows(m); ++i)
        for (std::int64_t j = 0; j < m; ++j)
          for (std::int64_t f = 0; f < kFeatures; ++f) {
            double sum = 0;
            for (std::int64_t a = 0; a < table.rows(r); ++a)
              for (std::int64_t b = 0; b < r; ++b)
                sum += static_cast<double>(d[((i + a) * n + j + b) * kFeatures + f]) * g[(a * r + b) * kFeatures + f];
            expect_sum(y[(i * m + j) * kFeatures + f], sum, 256);
          }
    }
}

// Several grids at once are the same as each alone, and a part of one as the whole with zeros around it, or written to
// it alone.
void check_parts(const Transforms& table, Transforms::Transform transform, std::int64_t n, std::int64_t m,
                 bool contract) {
  constexpr std::int64_t kGrids = 3;
  const std::int64_t from_size = table.size(n), to_size = table.size(m), size = contract ? m : n,
                     rows = table.rows(size);
  const std::vector<float> from = samples<float>(kGrids * from_size, -1, 1, 3);
  for (std::int64_t row = 0; row < rows + table.line; ++row)  // of a line, none too
    for (std::int64_t column = 0; column <= size; ++column) {
      const kernels::GridPart part{table.line ? 0 : row, rows - (table.line ? row : row / 2), column,
                                   size - column / 2};
      const auto inside = [&](std::int64_t at) {
        const std::int64_t i = at / kFeatures % (rows * size) / size, j = at / kFeatures % size;
        return i >= part.row && i < part.row_end && j >= part.column && j < part.column_end;
      };
      std::vector<float> to(kGrids * to_size, 77), expected;
      transform({.features = kFeatures,
                 .from = {from.data(), n * kFeatures, kFeatures, from_size},
                 .to = {to.data(), m * kFeatures, kFeatures, to_size},
                 .count = kGrids,
                 .part = &part});
      for (std::int64_t grid = 0; grid < kGrids; ++grid) {
        std::vector<float> one(from.begin() + grid * from_size, from.begin() + (grid + 1) * from_size);
        if (!contract)
          for (std::int64_t i = 0; i < from_size; ++i) one[i] = inside(i) ? one[i] : 0.0f;
        const std::vector<float> whole = run(table, transform, one, n, m);
        for (std::int64_t i = 0; i < to_size; ++i) expected.push_back(!contract || inside(i) ? whole[i] : 77.0f);
      }
      SCOPED_TRACE(::testing::Message() << n << " to " << m << ", from row " << row << ", column " << column);
      for (std::size_t i = 0; i < to.size(); ++i) expect_sum(to[i], expected[i], 256);
    }
}

void check_all_parts(const Transforms& table) {
  for (int family = 0; family < kernels::kWinogradFamilies; ++family) {
    const std::int64_t n = kernels::winograd_points(family);
    check_parts(table, table.input[family], n, n, false);
    for (std::int64_t m = 2; m < n; ++m) {
      check_parts(table, table.expand[family][m - 2], m, n, false);
      check_parts(table, table.contract[family][m - 2], n, m, true);
    }
  }
}

TEST(IsaWinograd, PartsOfGridsAreTheWholeWithZeros) { for_all_transforms(check_all_parts); }
TEST(IsaWinograd, ContractionsArePlainSums) { for_all_transforms(check_contract); }
TEST(IsaWinograd, TransformsMakeACorrelation) { for_all_transforms(check_correlation); }

TEST(IsaWinograd, FamiliesHaveNoMoreTapsThanPoints) {
  for_all_transforms([](const Transforms& table) {
    for (int taps = 2; taps <= kernels::kWinogradMostTaps; ++taps) {
      for (int family = 0; family < kernels::kWinogradFamilies; ++family) {
        EXPECT_EQ(table.expand[family][taps - 2] != nullptr, taps < kernels::winograd_points(family));
        EXPECT_EQ(table.contract[family][taps - 2] != nullptr, taps < kernels::winograd_points(family));
      }
    }
  });
}

}  // namespace
}  // namespace cotangent
