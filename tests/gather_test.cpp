// Tests of gathering and scattering, against plain loops over every element.
#include <gtest/gtest.h>

#include <cstring>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::sample;
using List = std::vector<std::int64_t>;

constexpr DType kAll[] = {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool};

Tensor integers(const Shape& shape, const List& values) { return Tensor::from_data<std::int64_t>(shape, values); }

std::vector<double> values(const Tensor& x) {
  const Tensor wide = x.to(DType::Float64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

// Pseudo-random indices in [-extent, extent), with repetitions.
Tensor random_indices(const Shape& shape, std::int64_t extent) {
  const double bound = static_cast<double>(extent);
  return (sample(shape, 0, 2 * bound, 3).to(DType::Int64) - bound);
}

std::size_t wrapped(std::int64_t index, std::int64_t extent) {
  return static_cast<std::size_t>(index < 0 ? index + extent : index);
}

TEST(Take, ReadsSlicesOfEveryDType) {
  for (DType dtype : kAll) {
    const Tensor x = sample({3, 4, 5}, 0, 2).to(dtype == DType::Bool ? DType::Int32 : dtype).to(dtype);
    for (DType index_dtype : {DType::Int32, DType::Int64}) {
      const Tensor indices = random_indices({2, 3}, 4).to(index_dtype);
      const Tensor result = take(x, indices, 1);
      ASSERT_EQ(result.shape(), Shape({3, 2, 3, 5}));
      EXPECT_EQ(result.dtype(), dtype);
      const List index = [&] {
        const Tensor wide = indices.to(DType::Int64);
        return List(wide.data<std::int64_t>().begin(), wide.data<std::int64_t>().end());
      }();
      const std::vector<double> from = values(x), to = values(result);
      for (std::size_t o = 0; o < 3; ++o)
        for (std::size_t j = 0; j < 6; ++j)
          for (std::size_t i = 0; i < 5; ++i)
            ASSERT_EQ(to[(o * 6 + j) * 5 + i], from[(o * 4 + wrapped(index[j], 4)) * 5 + i]);
    }
  }
}

TEST(Take, TakesNumbersEmptyIndicesAndTheFirstAxisByDefault) {
  const Tensor x = sample({3, 2});
  EXPECT_EQ(values(take(x, integers({}, {-1}))), values(slice(x, {2, 0}, {3, 2})));
  EXPECT_EQ(take(x, integers({}, {1})).shape(), Shape({2}));
  EXPECT_EQ(take(x, integers({0}, {}), -1).shape(), Shape({3, 0}));
  EXPECT_EQ(take(zeros({0, 2}), integers({0, 4}, {})).shape(), Shape({0, 4, 2}));
  EXPECT_EQ(take(zeros({2, 0}), integers({3}, {0, 1, 0})).shape(), Shape({3, 0}));
}

TEST(Take, RefusesWhatIsOutside) {
  const Tensor x = zeros({3, 5});
  expect_error(
      [&] {
        take(x, integers({2, 2}, {0, 1, 5, 2}), 1);
      },
      "take: index 5 at position (1, 0) is outside [-5, 5)");
  expect_error([&] { take(x, integers({1}, {-4})); }, "take: index -4 at position (0,) is outside [-3, 3)");
  expect_error([&] { take(zeros({0}), integers({}, {0})); }, "take: index 0 at position () is outside [0, 0)");
  expect_error([&] { take(x, zeros({2})); }, "take: indices must be Int32 or Int64, got Float32 (2,)");
  expect_error([&] { take(x, zeros({2}, DType::UInt8)); }, "convert with .to(DType::Int64)");
  expect_error([&] { take(x, integers({1}, {0}), 2); }, "take: axis 2 is outside");
  expect_error([] { take(full({}, 1.0), integers({1}, {0})); }, "take: axis 0 of a single number");
  expect_error([] { take(Tensor(), integers({1}, {0})); }, "null");
}

TEST(TakeAlongAxis, ReadsAnElementPerIndex) {
  const Tensor x = sample({3, 4, 5}), indices = random_indices({3, 6, 5}, 4);
  const Tensor result = take_along_axis(x, indices, 1);
  ASSERT_EQ(result.shape(), Shape({3, 6, 5}));
  const auto from = x.data<double>(), to = result.data<double>();
  const auto index = indices.data<std::int64_t>();
  for (std::size_t o = 0; o < 3; ++o)
    for (std::size_t j = 0; j < 6; ++j)
      for (std::size_t i = 0; i < 5; ++i)
        ASSERT_EQ(to[(o * 6 + j) * 5 + i], from[(o * 4 + wrapped(index[(o * 6 + j) * 5 + i], 4)) * 5 + i]);
}

TEST(TakeAlongAxis, BroadcastsTheOtherAxes) {
  const Tensor x = sample({3, 1, 4}), indices = random_indices({1, 2, 6}, 4);
  const Tensor wide_x = broadcast_to(x, {3, 2, 4}), wide_indices = broadcast_to(indices, {3, 2, 6});
  EXPECT_EQ(values(take_along_axis(x, indices, -1)), values(take_along_axis(wide_x, wide_indices, -1)));
  EXPECT_EQ(take_along_axis(x, integers({3, 1, 0}, {}), 2).shape(), Shape({3, 1, 0}));
  expect_error(
      [&] {
        take_along_axis(x, integers({2}, {0, 0}), 0);
      },
      "take_along_axis: x and indices must have equally many axes, got Float64 (3, 1, 4) and Int64 (2,)");
  expect_error([&] { take_along_axis(x, zeros({2, 1, 1}, DType::Int64), 1); }, "take_along_axis: shapes");
  expect_error(
      [&] {
        take_along_axis(x, integers({1, 1, 2}, {0, 4}), 2);
      },
      "take_along_axis: index 4 at position (0, 0, 1) is outside [-4, 4)");
}

TEST(ScatterAdd, AddsEveryUpdateOfARepeatedIndex) {
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8}) {
    const Tensor x = sample({3, 4, 5}, 0, 9).to(dtype), updates = sample({3, 6, 5}, 0, 9, 1).to(dtype);
    const Tensor indices = random_indices({6}, 4);
    std::vector<double> expected = values(x);
    const std::vector<double> more = values(updates);
    for (std::size_t o = 0; o < 3; ++o)
      for (std::size_t j = 0; j < 6; ++j)
        for (std::size_t i = 0; i < 5; ++i)
          expected[(o * 4 + wrapped(indices.data<std::int64_t>()[j], 4)) * 5 + i] += more[(o * 6 + j) * 5 + i];
    const Tensor result = scatter_add(x, indices, updates, 1);
    EXPECT_EQ(result.shape(), x.shape());
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(values(result)[i], expected[i], dtype == DType::Float32 ? 1e-5 : 1e-13);
  }
}

TEST(ScatterAdd, TakesIndicesOfAnyShape) {
  const Tensor x = zeros({4}, DType::Int64), ones_there = ones({2, 2}, DType::Int64);
  EXPECT_EQ(values(scatter_add(x, integers({2, 2}, {0, -1, 0, 2}), ones_there)), (std::vector<double>{2, 0, 1, 1}));
  EXPECT_EQ(values(scatter_add(x, integers({0}, {}), zeros({0}, DType::Int64))), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(values(scatter_add(x, integers({}, {1}), full({}, 5, DType::Int64))), (std::vector<double>{0, 5, 0, 0}));
}

TEST(ScatterAdd, RefusesWhatDoesNotFit) {
  const Tensor x = zeros({3, 4}), indices = integers({2}, {0, 2});
  expect_error(
      [&] {
        scatter_add(x, indices, zeros({2, 3}));
      },
      "scatter_add: updates must have shape (2, 4) for Float32 (3, 4) and indices of shape (2,), got Float32 (2, 3)");
  expect_error(
      [&] {
        scatter_add(x, indices, zeros({2, 4}, DType::Float64));
      },
      "scatter_add: both operands must have one dtype");
  expect_error([&] { scatter_add(zeros({3}, DType::Bool), indices, zeros({2}, DType::Bool)); },
               "scatter_add: Bool has no arithmetic");
  expect_error([&] { scatter_add(x, integers({1}, {3}), zeros({1, 4})); }, "scatter_add: index 3 at position (0,)");
}

TEST(PutAlongAxisAdd, AddsAnElementPerIndex) {
  const Tensor x = sample({3, 4, 5}), indices = random_indices({3, 6, 5}, 4), updates = sample({3, 6, 5}, -1, 1, 8);
  std::vector<double> expected = values(x);
  for (std::size_t o = 0; o < 3; ++o)
    for (std::size_t j = 0; j < 6; ++j)
      for (std::size_t i = 0; i < 5; ++i) {
        const std::size_t at = (o * 6 + j) * 5 + i;
        expected[(o * 4 + wrapped(indices.data<std::int64_t>()[at], 4)) * 5 + i] += updates.data<double>()[at];
      }
  EXPECT_EQ(values(put_along_axis_add(x, indices, updates, 1)), expected);
  expect_error(
      [&] {
        put_along_axis_add(x, random_indices({2, 6, 5}, 4), updates, 1);
      },
      "put_along_axis_add: x and indices must agree in all extents but that of axis 1");
  expect_error([&] { put_along_axis_add(x, indices, x, 1); }, "put_along_axis_add: updates must have shape (3, 6, 5)");
}

TEST(OneHot, MarksTheIndex) {
  const Tensor indices = integers({2, 2}, {0, 2, 1, 0});
  const std::vector<double> expected{1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0};
  for (DType dtype : kAll) {
    EXPECT_EQ(values(one_hot(indices, 3, dtype)), expected);
    EXPECT_EQ(one_hot(indices, 3, dtype).dtype(), dtype);
  }
  EXPECT_EQ(one_hot(indices.to(DType::Int32), 3).shape(), Shape({2, 2, 3}));
  EXPECT_EQ(one_hot(integers({0}, {}), 0).shape(), Shape({0, 0}));
  expect_error([&] { one_hot(indices, 2); }, "one_hot: index 2 at position (0, 1) is outside [0, 2)");
  expect_error([] { one_hot(integers({1}, {-1}), 2); }, "one_hot: index -1 at position (0,) is outside [0, 2)");
  expect_error([&] { one_hot(indices, -1); }, "one_hot: the number of classes must not be negative, got -1");
  expect_error([] { one_hot(zeros({1}), 2); }, "one_hot: indices must be Int32 or Int64");
}

TEST(Gather, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const Tensor x = sample({50, 700}).to(DType::Float32), updates = sample({9000, 700}).to(DType::Float32);
  const Tensor indices = random_indices({9000}, 50);
  const Tensor columns = random_indices({50, 9000}, 700), more = transpose(sample({9000, 50})).to(DType::Float32);
  std::vector<std::vector<double>> results;
  for (int count : {1, 2, 3}) {
    set_num_threads(count);
    std::vector<double> all;
    for (const Tensor& result : {take(x, indices), scatter_add(x, indices, updates), take_along_axis(x, columns, 1),
                                 put_along_axis_add(x, columns, more, 1)})
      for (double value : values(sum(result, {0}))) all.push_back(value);
    results.push_back(std::move(all));
  }
  set_num_threads(threads);
  for (std::size_t other : {1u, 2u})
    EXPECT_EQ(std::memcmp(results[0].data(), results[other].data(), results[0].size() * sizeof(double)), 0);
}

}  // namespace
}  // namespace cotangent
