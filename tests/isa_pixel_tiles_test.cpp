// Tests of the tiles of pixels of every instruction set that this processor has, each against plain loops.
#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "cotangent/ops/kernels/isa/depthwise.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using kernels::DepthwiseKernels;
using testing::dense_element;
using testing::expect_sum;
using testing::for_each_level;
using testing::kPixel;
using testing::samples;
using testing::widths;

// Some pixels, of which those outside [first, last) are not numbers: a kernel must not read them.
template <class T>
std::vector<T> pixels(std::int64_t count, std::int64_t first, std::int64_t last, std::uint64_t seed) {
  std::vector<T> values = samples<T>(count * kPixel, -1, 1, seed);
  for (std::int64_t i = 0; i < count * kPixel; ++i)
    if (i / kPixel < first || i / kPixel >= last) values[i] = std::numeric_limits<T>::quiet_NaN();
  return values;
}

// Rows of pixels, all inside the input and with some outside at either end.
template <class T>
void check_tile(const DepthwiseKernels<T>& table) {
  for (std::int64_t taps : {1, 2, 3, 5, 7})
    for (std::int64_t stride : {1, 2}) {
      if (!kernels::has_tile(taps, stride)) continue;
      for (std::int64_t columns : {1, 4, 7, 8})
        for (int border = 0; border < 4; ++border)
          for (std::int64_t width : widths(table.lanes)) {
            SCOPED_TRACE(::testing::Message() << taps << " taps, stride " << stride << ", " << columns << " columns of "
                                              << width << ", border " << border);
            const std::int64_t count = (columns - 1) * stride + taps, row_count = 3, start = 2;
            const std::int64_t first = border % 2, last = count - border / 2;
            const std::vector<T> rhs = samples<T>((row_count + taps) * kPixel, -1, 1, 2);
            std::vector<std::vector<T>> lhs;
            std::vector<kernels::TapRow<T>> rows;
            for (std::int64_t i = 0; i < row_count; ++i) {
              lhs.push_back(pixels<T>(count, first, last, 3 + i));
              rows.push_back({lhs.back().data() - start, rhs.data() + i * kPixel});
            }
            std::vector<T> out(columns * kPixel, T(77));
            kernels::PixelTile<T> tile{};
            tile.rows = rows.data();
            tile.row_count = row_count;
            tile.taps = taps;
            tile.stride = stride;
            tile.columns = columns;
            tile.lhs_start = start;
            tile.lhs_step = tile.rhs_step = tile.out_step = kPixel;
            tile.first = first;
            tile.last = last;
            tile.out = out.data();
            tile.width = width;
            table.tile(tile);
            for (std::int64_t x = 0; x < columns; ++x)
              for (std::int64_t e = 0; e < kPixel; ++e) {
                double sum = 0;
                for (std::int64_t i = 0; i < row_count; ++i)
                  for (std::int64_t k = 0, pixel = x * stride; k < taps; ++k, ++pixel)
                    if (pixel >= first && pixel < last)
                      sum += static_cast<double>(lhs[i][pixel * kPixel + e]) * rhs[(i + k) * kPixel + e];
                expect_sum(out[x * kPixel + e], e < width ? sum : 77.0);
              }
          }
    }
}

// Two rows, with the first or the last row of input outside or not.
template <class T>
void check_tile_pair(const DepthwiseKernels<T>& table) {
  for (std::int64_t columns = 1; columns <= 4; ++columns)
    for (int border = 0; border < 16; ++border)
      for (std::int64_t width : widths(table.lanes)) {
        SCOPED_TRACE(::testing::Message() << columns << " columns of " << width << ", border " << border);
        const std::int64_t first = border % 2, last = columns + 2 - border / 2 % 2;
        const bool outside[] = {border / 4 % 2 == 1, false, false, border / 8 == 1};
        const std::vector<T> rhs = samples<T>(9 * kPixel, -1, 1, 2);
        std::vector<std::vector<T>> lhs;
        std::vector<kernels::TapRow<T>> rows;
        for (std::int64_t i = 0; i < 4; ++i) {
          lhs.push_back(pixels<T>(columns + 2, first, last, 3 + i));
          rows.push_back({outside[i] ? nullptr : lhs.back().data(), i < 3 ? rhs.data() + 3 * i * kPixel : nullptr});
        }
        std::vector<T> out(2 * columns * kPixel, T(77));
        kernels::PixelTile<T> tile{};
        tile.rows = rows.data();
        tile.row_count = 4;
        tile.taps = 3;
        tile.stride = 1;
        tile.columns = columns;
        tile.lhs_step = tile.rhs_step = tile.out_step = kPixel;
        tile.first = first;
        tile.last = last;
        tile.out = out.data();
        tile.width = width;
        tile.out_row = columns * kPixel;
        table.tile_pair(tile);
        for (std::int64_t y = 0; y < 2; ++y)
          for (std::int64_t x = 0; x < columns; ++x)
            for (std::int64_t e = 0; e < kPixel; ++e) {
              double sum = 0;
              for (std::int64_t i = 0; i < 3; ++i)
                for (std::int64_t k = 0; k < 3; ++k)
                  if (!outside[y + i] && x + k >= first && x + k < last)
                    sum += static_cast<double>(lhs[y + i][(x + k) * kPixel + e]) * rhs[(3 * i + k) * kPixel + e];
              expect_sum(out[(y * columns + x) * kPixel + e], e < width ? sum : 77.0);
            }
      }
}

template <class T>
void check_gradient(const DepthwiseKernels<T>& table, std::int64_t sums, std::int64_t rows, std::int64_t count,
                    std::int64_t sum_pixels, std::int64_t factor_pixels, std::int64_t width, int border) {
  SCOPED_TRACE(::testing::Message() << rows << " rows of " << sums << " sums, " << count << " factors of " << width
                                    << ", pixels " << sum_pixels << ", " << factor_pixels << ", border " << border);
  const std::int64_t lanes = table.lanes, out_width = (width + lanes - 1) / lanes * lanes;
  const std::int64_t pixel_count = (sums - 1) * sum_pixels + (count - 1) * factor_pixels + 1;
  const std::int64_t first = border % 2, last = pixel_count - border / 2;
  const std::vector<T> rhs = samples<T>(count * kPixel, -1, 1, 2), before = samples<T>(rows * sums * kPixel, -1, 1, 3);
  std::vector<T> out = before;
  std::vector<std::vector<T>> lhs;
  kernels::FactorTile<T> tile{};
  tile.rows = rows;
  for (std::int64_t r = 0; r < rows; ++r) {
    lhs.push_back(pixels<T>(pixel_count, first, last, 4 + r));
    tile.lhs[r] = lhs.back().data();
    tile.out[r] = out.data() + r * sums * kPixel;
  }
  tile.rhs = rhs.data();
  tile.sums = sums;
  tile.count = count;
  tile.sum_pixels = sum_pixels;
  tile.factor_pixels = factor_pixels;
  tile.sum_step = sum_pixels * kPixel;
  tile.factor_step = factor_pixels * kPixel;
  tile.rhs_step = tile.out_step = kPixel;
  tile.first = first;
  tile.last = last;
  tile.width = width;
  table.add_gradient(tile);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t k = 0; k < sums; ++k)
      for (std::int64_t j = 0; j < kPixel; ++j) {
        const std::int64_t at = (r * sums + k) * kPixel + j, e = dense_element(j, width, lanes);
        double sum = before[at];
        for (std::int64_t x = 0, pixel = k * sum_pixels; x < count && j < out_width; ++x, pixel += factor_pixels)
          if (pixel >= first && pixel < last)
            sum += static_cast<double>(lhs[r][pixel * kPixel + e]) * rhs[x * kPixel + e];
        expect_sum(out[at], sum);
      }
}

template <class T>
void check_gradient(const DepthwiseKernels<T>& table) {
  for (std::int64_t sums : {1, 2, 3, 5, 7})
    for (std::int64_t rows = 1; rows <= kernels::gradient_rows(sums); ++rows)
      for (std::int64_t count : {1, 2, 3, 6, 7, 16})
        for (int border = 0; border < 4; ++border)
          for (std::int64_t width : {table.lanes + 0, table.lanes + 1, 3 * table.lanes})
            for (auto [sum_pixels, factor_pixels] : {std::pair{1, 1}, {1, 2}, {2, 1}, {3, 2}})
              check_gradient(table, sums, rows, count, sum_pixels, factor_pixels, width, border);
}

template <class T>
void check() {
  for_each_level<DepthwiseKernels<T>>([](const DepthwiseKernels<T>& table) {
    check_tile(table);
    check_tile_pair(table);
    check_gradient(table);
  });
}

TEST(IsaPixelTiles, Float32TilesArePlainLoops) { check<float>(); }
TEST(IsaPixelTiles, Float64TilesArePlainLoops) { check<double>(); }

}  // namespace
}  // namespace cotangent
