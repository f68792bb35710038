// The algorithms of convolution against the definition, on problems large enough to be cut into many tiles. Data are
// small integers, so that results are exact whatever the order of summation.
#include <gtest/gtest.h>

#include "conv_reference.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

const Letters kLast{"NHWC", "HWIO", "NHWC"}, kFirst{"NCHW", "OIHW", "NCHW"};
// As weight gradients come: batch and features have changed places, the window is the size of the input.
const Letters kLastSwapped{"CHWN", "IHWO", "HWNC"}, kFirstSwapped{"CNHW", "IOHW", "CNHW"};

std::vector<ConvCase> cases() {
  return {
      padded(plain({2, 20, 20, 96}, {3, 3, 96, 40}, kLast), {{1, 1}, {1, 1}}),
      padded(plain({3, 96, 14, 14}, {40, 96, 3, 3}, kFirst), {{1, 1}, {1, 1}}),
      padded(plain({5, 96, 7, 7}, {24, 96, 3, 3}, kFirst), {{1, 1}, {1, 1}}),
      padded(plain({4, 28, 28, 1}, {5, 5, 1, 8}, kLast), {{2, 2}, {2, 2}}),
      padded(plain({4, 1, 28, 28}, {8, 1, 5, 5}, kFirst), {{2, 2}, {2, 2}}),
      strided(padded(plain({2, 40, 38, 3}, {7, 7, 3, 24}, kLast), {{3, 2}, {-1, 4}}), {2, 2}),
      plain({2, 24, 24, 70}, {1, 1, 70, 30}, kLast),
      plain({2, 70, 24, 24}, {30, 70, 1, 1}, kFirst),
      plain({2, 20, 579}, {33, 20, 1}, {"NCW", "OIW", "NCW"}),
      strided(plain({2, 24, 24, 70}, {1, 1, 70, 30}, kLast), {2, 2}),
      padded(plain({2, 24, 24, 40}, {1, 1, 40, 600}, kLast), {{-2, -1}, {0, -5}}),
      plain({2, 24, 24, 20}, {10, 20, 3, 3}, {"NHWC", "OIHW", "NCHW"}),
      plain({2, 20, 24, 24}, {3, 3, 20, 10}, {"NCHW", "HWIO", "NHWC"}),
      plain({24, 24, 20, 2}, {20, 3, 10, 3}, {"HWCN", "IHOW", "WNCH"}),
      plain({7, 2000}, {2000, 31}, {"NC", "IO", "NC"}),
      plain({600, 70}, {30, 70}, {"NC", "OI", "CN"}),
      plain({1, 3}, {3, 64}, {"NC", "IO", "NC"}),
      plain({3, 5}, {3, 64}, {"CN", "IO", "NC"}),
      plain({20, 3}, {3, 64}, {"NC", "IO", "NC"}),
      // input gradients
      spread(padded(plain({2, 20, 20, 40}, {4, 4, 24, 40}, {"NHWC", "HWOI", "NHWC"}), {{2, 2}, {2, 2}}), {2, 2},
             {1, 1}),
      spread(padded(plain({2, 40, 20, 20}, {40, 24, 3, 3}, {"NCHW", "IOHW", "NCHW"}), {{1, 2}, {1, 2}}), {2, 2},
             {1, 1}),
      spread(padded(plain({2, 20, 20, 20}, {1, 1, 16, 20}, {"NHWC", "HWOI", "NHWC"}), {{0, 2}, {0, 1}}), {3, 2},
             {1, 1}),
      spread(padded(plain({2, 15, 15, 20}, {3, 3, 20, 16}, kLast), {{6, 6}, {5, 4}}), {4, 3}, {6, 2}),
      // few output features of many
      padded(plain({3, 37, 19, 20}, {3, 3, 20, 3}, kLast), {{1, 1}, {1, 1}}),
      padded(plain({3, 20, 37, 19}, {3, 20, 3, 3}, kFirst), {{1, 1}, {0, 2}}),
      padded(plain({1, 80, 9, 16}, {3, 4, 16, 4}, kLast), {{-2, 3}, {3, 0}}),
      padded(plain({1, 16, 80, 9}, {1, 16, 5, 3}, kFirst), {{2, -1}, {2, 2}}),
      spread(padded(plain({2, 33, 18, 24}, {4, 5, 24, 2}, kLast), {{2, 3}, {1, 4}}), {2, 3}, {1, 1}),
      spread(padded(plain({2, 24, 33, 18}, {2, 24, 5, 4}, kFirst), {{4, 5}, {3, 4}}), {2, 3}, {1, 2}),
      spread(padded(plain({1, 18, 5, 40}, {3, 18, 3, 3}, kFirst), {{2, 2}, {2, 2}}), {1, 1}, {2, 2}),
      feature_groups(padded(plain({2, 20, 21, 40}, {3, 3, 20, 6}, {"NHWC", "HWIO", "NCHW"}), {{1, 1}, {1, 1}}), 2),
      padded(plain({5, 8, 9, 16}, {5, 5, 16, 8}, kLast), {{4, 4}, {4, 4}}),
      padded(plain({40, 7, 6, 20}, {4, 5, 20, 6}, {"NHWC", "HWIO", "NCHW"}), {{3, 5}, {6, 4}}),
      spread(padded(plain({2, 40, 7, 24}, {5, 4, 24, 5}, kLast), {{4, 4}, {3, 3}}), {2, 2}, {1, 1}),
      feature_groups(padded(plain({3, 5, 30, 34}, {3, 3, 17, 14}, kLast), {{2, 2}, {2, 2}}), 2),
      padded(plain({2, 300, 20}, {5, 20, 3}, {"NWC", "WIO", "NWC"}), {{2, 2}}),
      padded(plain({2, 20, 300}, {3, 20, 5}, {"NCW", "OIW", "NCW"}), {{2, 2}}),
      padded(plain({2, 20, 33, 18}, {6, 20, 3, 3}, kFirst), {{1, 0}, {1, 2}}),
      spread(padded(plain({2, 24, 17, 18}, {7, 24, 4, 4}, kFirst), {{2, 2}, {2, 1}}), {2, 2}, {1, 1}),
      spread(plain({3, 20, 9, 17}, {30, 20, 1, 1}, kFirst), {2, 3}, {1, 1}),
      spread(padded(plain({2, 20, 8, 10}, {12, 20, 1, 1}, kFirst), {{0, 1}, {-1, 1}}), {3, 2}, {1, 1}),
      // planes of outputs, of few input features
      strided(padded(plain({2, 3, 40, 38}, {23, 3, 7, 7}, kFirst), {{3, 2}, {-1, 4}}), {2, 2}),
      spread(strided(padded(plain({2, 1, 31, 60}, {9, 1, 5, 5}, kFirst), {{2, 5}, {9, 0}}), {1, 3}), {1, 1}, {2, 4}),
      feature_groups(padded(plain({2, 24, 24, 6}, {10, 3, 3, 3}, {"NHWC", "OIHW", "NCHW"}), {{1, 1}, {1, 1}}), 2),
      // weight gradients
      padded(plain({8, 28, 28, 12}, {8, 28, 28, 20}, kLastSwapped), {{1, 1}, {1, 1}}),
      padded(plain({8, 12, 28, 28}, {8, 20, 28, 28}, kFirstSwapped), {{1, 1}, {1, 1}}),
      padded(plain({20, 9, 9, 12}, {20, 8, 9, 9}, {"CHWN", "IOHW", "NCHW"}), {{1, 1}, {1, 1}}),
      spread(padded(plain({8, 27, 27, 12}, {8, 14, 14, 20}, kLastSwapped), {{1, 1}, {1, 1}}), {1, 1}, {2, 2}),
      padded(plain({30, 7, 7, 70}, {30, 7, 7, 33}, kLastSwapped), {{1, 1}, {1, 1}}),
      // of few features, neighbouring positions of which fill vectors
      plain({6, 20, 20, 1}, {6, 16, 16, 8}, kLastSwapped),
      padded(plain({5, 9, 12, 3}, {5, 7, 16, 4}, kLastSwapped), {{1, 2}, {4, 3}}),
      padded(plain({4, 40, 3}, {4, 32, 2}, {"CWN", "IWO", "WNC"}), {{3, 2}}),
      feature_groups(plain({6, 9, 10, 5}, {3, 6, 8, 8}, {"CHWN", "IHWO", "NCHW"}), 2),
      plain({6, 12, 19, 9}, {6, 10, 16, 1}, kLastSwapped),
      spread(plain({6, 20, 33, 1}, {6, 10, 16, 8}, kLastSwapped), {1, 1}, {2, 2}),
      // of few channels of planes, all of whose lines fill vectors, or not
      weight_gradient(padded(plain({9, 3, 70, 32}, {13, 3, 3, 3}, kFirst), {{1, 1}, {1, 1}})),
      weight_gradient(padded(plain({3, 1, 21, 37}, {6, 1, 5, 3}, kFirst), {{2, -1}, {1, 0}})),
      weight_gradient(strided(padded(plain({3, 2, 40, 77}, {7, 2, 7, 7}, kFirst), {{3, 2}, {-1, 4}}), {2, 2})),
      weight_gradient(spread(padded(plain({2, 4, 20, 60}, {5, 4, 3, 3}, kFirst), {{0, 2}, {3, 3}}), {1, 1}, {2, 3})),
      weight_gradient(spread(padded(plain({2, 24, 17, 18}, {3, 24, 4, 4}, kFirst), {{2, 2}, {2, 2}}), {2, 2}, {1, 1})),
      weight_gradient(feature_groups(padded(plain({4, 4, 9, 40}, {10, 2, 1, 4}, kFirst), {{0, 0}, {2, 1}}), 2)),
      weight_gradient(strided(padded(plain({5, 1, 200}, {4, 1, 7}, {"NCW", "OIW", "NCW"}), {{3, 3}}), {3})),
      weight_gradient(padded(plain({2, 2, 7000}, {5, 2, 9}, {"NCW", "OIW", "NCW"}), {{-2, 6}})),
      weight_gradient(strided(padded(plain({1, 1, 2, 5001}, {4, 1, 2, 6}, kFirst), {{1, 0}, {3, 3}}), {1, 2})),
      // groups
      feature_groups(padded(plain({2, 20, 20, 24}, {3, 3, 8, 30}, kLast), {{1, 1}, {1, 1}}), 3),
      feature_groups(padded(plain({2, 24, 20, 20}, {30, 8, 3, 3}, kFirst), {{1, 1}, {1, 1}}), 3),
      batch_groups(padded(plain({6, 20, 20, 24}, {3, 3, 24, 30}, kLast), {{1, 1}, {1, 1}}), 3),
      batch_groups(padded(plain({24, 20, 20, 6}, {24, 20, 20, 9}, kLastSwapped), {{1, 1}, {1, 1}}), 3),
      feature_groups(padded(plain({2, 30, 31, 70}, {3, 3, 1, 70}, kLast), {{1, 1}, {1, 1}}), 70),
      feature_groups(padded(plain({2, 70, 30, 31}, {140, 1, 3, 3}, kFirst), {{1, 1}, {1, 1}}), 70),
      batch_groups(padded(plain({2, 30, 31, 70}, {2, 30, 31, 70}, kLastSwapped), {{1, 1}, {1, 1}}), 70),
      feature_groups(padded(plain({2, 9, 10, 20}, {3, 3, 1, 40}, kLast), {{1, 1}, {1, 1}}), 20),
      spread(feature_groups(padded(plain({2, 9, 10, 20}, {3, 3, 1, 20}, kLast), {{2, 2}, {2, 1}}), 20), {2, 3}, {1, 2}),
      // other ranks
      strided(padded(plain({4, 900, 5}, {9, 5, 12}, {"NWC", "WIO", "NWC"}), {{4, 3}}), {3}),
      padded(plain({2, 9, 10, 11, 6}, {3, 2, 3, 6, 10}, {"NDHWC", "DHWIO", "NDHWC"}), {{1, 1}, {1, 0}, {1, 1}}),
      plain({1, 3, 6, 7, 5, 6}, {4, 3, 2, 2, 3, 2}, {"NCXYZW", "OIXYZW", "NCXYZW"}),
  };
}

class ConvKernels : public ::testing::TestWithParam<ConvCase> {
 protected:
  template <class T>
  void expect_algorithms_to_agree() const {
    const ConvCase& c = GetParam();
    const Tensor lhs = whole_numbers(c.lhs, dtype_of<T>(), 1), rhs = whole_numbers(c.rhs, dtype_of<T>(), 2);
    const Values expected = values(solve<T>(c, kernels::convolve_by_definition<T>, lhs, rhs));
    for (Algorithm<T> algorithm : algorithms<T>()) EXPECT_EQ(values(solve<T>(c, algorithm, lhs, rhs)), expected);
    ConvOptions exact = c.options();
    exact.precision = Precision::Highest;
    EXPECT_EQ(values(conv_general_dilated(lhs, rhs, exact)), expected);
  }
};

TEST_P(ConvKernels, AgreeInFloat32) { expect_algorithms_to_agree<float>(); }

TEST_P(ConvKernels, AgreeInFloat64) { expect_algorithms_to_agree<double>(); }

TEST_P(ConvKernels, GiveTheSameBitsForAnyNumberOfThreads) {
  const ConvCase& c = GetParam();
  const Tensor lhs = sample(c.lhs, -1, 1, 3).to(DType::Float32), rhs = sample(c.rhs, -1, 1, 4).to(DType::Float32);
  const int threads = num_threads();
  set_num_threads(1);
  const Values expected = values(c(lhs, rhs));
  for (int count : {2, 3}) {
    set_num_threads(count);
    EXPECT_EQ(values(c(lhs, rhs)), expected) << count << " threads";
  }
  set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvKernels, ::testing::ValuesIn(cases()));

}  // namespace
}  // namespace cotangent::testing
