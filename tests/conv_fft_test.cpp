// Convolution by Fourier transforms: problems that are cut and served in pieces, gradients, bits, bad input.
#include <gtest/gtest.h>

#include <cmath>

#include "conv_reference.h"
#include "expect_error.h"

namespace cotangent::testing {
namespace {

using enum ConvAlgorithm;

const Letters kFirst{"NCW", "OIW", "NCW"}, kLast{"NWC", "WIO", "NWC"}, kPicture{"NCHW", "OIHW", "NCHW"};

ConvOptions with(const ConvCase& c, ConvAlgorithm algorithm) {
  ConvOptions options = c.options();
  options.algorithm = algorithm;
  if (algorithm == Auto) options.precision = Precision::Highest;
  return options;
}

// Against another algorithm, which is exact for whole numbers.
void expect_equal(const ConvCase& c, DType dtype, double tolerance) {
  SCOPED_TRACE(to_string(c));
  const Tensor lhs = whole_numbers(c.lhs, dtype, 1), rhs = whole_numbers(c.rhs, dtype, 2);
  const Values expected = values(conv_general_dilated(lhs, rhs, with(c, Auto)));
  EXPECT_LT(relative_error(values(conv_general_dilated(lhs, rhs, with(c, Fft))), expected), tolerance);
}

void expect_all(const ConvCase& c) {
  for (const ConvCase& one : {c, input_gradient(c), weight_gradient(c)}) {
    expect_equal(one, DType::Float32, 2e-5);
    expect_equal(one, DType::Float64, 1e-13);
  }
}

// More spectra than are in memory at once, in every direction in which they are cut.
TEST(ConvFft, ServesInPieces) {
  expect_all(padded(plain({1, 1, 1 << 19}, {1, 1, 1025}, kFirst), {{512, 512}}));  // blocks and parts
  expect_all(padded(plain({48, 16, 4096}, {16, 16, 33}, kFirst), {{16, 16}}));     // images
  expect_all(padded(plain({24, 4096, 16}, {33, 16, 16}, kLast), {{-3, 16}}));      // and channels last
  expect_all(feature_groups(padded(plain({8, 64, 4096}, {64, 1, 65}, kFirst), {{32, 32}}), 64));
  expect_all(batch_groups(padded(plain({64, 8, 4096}, {16, 8, 33}, kFirst), {{16, 16}}), 4));
  expect_all(padded(plain({1, 4, 200, 300}, {4, 4, 31, 21}, kPicture), {{15, 15}, {0, 7}}));
}

// As many groups as a vector has lanes are transformed together, where their channels are adjacent.
TEST(ConvFft, ServesDepthwiseConvolutionsWithChannelsLast) {
  for (const std::int64_t channels : {1, 16, 40})
    for (const std::int64_t multiplier : {1, 2}) {
      const std::int64_t features = channels * multiplier;
      ConvCase c = feature_groups(padded(plain({3, 500, channels}, {61, 1, features}, kLast), {{30, 9}}), channels);
      expect_all(c);
      c.strides = {2};
      c.rhs_dilation = {3};
      expect_all(c);
    }
  expect_all(feature_groups(padded(plain({8, 4096, 64}, {65, 1, 64}, kLast), {{32, 32}}), 64));  // in pieces
}

TEST(ConvFft, CutsKernelsAsLongAsTheSignal) {
  expect_all(plain({1, 2, 5000}, {3, 2, 4001}, kFirst));
  expect_all(padded(plain({2, 1, 3000}, {1, 1, 3000}, kFirst), {{2999, 2999}}));
  expect_all(padded(plain({1, 1, 90, 70}, {2, 1, 90, 70}, kPicture), {{89, 89}, {69, 69}}));
}

TEST(ConvFft, ServesStridesAndDilations) {
  for (const std::int64_t stride : {1, 2, 3, 6})
    for (const std::int64_t dilation : {1, 2, 3, 4}) {
      ConvCase c = padded(plain({2, 3, 301}, {4, 3, 19}, kFirst), {{5, 31}});
      c.strides = {stride};
      c.rhs_dilation = {dilation};
      expect_equal(c, DType::Float32, 2e-5);
      expect_equal(c, DType::Float64, 1e-13);
    }
  ConvCase c = padded(plain({2, 3, 40, 50}, {4, 3, 7, 5}, kPicture), {{5, 6}, {-2, 4}});
  c.strides = {2, 1};
  c.rhs_dilation = {3, 2};
  expect_all(c);
  c.lhs_dilation = {1, 3};
  expect_all(c);
}

TEST(ConvFft, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const ConvCase layer = padded(plain({24, 16, 4096}, {16, 16, 33}, kFirst), {{16, 16}});
  for (const ConvCase& c : {layer, input_gradient(layer), weight_gradient(layer)}) {
    const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs);
    Values expected;
    for (const int count : {1, 2, 3}) {
      set_num_threads(count);
      const Values got = values(conv_general_dilated(lhs, rhs, with(c, Fft)));
      if (count == 1) expected = got;
      else EXPECT_TRUE(got == expected) << count << " threads";
    }
  }
  set_num_threads(threads);
}

TEST(ConvFft, HasTheDerivativesOfTheDefinition) {
  ConvCase c = padded(plain({2, 2, 12, 9}, {3, 2, 5, 4}, kPicture), {{2, 1}, {-1, 3}});
  c.strides = {2, 1};
  const ConvOptions options = with(c, Fft);
  const Tensor lhs = sample(c.lhs, -1, 1, 1), rhs = sample(c.rhs, -1, 1, 2);
  const auto f = [&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, options); };
  EXPECT_EQ(check_grads(f, {lhs, rhs}), "");
}

TEST(ConvFft, IsAccurateOnNormalData) {
  const ConvCase layer = padded(plain({1, 64, 2048}, {64, 64, 101}, kFirst), {{50, 50}});
  for (const ConvCase& c : {layer, input_gradient(layer), weight_gradient(layer)}) {
    const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs);
    const Values expected = values(conv_general_dilated(lhs.to(DType::Float64), rhs.to(DType::Float64), with(c, Auto)));
    EXPECT_LT(relative_error(values(conv_general_dilated(lhs, rhs, with(c, Fft))), expected), 2e-6);
  }
}

// Auto takes it: two long signals do not take the time of all their products.
TEST(ConvFft, MakesConvolveFast) {
  const std::int64_t n = 1 << 18;
  const Tensor a = whole_numbers({n}, DType::Float32, 1), v = whole_numbers({n - 7}, DType::Float32, 2);
  const Tensor full = convolve(a, v, "full");
  ASSERT_EQ(full.size(), 2 * n - 8);
  double sum_a = 0, sum_v = 0, sum = 0;
  for (const double value : values(a)) sum_a += value;
  for (const double value : values(v)) sum_v += value;
  for (const double value : values(full)) sum += value;
  EXPECT_NEAR(sum, sum_a * sum_v, 1e-3 * std::abs(sum_a * sum_v));
}

}  // namespace
}  // namespace cotangent::testing
