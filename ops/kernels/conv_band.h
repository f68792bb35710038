// Bands: the part of lhs that a piece of a convolution reads, with adjacent channels and without borders. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/workspace.h"

namespace cotangent::kernels {

// The axes of lhs besides the spatial ones: channels, which lie closest, and images. Which of the two is the problem's
// batch and which its features depends on who asks.
struct BandAxes {
  std::int64_t channel_step, image_step;
};

// Input positions from `low` up to `high` on each spatial axis, which may lie outside lhs, of some images and channels.
struct BandBox {
  Range images, channels;
  std::vector<Range> positions;

  std::int64_t pixels() const;  // of one image
};

// Where a band can be read: element (image, position, channel) of its box, all counted from the box's corner, is
// data[image * image_step + sum of position[d] * steps[d] + channel].
template <class T>
struct BandView {
  const T* data;
  std::int64_t image_step;
  std::vector<std::int64_t> steps;
};

// True if lhs itself can be read as the band: the box lies inside and channels are adjacent.
bool band_in_place(const ConvProblem& problem, const BandAxes& axes, const BandBox& box);

template <class T>
BandView<T> view_in_place(const ConvProblem& problem, const BandAxes& axes, const BandBox& box, const T* lhs);

// Copies the band to `to`, with zeros for what lies outside lhs; pixels are pixel_step elements apart.
template <class T>
BandView<T> gather_band(const ConvProblem& problem, const BandAxes& axes, const BandBox& box, const T* lhs,
                        std::int64_t pixel_step, T* to);

// The same problem with its spatial axes in the order of lhs's memory, at least two of them, and neighbours merged that
// are one axis in fact, as the rows of a 1x1 convolution are.
ConvProblem in_memory_order(const ConvProblem& problem);

}  // namespace cotangent::kernels
