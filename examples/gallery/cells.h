// What the cells of the page "Convolutions in JAX" compute, without what they print and draw.
#pragma once

#include "cotangent/cotangent.h"

namespace gallery {

// 500 points of a noisy sine, and the same smoothed by a moving average of ten.
struct SmoothedSignal {
  cotangent::Tensor x, y, window, y_smooth;
};
SmoothedSignal smooth_signal(const cotangent::random::Key& key);

// The grey values of a picture (height, width, 3), with noise added, and smoothed by a Gaussian of 7 x 7.
struct SmoothedPicture {
  cotangent::Tensor image, noisy, window, smooth;
};
SmoothedPicture smooth_picture(const cotangent::Tensor& picture, const cotangent::random::Key& key);

// A kernel (3, 3, 3, 3), HWIO, that finds diagonal edges; and a picture (1, 200, 198, 3), NHWC, of three squares, one
// in each channel.
cotangent::Tensor edge_kernel();
cotangent::Tensor squares();

// The picture convolved with the kernel in eight ways. The first two give NCHW, the others NHWC.
cotangent::Tensor plain_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor padded_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::ConvDimensionNumbers picture_layout(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor same_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor valid_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor strided_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor atrous_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor spread_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);
cotangent::Tensor transposed_conv(const cotangent::Tensor& img, const cotangent::Tensor& kernel);

// Two sequences, NWC, and a volume, NHWDC, with the coordinates of its points.
struct Convolved {
  cotangent::Tensor data, kernel;
  cotangent::ConvDimensionNumbers dn;
  cotangent::Tensor out;
  cotangent::Tensors points = {};
};
Convolved sequence_conv();
Convolved volume_conv();

}  // namespace gallery
