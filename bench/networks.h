// The networks whose training steps are timed. bench/peers/ has the same ones on other libraries.
#pragma once

#include <vector>

#include "cotangent/cotangent.h"

namespace bench {

namespace ct = cotangent;
using ct::nn::BatchNorm, ct::nn::Conv1D, ct::nn::Conv2D, ct::nn::Conv3D, ct::nn::ConvTranspose2D, ct::nn::Linear;

// The LeNet for Fashion-MNIST: conv 5x5 1-8, pool, conv 5x5 8-16, pool, linear; 28 x 28 x 1.
struct FashionLeNet {
  Conv2D conv1{1, 8, 5, {.activation = ct::Activation::Relu}}, conv2{8, 16, 5, {.activation = ct::Activation::Relu}};
  Linear head{4 * 4 * 16, 10};

  ct::Tensor operator()(const ct::Tensor& x) const {
    return head(ct::nn::flatten(ct::max_pool(conv2(ct::max_pool(conv1(x), 2)), 2)));
  }
  void visit(ct::nn::Visitor& v) { v("conv1", conv1), v("conv2", conv2), v("head", head); }
};

// LeNet-5 (LeCun et al. 1998) with full connections between its convolutions; 28 x 28 x 1.
struct LeNet5 {
  Conv2D conv1{1, 6, 5, {.padding = 2}}, conv2{6, 16, 5};
  Linear linear1{5 * 5 * 16, 120}, linear2{120, 84}, head{84, 10};

  ct::Tensor operator()(const ct::Tensor& x) const {
    const ct::Tensor h = ct::avg_pool(ct::tanh(conv2(ct::avg_pool(ct::tanh(conv1(x)), 2))), 2);
    return head(ct::tanh(linear2(ct::tanh(linear1(ct::nn::flatten(h))))));
  }
  void visit(ct::nn::Visitor& v) {
    v("conv1", conv1), v("conv2", conv2), v("linear1", linear1), v("linear2", linear2), v("head", head);
  }
};

// Two 3x3 convolutions around which the input passes, through a 1x1 convolution where its shape changes.
struct ResidualBlock {
  Conv2D conv1, conv2;
  BatchNorm norm1, norm2;
  std::vector<Conv2D> shortcut;  // one or none
  std::vector<BatchNorm> shortcut_norm;

  ResidualBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1(in, out, 3, {.strides = stride, .padding = 1, .bias = false}),
        conv2(out, out, 3, {.padding = 1, .bias = false}),
        norm1(out, {.activation = ct::Activation::Relu}),
        norm2(out) {
    if (in == out && stride == 1) return;
    shortcut.emplace_back(in, out, 1, ct::nn::ConvLayerOptions{.strides = stride, .bias = false});
    shortcut_norm.emplace_back(out);
  }

  ct::Tensor operator()(const ct::Tensor& x) const {
    const ct::Tensor h = norm2(conv2(norm1(conv1(x))));
    return ct::relu(h + (shortcut.empty() ? x : shortcut_norm[0](shortcut[0](x))));
  }
  void visit(ct::nn::Visitor& v) {
    v("conv1", conv1), v("norm1", norm1), v("conv2", conv2), v("norm2", norm2);
    v("shortcut", shortcut), v("shortcut_norm", shortcut_norm);
  }
};

// ResNet-8: a convolution, three residual blocks of 16, 32 and 64 channels, a linear layer.
struct ResNet8 {
  Conv2D conv;
  BatchNorm norm{16, {.activation = ct::Activation::Relu}};
  ResidualBlock block1{16, 16, 1}, block2{16, 32, 2}, block3{32, 64, 2};
  Linear head{64, 10};

  explicit ResNet8(std::int64_t channels) : conv(channels, 16, 3, {.padding = 1, .bias = false}) {}

  ct::Tensor operator()(const ct::Tensor& x) const {
    return head(ct::nn::global_avg_pool(block3(block2(block1(norm(conv(x)))))));
  }
  void visit(ct::nn::Visitor& v) {
    v("conv", conv), v("norm", norm), v("block1", block1), v("block2", block2), v("block3", block3), v("head", head);
  }
};

// The decoder of a DCGAN (Radford et al. 2015): 100 numbers to 32 x 32 x 3.
struct DcganDecoder {
  ConvTranspose2D up1{100, 256, 4, {.bias = false}};
  ConvTranspose2D up2{256, 128, 4, {.strides = 2, .padding = 1, .bias = false}};
  ConvTranspose2D up3{128, 64, 4, {.strides = 2, .padding = 1, .bias = false}};
  ConvTranspose2D up4{64, 3, 4, {.strides = 2, .padding = 1}};
  BatchNorm norm1{256, {.activation = ct::Activation::Relu}}, norm2{128, {.activation = ct::Activation::Relu}},
      norm3{64, {.activation = ct::Activation::Relu}};

  ct::Tensor operator()(const ct::Tensor& z) const { return ct::tanh(up4(norm3(up3(norm2(up2(norm1(up1(z)))))))); }
  void visit(ct::nn::Visitor& v) {
    v("up1", up1), v("norm1", norm1), v("up2", up2), v("norm2", norm2), v("up3", up3), v("norm3", norm3), v("up4", up4);
  }
};

// The critic of a WGAN-GP (Gulrajani et al. 2017); 32 x 32 x 3 to a score.
struct Critic {
  Conv2D conv1{3, 64, 4, {.strides = 2, .padding = 1}};
  Conv2D conv2{64, 128, 4, {.strides = 2, .padding = 1}};
  Conv2D conv3{128, 256, 4, {.strides = 2, .padding = 1}};
  Linear head{4 * 4 * 256, 1};

  ct::Tensor operator()(const ct::Tensor& x) const {
    ct::Tensor h = ct::leaky_relu(conv1(x), 0.2);
    h = ct::leaky_relu(conv2(h), 0.2);
    h = ct::leaky_relu(conv3(h), 0.2);
    return head(ct::nn::flatten(h));
  }
  void visit(ct::nn::Visitor& v) { v("conv1", conv1), v("conv2", conv2), v("conv3", conv3), v("head", head); }
};

// Three convolutions over a signal of one channel.
struct SignalNet {
  Conv1D conv1{1, 32, 7, {.strides = 2, .padding = 3, .bias = false}};
  Conv1D conv2{32, 64, 5, {.padding = 2, .bias = false}}, conv3{64, 128, 3, {.padding = 1, .bias = false}};
  BatchNorm norm1{32, {.activation = ct::Activation::Relu}}, norm2{64, {.activation = ct::Activation::Relu}},
      norm3{128, {.activation = ct::Activation::Relu}};
  Linear head{128, 5};

  ct::Tensor operator()(const ct::Tensor& x) const {
    const ct::Tensor h = ct::max_pool(norm2(conv2(ct::max_pool(norm1(conv1(x)), 2))), 2);
    return head(ct::nn::global_avg_pool(norm3(conv3(h))));
  }
  void visit(ct::nn::Visitor& v) {
    v("conv1", conv1), v("norm1", norm1), v("conv2", conv2), v("norm2", norm2), v("conv3", conv3), v("norm3", norm3);
    v("head", head);
  }
};

// Three convolutions over a volume of one channel.
struct VolumeNet {
  Conv3D conv1{1, 16, 3, {.padding = 1, .activation = ct::Activation::Relu}},
      conv2{16, 32, 3, {.padding = 1, .activation = ct::Activation::Relu}},
      conv3{32, 64, 3, {.padding = 1, .activation = ct::Activation::Relu}};
  Linear head{64, 10};

  ct::Tensor operator()(const ct::Tensor& x) const {
    return head(ct::nn::global_avg_pool(conv3(ct::max_pool(conv2(ct::max_pool(conv1(x), 2)), 2))));
  }
  void visit(ct::nn::Visitor& v) { v("conv1", conv1), v("conv2", conv2), v("conv3", conv3), v("head", head); }
};

}  // namespace bench
