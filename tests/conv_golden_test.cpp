// Convolutions and their derivatives against PyTorch's and SciPy's (golden/make_conv.py).
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"
#include "golden.h"

namespace cotangent::testing {
namespace {

// Expects <name>.y from f, and <name>.dx and .dw as the gradients of sum(y * wave).
void expect_golden(const std::string& name, const Shape& x, const Shape& w, const Function& f) {
  SCOPED_TRACE(name);
  const auto [y, pullback] = vjp(f, {wave(x, 0), wave(w, 1)});
  expect_near(y, golden(name + ".y", "conv"));
  const Tensors cotangents = pullback(wave(y.shape(), 5));
  expect_near(cotangents[0], golden(name + ".dx", "conv"));
  expect_near(cotangents[1], golden(name + ".dw", "conv"));
}

TEST(ConvGolden, EqualsPyTorch) {
  const auto expect = [](const std::string& name, const Shape& x, const Shape& w, const ConvOptions& options) {
    expect_golden(name, x, w, [&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, options); });
  };
  expect("line", {2, 3, 11}, {4, 3, 3}, {.window_strides = 2, .padding = 2});
  expect("line_groups", {2, 6, 13}, {4, 3, 3},
         {.window_strides = 3, .padding = 1, .rhs_dilation = 2, .feature_group_count = 2});
  expect("plane", {2, 3, 7, 8}, {4, 3, 3, 2}, {.padding = 1});
  expect("plane_all", {2, 4, 9, 8}, {6, 2, 3, 2},
         {.window_strides = {2, 3}, .padding = {{2, 2}, {1, 1}}, .rhs_dilation = {2, 1}, .feature_group_count = 2});
  expect("plane_depthwise", {2, 8, 6, 5}, {16, 1, 3, 3}, {.padding = 1, .feature_group_count = 8});
  expect("plane_pointwise", {2, 5, 4, 6}, {7, 5, 1, 1}, {});
  expect("plane_unused_edge", {1, 2, 10, 9}, {2, 2, 3, 4}, {.window_strides = 4});
  expect("volume", {1, 2, 4, 5, 6}, {3, 2, 2, 3, 3},
         {.window_strides = {1, 2, 2}, .padding = {{1, 1}, {1, 1}, {0, 0}}});
  expect("volume_all", {1, 4, 5, 6, 4}, {4, 2, 2, 2, 3},
         {.window_strides = {2, 1, 1}, .padding = 1, .rhs_dilation = {1, 2, 1}, .feature_group_count = 2});
}

// PyTorch's padding p and output padding q are pads of window - 1 - p and window - 1 - p + q.
TEST(ConvGolden, TransposedEqualsPyTorch) {
  const auto expect = [](const std::string& name, const Shape& x, const Shape& w, ConvTransposeOptions options) {
    options.transpose_kernel = true;
    expect_golden(name, x, w, [&](const Tensor& l, const Tensor& r) { return conv_transpose(l, r, options); });
  };
  expect("transposed_line", {2, 3, 5}, {3, 2, 4},
         {.strides = 3, .padding = {{2, 4}}, .dimension_numbers = {"NCH", "OIH", "NCH"}});
  const DimensionNumbersOption plane{"NCHW", "OIHW", "NCHW"};
  expect("transposed_plane", {2, 3, 4, 5}, {3, 4, 4, 3},
         {.strides = 2, .padding = {{2, 2}, {1, 2}}, .dimension_numbers = plane});
  expect("transposed_plane_dilated", {1, 2, 4, 3}, {2, 3, 3, 2},
         {.strides = {2, 3}, .padding = {{2, 3}, {2, 4}}, .rhs_dilation = {2, 3}, .dimension_numbers = plane});
  expect("transposed_volume", {1, 2, 2, 3, 3}, {2, 2, 3, 2, 2},
         {.strides = {2, 1, 2}, .padding = {{1, 2}, {1, 1}, {0, 0}}, .dimension_numbers = {"NCDHW", "OIDHW", "NCDHW"}});
}

// With groups, PyTorch's transposed convolution is the derivative of ours.
TEST(ConvGolden, DerivativeOfGroupsEqualsPyTorchsTransposed) {
  expect_golden("transposed_groups", {2, 6, 4, 3}, {6, 2, 3, 3}, [](const Tensor& x, const Tensor& w) {
    const auto forward = [&](const Tensor& image) {
      return conv_general_dilated(image, w, {.window_strides = 2, .padding = 1, .feature_group_count = 3});
    };
    return vjp(forward, {zeros({2, 6, 8, 6}, DType::Float64)}).pullback(x)[0];
  });
}

TEST(ConvGolden, EqualsSciPy) {
  const Tensor image = wave({1, 1, 9, 8}, 0), kernel = wave({1, 1, 3, 3}, 1);
  const auto expect = [&](const std::string& mode, const PaddingOption& padding) {
    SCOPED_TRACE(mode);
    const auto run = [&](const Tensor& rhs) {
      return squeeze(conv_general_dilated(image, rhs, {.padding = padding}), {0, 1});
    };
    expect_near(run(kernel), golden("correlate_" + mode, "conv"));
    expect_near(run(reverse(kernel, {2, 3})), golden("convolve_" + mode, "conv"));
  };
  expect("full", 2);
  expect("same", "SAME");
  expect("valid", "VALID");
}

}  // namespace
}  // namespace cotangent::testing
