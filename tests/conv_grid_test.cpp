// The grids of convolutions that JAX tests itself with, sampled where they are large: forward and both derivatives
// against the definition, exactly, with small whole numbers, and derivatives of order two against differences.
#include <gtest/gtest.h>

#include <random>

#include "conv_reference.h"

namespace cotangent::testing {
namespace {

void expect_definition(const ConvCase& c) {
  SCOPED_TRACE(to_string(c));
  const auto data = [](const Shape& shape, std::uint64_t seed) { return whole_numbers(shape, DType::Float64, seed); };
  const Tensor lhs = data(c.lhs, 1), rhs = data(c.rhs, 2), g = data(reference_shape(c), 3);
  const Values expected = reference_conv(c, values(lhs), values(rhs));
  const ReferenceVjps derivatives = reference_vjps(c, values(lhs), values(rhs), values(g));
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const auto [out, pullback] = vjp(c, {lhs.to(dtype), rhs.to(dtype)});
    ASSERT_EQ(out.shape(), g.shape());
    EXPECT_EQ(values(out), expected);
    const Tensors cotangents = pullback(g.to(dtype));
    EXPECT_EQ(values(cotangents[0]), derivatives.lhs);
    EXPECT_EQ(values(cotangents[1]), derivatives.rhs);
  }
}

// The convolution is linear in each operand, so that differences with step 1 are exact.
void expect_gradients(const ConvCase& c) {
  SCOPED_TRACE(to_string(c));
  EXPECT_EQ(check_grads(c, {sample(c.lhs, -1, 1, 1), sample(c.rhs, -1, 1, 2)}, {.order = 2, .step = 1}), "");
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
       })
    expect_definition(c);
}

// The same file's rows tf_conversion_path_1d to 3d
TEST(ConvGrid, ConversionPaths) {
  const ConvCase plane = plain({1, 28, 28, 1}, {3, 3, 1, 16}, kLast);
  expect_definition(spread(padded(plane, {{1, 2}, {0, 1}}), {1, 1}, {1, 2}));
  for (const char* padding : {"VALID", "SAME"})
    for (std::int64_t dilation : {1, 2})
      for (const ConvCase& c : {
               spread(plain({1, 28, 1}, {3, 1, 16}, kLineLast), {1}, {dilation}),
               spread(plane, {1, 1}, {1, dilation}),
               spread(plain({1, 1, 28, 28}, {3, 3, 1, 16}, {"NCHW", "HWIO", "NCHW"}), {1, 1}, {1, dilation}),
               spread(plain({1, 4, 28, 28, 1}, {2, 3, 3, 1, 16}, {"NDHWC", "DHWIO", "NDHWC"}), {1, 1, 1},
                      {1, 1, dilation}),
           }) {
        const ConvCase resolved = named(c, padding);
        expect_definition(resolved);
        ConvOptions options = resolved.options();
        options.padding = padding;
        const Tensor lhs = whole_numbers(c.lhs, DType::Float32, 1), rhs = whole_numbers(c.rhs, DType::Float32, 2);
        EXPECT_EQ(values(conv_general_dilated(lhs, rhs, options)), values(resolved(lhs, rhs)));
      }
}

// tests/shape_poly_test.py, stax_test.py and sparse_test.py
TEST(ConvGrid, OtherFiles) {
  for (const auto& [extent, stride] : {std::pair{12, 1}, {12, 2}, {13, 2}})
    expect_definition(named(strided(plain({1, extent, 16}, {4, 16, 16}, kLineLast), {stride}), "SAME"));
  expect_definition(strided(plain({1, 4, 16}, {8, 16, 16}, kLineLast), {2}));
  expect_definition(spread(strided(plain({7, 3, 9, 10}, {3, 3, 4, 5}, kFirst), {2, 3}), {1, 1}, {1, 2}));
  for (const char* padding : {"VALID", "SAME"}) {
    for (std::int64_t stride : {1, 2})
      for (const Shape& kernel : {Shape{1, 1, 1, 3}, Shape{2, 3, 1, 3}})
        expect_definition(named(strided(plain({2, 10, 11, 1}, kernel, kLast), {stride, 1}), padding));
    for (std::int64_t first : {5, 10})
      for (std::int64_t second : {5, 10}) {
        const ConvCase line = plain({1, 1, first}, {1, 1, second}, kLine);
        expect_definition(named(line, padding));
        expect_definition(padded(line, {{3, 3}}));
      }
  }
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

// Groups of the batch and of features.
const std::vector<std::pair<std::int64_t, std::int64_t>> kGroups{{1, 1}, {2, 1}, {1, 2}};

// tests/lax_test.py and tests/lax_autodiff_test.py, testConvGeneralDilated and testConvGeneralDilatedGrad
TEST(ConvGrid, GeneralDilated) {
  Chooser choose;
  for (int run = 0; run < 60; ++run) {
    const bool small = run % 2 == 0;
    const std::int64_t b = choose(List{1, 2, 3}), i = choose(List{1, 2, 3}), j = choose(List{1, 2, 3});
    const auto [batches, features] = choose(kGroups);
    const Letters letters = choose(std::vector<Letters>{kFirst, kLast, kMixed, {"NHWC", "OIHW", "NCHW"}});
    const bool last = letters.lhs == kLast.lhs, rhs_last = letters.rhs == kLast.rhs;
    const std::int64_t h = small ? choose(List{6, 0}) : 9, w = small ? 7 : choose(List{0, 10});
    const std::int64_t kh = small ? 1 : 4, kw = small ? 2 : 5, n = b * batches, c = i * features,
                       o = j * batches * features;
    ConvCase grid = plain(last ? Shape{n, h, w, c} : Shape{n, c, h, w},
                          rhs_last ? Shape{kh, kw, i, o} : Shape{o, i, kh, kw}, letters);
    grid = strided(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {2, 1}}));
    grid = small ? spread(grid, choose(std::vector<List>{{1, 1}, {2, 1}}), choose(std::vector<List>{{1, 1}, {2, 2}}))
                 : spread(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {1, 4}}),
                          choose(std::vector<List>{{1, 1}, {1, 2}, {1, 4}}));
    grid.pads = small ? choose(std::vector<Pads>{{{0, 0}, {0, 0}}, {{1, 0}, {0, 1}}, {{0, h == 0 ? 0 : -1}, {0, 0}}})
                      : choose(std::vector<Pads>{{{1, 2}, {2, 0}}, {{10, 8}, {7, 13}}});
    grid = batch_groups(feature_groups(grid, features), batches);
    expect_definition(grid);
    if (small) expect_gradients(grid);
  }
}

// tests/lax_test.py, testConvGeneralDilated0D
TEST(ConvGrid, WithoutSpatialAxes) {
  for (const auto& [batches, features] : kGroups)
    for (std::int64_t b : {2, 3})
      for (std::int64_t i : {2, 3})
        for (std::int64_t j : {2, 3}) {
          const ConvCase c = plain({b * batches, i * features}, {j * features * batches, i}, {"NC", "OI", "NC"});
          expect_definition(batch_groups(feature_groups(c, features), batches));
        }
}

// testConv, testConvWithGeneralPadding, testConvGrad and testConvWithGeneralPaddingGrad
TEST(ConvGrid, PlainAndGeneralPadding) {
  Chooser choose;
  for (int run = 0; run < 30; ++run) {
    const std::int64_t b = choose(List{1, 2, 3}), i = choose(List{1, 2, 3}), j = choose(List{1, 2, 3});
    const bool small = run % 2 == 0;
    ConvCase grid = small ? plain({b, i, 3, 4}, {j, i, 1, 2}, kFirst) : plain({b, i, 9, 10}, {j, i, 4, 5}, kFirst);
    grid = strided(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {2, 1}}));
    const ConvCase plain_grid = named(grid, choose(std::vector<const char*>{"VALID", "SAME", "SAME_LOWER"}));
    expect_definition(plain_grid);
    grid = small ? spread(grid, choose(std::vector<List>{{1, 1}, {2, 1}}), {1, 1})
                 : spread(grid, choose(std::vector<List>{{1, 1}, {1, 2}, {2, 2}}),
                          choose(std::vector<List>{{1, 1}, {1, 2}, {2, 2}}));
    grid.pads = small ? choose(std::vector<Pads>{{{0, 0}, {0, 0}}, {{-1, 0}, {0, -1}}, {{1, 0}, {0, 1}}})
                      : choose(std::vector<Pads>{{{0, 0}, {0, 0}}, {{1, 2}, {2, 0}}});
    expect_definition(grid);
    if (!small) continue;
    expect_gradients(plain_grid);
    expect_gradients(grid);
  }
}

// The one-dimensional rows of testConvGrad and testConvWithGeneralPaddingGrad
TEST(ConvGrid, LinesOfOneElement) {
  const ConvCase line = plain({4, 2, 1}, {3, 2, 1}, kLine);
  for (std::int64_t pad : {0, 1})
    for (std::int64_t lhs_dilation : {1, 2})
      for (std::int64_t rhs_dilation : {1, 2}) {
        const ConvCase c = spread(padded(line, {{pad, pad}}), {lhs_dilation}, {rhs_dilation});
        expect_definition(c);
        expect_gradients(c);
      }
}

}  // namespace
}  // namespace cotangent::testing
