// The code of the design document, as programs outside would write it: it must compile as it stands, and work.
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

struct Net {
  ct::nn::Conv2D conv1{1, 8, 3, {.padding = ct::Padding::Same}};
  ct::nn::Conv2D conv2{8, 16, 3, {.strides = 2, .padding = ct::Padding::Same}};
  ct::nn::Linear head{16 * 14 * 14, 10};
  ct::Tensor operator()(const ct::Tensor& x) const {
    return head(ct::nn::flatten(ct::relu(conv2(ct::relu(conv1(x))))));
  }
  void visit(ct::nn::Visitor& v) {
    v("conv1", conv1);
    v("conv2", conv2);
    v("head", head);
  }
};

TEST(Api, AModelIsAStruct) {
  Net net;
  ct::nn::Adam adam({.lr = 1e-3});
  const ct::nn::Dataset train{ct::random::uniform(ct::random::Key(1701), {8, 28, 28, 1}), ct::arange(8)};
  double first = 0, last = 0;
  for (int epoch = 0; epoch < 5; ++epoch)
    for (const auto& batch : ct::nn::batches(train, {.size = 64, .shuffle = true})) {
      auto [loss, grads] =
          ct::nn::value_and_grad(net, [&] { return ct::nn::cross_entropy(net(batch.inputs), batch.targets); });
      adam.step(net, grads);
      (epoch == 0 ? first : last) = loss.item<float>();
    }
  EXPECT_LT(last, first);
  std::int64_t count = 0;
  for (ct::Tensor* p : ct::nn::parameters(net)) count += p->size();
  EXPECT_EQ(count, ct::nn::parameter_count(net));
  EXPECT_EQ(ct::nn::named_parameters(net)[2].first, "conv2.weight");
  ct::nn::BatchNorm norm{24};
  EXPECT_EQ(norm(ct::ones({2, 24})).shape(), ct::Shape({2, 24}));
}

TEST(Api, ADecoderIsASequential) {
  ct::nn::Sequential decoder{ct::nn::Linear(16, 7 * 7 * 32),
                             ct::relu,
                             [](const ct::Tensor& h) {
                               return ct::reshape(h, {h.dim(0), 7, 7, 32});
                             },
                             ct::nn::ConvTranspose2D(32, 16, 4, {.strides = 2, .padding = ct::Padding::Same}),
                             ct::relu,
                             ct::nn::ConvTranspose2D(16, 1, 4, {.strides = 2, .padding = ct::Padding::Same}),
                             ct::sigmoid};
  EXPECT_EQ(decoder(ct::ones({2, 16})).shape(), ct::Shape({2, 28, 28, 1}));
}

TEST(Api, TransformsTakeFunctions) {
  const ct::Tensor x = ct::random::normal(ct::random::Key(1), {1, 5, 5, 2}, ct::DType::Float64);
  const ct::Tensor w = ct::random::normal(ct::random::Key(2), {3, 3, 2, 4}, ct::DType::Float64);
  auto energy = [](const ct::Tensor& a, const ct::Tensor& b) {
    auto y = ct::conv_general_dilated(a, b,
                                      {
                                          .window_strides = {2, 2},
                                          .padding = ct::Padding::Same,
                                          .dimension_numbers = {"NHWC", "HWIO", "NHWC"},
                                      });
    return 0.5 * ct::sum(y * y);
  };
  auto [dx, dw] = ct::grad(energy)(x, w);
  EXPECT_EQ(dx.shape(), x.shape());
  EXPECT_EQ(dw.shape(), w.shape());
  ct::Tensor penalty_grad = ct::grad([&](const ct::Tensor& b) {
    auto da = ct::grad([&](const ct::Tensor& a) { return energy(a, b); })(x);
    return ct::sum(da * da);
  })(w);
  EXPECT_EQ(penalty_grad.shape(), w.shape());
  EXPECT_EQ(ct::check_grads(energy, {x, w}, {.order = 2}), "");
}
