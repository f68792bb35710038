// The functions of signal against the sum that defines them, directly and by FFT, over all axes and over some.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "conv_reference.h"
#include "cotangent/cotangent.h"
#include "golden.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

// The full convolution over `axes`, or over all if empty, as the sum that it is.
Tensor full_convolution(const Tensor& a, const Tensor& b, const std::vector<int>& axes = {}) {
  std::vector<bool> convolved(a.shape().size(), axes.empty());
  for (int axis : axes) convolved[static_cast<std::size_t>(axis)] = true;
  Shape extents = a.shape();
  for (std::size_t axis = 0; axis < extents.size(); ++axis)
    if (convolved[axis]) extents[axis] += b.shape()[axis] - 1;
  Tensor result = zeros(extents, DType::Float64);
  const Strides strides = row_major_strides(extents);
  auto out = result.mutable_data<double>();
  const Values first = values(a), second = values(b);
  std::size_t i = 0;
  for_each_position({a.shape().begin(), a.shape().end()}, [&](const auto& p) {
    std::size_t k = 0;
    for_each_position({b.shape().begin(), b.shape().end()}, [&](const auto& q) {
      const double factor = second[k++];
      std::int64_t offset = 0;
      for (std::size_t axis = 0; axis < p.size(); ++axis) {
        if (!convolved[axis] && p[axis] != q[axis]) return;
        offset += (convolved[axis] ? p[axis] + q[axis] : p[axis]) * strides[axis];
      }
      out[static_cast<std::size_t>(offset)] += first[i] * factor;
    });
    ++i;
  });
  return result;
}

// The part of a full convolution of these extents that `mode` is, where one covers the other.
Tensor part(const Tensor& full, const Shape& first, const Shape& second, std::string_view mode) {
  std::vector<std::int64_t> starts, stops;
  for (std::size_t axis = 0; axis < first.size(); ++axis) {
    const std::int64_t extent = full.shape()[axis], smaller = std::min(first[axis], second[axis]);
    const bool convolved = extent == first[axis] + second[axis] - 1;
    starts.push_back(!convolved || mode == "full" ? 0 : mode == "same" ? (second[axis] - 1) / 2 : smaller - 1);
    stops.push_back(!convolved || mode == "full" ? extent
                    : mode == "same"             ? starts.back() + first[axis]
                                                 : extent - (smaller - 1));
  }
  return slice(full, starts, stops);
}

// jax, tests/scipy_signal_test.py: all pairs inside a group, over all axes or those on which extents differ.
TEST(SignalSums, EqualsTheSumOverJaxsGrids) {
  for (const std::vector<Shape>& group : {std::vector<Shape>{{1}, {2}, {5}, {10}},
                                          {{1, 1}, {2, 2}, {2, 3}, {3, 4}, {4, 4}},
                                          {{2, 2, 2}, {3, 3, 2}, {4, 4, 2}, {5, 5, 2}}})
    for (const Shape& first : group)
      for (const Shape& second : group)
        for (const char* mode : {"full", "same", "valid"}) {
          SCOPED_TRACE(fmt::format("{} {} {}", cotangent::to_string(first), cotangent::to_string(second), mode));
          const Tensor a = sample(first, -1, 1, 1), b = sample(second, -1, 1, 2);
          const Tensor expected = part(full_convolution(a, b), first, second, mode);
          for (const char* method : {"auto", "direct", "fft"}) {
            expect_near(signal::convolve(a, b, mode, method), expected, 1e-14);
            expect_near(signal::correlate(a, reverse(b), mode, method), expected, 1e-14);
            expect_near(signal::convolve(a.to(DType::Float32), b.to(DType::Float32), mode, method), expected, 1e-6);
          }
          expect_near(signal::fftconvolve(a, b, mode), expected, 1e-14);
          std::vector<int> axes;
          for (std::size_t axis = 0; axis < first.size(); ++axis)
            if (first[axis] != second[axis]) axes.push_back(static_cast<int>(axis));
          if (axes.empty()) axes.push_back(0);
          expect_near(signal::fftconvolve(a, b, mode, axes), part(full_convolution(a, b, axes), first, second, mode),
                      1e-14);
        }
}

TEST(SignalSums, ByFftEqualsTheSumForManyExtents) {
  std::uint64_t seed = 0;
  const auto check = [&](const Shape& first, const Shape& second) {
    const Tensor a = sample(first, -1, 1, ++seed), b = sample(second, -1, 1, ++seed);
    const Tensor expected = full_convolution(a, b);
    SCOPED_TRACE(cotangent::to_string(first) + " " + cotangent::to_string(second));
    expect_near(signal::fftconvolve(a, b), expected, 1e-14);
    expect_near(signal::fftconvolve(a.to(DType::Float32), b.to(DType::Float32)), expected, 1e-6);
    expect_near(signal::fftconvolve(a, b, "same"), part(expected, first, second, "same"), 1e-14);
  };
  for (std::int64_t first = 1; first <= 40; ++first)
    for (std::int64_t second : {1, 2, 3, 7, 20, 41}) check({first}, {second});
  check({1000}, {301});
  check({17, 23}, {9, 30});
  check({5, 6, 7}, {3, 8, 2});
  check({3, 2, 4, 3}, {2, 3, 2, 4});
}

TEST(SignalSums, FftConvolveTakesOtherAxesAsBatches) {
  const Tensor a = sample({3, 10, 4, 5}, -1, 1, 1), b = sample({3, 6, 4, 7}, -1, 1, 2);
  for (const char* mode : {"full", "same"}) {
    const Tensor result = signal::fftconvolve(a, b, mode, {1, -1});
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t j = 0; j < 4; ++j) {
        const auto item = [&](const Tensor& x) {
          return squeeze(slice_in_dim(slice_in_dim(x, i, i + 1, 1, 0), j, j + 1, 1, 2), {0, 2});
        };
        expect_near(item(result), signal::fftconvolve(item(a), item(b), mode), 1e-14);
      }
  }
  EXPECT_EQ(signal::fftconvolve(zeros({0, 3}), zeros({0, 4}), "full", 1).shape(), (Shape{0, 6}));
}

}  // namespace
}  // namespace cotangent::testing
