// The fifteen relationships of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
// (arXiv:1603.07285), and the examples of its figures. Extents follow the guide's formulas and values the matrix of its
// section 4.1; data are small whole numbers, so that results are exact.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "conv_reference.h"

namespace cotangent::testing {
namespace {

// A spatial axis of a convolution, in the guide's letters: input, kernel, stride, padding at either end, dilation.
struct Axis {
  std::int64_t i, k, s = 1, p = 0, d = 1;
};

// Two axes and, as in figure 1.3, two input and three output feature maps.
struct Plane {
  Axis rows, columns;

  Shape input() const { return {1, 2, rows.i, columns.i}; }
  Shape kernel() const { return {3, 2, rows.k, columns.k}; }

  Tensor operator()(const Tensor& x, const Tensor& w) const {
    return conv_general_dilated(x, w,
                                {.window_strides = {rows.s, columns.s},
                                 .padding = {{rows.p, rows.p}, {columns.p, columns.p}},
                                 .rhs_dilation = {rows.d, columns.d}});
  }
};

// The axes of the guide's setting that fit and that `wanted` takes. Some have all their outer windows in the padding.
template <class Predicate>
std::vector<Axis> axes(Predicate wanted) {
  std::vector<Axis> result;
  for (std::int64_t i = 1; i <= 7; ++i)
    for (std::int64_t k = 1; k <= 4; ++k)
      for (std::int64_t s = 1; s <= 3; ++s)
        for (std::int64_t p = 0; p <= k; ++p)
          for (std::int64_t d = 1; d <= 3; ++d)
            if (const Axis axis{i, k, s, p, d}; i + 2 * p >= 1 + (k - 1) * d && wanted(axis)) result.push_back(axis);
  return result;
}

// Calls expect(plane) for every axis, crossed with another one: axes do not interact.
template <class Expect>
void for_each_plane(const std::vector<Axis>& axes, Expect expect) {
  ASSERT_FALSE(axes.empty());
  for (std::size_t n = 0; n < axes.size(); ++n) {
    const Plane plane{axes[n], axes[axes.size() - 1 - n]};
    const auto text = [](const Axis& a) { return fmt::format("i {} k {} s {} p {} d {}", a.i, a.k, a.s, a.p, a.d); };
    SCOPED_TRACE(text(plane.rows) + " by " + text(plane.columns));
    expect(plane);
  }
}

// The convolution as a matrix: element [y][x] is the weight of input x in output y, both unrolled.
std::vector<Values> matrix(const Plane& plane, const Shape& output, const Values& kernel) {
  std::vector<Values> result(static_cast<std::size_t>(output.elements()),
                             Values(static_cast<std::size_t>(plane.input().elements())));
  std::size_t y = 0;
  for_each_position({output.begin(), output.end()}, [&](const std::vector<std::int64_t>& to) {
    for (std::int64_t map = 0; map < 2; ++map)
      for (std::int64_t v = 0; v < plane.rows.k; ++v)
        for (std::int64_t u = 0; u < plane.columns.k; ++u) {
          const std::int64_t row = to[2] * plane.rows.s + v * plane.rows.d - plane.rows.p;
          const std::int64_t column = to[3] * plane.columns.s + u * plane.columns.d - plane.columns.p;
          if (row < 0 || row >= plane.rows.i || column < 0 || column >= plane.columns.i) continue;
          result[y][static_cast<std::size_t>((map * plane.rows.i + row) * plane.columns.i + column)] =
              kernel[static_cast<std::size_t>(((to[1] * 2 + map) * plane.rows.k + v) * plane.columns.k + u)];
        }
    ++y;
  });
  return result;
}

Values multiply(const std::vector<Values>& c, const Values& x) {
  Values result(c.size());
  for (std::size_t row = 0; row < c.size(); ++row)
    for (std::size_t column = 0; column < x.size(); ++column) result[row] += c[row][column] * x[column];
  return result;
}

Values multiply_transposed(const std::vector<Values>& c, const Values& y, std::int64_t columns) {
  Values result(static_cast<std::size_t>(columns));
  for (std::size_t row = 0; row < c.size(); ++row)
    for (std::size_t column = 0; column < result.size(); ++column) result[column] += c[row][column] * y[row];
  return result;
}

// The output of a convolution on each axis, by a formula of the guide.
using Formula = std::int64_t (*)(const Axis&);

void expect_convolutions(const std::vector<Axis>& axes, Formula o) {
  for_each_plane(axes, [&](const Plane& plane) {
    const Shape output{1, 3, o(plane.rows), o(plane.columns)};
    for (DType dtype : {DType::Float32, DType::Float64}) {
      const Tensor x = whole_numbers(plane.input(), dtype, 1), w = whole_numbers(plane.kernel(), dtype, 2);
      const Tensor y = plane(x, w);
      ASSERT_EQ(y.shape(), output);
      EXPECT_EQ(values(y), multiply(matrix(plane, output, values(w)), values(x)));
    }
  });
}

std::int64_t general_output(const Axis& a) { return (a.i + 2 * a.p - a.k) / a.s + 1; }

// What no window of the convolution reaches, the guide's a.
std::int64_t unreached(const Axis& a) { return (a.i + 2 * a.p - a.k) % a.s; }

// What a relationship says of a transposed convolution: the padding p' of the equivalent direct convolution, and the
// output o' of one with i' inputs.
struct Transposed {
  Formula p;
  std::int64_t (*o)(const Axis& direct, std::int64_t i);
};

// Expects the transposed convolution of those extents and that padding, in all the ways there are to compute it.
void expect_transposed(const std::vector<Axis>& axes, const Transposed& formulas) {
  for_each_plane(axes, [&](const Plane& plane) {
    const Axis &rows = plane.rows, &columns = plane.columns;
    const Shape input{1, 3, general_output(rows), general_output(columns)};
    const Shape output{1, 2, formulas.o(rows, input[2]), formulas.o(columns, input[3])};
    ASSERT_EQ(output, plane.input());
    const Pads border{{formulas.p(rows), formulas.p(rows) + unreached(rows)},
                      {formulas.p(columns), formulas.p(columns) + unreached(columns)}};
    const PerAxis strides{rows.s, columns.s};
    for (DType dtype : {DType::Float32, DType::Float64}) {
      const Tensor y = whole_numbers(input, dtype, 3), w = whole_numbers(plane.kernel(), dtype, 4);
      const Values expected = multiply_transposed(matrix(plane, input, values(w)), values(y), output.elements());

      // The equivalent direct convolution: s - 1 zeros between neighbours, written out or by lhs_dilation.
      const Tensor reversed = transpose(reverse(w, {2, 3}), {1, 0, 2, 3});
      const Shape stretched{1, 3, 1 + rows.s * (input[2] - 1), 1 + columns.s * (input[3] - 1)};
      const Tensor zeros_between = update_slice(zeros(stretched, dtype), y, {0, 0, 0, 0},
                                                {stretched.begin(), stretched.end()}, {1, 1, rows.s, columns.s});
      const Tensor direct = conv(zeros_between, reversed, 1, border);
      ASSERT_EQ(direct.shape(), output);
      EXPECT_EQ(values(direct), expected);
      EXPECT_EQ(values(conv_general_dilated(y, reversed, {.padding = border, .lhs_dilation = strides})), expected);

      const auto transposed = [&](const Tensor& kernel, const Pads& pads, bool transpose_kernel, bool consistent) {
        return values(conv_transpose(y, kernel,
                                     {.strides = strides,
                                      .padding = pads,
                                      .dimension_numbers = {"NCHW", "OIHW", "NCHW"},
                                      .transpose_kernel = transpose_kernel,
                                      .use_consistent_padding = consistent}));
      };
      const Pads forward{{rows.p, rows.p - unreached(rows)}, {columns.p, columns.p - unreached(columns)}};
      EXPECT_EQ(transposed(w, border, true, false), expected);
      EXPECT_EQ(transposed(w, forward, true, true), expected);
      EXPECT_EQ(transposed(reversed, border, false, false), expected);
      EXPECT_EQ(transposed(reversed, forward, false, true), expected);

      const auto convolve_with_w = [&](const Tensor& x) { return plane(x, w); };
      EXPECT_EQ(values(vjp(convolve_with_w, {zeros(output, dtype)}).pullback(y)[0]), expected);
    }
  });
}

bool half_padded(const Axis& a) { return a.d == 1 && a.s == 1 && a.k % 2 == 1 && a.p == a.k / 2; }
bool fully_padded(const Axis& a) { return a.d == 1 && a.s == 1 && a.p == a.k - 1; }

TEST(ConvolutionArithmetic, Relationship1NoZeroPaddingUnitStrides) {
  expect_convolutions(axes([](const Axis& a) { return a.d == 1 && a.s == 1 && a.p == 0; }),
                      [](const Axis& a) { return (a.i - a.k) + 1; });
}

TEST(ConvolutionArithmetic, Relationship2ZeroPaddingUnitStrides) {
  expect_convolutions(axes([](const Axis& a) { return a.d == 1 && a.s == 1; }),
                      [](const Axis& a) { return (a.i - a.k) + 2 * a.p + 1; });
}

TEST(ConvolutionArithmetic, Relationship3HalfPadding) {
  expect_convolutions(axes(half_padded), [](const Axis& a) { return a.i; });
}

TEST(ConvolutionArithmetic, Relationship4FullPadding) {
  expect_convolutions(axes(fully_padded), [](const Axis& a) { return a.i + (a.k - 1); });
}

TEST(ConvolutionArithmetic, Relationship5NoZeroPaddingNonUnitStrides) {
  expect_convolutions(axes([](const Axis& a) { return a.d == 1 && a.p == 0; }),
                      [](const Axis& a) { return (a.i - a.k) / a.s + 1; });
}

TEST(ConvolutionArithmetic, Relationship6ZeroPaddingNonUnitStrides) {
  expect_convolutions(axes([](const Axis& a) { return a.d == 1; }), general_output);
}

TEST(ConvolutionArithmetic, Relationship7Pooling) {
  for_each_plane(axes([](const Axis& a) { return a.d == 1 && a.p == 0; }), [](const Plane& plane) {
    const auto o = [](const Axis& a) { return (a.i - a.k) / a.s + 1; };
    const Shape output{1, 2, o(plane.rows), o(plane.columns)};
    const PerAxis window{plane.rows.k, plane.columns.k};
    const PoolOptions options{.window_strides = {plane.rows.s, plane.columns.s}, .channels_first = true};
    for (DType dtype : {DType::Float32, DType::Float64}) {
      const Tensor x = whole_numbers(plane.input(), dtype, 1) * 144.0;  // whose means over up to 4 by 4 are whole, too
      const Values data = values(x);
      Values largest, means;
      for_each_position({output.begin(), output.end()}, [&](const std::vector<std::int64_t>& to) {
        Values seen;
        for (std::int64_t v = 0; v < plane.rows.k; ++v)
          for (std::int64_t u = 0; u < plane.columns.k; ++u)
            seen.push_back(data[static_cast<std::size_t>(
                (to[1] * plane.rows.i + to[2] * plane.rows.s + v) * plane.columns.i + to[3] * plane.columns.s + u)]);
        largest.push_back(*std::max_element(seen.begin(), seen.end()));
        double total = 0;
        for (double element : seen) total += element;
        means.push_back(total / static_cast<double>(seen.size()));
      });
      ASSERT_EQ(max_pool(x, window, options).shape(), output);
      EXPECT_EQ(values(max_pool(x, window, options)), largest);
      ASSERT_EQ(avg_pool(x, window, options).shape(), output);
      EXPECT_EQ(values(avg_pool(x, window, options)), means);
    }
  });
}

TEST(ConvolutionArithmetic, Relationship8NoZeroPaddingUnitStridesTransposed) {
  expect_transposed(
      axes([](const Axis& a) { return a.d == 1 && a.s == 1 && a.p == 0; }),
      {.p = [](const Axis& a) { return a.k - 1; }, .o = [](const Axis& a, std::int64_t i) { return i + (a.k - 1); }});
}

TEST(ConvolutionArithmetic, Relationship9ZeroPaddingUnitStridesTransposed) {
  expect_transposed(axes([](const Axis& a) { return a.d == 1 && a.s == 1; }),
                    {.p = [](const Axis& a) { return a.k - a.p - 1; },
                     .o = [](const Axis& a, std::int64_t i) { return i + (a.k - 1) - 2 * a.p; }});
}

TEST(ConvolutionArithmetic, Relationship10HalfPaddingTransposed) {
  expect_transposed(axes(half_padded),
                    {.p = [](const Axis& a) { return a.p; }, .o = [](const Axis&, std::int64_t i) { return i; }});
}

TEST(ConvolutionArithmetic, Relationship11FullPaddingTransposed) {
  expect_transposed(axes(fully_padded), {.p = [](const Axis&) { return std::int64_t{0}; },
                                         .o = [](const Axis& a, std::int64_t i) { return i - (a.k - 1); }});
}

TEST(ConvolutionArithmetic, Relationship12NoZeroPaddingNonUnitStridesTransposed) {
  expect_transposed(axes([](const Axis& a) { return a.d == 1 && a.p == 0 && unreached(a) == 0; }),
                    {.p = [](const Axis& a) { return a.k - 1; },
                     .o = [](const Axis& a, std::int64_t i) { return a.s * (i - 1) + a.k; }});
}

TEST(ConvolutionArithmetic, Relationship13ZeroPaddingNonUnitStridesTransposed) {
  expect_transposed(axes([](const Axis& a) { return a.d == 1 && unreached(a) == 0; }),
                    {.p = [](const Axis& a) { return a.k - a.p - 1; },
                     .o = [](const Axis& a, std::int64_t i) { return a.s * (i - 1) + a.k - 2 * a.p; }});
}

TEST(ConvolutionArithmetic, Relationship14ZeroPaddingNonUnitStridesTransposedOfAnyInput) {
  expect_transposed(axes([](const Axis& a) { return a.d == 1; }),
                    {.p = [](const Axis& a) { return a.k - a.p - 1; },
                     .o = [](const Axis& a, std::int64_t i) { return a.s * (i - 1) + unreached(a) + a.k - 2 * a.p; }});
}

TEST(ConvolutionArithmetic, Relationship15Dilation) {
  expect_convolutions(axes([](const Axis&) { return true; }),
                      [](const Axis& a) { return (a.i + 2 * a.p - a.k - (a.k - 1) * (a.d - 1)) / a.s + 1; });
}

// Figures 2.1 to 2.7 and the transposes of the same convolutions, 4.1 to 4.7.
TEST(ConvolutionArithmetic, FiguresOfExtents) {
  struct Figure {
    Axis axis;
    std::int64_t o, stretched, p,
        a;  // the output, and the input, padding and excess of the equivalent of its transpose
  };
  for (const Figure& figure : std::vector<Figure>{{{.i = 4, .k = 3}, 2, 2, 2, 0},
                                                  {{.i = 5, .k = 4, .s = 1, .p = 2}, 6, 6, 1, 0},
                                                  {{.i = 5, .k = 3, .s = 1, .p = 1}, 5, 5, 1, 0},
                                                  {{.i = 5, .k = 3, .s = 1, .p = 2}, 7, 7, 0, 0},
                                                  {{.i = 5, .k = 3, .s = 2}, 2, 3, 2, 0},
                                                  {{.i = 5, .k = 3, .s = 2, .p = 1}, 3, 5, 1, 0},
                                                  {{.i = 6, .k = 3, .s = 2, .p = 1}, 3, 5, 1, 1}}) {
    const Axis& axis = figure.axis;
    SCOPED_TRACE(fmt::format("i {} k {} s {} p {}", axis.i, axis.k, axis.s, axis.p));
    const Plane plane{axis, axis};
    EXPECT_EQ(plane(ones(plane.input()), ones(plane.kernel())).shape(), Shape({1, 3, figure.o, figure.o}));
    EXPECT_EQ(dilated_extent(figure.o, axis.s), figure.stretched);
    const std::pair<std::int64_t, std::int64_t> border{figure.p, figure.p + figure.a};
    EXPECT_EQ(conv(ones({1, 3, figure.stretched, figure.stretched}), ones({2, 3, axis.k, axis.k}), 1, {border, border})
                  .shape(),
              plane.input());
  }
  const Plane dilated{{.i = 7, .k = 3, .s = 1, .p = 0, .d = 2}, {.i = 7, .k = 3, .s = 1, .p = 0, .d = 2}};
  EXPECT_EQ(dilated(ones(dilated.input()), ones(dilated.kernel())).shape(), Shape({1, 3, 3, 3}));  // figure 5.1
}

// Figures 1.1, 1.2, 1.4, 1.5 and 1.6.
TEST(ConvolutionArithmetic, FiguresOfValues) {
  const Tensor x = Tensor::from_data<double>(
      {1, 1, 5, 5}, Values{3, 3, 2, 1, 0, 0, 0, 1, 3, 1, 3, 1, 2, 2, 3, 2, 0, 0, 2, 2, 2, 0, 0, 0, 1});
  const Tensor w = Tensor::from_data<double>({1, 1, 3, 3}, Values{0, 1, 2, 2, 2, 0, 0, 1, 2});
  EXPECT_EQ(values(conv(x, w)), Values({12, 12, 17, 10, 17, 19, 9, 6, 14}));
  EXPECT_EQ(values(conv(x, w, 2, 1)), Values({6, 17, 3, 8, 17, 13, 6, 4, 4}));
  EXPECT_EQ(values(conv(x, w, 2)), values(slice(conv(x, w), {0, 0, 0, 0}, {1, 1, 3, 3}, {1, 1, 2, 2})));
  const PoolOptions unit_strides{.window_strides = 1, .channels_first = true};
  EXPECT_EQ(values(max_pool(x, 3, unit_strides)), Values({3, 3, 3, 3, 3, 3, 3, 2, 3}));
  Values tenths;
  for (double mean : values(avg_pool(x, 3, unit_strides))) tenths.push_back(std::round(10 * mean));
  EXPECT_EQ(tenths, Values({17, 17, 17, 10, 12, 18, 11, 8, 13}));
}

// Section 4.1: the matrix of figure 2.1 with the weights 1 to 9, as it is printed there.
TEST(ConvolutionArithmetic, ConvolutionAsAMatrix) {
  const Tensor c = Tensor::from_data<double>({4, 16}, Values{1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0,  //
                                                             0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0,  //
                                                             0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0,  //
                                                             0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9});
  const Tensor w = reshape(arange(1, 10, 1, DType::Float64), {3, 3, 1, 1});
  const Tensor x = whole_numbers({1, 4, 4, 1}, DType::Float64, 1), y = whole_numbers({1, 2, 2, 1}, DType::Float64, 2);
  const Tensor convolved = conv_general_dilated(x, w, {.dimension_numbers = {"NHWC", "HWIO", "NHWC"}});
  EXPECT_EQ(values(convolved), values(matmul(c, reshape(x, {16, 1}))));
  const Tensor transposed = conv_transpose(y, w, {.padding = Padding::Valid, .transpose_kernel = true});
  EXPECT_EQ(values(transposed), values(matmul(transpose(c), reshape(y, {4, 1}))));
}

}  // namespace
}  // namespace cotangent::testing
