// Tests of matrix products, against three plain loops.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::sample;

// Expects matmul(a, b) for (..., m, k) and (..., k, n), element by element.
void expect_product(const Tensor& a, const Tensor& b, const Shape& batch) {
  const std::int64_t m = a.dim(-2), k = a.dim(-1), n = b.dim(-1);
  Shape left = batch, right = batch, whole = batch;
  left.push_back(m), left.push_back(k);
  right.push_back(k), right.push_back(n);
  whole.push_back(m), whole.push_back(n);
  const Tensor result = matmul(a, b), wide_a = broadcast_to(a, left), wide_b = broadcast_to(b, right);
  ASSERT_EQ(result.shape(), whole);
  const auto x = wide_a.data<double>(), y = wide_b.data<double>(), z = result.data<double>();
  for (std::int64_t matrix = 0; matrix < batch.elements(); ++matrix)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t p = 0; p < k; ++p)
          sum += x[static_cast<std::size_t>((matrix * m + i) * k + p)] *
                 y[static_cast<std::size_t>((matrix * k + p) * n + j)];
        ASSERT_NEAR(z[static_cast<std::size_t>((matrix * m + i) * n + j)], sum, 1e-13 * static_cast<double>(k + 1));
      }
}

TEST(Matmul, MultipliesMatrices) {
  for (const auto& [m, k, n] : {std::tuple{1, 1, 1},
                                {2, 3, 4},
                                {5, 7, 1},
                                {1, 7, 5},
                                {200, 3, 5},
                                {3, 2, 600},
                                {400, 30, 520},
                                {5, 300, 5},
                                {64, 3136, 10},
                                {300, 40, 8},
                                {9, 20, 4},
                                {7, 2, 5},
                                {128, 1100, 128},
                                {100, 60, 400},
                                {64, 10, 3136},
                                {40, 16, 20}})
    expect_product(sample({m, k}, -1, 1, 1), sample({k, n}, -1, 1, 2), {});
}

TEST(Matmul, BroadcastsBatches) {
  expect_product(sample({3, 2, 4}), sample({3, 4, 5}), {3});
  expect_product(sample({3, 2, 4}), sample({4, 5}), {3});
  expect_product(sample({2, 4}), sample({3, 4, 5}), {3});
  expect_product(sample({6, 1, 2, 4}), sample({3, 4, 5}), {6, 3});
  expect_product(sample({6, 3, 2, 4}), sample({6, 1, 4, 5}), {6, 3});
  expect_product(sample({1, 2, 4}), sample({1, 1, 4, 5}), {1, 1});
  expect_product(sample({3, 20, 40}), sample({3, 40, 7}), {3});
}

// The gradients multiply transposed operands: g b^T and a^T g.
TEST(Matmul, MultipliesTransposedMatrices) {
  for (const auto& [m, k, n] : {std::tuple{7, 9, 5}, {64, 300, 10}, {30, 40, 16}, {10, 600, 3}, {128, 20, 128}}) {
    const Tensor a = sample({m, k}, -1, 1, 1), b = sample({k, n}, -1, 1, 2), g = sample({m, n}, -1, 1, 3);
    const Tensors gradients = vjp([](const Tensor& x, const Tensor& y) { return matmul(x, y); }, {a, b}).pullback(g);
    const auto close = [](const Tensor& x, const Tensor& y) { return max(abs(x - y)).item<double>() < 1e-12; };
    EXPECT_TRUE(close(gradients[0], sum(expand_dims(g, 1) * expand_dims(b, 0), -1)));
    EXPECT_TRUE(close(gradients[1], sum(expand_dims(a, 2) * expand_dims(g, 1), 0)));
  }
}

TEST(Matmul, TakesEmptyExtents) {
  expect_product(sample({0, 4}), sample({4, 5}), {});
  expect_product(sample({3, 4}), sample({4, 0}), {});
  expect_product(sample({3, 0}), sample({0, 5}), {});  // zeros: empty sums
  expect_product(sample({0, 3, 4}), sample({4, 5}), {0});
  expect_product(sample({0, 3, 4}), sample({1, 4, 5}), {0});
  expect_product(sample({2, 0, 4}), sample({4, 5}), {2});
  expect_product(sample({2, 3, 0}), sample({0, 5}), {2});
}

TEST(Matmul, PromotesVectors) {
  const Tensor m = sample({3, 4}), v = sample({4}, -1, 1, 1), w = sample({3}, -1, 1, 2), batch = sample({5, 3, 4});
  EXPECT_EQ(matmul(m, v).shape(), Shape({3}));
  EXPECT_EQ(matmul(w, m).shape(), Shape({4}));
  EXPECT_EQ(matmul(v, v).shape(), Shape({}));
  EXPECT_EQ(matmul(batch, v).shape(), Shape({5, 3}));
  EXPECT_EQ(matmul(w, batch).shape(), Shape({5, 4}));
  const Tensor product = matmul(w, m);
  const auto data = m.data<double>();
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) sum += w.data<double>()[i] * data[i * 4 + 1];
  EXPECT_NEAR(product.data<double>()[1], sum, 1e-15);
  EXPECT_EQ(matmul(sample({0}), sample({0})).item<double>(), 0);
}

TEST(Matmul, KeepsFloat32) {
  const Tensor a = sample({4, 5}), b = sample({5, 6});
  const Tensor narrow = matmul(a.to(DType::Float32), b.to(DType::Float32)), wide = matmul(a, b);
  for (std::size_t i = 0; i < 24; ++i) EXPECT_NEAR(narrow.data<float>()[i], wide.data<double>()[i], 1e-6);
}

TEST(Matmul, LetsNaNThrough) {
  const Tensor a = full({2, 2}, std::nan("")), b = zeros({2, 2});
  const Tensor product = matmul(a, b);
  for (float value : product.data<float>()) EXPECT_TRUE(std::isnan(value));
}

TEST(Matmul, RefusesWhatDoesNotFit) {
  expect_error(
      [] {
        matmul(zeros({2, 3}), zeros({4, 5}));
      },
      "matmul: the last axis of Float32 (2, 3) must match the last but one of Float32 (4, 5), got 3 and 4");
  expect_error([] { matmul(zeros({2, 3}), zeros({5, 3})); }, "; transpose the last two axes of the right operand");
  expect_error([] { matmul(zeros({3, 2}), zeros({3, 5})); }, "; transpose the last two axes of the left operand");
  expect_error(
      [] {
        matmul(zeros({2, 2, 3}), zeros({3, 3, 5}));
      },
      "matmul: the leading axes of Float32 (2, 2, 3) and Float32 (3, 3, 5) do not broadcast: 2 against 3");
  expect_error([] { matmul(full({}, 1.0), zeros({3})); }, "matmul: operands need at least one axis, got Float32 ()");
  expect_error(
      [] {
        matmul(zeros({2, 2}, DType::Int64), zeros({2, 2}, DType::Int64));
      },
      "matmul: needs Float32 or Float64, got Int64 (2, 2) and Int64 (2, 2); convert with .to(DType::Float32)");
  expect_error(
      [] {
        matmul(zeros({2, 2}), zeros({2, 2}, DType::Float64));
      },
      "matmul: both operands must have one dtype");
  expect_error([] { matmul(Tensor(), zeros({2, 2})); }, "null");
}

TEST(Dot, SumsProducts) {
  const Tensor a = Tensor::from_data<double>({3}, std::vector{1.0, 2.0, 3.0});
  EXPECT_EQ(dot(a, a).item<double>(), 14);
  EXPECT_EQ(dot(a, a).shape(), Shape({}));
  expect_error([&] { dot(a, ones({2}, DType::Float64)); }, "dot: needs two 1-D tensors of one length");
  expect_error([&] { dot(a, ones({3, 3}, DType::Float64)); }, "use matmul for matrices");
}

TEST(Outer, MultipliesAllPairs) {
  const Tensor result = outer(arange(3), reshape(arange(4), {2, 2}));
  ASSERT_EQ(result.shape(), Shape({3, 4}));
  for (std::int64_t i = 0; i < 12; ++i)
    EXPECT_EQ(result.data<std::int64_t>()[static_cast<std::size_t>(i)], i / 4 * (i % 4));
  EXPECT_EQ(outer(zeros({0}), zeros({3})).shape(), Shape({0, 3}));
}

TEST(Matmul, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const Tensor a = sample({500, 70}).to(DType::Float32), b = sample({70, 1100}).to(DType::Float32);
  const Tensor batch = sample({40, 33, 70}).to(DType::Float32);
  const Tensor long_rows = sample({64, 3136}).to(DType::Float32), narrow = sample({3136, 10}).to(DType::Float32);
  std::vector<std::vector<float>> results;
  for (int count : {1, 2, 3}) {
    set_num_threads(count);
    std::vector<float> all;
    for (const Tensor& result :
         {matmul(long_rows, narrow), matmul(a, b), matmul(batch, b), matmul(batch, expand_dims(b, 0)),
          grad([&](const Tensor& x) { return sum(matmul(x, b) * matmul(x, b)); })(a)})
      all.insert(all.end(), result.data<float>().begin(), result.data<float>().end());
    results.push_back(std::move(all));
  }
  set_num_threads(threads);
  for (int other : {1, 2})
    EXPECT_EQ(std::memcmp(results[0].data(), results[static_cast<std::size_t>(other)].data(),
                          results[0].size() * sizeof(float)),
              0);
}

}  // namespace
}  // namespace cotangent
