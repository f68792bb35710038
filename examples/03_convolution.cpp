// A convolution and its gradients: dimension numbers, and the fact that each gradient is again a convolution.
#include <iostream>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

int main() {
  // One picture of 6 x 6 pixels and 2 channels, channels last; eight 3 x 3 filters. The letters say which axis is what.
  const ct::ConvOptions options{
      .window_strides = 2, .padding = ct::Padding::Same, .dimension_numbers = {"NHWC", "HWIO", "NHWC"}};
  const ct::random::Key key(0);
  const ct::Tensor picture = ct::random::normal(ct::random::fold_in(key, 0), {1, 6, 6, 2}, ct::DType::Float64);
  const ct::Tensor filters = ct::random::normal(ct::random::fold_in(key, 1), {3, 3, 2, 8}, ct::DType::Float64);
  const auto conv = [&](const ct::Tensor& x, const ct::Tensor& w) { return ct::conv_general_dilated(x, w, options); };

  std::cout << ct::conv_dimension_numbers(picture.shape(), filters.shape(), options.dimension_numbers) << "\n";
  const auto [features, pullback] = ct::vjp(conv, {picture, filters});
  std::cout << "picture " << ct::to_string(picture.shape()) << ", filters " << ct::to_string(filters.shape())
            << " -> features " << ct::to_string(features.shape()) << "\n";

  // Pulling a cotangent back to the picture is a transposed convolution with the same filters: conv_transpose with
  // transpose_kernel = true, whose SAME padding is made to match.
  const ct::Tensor g = ct::ones_like(features);
  const ct::Tensor back = pullback(g)[0];
  const ct::Tensor transposed = ct::conv_transpose(g, filters,
                                                   {.strides = 2,
                                                    .padding = ct::Padding::Same,
                                                    .dimension_numbers = options.dimension_numbers,
                                                    .transpose_kernel = true});
  const double difference = ct::max(ct::abs(back - transposed)).item<double>();
  std::cout << "vjp to the picture against conv_transpose: largest difference " << difference << "\n";

  // Convolution is linear in each argument, so finite differences with step 1 are exact, to any order.
  const std::string report = ct::check_grads(conv, {picture, filters}, {.order = 2, .multilinear = true});
  std::cout << "check_grads: " << (report.empty() ? "right to order 2" : report) << "\n";

  // A mistake in the layout is found before anything is computed.
  try {
    ct::conv_general_dilated(picture, filters);
  } catch (const ct::Error& error) {
    std::cout << "an Error: " << error.what() << "\n";
  }
  return report.empty() && difference < 1e-12 ? 0 : 1;
}
