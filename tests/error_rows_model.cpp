// Rows of the error table: layers inside models, which errors call by their paths.
#include "error_table.h"

namespace cotangent::testing {
namespace {

// Two convolutions, the second for more channels than the first one makes, if asked.
struct Net {
  nn::Conv2D conv1{1, 8, 5}, conv2;
  nn::MaxPool pool{2};
  nn::Linear head;
  Net(std::int64_t channels, std::int64_t features) : conv2(channels, 16, 5), head(features, 10) {}
  Tensor operator()(const Tensor& x) const { return head(nn::flatten(pool(conv2(pool(relu(conv1(x))))))); }
  void visit(nn::Visitor& v) { v("conv1", conv1), v("conv2", conv2), v("head", head); }
};

// x + conv(x), where the convolution has no padding.
struct Residual {
  nn::Conv2D conv{8, 8, 3};
  Tensor operator()(const Tensor& x) const { return x + conv(x); }
  void visit(nn::Visitor& v) { v("conv", conv); }
};

struct Tower {
  nn::Conv2D stem{1, 8, 3, {.padding = 1}};
  std::vector<Residual> blocks{2};
  Tensor operator()(const Tensor& x) const { return blocks[1](blocks[0](stem(x))); }
  void visit(nn::Visitor& v) { v("stem", stem), v("blocks", blocks); }
};

// Reads a value while it is called.
struct Curious {
  nn::Linear linear{4, 1};
  Tensor operator()(const Tensor& x) const {
    const Tensor y = linear(x);
    return sum(y).item<float>() > 0 ? y : -y;
  }
  void visit(nn::Visitor& v) { v("linear", linear); }
};

Tensor images(std::int64_t n) { return zeros({n, 28, 28, 1}); }

nn::Sequential decoder() {
  return {nn::Linear(16, 200), relu,
          [](const Tensor& h) {
            return reshape(h, {8, 7, 7, 4});
          },
          nn::ConvTranspose2D(4, 1, 4, {.strides = 2})};
}

}  // namespace

std::vector<ErrorRow> model_errors() {
  return {
      {"traced_conv_of_other_channels",
       [] {
         nn::trace(Net(16, 256), {64, 28, 28, 1});
       },
       "net.conv2: Conv2D(16 -> 16, 5x5): needs an input of shape (N, H, W, 16), got Float32 (64, 12, 12, 8); it has 8 "
       "channels (axis 3, 'C' of NHWC): in_features 8 would fit"},
      {"traced_linear_of_other_features",
       [] {
         nn::trace(Net(8, 400), {64, 28, 28, 1});
       },
       "net.head: Linear(400 -> 10): needs an input of shape (..., 400), got Float32 (64, 256), which has 256 "
       "features; Linear(256, 10) would fit"},
      {"traced_pictures_that_are_too_small",
       [] {
         nn::trace(Net(8, 256), {64, 11, 11, 1});
       },
       "net.conv2: Conv2D(8 -> 16, 5x5): a window must fit in the padded input, but spans 5 elements of axis 1 ('H' of "
       "NHWC), where Float32 (64, 3, 3, 8) has 3 and padding {0, 0}; padding 1 gives 1 x 1"},
      {"summarised_conv_of_other_channels",
       [] {
         nn::summary(Net(4, 256), {1, 28, 28, 1});
       },
       "net.conv2: Conv2D(4 -> 16, 5x5): needs an input of shape (N, H, W, 4), got Float32 (1, 12, 12, 8); it has 8 "
       "channels (axis 3, 'C' of NHWC): in_features 8 would fit"},
      {"trained_conv_of_other_channels",
       [] {
         Net net(12, 256);
         nn::value_and_grad(net, [&] { return sum(net(images(64))); });
       },
       "net.conv2: Conv2D(12 -> 16, 5x5): needs an input of shape (N, H, W, 12), got Float32 (64, 12, 12, 8); it has 8 "
       "channels (axis 3, 'C' of NHWC): in_features 8 would fit"},
      {"called_conv_of_other_channels", [] { Net(6, 256)(images(64)); },
       "Conv2D(6 -> 16, 5x5): needs an input of shape (N, H, W, 6), got Float32 (64, 12, 12, 8); it has 8 channels "
       "(axis 3, 'C' of NHWC): in_features 8 would fit"},
      {"residual_between_layers",
       [] {
         nn::trace(Tower(), {8, 28, 28, 1});
       },
       "after net.blocks.0.conv: add: shapes (8, 28, 28, 8) and (8, 26, 26, 8) do not broadcast: aligned at the last "
       "axis, extents 28 and 26 differ and neither is 1; if a convolution made the smaller one, its padding 1 gives "
       "28"},
      {"targets_after_the_last_layer",
       [] {
         Net net(8, 256);
         nn::value_and_grad(net, [&] { return nn::cross_entropy(net(images(64)), zeros({64, 10})); });
       },
       "after net.head: cross_entropy: targets must be class numbers (Int64, Int32 or UInt8) of shape (64,) for logits "
       "Float32 (64, 10), got Float32 (64, 10); argmax(targets, -1) makes class numbers of one-hot rows"},
      {"loss_that_is_not_reduced",
       [] {
         Net net(8, 256);
         nn::value_and_grad(net, [&] { return net(images(64)); });
       },
       "grad: the function must return a single Float32 or Float64 number, got Float32 (64, 10); reduce it with sum() "
       "or mean(), or use vjp()",
       true},
      {"called_layer_of_a_sequential",
       [] {
         nn::Sequential{nn::Linear(16, 8), relu, nn::Linear(4, 2)}(ones({3, 16}));
       },
       "2: Linear(4 -> 2): needs an input of shape (..., 4), got Float32 (3, 8), which has 8 features; Linear(8, 2) "
       "would fit"},
      {"called_layer_of_nested_sequentials",
       [] {
         nn::Sequential{relu, nn::Sequential{relu, nn::MaxPool({2, 2})}}(ones({3, 16, 4}));
       },
       "1.1: MaxPool(2x2): max_pool: window needs one number for each of the 1 spatial axes, got 2: (2, 2); give 1, or "
       "one number for all"},
      {"function_in_a_sequential",
       [] {
         nn::trace(decoder(), {8, 16});
       },
       "net.2: reshape: shape (8, 7, 7, 4) does not fit the 1600 elements of shape (8, 200); (8, 7, 7, 4) has 1568"},
      {"read_value_in_a_trace",
       [] {
         nn::trace(Curious(), {8, 4});
       },
       "after net.linear: item: Float32 () has a shape and no values: nn::trace() and nn::summary() compute none, so "
       "read none in a model's call; a primitive's vjp() has those that its saves() names"},
      {"parameter_visited_twice",
       [] {
         struct Twice {
           nn::Linear linear{4, 4};
           void visit(nn::Visitor& v) { v("a", linear), v("b", linear); }
         } twice;
         nn::parameters(twice);
       },
       "visit: the tensor 'b.weight' was visited before under another name; visit it once"},
      {"model_without_a_visit_line",
       [] {
         struct Bare {
           void visit(nn::Visitor&) {}
         } bare;
         nn::value_and_grad(bare, [] { return ones({}); });
       },
       "value_and_grad: the module has no parameters; name them in its visit()"},
  };
}

}  // namespace cotangent::testing
