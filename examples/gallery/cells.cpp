// The cells of the page "Convolutions in JAX". The gallery shows these functions as they stand here.
#include "cells.h"

#include <numbers>

namespace ct = cotangent;

namespace gallery {

SmoothedSignal smooth_signal(const ct::random::Key& key) {
  const ct::Tensor x = ct::linspace(0, 10, 500);
  const ct::Tensor y = ct::sin(x) + 0.2 * ct::random::normal(key, {500});

  const ct::Tensor window = ct::ones({10}) / 10;
  const ct::Tensor y_smooth = ct::convolve(y, window, "same");
  return {x, y, window, y_smooth};
}

SmoothedPicture smooth_picture(const ct::Tensor& picture, const ct::random::Key& key) {
  // The mean over red, green and blue makes it grey.
  const ct::Tensor image = ct::mean(picture.to(ct::DType::Float64), -1).to(ct::DType::Float32);

  // A noisy version, by adding Gaussian noise.
  const ct::Tensor noisy = image + 50 * ct::random::normal(key, image.shape());

  // The noisy one smoothed with the outer product of two Gaussian densities.
  const ct::Tensor x = ct::linspace(-3, 3, 7);
  const ct::Tensor window = ct::stats::norm_pdf(x) * ct::stats::norm_pdf(ct::expand_dims(x, 1));
  const ct::Tensor smooth = ct::signal::convolve(noisy, window, "same");
  return {image, noisy, window, smooth};
}

ct::Tensor edge_kernel() {                  // HWIO
  const std::vector<float> rows{1, 1,  0,   //
                                1, 0,  -1,  //
                                0, -1, -1};
  return ct::broadcast_to(ct::Tensor::from_data<float>({3, 3, 1, 1}, rows), {3, 3, 3, 3});
}

ct::Tensor squares() {  // NHWC
  ct::Tensor img = ct::zeros({1, 200, 198, 3});
  for (std::int64_t k = 0; k < 3; ++k) {
    const std::int64_t x = 30 + 60 * k, y = 20 + 60 * k;
    img = ct::update_slice(img, 1, {0, x, y, k}, {1, x + 10, y + 10, k + 1});
  }
  return img;
}

ct::Tensor plain_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv(ct::transpose(img, {0, 3, 1, 2}),     // NHWC -> NCHW
                  ct::transpose(kernel, {3, 2, 0, 1}),  // HWIO -> OIHW
                  {1, 1},                               // window strides
                  "SAME");
}

ct::Tensor padded_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_with_general_padding(ct::transpose(img, {0, 3, 1, 2}), ct::transpose(kernel, {3, 2, 0, 1}),
                                       {1, 1},            // window strides
                                       {{2, 2}, {2, 2}},  // two zeros on every side
                                       {1, 1},            // dilation of the picture
                                       {1, 1});           // dilation of the kernel
}

ct::ConvDimensionNumbers picture_layout(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_dimension_numbers(img.shape(), kernel.shape(), {"NHWC", "HWIO", "NHWC"});
}

ct::Tensor same_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_general_dilated(img, kernel,
                                  {.window_strides = {1, 1},
                                   .padding = "SAME",
                                   .lhs_dilation = {1, 1},
                                   .rhs_dilation = {1, 1},
                                   .dimension_numbers = picture_layout(img, kernel)});
}

ct::Tensor valid_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_general_dilated(img, kernel, {.padding = "VALID", .dimension_numbers = picture_layout(img, kernel)});
}

ct::Tensor strided_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_general_dilated(
      img, kernel, {.window_strides = {2, 2}, .padding = "SAME", .dimension_numbers = picture_layout(img, kernel)});
}

ct::Tensor atrous_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_general_dilated(
      img, kernel, {.padding = "VALID", .rhs_dilation = {12, 12}, .dimension_numbers = picture_layout(img, kernel)});
}

ct::Tensor spread_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  return ct::conv_general_dilated(
      img, kernel,
      {.padding = {{0, 0}, {0, 0}}, .lhs_dilation = {2, 2}, .dimension_numbers = picture_layout(img, kernel)});
}

ct::Tensor transposed_conv(const ct::Tensor& img, const ct::Tensor& kernel) {
  // Half a turn of the kernel, a spread picture, and the padding that makes the result twice as large.
  const ct::Tensor turned = ct::rot90(ct::rot90(kernel, 1, {0, 1}), 1, {0, 1});
  return ct::conv_general_dilated(
      img, turned,
      {.padding = {{2, 1}, {2, 1}}, .lhs_dilation = {2, 2}, .dimension_numbers = picture_layout(img, turned)});
}

Convolved sequence_conv() {
  const std::vector<float> weights{1, 0, -1, -1, 0,  1,  //
                                   1, 1, 1,  -1, -1, -1};
  const ct::Tensor kernel = ct::transpose(ct::Tensor::from_data<float>({2, 2, 3}, weights), {2, 1, 0});  // WIO
  ct::Tensor data = ct::zeros({1, 200, 2});                                                              // NWC
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t k = 0; k < 2; ++k) {
      const std::int64_t x = 35 * i + 30 + 60 * k;
      data = ct::update_slice(data, 1, {0, x, k}, {1, x + 30, k + 1});
    }

  const ct::ConvDimensionNumbers dn = ct::conv_dimension_numbers(data.shape(), kernel.shape(), {"NWC", "WIO", "NWC"});
  return {data, kernel, dn, ct::conv_general_dilated(data, kernel, {.padding = "SAME", .dimension_numbers = dn})};
}

Convolved volume_conv() {
  const std::vector<float> planes{0, 0,  0, 0,  1, 0,  0, 0,  0,  //
                                  0, -1, 0, -1, 0, -1, 0, -1, 0,  //
                                  0, 0,  0, 0,  1, 0,  0, 0,  0};
  const ct::Tensor kernel = ct::Tensor::from_data<float>({3, 3, 3, 1, 1}, planes);  // HWDIO

  const ct::Tensor line = ct::linspace(0, 1, 30, ct::DType::Float64);
  const ct::Tensors points = ct::meshgrid({line, line, line}, ct::Indexing::IJ);
  const auto angle = [](const ct::Tensor& t) { return (2 * std::numbers::pi * t).to(ct::DType::Float32); };
  const ct::Tensor wave = ct::sin(angle(points[0])) * ct::cos(angle(points[1])) * ct::cos(angle(points[2]));
  const ct::Tensor data = ct::reshape(wave, {1, 30, 30, 30, 1});  // NHWDC

  const ct::ConvDimensionNumbers dn =
      ct::conv_dimension_numbers(data.shape(), kernel.shape(), {"NHWDC", "HWDIO", "NHWDC"});
  const ct::Tensor out = ct::conv_general_dilated(data, kernel, {.padding = "SAME", .dimension_numbers = dn});
  return {data, kernel, dn, out, points};
}

}  // namespace gallery
