// The numbers of JAX's page "Convolutions in JAX", from the library's functions alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "conv_reference.h"
#include "first_cell.h"

namespace cotangent::testing {
namespace {

Tensor tensor(const Shape& shape, const std::vector<double>& data, DType dtype = DType::Float32) {
  return Tensor::from_data<double>(shape, data).to(dtype);
}

const DimensionNumbersOption kLast2D{"NHWC", "HWIO", "NHWC"};

struct Sums {
  Shape shape;
  double sum, least, most;
  int nonzeros;
  double weighted, squares;
};

// The sums that identify a result; `weighted` multiplies element i by i mod 1009.
void expect_sums(const Tensor& result, const Sums& expected) {
  Sums sums{result.shape(), 0, 0, 0, 0, 0, 0};
  std::size_t i = 0;
  for (double value : values(result)) {
    sums.sum += value;
    sums.least = std::min(sums.least, value);
    sums.most = std::max(sums.most, value);
    sums.nonzeros += value != 0;
    sums.weighted += value * static_cast<double>(i++ % 1009);
    sums.squares += value * value;
  }
  EXPECT_EQ(sums.shape, expected.shape);
  EXPECT_EQ(sums.sum, expected.sum);
  EXPECT_EQ(sums.least, expected.least);
  EXPECT_EQ(sums.most, expected.most);
  EXPECT_EQ(sums.nonzeros, expected.nonzeros);
  EXPECT_EQ(sums.weighted, expected.weighted);
  EXPECT_EQ(sums.squares, expected.squares);
}

// Three squares, one in each colour, under a kernel that finds edges.
TEST(Page, ConvolvesTheSquares) {
  const std::vector<double> edge{1, 1, 0, 1, 0, -1, 0, -1, -1};
  Values kernel_data, image_data(200 * 198 * 3);
  for (double value : edge) kernel_data.insert(kernel_data.end(), 9, value);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t y = 0; y < 10; ++y)
      for (std::size_t x = 0; x < 10; ++x) image_data[((30 + 60 * c + y) * 198 + 20 + 60 * c + x) * 3 + c] = 1;
  const Tensor kernel = tensor({3, 3, 3, 3}, kernel_data), image = tensor({1, 200, 198, 3}, image_data);
  const Tensor first_kernel = transpose(kernel, {3, 2, 0, 1}), first_image = transpose(image, {0, 3, 1, 2});

  expect_sums(conv(first_image, first_kernel, 1, Padding::Same), {{1, 3, 200, 198}, 0, -3, 3, 684, -15125, 2664});
  expect_sums(conv_with_general_padding(first_image, first_kernel, 1, {{2, 2}, {2, 2}}),
              {{1, 3, 202, 200}, 0, -3, 3, 684, 28399, 2664});
  const auto last = [&](ConvOptions options) {
    options.dimension_numbers = kLast2D;
    return conv_general_dilated(image, kernel, options);
  };
  expect_sums(last({.padding = "SAME"}), {{1, 200, 198, 3}, 0, -3, 3, 684, -42348, 2664});
  expect_sums(last({.padding = "VALID"}), {{1, 198, 196, 3}, 0, -3, 3, 684, -3408, 2664});
  expect_sums(last({.window_strides = 2, .padding = "SAME"}), {{1, 100, 99, 3}, 0, -2, 3, 180, 20983, 684});
  expect_sums(last({.rhs_dilation = 12}), {{1, 176, 174, 3}, 240, -1, 1, 5160, 100735, 5160});
  expect_sums(last({.padding = 0, .lhs_dilation = 2}), {{1, 397, 393, 3}, 0, -1, 1, 702, 8319, 702});
  const Sums transposed{{1, 400, 396, 3}, 0, -1, 1, 702, -18521, 702};
  expect_sums(conv_general_dilated(image, reverse(kernel, {0, 1}),
                                   {.padding = {{2, 1}, {2, 1}}, .lhs_dilation = {2, 2}, .dimension_numbers = kLast2D}),
              transposed);
  expect_sums(conv_transpose(image, kernel, {.strides = 2, .padding = "SAME", .transpose_kernel = true}), transposed);
}

TEST(Page, ConvolvesASequenceAndAVolume) {
  Values data(400);
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t x = 0; x < 30; ++x) data[(35 * i + 30 + 60 * k + x) * 2 + k] = 1;
  const Tensor kernel = transpose(tensor({2, 2, 3}, {1, 0, -1, -1, 0, 1, 1, 1, 1, -1, -1, -1}), {2, 1, 0});
  const Tensor line = conv_general_dilated(tensor({1, 200, 2}, data), kernel,
                                           {.padding = "SAME", .dimension_numbers = {"NWC", "WIO", "NWC"}});
  expect_sums(line, {{1, 200, 2}, 0, -3, 3, 134, -21600, 974});
  EXPECT_EQ(values(slice_in_dim(line, 28, 32, 1, 1)), Values({0, 0, -1, 1, -1, 2, 0, 3}));
  EXPECT_EQ(values(slice_in_dim(line, 58, 62, 1, 1)), Values({0, 3, 1, 2, 1, 1, 0, 0}));

  Values waves;
  const auto at = [](int i) { return 2 * std::numbers::pi * i / 29; };
  for (int x = 0; x < 30; ++x)
    for (int y = 0; y < 30; ++y)
      for (int z = 0; z < 30; ++z) waves.push_back(std::sin(at(x)) * std::cos(at(y)) * std::cos(at(z)));
  const std::vector<double> plane{0, 0, 0, 0, 1, 0, 0, 0, 0}, cross{0, -1, 0, -1, 0, -1, 0, -1, 0};
  Values planes = plane;
  planes.insert(planes.end(), cross.begin(), cross.end());
  planes.insert(planes.end(), plane.begin(), plane.end());
  const Tensor volume = conv_general_dilated(tensor({1, 30, 30, 30, 1}, waves, DType::Float64),
                                             tensor({3, 3, 3, 1, 1}, planes, DType::Float64),
                                             {.padding = "SAME", .dimension_numbers = {"NHWDC", "HWDIO", "NHWDC"}});
  const Values result = values(volume);
  const auto element = [&](std::size_t x, std::size_t y, std::size_t z) { return result[(x * 30 + y) * 30 + z]; };
  EXPECT_NEAR(element(0, 0, 0), 0.2149704402, 1e-10);
  EXPECT_NEAR(element(7, 3, 5), -0.7272889888, 1e-10);
  EXPECT_NEAR(element(15, 15, 15), 0.2087138468, 1e-10);
  EXPECT_NEAR(values(sum(volume * volume))[0], 10851.0338, 1e-4);
  EXPECT_NEAR(*std::max_element(result.begin(), result.end()), 1.9275772, 1e-7);
}

TEST(Page, SmoothsASignal) {
  const Tensor y = sin(linspace(0, 10, 500)) + 0.2 * random::normal(random::key(1701), {500});
  testing::expect_first_cell(values(y), values(convolve(y, ones({10}) / 10, "same")));
}

// The window that smooths the picture: the outer product of seven values of the normal density.
TEST(Page, SmoothsWithANormalWindow) {
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const Tensor density = stats::norm_pdf(linspace(-3, 3, 7, dtype));
    const Values expected{0.00443184841, 0.05399096651, 0.24197072452, 0.39894228040,
                          0.24197072452, 0.05399096651, 0.00443184841};
    const double tolerance = dtype == DType::Float32 ? 1e-7 : 1e-11;
    for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(values(density)[i], expected[i], tolerance);
    EXPECT_NEAR(values(sum(density * expand_dims(density, 1)))[0], 0.99945879, 10 * tolerance + 5e-9);
  }
}

}  // namespace
}  // namespace cotangent::testing
