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

TEST(Api, TensorsAreMadeAndRead) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  ct::Tensor a = ct::Tensor::from_data<float>({2, 3}, std::span<const float>(values));
  ct::Tensor b = ct::zeros({2, 3}), c = ct::ones({2, 3}, ct::DType::Float64), d = ct::full({3}, 0.5),
             e = ct::arange(10), l = ct::linspace(0, 10, 500);
  EXPECT_EQ(a.shape(), ct::Shape({2, 3}));
  EXPECT_EQ(ct::Shape(values.begin(), values.begin() + 2), ct::Shape({1, 2}));
  EXPECT_EQ(a.dim(0) + a.ndim() + a.size(), 2 + 2 + 6);
  EXPECT_EQ(c.dtype(), ct::DType::Float64);
  EXPECT_EQ(d.data<float>()[2] + l.data<float>()[499], 10.5f);
  EXPECT_EQ(ct::sum(e).item<std::int64_t>(), 45);
  const ct::Tensor wide = a.to(ct::DType::Float64);
  EXPECT_EQ(wide.data<double>()[5], 6);
  ct::Tensor f = 2.0 * ct::tanh(a) + b;
  EXPECT_EQ(f.dtype(), ct::DType::Float32);
  EXPECT_THROW(b + c, ct::Error);
  EXPECT_TRUE(ct::Tensor().is_null());
}

TEST(Api, ConvolutionTakesEveryOptionInJaxsOrder) {
  const ct::Tensor x = ct::ones({1, 8, 8, 2}), w = ct::ones({3, 3, 2, 4});
  ct::Tensor y = ct::conv_general_dilated(x, w,
                                          {
                                              .window_strides = {2, 2},
                                              .padding = ct::Padding::Same,
                                              .lhs_dilation = {1, 1},
                                              .rhs_dilation = {1, 1},
                                              .dimension_numbers = {"NHWC", "HWIO", "NHWC"},
                                              .feature_group_count = 1,
                                              .batch_group_count = 1,
                                              .precision = ct::Precision::Default,
                                          });
  EXPECT_EQ(y.shape(), ct::Shape({1, 4, 4, 4}));

  ct::ConvOptions options;
  const std::vector<std::int64_t> strides{1, 2};
  const std::vector<std::pair<std::int64_t, std::int64_t>> pads{{1, 1}, {0, -2}};
  const std::string lhs = "NHWC", rhs = "HWIO", out = "NCHW";
  options.window_strides = strides;
  options.padding = pads;
  options.dimension_numbers = {lhs, rhs, out};
  EXPECT_EQ(ct::conv_general_dilated(x, w, options).shape(), ct::Shape({1, 4, 8, 2}));
  options.dimension_numbers = ct::ConvDimensionNumbers{{0, 3, 1, 2}, {3, 2, 0, 1}, {0, 3, 1, 2}};
  EXPECT_EQ(ct::conv_general_dilated(x, w, options).shape(), ct::Shape({1, 8, 2, 4}));
  EXPECT_EQ(
      ct::conv_general_dilated(ct::ones({1, 2, 8, 8}), ct::ones({4, 2, 3, 3}), {.padding = {{1, 1}, {0, -2}}}).shape(),
      ct::Shape({1, 4, 8, 4}));
}

TEST(Api, DerivativesAreFunctionsOfFunctions) {
  const ct::Tensor x = ct::linspace(-1, 1, 4, ct::DType::Float64), w = x * 0.5, u = ct::ones_like(x), v = x + 2.0;
  const auto f = [](const ct::Tensors& inputs) { return ct::sum(ct::tanh(inputs[0] * inputs[1])); };
  const auto g = [](const ct::Tensor& a) { return ct::sum(a * a * a); };
  auto [value, grads] = ct::value_and_grad(f, ct::Tensors{x, w});
  auto [out, pullback] = ct::vjp(f, ct::Tensors{x, w});
  auto [out2, tangent] = ct::jvp(f, ct::Tensors{x, w}, ct::Tensors{u, v});
  EXPECT_EQ(value.item<double>(), out.item<double>());
  EXPECT_EQ(value.item<double>(), out2.item<double>());
  const ct::Tensor along = ct::sum(grads[0] * u + grads[1] * v);
  EXPECT_NEAR(tangent.item<double>(), along.item<double>(), 1e-14);
  EXPECT_TRUE(ct::all_close(pullback(ct::ones_like(out))[0], grads[0]));
  ct::Tensor hv = ct::hvp(g, x, v);
  EXPECT_TRUE(ct::all_close(hv, 6.0 * x * v));
}

TEST(Api, RandomNumbersComeFromKeys) {
  ct::random::Key key(1701);
  const auto keys = ct::random::split(key);
  EXPECT_EQ(ct::random::normal(keys[0], {500}, ct::DType::Float64).dtype(), ct::DType::Float64);
  EXPECT_EQ(ct::random::permutation(ct::random::fold_in(key, 1), 10).size(), 10);
  EXPECT_EQ(ct::random::bernoulli(key, 0.5, {3}).dtype(), ct::DType::Bool);
  ct::set_num_threads(2);
  EXPECT_EQ(ct::num_threads(), 2);
}
