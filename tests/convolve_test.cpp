// Tests of convolve and correlate: known answers, NumPy's lengths and order, promotion, messages.
#include "cotangent/ops/convolve.h"

#include <gtest/gtest.h>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::sample;
using Numbers = std::vector<double>;

Tensor numbers(const Numbers& values, DType dtype = DType::Float64) {
  return Tensor::from_data<double>({static_cast<std::int64_t>(values.size())}, values).to(dtype);
}

Numbers values(const Tensor& x) {
  const Tensor wide = x.to(DType::Float64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

TEST(Convolve, GivesJaxsDocumentedValues) {
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64}) {
    const Tensor x = numbers({1, 2, 3, 2, 1}, dtype), v = numbers({4, 1, 2}, dtype), w = numbers({4, 5, 6}, dtype);
    EXPECT_EQ(values(convolve(x, v)), (Numbers{4, 9, 16, 15, 12, 5, 2}));
    EXPECT_EQ(values(convolve(x, v, ConvolveMode::Same)), (Numbers{9, 16, 15, 12, 5}));
    EXPECT_EQ(values(convolve(x, v, "valid")), (Numbers{16, 15, 12}));
    EXPECT_EQ(values(correlate(x, w)), (Numbers{32, 35, 28}));
    EXPECT_EQ(values(correlate(x, w, "full")), (Numbers{6, 17, 32, 35, 28, 13, 4}));
    EXPECT_EQ(values(correlate(x, w, std::string("same"))), (Numbers{17, 32, 35, 28, 13}));
  }
}

TEST(Convolve, HandlesEvenLengthsAndSwapsAsNumpyDoes) {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}), k = numbers({1, 10, 100, 1000});
  const std::vector<std::pair<ConvolveMode, std::vector<Numbers>>> expected = {
      {ConvolveMode::Full,
       {{1, 12, 123, 1234, 2345, 3456, 4560, 5600, 6000},
        {1000, 2100, 3210, 4321, 5432, 6543, 654, 65, 6},
        {6, 65, 654, 6543, 5432, 4321, 3210, 2100, 1000}}},
      {ConvolveMode::Same,
       {{12, 123, 1234, 2345, 3456, 4560}, {2100, 3210, 4321, 5432, 6543, 654}, {654, 6543, 5432, 4321, 3210, 2100}}},
      {ConvolveMode::Valid, {{1234, 2345, 3456}, {4321, 5432, 6543}, {6543, 5432, 4321}}},
  };
  for (const auto& [mode, results] : expected) {
    EXPECT_EQ(values(convolve(x, k, mode)), results[0]);
    EXPECT_EQ(values(convolve(k, x, mode)), results[0]);
    EXPECT_EQ(values(correlate(x, k, mode)), results[1]);
    EXPECT_EQ(values(correlate(k, x, mode)), results[2]);
  }
}

// The sum as it is written, over NumPy's grid of lengths; small integers, so that results are exact.
TEST(Convolve, EqualsTheSumForAllPairsOfLengths) {
  const auto integers = [](std::int64_t length, std::int64_t seed) {
    Numbers result;
    for (std::int64_t i = 0; i < length; ++i) result.push_back(static_cast<double>((seed + 7 * i) % 11 - 5));
    return result;
  };
  for (std::int64_t first : {1, 2, 6, 7, 12})
    for (std::int64_t second : {1, 2, 6, 7, 12}) {
      const Numbers a = integers(first, 1), v = integers(second, 4);
      Numbers full(static_cast<std::size_t>(first + second - 1)), slid = full;
      for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t k = 0; k < v.size(); ++k) {
          full[i + k] += a[i] * v[k];
          slid[i + v.size() - 1 - k] += a[i] * v[k];  // element v.size() - 1 + i - k: a ahead of v by i - k
        }
      const std::int64_t longer = std::max(first, second), shorter = std::min(first, second);
      const auto part = [](const Numbers& all, std::int64_t start, std::int64_t count) {
        return Numbers(all.begin() + start, all.begin() + start + count);
      };
      for (DType dtype : {DType::Float32, DType::Float64}) {
        const Tensor x = numbers(a, dtype), y = numbers(v, dtype);
        EXPECT_EQ(values(convolve(x, y)), full);
        EXPECT_EQ(values(convolve(x, y, "same")), part(full, (shorter - 1) / 2, longer));
        EXPECT_EQ(values(convolve(x, y, "valid")), part(full, shorter - 1, longer - shorter + 1));
        EXPECT_EQ(values(correlate(x, y, "full")), slid);
        const std::int64_t start = first < second ? shorter / 2 : (shorter - 1) / 2;  // counted from the other end
        EXPECT_EQ(values(correlate(x, y, "same")), part(slid, start, longer));
        EXPECT_EQ(values(correlate(x, y, "valid")), part(slid, shorter - 1, longer - shorter + 1));
      }
    }
}

TEST(Convolve, PromotesToAFloatingTypeAsJaxDoes) {
  const auto result = [](DType a, DType b) { return convolve(ones({3}, a), ones({2}, b)).dtype(); };
  EXPECT_EQ(result(DType::Float32, DType::Float32), DType::Float32);
  EXPECT_EQ(result(DType::Float32, DType::Float64), DType::Float64);
  EXPECT_EQ(result(DType::Int64, DType::Float32), DType::Float32);
  EXPECT_EQ(result(DType::Float64, DType::Bool), DType::Float64);
  EXPECT_EQ(result(DType::Int64, DType::Int32), DType::Float64);
  EXPECT_EQ(result(DType::Int32, DType::UInt8), DType::Float32);
  EXPECT_EQ(result(DType::Bool, DType::Bool), DType::Float32);
}

TEST(Convolve, ComputesInThePreferredType) {
  const Tensor a = sample({20}, -1, 1, 1).to(DType::Float32), v = sample({5}, -1, 1, 2).to(DType::Float32);
  const auto prefer = [](DType dtype, const Tensor& x, const Tensor& y) {
    return convolve(x, y, ConvolveMode::Full, Precision::Default, dtype);
  };
  EXPECT_EQ(values(prefer(DType::Float64, a, v)), values(convolve(a.to(DType::Float64), v.to(DType::Float64))));
  EXPECT_EQ(prefer(DType::Float64, ones({3}, DType::Int32), ones({2}, DType::Int32)).dtype(), DType::Float64);
  EXPECT_EQ(prefer(DType::Float32, ones({3}, DType::Int64), ones({2}, DType::Int64)).dtype(), DType::Float32);
  expect_error([&] { prefer(DType::Float32, a, v.to(DType::Float64)); }, "no narrower than the operands' Float64");
  expect_error([&] { prefer(DType::Int32, a, v); }, "must be a floating type");
  expect_error([&] { prefer(DType::Int64, arange(3), arange(2)); }, "needs Float32 or Float64");
}

TEST(Convolve, ExplainsWhatItRefuses) {
  const Tensor x = ones({3}), matrix = ones({2, 3}), empty = zeros({0});
  expect_error([&] { convolve(matrix, x); }, "convolve: both operands must be 1-D, got shapes (2, 3) and (3,)");
  expect_error([&] { correlate(x, ones({})); }, "correlate: both operands must be 1-D, got shapes (3,) and ()");
  expect_error([&] { convolve(x, empty); }, "convolve: both operands must have elements, got shapes (3,) and (0,)");
  expect_error([&] { correlate(empty, x); }, "correlate: both operands must have elements");
  expect_error([&] { convolve(x, x, "SAME"); }, "mode must be \"full\", \"same\" or \"valid\", got \"SAME\"");
  expect_error([&] { convolve(Tensor(), x); }, "null");
}

}  // namespace
}  // namespace cotangent
