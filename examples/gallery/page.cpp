// The page: which cell comes when, what it prints and which figures it draws.
#include "page.h"

#include <fmt/format.h>

#include "cells.h"

namespace ct = cotangent;

namespace gallery {
namespace {

// The extents of a figure, in pixels: matplotlib's default of 6.4 x 4.8 inches, and those that the page asks for.
constexpr int kWidth = 640, kHeight = 480, kLarge = 1000;

// The elements of a tensor with the given index on an axis, which vanishes.
ct::Tensor at(const ct::Tensor& tensor, std::int64_t index, int axis) {
  return ct::squeeze(ct::slice_in_dim(tensor, index, index + 1, 1, axis), {axis});
}

std::string shape_line(const ct::Tensor& out, const std::string& remark = "") {
  return fmt::format("out shape:  {}{}\n", ct::to_string(out.shape()), remark);
}

// A cell that convolves the squares, and shows the first channel of the result.
void show_conv(Report& report, const std::string& function, const ct::Tensor& out, int channel_axis,
               const std::string& what, const std::string& remark = "") {
  const ct::Tensor channel = at(at(out, 0, channel_axis), 0, 0);
  report.cell(function, shape_line(out, remark) + "First output channel:\n",
              {picture_figure(function, "the first channel of " + what, kLarge, kLarge, {{channel}})});
}

// A figure of the two sequences in (1, length, 2).
Figure sequences_figure(const std::string& name, const std::string& description, const ct::Tensor& sequences) {
  const ct::Tensor x = ct::arange(sequences.dim(1));
  const ct::Tensor rows = at(sequences, 0, 0);
  return line_figure(
      name, description, kLarge, kLarge / 2,
      {{x.to(ct::DType::Float32), at(rows, 0, 1), "#1f77b4"}, {x.to(ct::DType::Float32), at(rows, 1, 1), "#ff7f0e"}});
}

std::string convolved_lines(const Convolved& cell) {
  return fmt::format("in shapes: {} {}\n{}\n{}", ct::to_string(cell.data.shape()), ct::to_string(cell.kernel.shape()),
                     ct::to_string(cell.dn), shape_line(cell.out));
}

void show_smoothing(Report& report, const Picture& picture, ct::random::Stream stream) {
  const ct::random::Key key(1701, stream);
  report.heading(2, "One dimension");
  report.paragraph(
      "A noisy signal, smoothed by convolving it with a window of ten equal weights; mode same keeps its "
      "length.");
  report.paragraph(stream == ct::random::Stream::Original
                       ? "The noise is that of the page's own figure, which was drawn in the original mode of JAX's "
                         "random numbers; --stream partitionable gives what JAX draws since version 0.5."
                       : "The noise is what JAX draws since version 0.5; --stream original gives that of the page's "
                         "own figure.");
  const SmoothedSignal signal = smooth_signal(key);
  report.cell("smooth_signal", "",
              {line_figure("smooth_signal", "the signal, grey, and the smoothed one, black", kWidth, kHeight,
                           {{signal.x, signal.y, "#d3d3d3"}, {signal.x, signal.y_smooth, "black"}})});

  report.heading(2, "More dimensions");
  report.paragraph("A picture with noise added, smoothed by convolving it with a Gaussian. " + picture.origin);
  const SmoothedPicture smoothed = smooth_picture(picture.pixels, key);
  report.cell("smooth_picture", "",
              {picture_figure("smooth_picture", "the picture, with noise, and smoothed", 1200, 380,
                              {{smoothed.image, "original", ColorMap::Grey},
                               {smoothed.noisy, "noisy", ColorMap::Grey},
                               {smoothed.smooth, "smoothed", ColorMap::Grey}})});
}

void show_general(Report& report) {
  report.heading(2, "General convolutions");
  report.paragraph(
      "A kernel that finds diagonal edges, the same for every pair of channels, and a picture of three "
      "squares, one in each channel.");
  const ct::Tensor kernel = edge_kernel(), img = squares();
  report.cell("edge_kernel", "Edge Conv kernel:\n",
              {picture_figure("edge_kernel", "the kernel of one pair of channels", kWidth, kHeight,
                              {{at(at(kernel, 0, 3), 0, 2)}})});
  report.cell("squares", "Original Image:\n",
              {picture_figure("squares", "the three squares", kWidth, kHeight, {{at(img, 0, 0)}})});

  report.heading(3, "conv and conv_with_general_padding");
  report.paragraph("Both take NCHW pictures and OIHW kernels.");
  show_conv(report, "plain_conv", plain_conv(img, kernel), 1, "conv with SAME padding");
  show_conv(report, "padded_conv", padded_conv(img, kernel), 1, "conv_with_general_padding");

  report.heading(3, "Dimension numbers");
  report.paragraph(
      "conv_general_dilated takes any layout: N is batch, C channel, I and O the kernel's input and output "
      "channel, and all other letters are spatial axes. Here: NHWC, HWIO, NHWC.");
  report.cell("picture_layout", ct::to_string(picture_layout(img, kernel)) + "\n");
  report.heading(4, "SAME padding, no stride, no dilation");
  show_conv(report, "same_conv", same_conv(img, kernel), 3, "SAME padding");
  report.heading(4, "VALID padding, no stride, no dilation");
  show_conv(report, "valid_conv", valid_conv(img, kernel), 3, "VALID padding", "  (smaller by 2)");
  report.heading(4, "SAME padding, stride 2");
  show_conv(report, "strided_conv", strided_conv(img, kernel), 3, "stride 2", "  (half as large)");
  report.heading(4, "VALID padding, dilated kernel: a trous");
  show_conv(report, "atrous_conv", atrous_conv(img, kernel), 3, "a kernel dilated by 12");
  report.heading(4, "No padding, dilated picture: a transposed convolution without its padding");
  show_conv(report, "spread_conv", spread_conv(img, kernel), 3, "a picture dilated by 2",
            "  (larger than the picture)");
  report.paragraph(
      "With half a turn of the kernel and the right padding this is the transposed convolution: what "
      "conv_transpose(img, kernel, {.strides = 2, .padding = \"SAME\", .transpose_kernel = true}) gives.");
  show_conv(report, "transposed_conv", transposed_conv(img, kernel), 3, "the transposed convolution",
            "  (twice as large)");
}

void show_other_ranks(Report& report) {
  report.heading(3, "One spatial dimension");
  const Convolved sequence = sequence_conv();
  report.cell("sequence_conv", convolved_lines(sequence),
              {sequences_figure("sequence_data", "two sequences", sequence.data),
               sequences_figure("sequence_conv", "the sequences convolved", sequence.out)});

  report.heading(3, "Three spatial dimensions");
  const Convolved volume = volume_conv();
  report.cell("volume_conv", convolved_lines(volume),
              {cloud_figure("volume_data", "the volume as a cloud of points", "input", volume.points, volume.data),
               cloud_figure("volume_conv", "the volume convolved", "3D conv output", volume.points, volume.out)});
}

}  // namespace

void show_page(Report& report, const Picture& picture, ct::random::Stream stream) {
  show_smoothing(report, picture, stream);
  show_general(report);
  show_other_ranks(report);
}

}  // namespace gallery
