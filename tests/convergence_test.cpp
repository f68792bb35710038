// Small models that must learn, in seconds.
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"
#include "golden.h"

namespace cotangent {
namespace {

// One step after another on the whole dataset; returns the last loss.
template <class Net, class Loss>
double train_steps(Net& net, nn::Optimizer& optimizer, int steps, const Loss& loss) {
  double last = 0;
  for (int step = 0; step < steps; ++step) {
    const ValueAndGrad result = nn::value_and_grad(net, loss);
    optimizer.step(net, result.grads);
    last = result.value.to(DType::Float64).template item<double>();
  }
  return last;
}

// sum of curvature * (x - target)^2, with curvatures from 1 to 10.
struct Quadratic {
  Tensor x = zeros({4}, DType::Float64);
  void visit(nn::Visitor& v) { v("x", x); }
  Tensor loss() const { return sum(linspace(1, 10, 4, DType::Float64) * square(x - 3)); }
};

TEST(Convergence, OptimizersMinimizeAQuadratic) {
  const auto expect_minimum = [](nn::Optimizer&& optimizer, int steps) {
    Quadratic quadratic;
    train_steps(quadratic, optimizer, steps, [&] { return quadratic.loss(); });
    testing::expect_near(quadratic.x, full({4}, 3, DType::Float64), 1e-3);
  };
  expect_minimum(nn::SGD({.lr = 0.05}), 200);
  expect_minimum(nn::SGD({.lr = 0.02, .momentum = 0.8}), 200);
  expect_minimum(nn::SGD({.lr = 0.02, .momentum = 0.8, .nesterov = true}), 200);
  expect_minimum(nn::Adam({.lr = 0.1}), 500);
  expect_minimum(nn::AdamW({.lr = 0.1, .weight_decay = 0}), 500);
}

TEST(Convergence, AnMlpLearnsXor) {
  nn::seed(1);
  nn::Sequential net{nn::Linear(2, 8), tanh, nn::Linear(8, 1)};
  const Tensor x = Tensor::from_data<float>({4, 2}, std::vector<float>{0, 0, 0, 1, 1, 0, 1, 1});
  const Tensor y = Tensor::from_data<float>({4, 1}, std::vector<float>{0, 1, 1, 0});
  nn::Adam adam({.lr = 0.05});
  EXPECT_LT(train_steps(net, adam, 300, [&] { return nn::binary_cross_entropy_with_logits(net(x), y); }), 0.02);
}

// Pictures of 8 x 8 with noise and a bright bar: horizontal, vertical or diagonal.
nn::Dataset bars(std::int64_t count, std::int64_t seed) {
  Tensor pictures = random::uniform(random::Key(seed), {count, 8, 8, 1});
  Tensor labels = Tensor::uninitialized({count}, DType::Int64);
  const Tensor places = random::uniform(random::fold_in(random::Key(seed), 1), {count}, DType::Float64, 0, 8);
  for (std::int64_t n = 0; n < count; ++n) {
    const auto place = static_cast<std::int64_t>(places.data<double>()[static_cast<std::size_t>(n)]);
    labels.mutable_data<std::int64_t>()[static_cast<std::size_t>(n)] = n % 3;
    for (std::int64_t i = 0; i < 8; ++i) {
      const std::int64_t row = n % 3 == 0 ? place : i;
      const std::int64_t column = n % 3 == 0 ? i : n % 3 == 1 ? place : (i + place) % 8;
      pictures.mutable_data<float>()[static_cast<std::size_t>((n * 8 + row) * 8 + column)] += 1;
    }
  }
  return {pictures, labels};
}

struct Cnn {
  nn::Conv2D conv1{1, 8, 3, {.padding = Padding::Same}};
  nn::BatchNorm norm{8};
  nn::Conv2D conv2{8, 16, 3, {.strides = 2, .padding = Padding::Same}};
  nn::Dropout dropout{0.1};
  nn::Linear head{16 * 2 * 2, 3};
  Tensor operator()(const Tensor& x) const {
    const Tensor h = max_pool(relu(norm(conv1(x))), 2);
    return head(dropout(nn::flatten(relu(conv2(h)))));
  }
  void visit(nn::Visitor& v) {
    v("conv1", conv1);
    v("norm", norm);
    v("conv2", conv2);
    v("dropout", dropout);
    v("head", head);
  }
};

TEST(Convergence, ACnnLearnsToSeeBars) {
  nn::seed(2);
  const nn::Dataset train = bars(600, 1), test = bars(300, 2);
  Cnn net;
  nn::Adam adam({.lr = 5e-3});
  for (std::uint32_t epoch = 0; epoch < 8; ++epoch)
    for (const auto& batch : nn::batches(train, {.size = 50, .shuffle = true, .epoch = epoch})) {
      const auto [loss, grads] =
          nn::value_and_grad(net, [&] { return nn::cross_entropy(net(batch.inputs), batch.targets); });
      adam.step(net, nn::clip_grad_norm(grads, 5).grads);
    }
  nn::eval(net);
  EXPECT_GT(nn::accuracy(net(test.inputs), test.targets), 0.98);
}

TEST(Convergence, AnAutoencoderOfTransposedConvolutionsReconstructs) {
  nn::seed(3);
  const Tensor pictures = bars(90, 3).inputs / 2;
  nn::Sequential net{nn::Conv2D(1, 8, 4, {.strides = 2, .padding = Padding::Same}),
                     relu,
                     nn::flatten,
                     nn::Linear(8 * 4 * 4, 32),
                     tanh,
                     nn::Linear(32, 8 * 4 * 4),
                     relu,
                     [](const Tensor& h) {
                       return reshape(h, {h.dim(0), 4, 4, 8});
                     },
                     nn::ConvTranspose2D(8, 1, 4, {.strides = 2, .padding = Padding::Same})};
  const auto loss = [&] { return nn::mse(net(pictures), pictures); };
  nn::Adam adam({.lr = 3e-3});
  const double before = train_steps(net, adam, 1, loss), after = train_steps(net, adam, 200, loss);
  EXPECT_LT(after, before / 5);
}

// WGAN-GP's penalty (|d net / dx| - 1)^2, trained alone: the gradient's norm becomes 1. Second derivatives of
// convolutions with respect to their weights are what makes it move.
TEST(Convergence, AGradientPenaltyTrainsAConvolution) {
  nn::seed(4);
  nn::Sequential critic{nn::Conv2D(1, 4, 3, {.strides = 2, .padding = Padding::Same}), tanh, nn::flatten,
                        nn::Linear(64, 1)};
  const Tensor x = bars(6, 4).inputs;
  const auto norms = [&] {
    const Tensor dx = grad([&](const Tensor& input) { return sum(critic(input)); })(x);
    return sqrt(sum(square(dx), {1, 2, 3}));
  };
  EXPECT_GT(mean(abs(norms() - 1)).item<float>(), 0.1f);
  nn::Adam adam({.lr = 1e-2});
  train_steps(critic, adam, 150, [&] { return mean(square(norms() - 1)); });
  EXPECT_LT(mean(abs(norms() - 1)).item<float>(), 0.02f);
}

}  // namespace
}  // namespace cotangent
