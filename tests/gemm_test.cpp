// Tests of GEMM, OpenBLAS's and Eigen's: every transposition and leading dimension against plain loops, and the corners
// of BLAS.
#include "cotangent/core/gemm.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/isa/product.h"
#include "expect_error.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using testing::expect_error;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A stored matrix whose rows are `stride` apart; what lies between them must never be used.
template <class T>
struct Matrix {
  std::int64_t rows, columns, stride;
  std::vector<T> elements = std::vector<T>(static_cast<std::size_t>(rows * stride), static_cast<T>(kNan));

  T& operator()(std::int64_t row, std::int64_t column) {
    return elements[static_cast<std::size_t>(row * stride + column)];
  }
  T get(Transpose transpose, std::int64_t row, std::int64_t column) {
    return transpose == Transpose::Yes ? (*this)(column, row) : (*this)(row, column);
  }
};

// Small whole numbers, so that sums are exact in any order.
template <class T>
Matrix<T> random_matrix(std::int64_t rows, std::int64_t columns, std::int64_t gap, unsigned seed) {
  Matrix<T> matrix{.rows = rows, .columns = columns, .stride = columns + gap};
  std::mt19937 generator(seed);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column)
      matrix(row, column) = static_cast<T>(static_cast<int>(generator() % 17) - 8);
  return matrix;
}

// Checks multiply(m, n, k, a, b, c), which is to make c = alpha op(a) op(b) + beta c.
template <class T, class Multiply>
void expect_product(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, T beta,
                    std::int64_t gap, Multiply multiply) {
  Matrix<T> a = ta == Transpose::Yes ? random_matrix<T>(k, m, gap, 1) : random_matrix<T>(m, k, gap, 1);
  Matrix<T> b = tb == Transpose::Yes ? random_matrix<T>(n, k, gap, 2) : random_matrix<T>(k, n, gap, 2);
  Matrix<T> c = random_matrix<T>(m, n, gap, 3);
  Matrix<T> before = c;
  if (beta == 0) c.elements.assign(c.elements.size(), static_cast<T>(kNan));
  multiply(a, b, c);
  for (std::int64_t row = 0; row < m; ++row) {
    for (std::int64_t column = 0; column < n; ++column) {
      T sum = 0;
      for (std::int64_t i = 0; i < k; ++i) sum += a.get(ta, row, i) * b.get(tb, i, column);
      ASSERT_EQ(c(row, column), alpha * sum + (beta == 0 ? T{0} : beta * before(row, column))) << row << ", " << column;
    }
    for (std::int64_t i = n; i < c.stride; ++i) ASSERT_TRUE(std::isnan(c(row, i))) << "wrote between rows";
  }
}

template <class T>
void expect_gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, T beta,
                 std::int64_t gap) {
  expect_product<T>(ta, tb, m, n, k, alpha, beta, gap, [&](Matrix<T>& a, Matrix<T>& b, Matrix<T>& c) {
    gemm(ta, tb, m, n, k, alpha, a.elements.data(), a.stride, b.elements.data(), b.stride, beta, c.elements.data(),
         c.stride);
  });
}

template <class T>
class Gemm : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Types);

TYPED_TEST(Gemm, IsTheSumOfProducts) {
  for (Transpose ta : {Transpose::No, Transpose::Yes})
    for (Transpose tb : {Transpose::No, Transpose::Yes})
      for (auto [m, n, k] : {std::array<std::int64_t, 3>{1, 1, 1}, {3, 5, 7}, {1, 70, 33}, {64, 1, 19}, {50, 60, 70}})
        for (std::int64_t gap : {0, 3})
          for (TypeParam beta : {TypeParam{0}, TypeParam{1}, TypeParam{-2}})
            expect_gemm<TypeParam>(ta, tb, m, n, k, 2, beta, gap);
}

TYPED_TEST(Gemm, OfAnEmptySumLeavesBetaTimesC) {
  for (TypeParam beta : {TypeParam{0}, TypeParam{1}, TypeParam{3}})
    expect_gemm<TypeParam>(Transpose::No, Transpose::No, 4, 5, 0, 1, beta, 2);
}

TYPED_TEST(Gemm, OfNoRowsOrColumnsDoesNothing) {
  TypeParam* const none = nullptr;
  gemm(Transpose::No, Transpose::No, 0, 5, 3, TypeParam{1}, none, 3, none, 5, TypeParam{0}, none, 5);
  gemm(Transpose::No, Transpose::Yes, 5, 0, 3, TypeParam{1}, none, 3, none, 3, TypeParam{0}, none, 1);
}

// Also those that need several blocks of each extent, and none.
TYPED_TEST(Gemm, OfEigenIsTheSumOfProductsAtEveryLevel) {
  using T = TypeParam;
  testing::for_each_level<kernels::ProductKernels<T>>([](const kernels::ProductKernels<T>& kernels) {
    for (Transpose ta : {Transpose::No, Transpose::Yes})
      for (Transpose tb : {Transpose::No, Transpose::Yes})
        for (const auto& size : {std::array<std::int64_t, 3>{1, 1, 1},
                                 {3, 5, 7},
                                 {1, 70, 33},
                                 {64, 1, 19},
                                 {50, 60, 70},
                                 {4, 5, 0},
                                 {0, 5, 4},
                                 {150, 90, 700}})
          for (std::int64_t gap : {0, 3})
            for (bool add : {false, true})
              expect_product<T>(ta, tb, size[0], size[1], size[2], T{1}, static_cast<T>(add), gap,
                                [&](Matrix<T>& a, Matrix<T>& b, Matrix<T>& c) {
                                  kernels.multiply({ta == Transpose::Yes, tb == Transpose::Yes, size[0], size[1],
                                                    size[2], a.elements.data(), a.stride, b.elements.data(), b.stride,
                                                    add, c.elements.data(), c.stride});
                                });
  });
}

// OpenBLAS's own names (openblas_get_corename), the last one of a processor that is still to come.
TEST(GemmCore, HasAnInstructionSet) {
  for (const char* core : {"Prescott", "Core2", "Opteron_SSE3"}) EXPECT_EQ(gemm_core_isa(core), Isa::Baseline) << core;
  for (const char* core : {"Nehalem", "Sandybridge", "Bulldozer"}) EXPECT_EQ(gemm_core_isa(core), Isa::V2) << core;
  for (const char* core : {"Haswell", "Zen", "Excavator"}) EXPECT_EQ(gemm_core_isa(core), Isa::V3) << core;
  for (const char* core : {"SkylakeX", "Cooperlake", "SapphireRapids", "Graniterapids"})
    EXPECT_EQ(gemm_core_isa(core), Isa::V4) << core;
}

TYPED_TEST(Gemm, PropagatesNan) {
  const TypeParam a[] = {1, static_cast<TypeParam>(kNan)}, b[] = {1, 0};
  TypeParam c = 0;
  gemm(Transpose::No, Transpose::No, 1, 1, 2, TypeParam{1}, a, 2, b, 1, TypeParam{0}, &c, 1);
  EXPECT_TRUE(std::isnan(c));
}

TYPED_TEST(Gemm, RefusesSizesThatBlasCannotTake) {
  const std::int64_t huge = std::int64_t{1} << 31;
  TypeParam x = 1;
  const auto run = [&](std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t lda, std::int64_t ldb,
                       std::int64_t ldc) {
    gemm(Transpose::No, Transpose::No, m, n, k, TypeParam{1}, &x, lda, &x, ldb, TypeParam{0}, &x, ldc);
  };
  expect_error([&] { run(huge, 1, 1, 1, 1, 1); }, "gemm: sizes must be below 2^31, got m = 2147483648, n = 1, k = 1");
  expect_error([&] { run(1, huge, 1, 1, huge, huge); }, "gemm: sizes must be below 2^31");
  expect_error([&] { run(1, 1, huge, huge, 1, 1); }, "gemm: sizes must be below 2^31");
  expect_error([&] { run(1, 1, 1, 1, 1, huge); }, "ldc = 2147483648");
}

TYPED_TEST(Gemm, RefusesRowsThatOverlap) {
  std::vector<TypeParam> x(64, 1);
  const auto run = [&](Transpose ta, Transpose tb, std::int64_t lda, std::int64_t ldb, std::int64_t ldc) {
    gemm(ta, tb, 2, 3, 4, TypeParam{1}, x.data(), lda, x.data(), ldb, TypeParam{0}, x.data() + 32, ldc);
  };
  expect_error([&] { run(Transpose::No, Transpose::No, 3, 3, 3); }, "gemm: rows of a have 4 elements, lda is 3");
  expect_error([&] { run(Transpose::Yes, Transpose::No, 1, 3, 3); }, "gemm: rows of a have 2 elements, lda is 1");
  expect_error([&] { run(Transpose::No, Transpose::Yes, 4, 3, 3); }, "gemm: rows of b have 4 elements, ldb is 3");
  expect_error([&] { run(Transpose::No, Transpose::No, 4, 3, 2); }, "gemm: rows of c have 3 elements, ldc is 2");
}

TEST(GemmInParallel, GivesTheSameBits) {
  std::vector<float> a(64 * 64), b(64 * 64), alone(64 * 64), together(8 * alone.size());
  std::mt19937 generator(7);
  for (auto* matrix : {&a, &b})
    for (float& x : *matrix) x = static_cast<float>(generator()) * 0x1p-31f - 1;
  const auto multiply = [&](float* c) {
    gemm(Transpose::No, Transpose::Yes, 64, 64, 64, 1.0f, a.data(), 64, b.data(), 64, 0.0f, c, 64);
  };
  multiply(alone.data());
  const int before = num_threads();
  set_num_threads(4);
  parallel_for(8, 1, [&](std::int64_t i, std::int64_t) { multiply(together.data() + i * 64 * 64); });
  set_num_threads(before);
  for (std::size_t i = 0; i < together.size(); ++i) ASSERT_EQ(together[i], alone[i % alone.size()]);
}

}  // namespace
}  // namespace cotangent
