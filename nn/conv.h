// Convolution layers, forward and transposed, for one, two and three spatial axes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cotangent/nn/init.h"
#include "cotangent/nn/module.h"
#include "cotangent/ops/conv.h"

namespace cotangent::nn {

// Where inputs and outputs have their channels: (batch, spatial..., channels) or (batch, channels, spatial...).
enum class Layout { ChannelsLast, ChannelsFirst };

struct ConvLayerOptions {
  PerAxis strides = 1;
  PaddingOption padding = Padding::Valid;
  PerAxis dilation = 1;     // of the kernel
  std::int64_t groups = 1;  // channels fall into groups that do not mix
  bool bias = true;
  Layout layout = Layout::ChannelsLast;
  Initializer init = init::lecun_normal;     // of the weight; the bias starts at 0
  std::optional<random::Key> key = {};       // none: the next of the default stream
  Activation activation = Activation::None;  // of the output, in the same pass
};

struct ConvTransposeLayerOptions {
  PerAxis strides = 1;
  PaddingOption padding = Padding::Valid;
  PerAxis output_padding = 0;  // elements added at the end of each spatial axis
  PerAxis dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  Layout layout = Layout::ChannelsLast;
  Initializer init = init::lecun_normal;
  std::optional<random::Key> key = {};
  Activation activation = Activation::None;
};

// Cross-correlation with a learned kernel, plus a learned bias (torch.nn.Conv2d, flax.linen.Conv). In every layout the
// weight is (spatial..., in / groups, out), in PyTorch's terms its weight.permute(2, 3, 1, 0), and the bias (out,).
// Error, when made, for options that fit no input; when called, for an input that is not
// (batch, spatial..., in_features), or whose dtype is not the weight's, or that is smaller, padded, than the window.
class Conv {
 public:
  Conv(int spatial_axes, std::int64_t in_features, std::int64_t out_features, const PerAxis& kernel,
       const ConvLayerOptions& options);

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  std::string description() const;  // "Conv2D(8 -> 16, 5x5)"

  Tensor weight, bias;

 private:
  void refuse_empty_output(const Tensor& x) const;

  std::string kind_;  // "Conv2D"
  ConvOptions options_;
  Layout layout_;
};

// The transpose of a convolution's derivative: what conv_general_dilated's vjp makes of a cotangent. Options are those
// of the convolution that it transposes, as in torch.nn.ConvTranspose2d: with dilated kernel d = dilation (kernel - 1)
// + 1, an axis of extent n grows to
//
//   (n - 1) stride - low - high + d + output_padding,
//
// and padding Same gives n stride. The weight is (spatial..., in / groups, out), reversed in space with respect to
// PyTorch's (in, out / groups, spatial...): one group's is torch_weight.permute(2, 3, 0, 1).flip(0, 1), and groups
// follow each other along the last axis. Then the layer is a single convolution of the input dilated by the strides.
// Errors as Conv; also unless output_padding is less than stride or dilation, and 0 with Same.
class ConvTranspose {
 public:
  ConvTranspose(int spatial_axes, std::int64_t in_features, std::int64_t out_features, const PerAxis& kernel,
                const ConvTransposeLayerOptions& options);

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  std::string description() const;  // "ConvTranspose2D(16 -> 8, 4x4)"

  Tensor weight, bias;

 private:
  Pads pads(const Tensor& x) const;

  std::string kind_;  // "ConvTranspose2D"
  ConvTransposeLayerOptions options_;
};

template <int kSpatialAxes>
class ConvNd : public Conv {
 public:
  ConvNd(std::int64_t in_features, std::int64_t out_features, const PerAxis& kernel,
         const ConvLayerOptions& options = {})
      : Conv(kSpatialAxes, in_features, out_features, kernel, options) {}
};
using Conv1D = ConvNd<1>;
using Conv2D = ConvNd<2>;
using Conv3D = ConvNd<3>;

template <int kSpatialAxes>
class ConvTransposeNd : public ConvTranspose {
 public:
  ConvTransposeNd(std::int64_t in_features, std::int64_t out_features, const PerAxis& kernel,
                  const ConvTransposeLayerOptions& options = {})
      : ConvTranspose(kSpatialAxes, in_features, out_features, kernel, options) {}
};
using ConvTranspose1D = ConvTransposeNd<1>;
using ConvTranspose2D = ConvTransposeNd<2>;
using ConvTranspose3D = ConvTransposeNd<3>;

}  // namespace cotangent::nn
