// Tests of the depthwise sums over windows and planes of every instruction set that this processor has, each against
// plain loops.
#include <gtest/gtest.h>

#include <numeric>
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

template <class T>
void check_strided(const DepthwiseKernels<T>& table) {
  const std::vector<T> from = samples<T>(3 * 400, -1, 1, 1);
  for (std::int64_t stride : {1, 2, 3})
    for (std::int64_t count : {1, 2, 7, 8, 16, 33, 100})
      for (const auto& [take, owns_between] : {std::pair{true, false}, {false, false}, {false, true}}) {
        SCOPED_TRACE(::testing::Message() << count << " of stride " << stride << ", take " << take << owns_between);
        std::vector<T> to(3 * 400, T(77));
        (take ? table.take : table.put)({3, count, stride, from.data(), 400, to.data(), 400, owns_between});
        for (std::int64_t row = 0; row < 3; ++row)
          for (std::int64_t i = 0; i < count; ++i) {
            T& written = to[row * 400 + (take ? i : i * stride)];
            ASSERT_EQ(written, from[row * 400 + (take ? i * stride : i)]);
            written = T(77);
          }
        for (T value : to) ASSERT_EQ(value, T(77)) << "wrote outside";
      }
}

// Every grid, with vectors and with scalars of factors, added or not, and with taps that have places of their own.
template <class T>
void check_windows(const DepthwiseKernels<T>& table, std::int64_t rows, std::int64_t columns, std::int64_t width,
                   bool scalars, bool dense, bool add) {
  SCOPED_TRACE(::testing::Message() << rows << " x " << columns << " of " << width << ", scalars " << scalars
                                    << ", dense " << dense << ", add " << add);
  const std::int64_t lanes = table.lanes, row = 20 * kPixel, out_width = (width + lanes - 1) / lanes * lanes;
  const std::vector<T> lhs = samples<T>(5 * row, -1, 1, 1), rhs = samples<T>(8 * kPixel, -1, 1, 2),
                       before = samples<T>(rows * columns * kPixel, -1, 1, 3);
  std::vector<const T*> places;
  for (std::int64_t i = 0; i < rows * columns; ++i) places.push_back(lhs.data() + 37 * i);
  std::vector<kernels::Taps<T>> taps = {{lhs.data(), rhs.data(), 3, -1}, {lhs.data() + row, rhs.data() + 5, 1, -1}};
  if (!scalars) taps.push_back({nullptr, rhs.data() + 11, 1, 0});
  std::vector<T> out = before;
  kernels::WindowSums<T> s{};
  s.taps = taps.data();
  s.tap_count = std::ssize(taps);
  s.places = places.data();
  s.lhs_start = 3;
  s.lhs_step = kPixel;
  s.rhs_step = kPixel + 1;
  s.rows = rows;
  s.columns = columns;
  s.lhs_row = row;
  s.lhs_column = kPixel;
  s.out_row = columns * kPixel;
  s.out_column = kPixel;
  s.out = out.data();
  s.width = width;
  s.scalar_factors = scalars;
  s.add = add;
  s.dense = dense;
  s.ahead.elements = 100;
  s.ahead.add(lhs.data());
  table.sum_windows(s);
  for (std::int64_t i = 0; i < rows * columns; ++i)
    for (std::int64_t j = 0; j < kPixel; ++j) {
      const double old = before[i * kPixel + j];
      if (j >= (dense ? out_width : width)) {
        ASSERT_EQ(out[i * kPixel + j], old) << "wrote outside";
        continue;
      }
      const std::int64_t e = dense ? dense_element(j, width, lanes) : j;
      double sum = add ? old : 0;
      for (const kernels::Taps<T>& tap : taps) {
        const T* const from = tap.places >= 0
                                  ? places[tap.places + i]
                                  : tap.lhs + s.lhs_start + i / columns * s.lhs_row + i % columns * s.lhs_column;
        for (std::int64_t k = 0; k < tap.count; ++k)
          sum += static_cast<double>(from[k * s.lhs_step + e]) * tap.rhs[k * s.rhs_step + (scalars ? 0 : e)];
      }
      expect_sum(out[i * kPixel + j], sum);
    }
}

template <class T>
void check_windows(const DepthwiseKernels<T>& table) {
  for (std::int64_t rows = 1; rows <= 3; ++rows)
    for (std::int64_t columns = rows; rows * columns <= kernels::kMostSums; ++columns)
      for (std::int64_t width : widths(table.lanes))
        for (bool scalars : {false, true})
          for (bool dense : {false, true}) {
            check_windows(table, rows, columns, width, scalars, dense, false);
            if (dense || width % table.lanes == 0) check_windows(table, rows, columns, width, scalars, dense, true);
          }
}

// The windows of a size over rows [first, last) of a plane, and their gradient: what is around the plane counts as
// zeros, whether or not it may be read.
template <class T>
void check_plane(const DepthwiseKernels<T>& table, std::int64_t size, std::int64_t width, std::int64_t first,
                 std::int64_t last, bool readable) {
  SCOPED_TRACE(::testing::Message() << size << " squared, rows " << first << " to " << last << " of " << width
                                    << ", around them " << readable);
  constexpr std::int64_t kRows = 9;
  const std::int64_t lanes = table.lanes, reach = size / 2, plane_size = kRows * width, begin = first * width,
                     count = (last - first) * width;
  const std::vector<T> lhs = samples<T>(lanes + plane_size + lanes, -1, 1, 1), rhs = samples<T>(200, -1, 1, 2),
                       cotangent = samples<T>(lanes + count + lanes, -1, 1, 3),
                       before = samples<T>(size * size * lanes, -1, 1, 4);
  std::vector<T> out(lanes + count + lanes, T(77)), sums = before;
  std::vector<kernels::LaneBits<T>> masks;
  const std::int64_t mask_count = width / std::gcd(width, lanes);
  for (std::int64_t x = 0; x < mask_count * lanes; x += lanes)
    for (std::int64_t side : {-1, 1})
      for (std::int64_t d = 1; d <= reach; ++d)
        for (std::int64_t lane = 0; lane < lanes; ++lane) {
          const std::int64_t column = (x + lane) % width + side * d;
          masks.push_back(column >= 0 && column < width ? ~kernels::LaneBits<T>{0} : 0);
        }
  const auto at = [&](std::int64_t y, std::int64_t x) {
    return y < 0 || y >= kRows || x < 0 || x >= width ? 0.0 : static_cast<double>(lhs[lanes + y * width + x]);
  };
  const std::int64_t around = readable ? lanes : 0;
  kernels::PlaneWindows<T> w{};
  w.lhs = {lhs.data() + lanes + begin, -begin, plane_size - begin, -begin - around, plane_size - begin + around};
  w.width = width;
  w.count = count;
  w.masks = masks.data();
  w.mask_count = mask_count;
  w.rhs = rhs.data();
  w.rhs_row = 22;
  w.rhs_step = 3;
  w.out = out.data() + lanes;
  const kernels::PlaneKernels<T>& plane = table.planes[reach - 1];
  plane.sum(w);
  for (std::int64_t e = -lanes; e < count + lanes; ++e) {
    double sum = 0;
    for (std::int64_t i = 0; i < size; ++i)
      for (std::int64_t j = 0; j < size; ++j)
        if (e >= 0 && e < count) sum += at(first + e / width + i - reach, e % width + j - reach) * rhs[i * 22 + j * 3];
    expect_sum(out[lanes + e], e >= 0 && e < count ? sum : 77.0);
  }
  w.cotangent = {cotangent.data() + lanes, 0, count, -around, count + around};
  w.sums = sums.data();
  plane.add_gradient(w);
  for (std::int64_t i = 0; i < size * size; ++i) {
    double sum = std::accumulate(before.begin() + i * lanes, before.begin() + (i + 1) * lanes, 0.0);
    for (std::int64_t e = 0; e < count; ++e)
      sum += cotangent[lanes + e] * at(first + e / width + i / size - reach, e % width + i % size - reach);
    const double actual = std::accumulate(sums.begin() + i * lanes, sums.begin() + (i + 1) * lanes, 0.0);
    expect_sum(static_cast<T>(actual), sum, 128);
  }
}

template <class T>
void check_planes(const DepthwiseKernels<T>& table) {
  for (std::int64_t size = 3; size <= 2 * kernels::kPlaneSizes + 1; size += 2) {
    EXPECT_EQ(table.planes[size / 2 - 1].sum != nullptr, size / 2 <= table.lanes) << size;
    if (table.planes[size / 2 - 1].sum == nullptr) continue;
    for (std::int64_t width : {1, 2, 3, 7, 8, 14, 16, 33})
      for (const auto& [first, last] : {std::pair{0, 9}, {0, 1}, {3, 6}, {5, 9}})
        for (bool readable : {false, true}) check_plane(table, size, width, first, last, readable);
  }
}

template <class T>
void check() {
  for_each_level<DepthwiseKernels<T>>([](const DepthwiseKernels<T>& table) {
    check_strided(table);
    check_windows(table);
    check_planes(table);
  });
}

TEST(IsaDepthwise, Float32KernelsArePlainLoops) { check<float>(); }
TEST(IsaDepthwise, Float64KernelsArePlainLoops) { check<double>(); }

}  // namespace
}  // namespace cotangent
