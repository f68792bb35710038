// The grids of convolutions that JAX tests itself with, sampled: forward and both derivatives against the definition,
// exactly, with small whole numbers.
#include <gtest/gtest.h>

#include <random>

#include "conv_reference.h"

namespace cotangent::testing {
namespace {

void expect_definition(const ConvCase& c) {
  SCOPED_TRACE(to_string(c));
  const Tensor lhs = whole_numbers(c.lhs, DType::Float32, 1), rhs = whole_numbers(c.rhs, DType::Float32, 2);
  const auto [out, pullback] = vjp(c, {lhs, rhs});
  ASSERT_EQ(out.shape(), reference_shape(c));
  EXPECT_EQ(values(out), reference_conv(c, values(lhs), values(rhs)));
  const Tensor g = whole_numbers(out.shape(), DType::Float32, 3);
  const Tensors cotangents = pullback(g);
  const ReferenceVjps expected = reference_vjps(c, values(lhs), values(rhs), values(g));
  EXPECT_EQ(values(cotangents[0]), expected.lhs);
  EXPECT_EQ(values(cotangents[1]), expected.rhs);
}

// With the padding that a name stands for.
ConvCase named(ConvCase c, const char* padding) {
  std::vector<std::int64_t> in, window;
  for (std::size_t d = 0; d < c.strides.size(); ++d) {
    in.push_back(c.lhs[static_cast<std::size_t>(c.numbers.lhs_spec[d + 2])]);
    window.push_back(dilated_extent(c.rhs[static_cast<std::size_t>(c.numbers.rhs_spec[d + 2])], c.rhs_dilation[d]));
  }
  c.pads = PaddingOption(padding).resolve("test", in, window, c.strides);
  return c;
}

const Letters kFirst{"NCHW", "OIHW", "NCHW"}, kLast{"NHWC", "HWIO", "NHWC"}, kMixed{"NCHW", "HWIO", "NHWC"};
const Letters kLine{"NCH", "OIH", "NCH"}, kLineLast{"NHC", "HIO", "NHC"};

// jax/_src/internal_test_util/test_harnesses.py
TEST(ConvGrid, Harness) {
  const std::vector<std::int64_t> one{1, 1};
  const ConvCase base = plain({2, 3, 9, 10}, {3, 3, 4, 5}, kFirst);
  const ConvCase depthwise = feature_groups(plain({2, 3, 9, 9}, {12, 1, 3, 3}, kFirst), 3);
  const ConvCase line = feature_groups(plain({2, 3, 9}, {12, 1, 3}, kLine), 3);
  const ConvCase plane = plain({1, 28, 28, 1}, {3, 3, 1, 16}, kLast);
  const ConvCase volume = plain({1, 4, 28, 28, 1}, {2, 3, 3, 1, 16}, {"NDHWC", "DHWIO", "NDHWC"});
  for (const ConvCase& c : {
           base,
           feature_groups(plain({2, 6, 9, 10}, {6, 3, 4, 5}, kFirst), 2),
           batch_groups(plain({4, 3, 9, 10}, {6, 3, 4, 5}, kFirst), 2),
           plain({2, 3, 10}, {3, 3, 5}, kLine),
           depthwise,
           spread(depthwise, one, {2, 1}),
           line,
           spread(line, {1}, {2}),
           strided(base, {2, 3}),
           padded(base, {{1, 2}, {0, 0}}),
           padded(base, {{1, 2}, {2, 1}}),
           spread(base, one, {2, 2}),
           spread(base, {2, 2}, one),
           spread(base, {2, 3}, {3, 2}),
           spread(padded(plain({1, 16, 16, 2}, {2, 3, 2, 2}, kLast), {{1, 1}, {2, 2}}), {2, 2}, one),
           spread(padded(plain({1, 16, 16, 2}, {2, 3, 2, 2}, kLast), {{1, 1}, {2, 1}}), {2, 2}, one),
           spread(padded(plain({1, 16, 2}, {3, 2, 2}, kLineLast), {{2, 2}}), {2}, {1}),
           spread(padded(plain({1, 16, 2}, {3, 2, 2}, kLineLast), {{2, 1}}), {2}, {1}),
           plain({2, 3, 9, 10}, {3, 3, 10, 5}, kFirst),
           spread(base, one, {2, 3}),
           strided(padded(plain({1, 3, 2, 2}, {64, 3, 7, 7}, kFirst), {{3, 3}, {3, 3}}), {2, 2}),
           named(plain({1, 1, 16, 1}, {4, 1, 1, 2}, kLast), "SAME"),
           plain({2, 9, 10, 3}, {4, 5, 3, 3}, kLast),
           plain({2, 3, 9, 10}, {4, 5, 3, 3}, kMixed),
           named(plain({1, 28, 1}, {3, 1, 16}, kLineLast), "SAME"),
           spread(plain({1, 28, 1}, {3, 1, 16}, kLineLast), {1}, {2}),
           named(spread(plane, one, {1, 2}), "SAME"),
           spread(padded(plane, {{1, 2}, {0, 1}}), one, {1, 2}),
           spread(plain({1, 1, 28, 28}, {3, 3, 1, 16}, {"NCHW", "HWIO", "NCHW"}), one, {1, 2}),
           named(volume, "SAME"),
           spread(volume, {1, 1, 1}, {1, 1, 2}),
           named(strided(plain({1, 13, 16}, {4, 16, 16}, kLineLast), {2}), "SAME"),
           strided(plain({1, 4, 16}, {8, 16, 16}, kLineLast), {2}),
       })
    expect_definition(c);
}

// A deterministic choice from the axes of a grid.
class Chooser {
 public:
  template <class T>
  const T& operator()(const std::vector<T>& values) {
    return values[generator_() % values.size()];
  }

 private:
  std::mt19937_64 generator_{18};
};

using List = std::vector<std::int64_t>;

// tests/lax_test.py and tests/lax_autodiff_test.py, testConvGeneralDilated and testConvGeneralDilatedGrad
TEST(ConvGrid, GeneralDilated) {
  Chooser choose;
  for (int run = 0; run < 60; ++run) {
    const bool small = run % 2 == 0;
    const std::int64_t b = choose(List{1, 2, 3}), i = choose(List{1, 2, 3}), j = choose(List{1, 2, 3});
    const auto [batches, features] = choose(std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {2, 1}, {1, 2}});
    const Letters letters = choose(std::vector<Letters>{kFirst, kLast, kMixed, {"NHWC", "OIHW", "NCHW"}});
    const bool last = letters.lhs == kLast.lhs, rhs_last = letters.rhs == kLast.rhs;
    const std::int64_t h = small ? choose(List{6, 0}) : 9, w = small ? 7 : choose(List{0, 10});
    const std::int64_t kh = small ? 1 : 4, kw = small ? 2 : 5, n = b * batches, c = i * features,
                       o = j * batches * features;
    ConvCase grid = plain(last ? Shape{n, h, w, c} : Shape{n, c, h, w},
                          rhs_last ? Shape{kh, kw, i, o} : Shape{o, i, kh, kw}, letters);
    grid = strided(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {2, 1}}));
    grid = spread(grid, choose(std::vector<List>{{1, 1}, {2, 1}, {1, 4}}),
                  choose(std::vector<List>{{1, 1}, {2, 2}, {1, 4}}));
    grid.pads = small ? choose(std::vector<Pads>{{{0, 0}, {0, 0}}, {{1, 0}, {0, 1}}, {{0, h == 0 ? 0 : -1}, {0, 0}}})
                      : choose(std::vector<Pads>{{{1, 2}, {2, 0}}, {{10, 8}, {7, 13}}});
    expect_definition(batch_groups(feature_groups(grid, features), batches));
  }
}

// testConv, testConvWithGeneralPadding and testConvGrad
TEST(ConvGrid, PlainAndGeneralPadding) {
  Chooser choose;
  for (int run = 0; run < 30; ++run) {
    const std::int64_t b = choose(List{1, 2, 3}), i = choose(List{1, 2, 3}), j = choose(List{1, 2, 3});
    const bool small = run % 2 == 0;
    ConvCase grid = small ? plain({b, i, 3, 4}, {j, i, 1, 2}, kFirst) : plain({b, i, 9, 10}, {j, i, 4, 5}, kFirst);
    grid = strided(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {2, 1}}));
    expect_definition(named(grid, choose(std::vector<const char*>{"VALID", "SAME", "SAME_LOWER"})));
    grid = spread(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {2, 2}}),
                  choose(std::vector<List>{{1, 1}, {1, 2}, {2, 2}}));
    grid.pads = small ? choose(std::vector<Pads>{{{-1, 0}, {0, -1}}, {{1, 0}, {0, 1}}}) : Pads{{1, 2}, {2, 0}};
    expect_definition(grid);
  }
}

}  // namespace
}  // namespace cotangent::testing
