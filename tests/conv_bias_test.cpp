// conv_general_dilated_with_bias and ConvOptions::activation: the convolution plus a number for each output feature,
// and relu of that, by every algorithm.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_error.h"
#include "named_convs.h"

namespace cotangent::testing {
namespace {

const Letters kLast{"NHWC", "HWIO", "NHWC"}, kFirst{"NCHW", "OIHW", "NCHW"};

std::vector<ConvCase> cases() {
  const Pads same{{1, 1}, {1, 1}};
  return {
      padded(plain({2, 9, 10, 6}, {3, 3, 6, 21}, kLast), same),
      padded(plain({2, 6, 9, 10}, {21, 6, 3, 3}, kFirst), same),
      padded(plain({9, 10, 6, 2}, {6, 3, 5, 3}, {"HWCN", "IHOW", "WNCH"}), same),
      padded(plain({2, 9, 10, 16}, {3, 3, 16, 2}, kLast), same),
      strided(padded(plain({2, 11, 12, 3}, {5, 5, 3, 8}, kLast), {{2, 2}, {2, 1}}), {2, 2}),
      plain({2, 9, 10, 20}, {1, 1, 20, 30}, kLast),
      // phases, of which the last case has some that sum nothing
      spread(padded(plain({2, 5, 6, 10}, {4, 4, 10, 7}, kLast), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 10, 5, 6}, {7, 10, 4, 4}, kFirst), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 5, 6, 10}, {1, 1, 10, 7}, kLast), {{0, 2}, {0, 1}}), {3, 2}, {1, 1}),
      feature_groups(padded(plain({2, 9, 10, 24}, {3, 3, 8, 12}, kLast), same), 3),
      feature_groups(padded(plain({2, 9, 10, 32}, {3, 3, 1, 64}, kLast), same), 32),
      feature_groups(padded(plain({2, 10, 9, 20}, {20, 1, 3, 3}, kFirst), same), 10),
      batch_groups(padded(plain({4, 9, 10, 3}, {3, 3, 3, 8}, kLast), same), 2),
      padded(plain({2, 50, 4}, {5, 4, 6}, {"NWC", "WIO", "NWC"}), {{2, 2}}),
      plain({3, 20}, {20, 7}, {"NC", "IO", "NC"}),
      // nothing is summed: the output is the bias
      plain({2, 5, 5, 0}, {3, 3, 0, 4}, kLast),
      feature_groups(padded(plain({2, 0, 6, 8}, {3, 3, 1, 16}, kLast), {{2, 2}, {1, 1}}), 8),
      // there is no output, and gradients sum nothing
      feature_groups(strided(plain({2, 2, 9, 8}, {3, 3, 1, 16}, kLast), {2, 3}), 8),
      feature_groups(strided(plain({2, 2, 9, 8}, {16, 1, 3, 3}, {"NHWC", "OIHW", "NCHW"}), {2, 3}), 8),
  };
}

// So few output positions that the many weights are read once: where they lie, or packed bit by bit.
std::vector<ConvCase> few_rows() {
  const Pads same{{1, 1}, {1, 1}};
  const Letters swapped{"NHWC", "HWOI", "NHWC"};
  return {
      padded(plain({1, 6, 7, 72}, {3, 3, 72, 64}, kLast), same),
      padded(plain({2, 3, 5, 72}, {3, 3, 64, 72}, swapped), same),
      plain({2, 5, 9, 300}, {1, 1, 300, 128}, kLast),
      plain({2, 5, 9, 300}, {1, 1, 128, 300}, swapped),
      feature_groups(plain({1, 5, 6, 144}, {3, 3, 72, 128}, kLast), 2),
      // phases, of which some sum nothing
      spread(padded(plain({2, 4, 5, 300}, {1, 1, 300, 128}, kLast), {{0, 2}, {1, 1}}), {2, 2}, {1, 1}),
      spread(plain({1, 4, 5, 300}, {1, 1, 128, 300}, swapped), {2, 3}, {1, 1}),
      spread(padded(plain({1, 5, 6, 72}, {3, 3, 64, 72}, swapped), same), {2, 2}, {1, 1}),
  };
}

// values + bias, element by element.
Values plus_bias(const ConvCase& c, Values sums, const Values& bias) {
  const Shape shape = reference_shape(c);
  const auto axis = static_cast<std::size_t>(c.numbers.out_spec[1]);
  std::int64_t step = 1;
  for (std::size_t a = axis + 1; a < shape.size(); ++a) step *= shape[a];
  for (std::size_t i = 0; i < sums.size(); ++i)
    sums[i] += bias[static_cast<std::size_t>(static_cast<std::int64_t>(i) / step % shape[axis])];
  return sums;
}

Values rectified(Values x) {
  for (double& value : x) value = value < 0 ? 0 : value;
  return x;
}

TEST(ConvBias, IsAddedByEveryAlgorithm) {
  int served = 0;
  std::vector<ConvCase> all = cases();
  for (ConvCase& c : few_rows()) all.push_back(std::move(c));
  for (const ConvCase& c : all)
    for (const DType dtype : {DType::Float32, DType::Float64}) {
      const Tensor lhs = whole_numbers(c.lhs, dtype, 1), rhs = whole_numbers(c.rhs, dtype, 2),
                   bias = whole_numbers({c.rhs[static_cast<std::size_t>(c.numbers.rhs_spec[0])]}, dtype, 3);
      const Values expected = plus_bias(c, reference_conv(c, values(lhs), values(rhs)), values(bias));
      ConvOptions options = c.options();
      SCOPED_TRACE(to_string(c));
      EXPECT_EQ(values(conv_general_dilated_with_bias(lhs, rhs, bias, options)), expected);
      const ConvExplanation e = explain_case(c, dtype);
      for (const ConvAlternative& other : e.alternatives) {
        options.algorithm = other.algorithm;
        if (!other.refusal.empty()) continue;
        SCOPED_TRACE(name(other.algorithm));
        ++served;
        const Values got = values(conv_general_dilated_with_bias(lhs, rhs, bias, options));
        if (other.algorithm == ConvAlgorithm::Winograd || other.algorithm == ConvAlgorithm::Fft)
          EXPECT_LT(relative_error(got, expected), 2e-5);
        else EXPECT_EQ(got, expected);
        ConvOptions with_relu = options;
        with_relu.activation = Activation::Relu;
        EXPECT_EQ(values(conv_general_dilated_with_bias(lhs, rhs, bias, with_relu)), rectified(got));
        options.activation = Activation::None;
        EXPECT_EQ(values(conv_general_dilated(lhs, rhs, with_relu)),
                  rectified(values(conv_general_dilated(lhs, rhs, options))));
      }
    }
  EXPECT_GE(served, 100);
}

TEST(ConvBias, IsAddedToWinograd) {
  const ConvCase c = padded(plain({2, 14, 13, 32}, {3, 3, 32, 32}, kLast), {{1, 1}, {1, 1}});
  ConvOptions options = c.options();
  options.algorithm = ConvAlgorithm::Winograd;
  const Tensor lhs = whole_numbers(c.lhs, DType::Float32, 1), rhs = whole_numbers(c.rhs, DType::Float32, 2),
               bias = whole_numbers({32}, DType::Float32, 3);
  const Values expected = plus_bias(c, reference_conv(c, values(lhs), values(rhs)), values(bias));
  EXPECT_LT(relative_error(values(conv_general_dilated_with_bias(lhs, rhs, bias, options)), expected), 2e-5);
}

TEST(ConvActivation, KeepsWhatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const ConvCase& c : cases()) {
    ConvOptions options = c.options();
    options.activation = Activation::Relu;
    const Values got = values(conv_general_dilated(full(c.lhs, nan), full(c.rhs, 1), options)),
                 plain = values(conv_general_dilated(full(c.lhs, nan), full(c.rhs, 1), c.options()));
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isnan(got[i]), std::isnan(plain[i])) << to_string(c);
  }
}

TEST(ConvActivation, HasTheGradientsOfRelu) {
  for (const ConvCase& c : cases()) {
    const std::int64_t features = c.rhs[static_cast<std::size_t>(c.numbers.rhs_spec[0])];
    const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs),
                 bias = random::normal(random::Key(3), {features}),
                 g = random::normal(random::Key(4), reference_shape(c));
    ConvOptions fused = c.options();
    fused.activation = Activation::Relu;
    const auto gradients = [&](const auto& f) {
      const auto first = [&](const Tensor& l, const Tensor& r, const Tensor& b) {
        return vjp(f, {l, r, b}).pullback(g);
      };
      // and of second order: the gradient of the square of the first ones
      const Tensors second = vjp(
                                 [&](const Tensor& l, const Tensor& r, const Tensor& b) {
                                   const Tensors parts = first(l, r, b);
                                   return sum(square(parts[0])) + sum(square(parts[1])) + sum(square(parts[2]));
                                 },
                                 {lhs, rhs, bias})
                                 .pullback(full({}, 1));
      Tensors all = first(lhs, rhs, bias);
      all.insert(all.end(), second.begin(), second.end());
      return all;
    };
    const Tensors got = gradients([&](const Tensor& l, const Tensor& r, const Tensor& b) {
      return conv_general_dilated_with_bias(l, r, b, fused);
    });
    const Tensors expected = gradients([&](const Tensor& l, const Tensor& r, const Tensor& b) {
      return relu(conv_general_dilated_with_bias(l, r, b, c.options()));
    });
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(values(got[i]), values(expected[i])) << to_string(c) << i;
  }
}

TEST(ConvBias, HasTheBitsOfTheSumForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const ConvCase& c : cases()) {
    const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs),
                 bias = random::normal(random::Key(3), {c.rhs[static_cast<std::size_t>(c.numbers.rhs_spec[0])]});
    set_num_threads(1);
    const Values expected = values(conv_general_dilated_with_bias(lhs, rhs, bias, c.options()));
    for (const int count : {2, 3}) {
      set_num_threads(count);
      EXPECT_EQ(values(conv_general_dilated_with_bias(lhs, rhs, bias, c.options())), expected) << to_string(c);
    }
  }
  set_num_threads(threads);
}

TEST(ConvBias, HasTheWiderTypeThatIsAskedFor) {
  const Tensor y = conv_general_dilated_with_bias(ones({1, 2, 3, 3}), ones({4, 2, 3, 3}), ones({4}),
                                                  {.preferred_element_type = DType::Float64});
  EXPECT_EQ(y.dtype(), DType::Float64);
  EXPECT_EQ(values(y), Values(4, 19));
}

TEST(ConvBias, GivesGradientsOfAllThree) {
  const ConvCase c = padded(plain({2, 5, 6, 3}, {3, 3, 3, 4}, kLast), {{1, 1}, {1, 1}});
  const Tensor lhs = whole_numbers(c.lhs, DType::Float32, 1), rhs = whole_numbers(c.rhs, DType::Float32, 2),
               bias = whole_numbers({4}, DType::Float32, 3), g = whole_numbers(reference_shape(c), DType::Float32, 4);
  const Tensors got = vjp([&](const Tensor& l, const Tensor& r,
                              const Tensor& b) { return conv_general_dilated_with_bias(l, r, b, c.options()); },
                          {lhs, rhs, bias})
                          .pullback(g);
  const ReferenceVjps expected = reference_vjps(c, values(lhs), values(rhs), values(g));
  EXPECT_EQ(values(got[0]), expected.lhs);
  EXPECT_EQ(values(got[1]), expected.rhs);
  EXPECT_EQ(values(got[2]), values(sum(g, {0, 1, 2})));
}

TEST(ConvBias, RefusesWhatDoesNotFit) {
  const auto expect = [](const Tensor& bias, std::string_view part) {
    SCOPED_TRACE(part);
    expect_error([&] { conv_general_dilated_with_bias(ones({1, 3, 8, 8}), ones({4, 3, 3, 3}), bias); }, part);
  };
  expect(ones({3}),
         "conv_general_dilated: bias must have one number for each output feature, Float32 (4,), got Float32 (3,)");
  expect(ones({4, 1}), "Float32 (4,), got Float32 (4, 1)");
  expect(full({}, 1), "got Float32 ()");
  expect(ones({4}, DType::Float64), "Float32 (4,), got Float64 (4,)");
  expect(ones({4}, DType::Int32), "Float32 (4,), got Int32 (4,)");
  expect(Tensor(), "conv_general_dilated: bias is null; call conv_general_dilated for a convolution without one");
}

}  // namespace
}  // namespace cotangent::testing
