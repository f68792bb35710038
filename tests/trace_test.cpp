// Tests of tracing: the shapes are those of the real call, nothing is computed, and no memory is taken.
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "../bench/networks.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

// What the layers of the model report in a real call on random numbers, in the mode that the model is in.
template <class M>
std::vector<nn::LayerCall> real_calls(const M& module, const Shape& input, Shape& output) {
  M copy = module;
  const nn::LayerCallRecorder recorder;
  output = copy(random::normal(random::Key(1), input)).shape();
  return recorder.calls();
}

// Expects the trace to say what the real call does, in training and in evaluation mode.
template <class M>
void expect_traced(M module, const Shape& input) {
  for (const bool training : {true, false}) {
    training ? nn::train(module) : nn::eval(module);
    Shape output;
    const std::vector<nn::LayerCall> real = real_calls(module, input, output);
    const nn::Trace traced = nn::trace(module, input);
    EXPECT_EQ(traced.output, output);
    ASSERT_EQ(traced.calls.size(), real.size());
    EXPECT_FALSE(real.empty());
    for (std::size_t i = 0; i < real.size(); ++i) {
      EXPECT_EQ(traced.calls[i].kind, real[i].kind) << i;
      EXPECT_EQ(traced.calls[i].output, real[i].output) << i;
      EXPECT_EQ(traced.calls[i].multiply_adds, real[i].multiply_adds) << i;
    }
  }
}

// The networks of the examples.
struct FashionNet {
  nn::Conv2D conv1{1, 32, 3, {.padding = Padding::Same, .bias = false}}, conv2{32, 64, 3, {.padding = Padding::Same}};
  nn::BatchNorm norm1{32}, norm2{64};
  nn::Dropout dropout{0.3};
  nn::Linear hidden{7 * 7 * 64, 128}, head{128, 10};
  Tensor operator()(const Tensor& x) const {
    const Tensor h = max_pool(relu(norm1(conv1(x))), 2);
    return head(dropout(relu(hidden(nn::flatten(max_pool(relu(norm2(conv2(h))), 2))))));
  }
  void visit(nn::Visitor& v) {
    v("conv1", conv1), v("norm1", norm1), v("conv2", conv2), v("norm2", norm2);
    v("dropout", dropout), v("hidden", hidden), v("head", head);
  }
};

nn::Sequential autoencoder() {
  return {nn::Conv2D(1, 16, 4, {.strides = 2, .padding = Padding::Same}),
          relu,
          nn::Conv2D(16, 32, 4, {.strides = 2, .padding = Padding::Same}),
          relu,
          nn::flatten,
          nn::Linear(7 * 7 * 32, 16),
          nn::Linear(16, 7 * 7 * 32),
          relu,
          [](const Tensor& h) {
            return reshape(h, {h.dim(0), 7, 7, 32});
          },
          nn::ConvTranspose2D(32, 16, 4, {.strides = 2, .padding = Padding::Same}),
          relu,
          nn::ConvTranspose2D(16, 1, 4, {.strides = 2, .padding = Padding::Same})};
}

TEST(Trace, SaysWhatTheNetworksOfTheExamplesDo) {
  expect_traced(FashionNet(), {3, 28, 28, 1});
  expect_traced(autoencoder(), {3, 28, 28, 1});
}

TEST(Trace, SaysWhatTheNetworksOfTheBenchmarksDo) {
  expect_traced(bench::FashionLeNet(), {2, 28, 28, 1});
  expect_traced(bench::LeNet5(), {2, 28, 28, 1});
  expect_traced(bench::ResNet8(3), {2, 16, 16, 3});
  expect_traced(bench::DcganDecoder(), {2, 1, 1, 100});
  expect_traced(bench::Critic(), {1, 32, 32, 3});
  expect_traced(bench::SignalNet(), {2, 64, 1});
  expect_traced(bench::VolumeNet(), {1, 8, 8, 8, 1});
}

// What models make besides calling layers: constants, numbers that are drawn, indices, and derivatives.
struct Maker {
  nn::Linear linear{4, 4};
  nn::BatchNorm norm{4};
  Tensor operator()(const Tensor& x) const {
    Tensor h = linear(x) + zeros({4}) + ones_like(x) * linspace(0, 1, 4) + arange(0, 4, 1) + matmul(x, eye(4));
    h = h + random::normal(random::Key(0), h.shape()) + random::uniform(random::Key(1), {4});
    h = h * random::bernoulli(random::Key(2), 0.5, h.shape()).to(h.dtype());
    h = take(h, random::permutation(random::Key(3), h.dim(0))) + take(h, random::choice(random::Key(4), 4, {4}), 1);
    h = h + one_hot(random::categorical(random::Key(5), h), 4) + one_hot(argmax(h, -1), 4);
    h = take_along_axis(h, random::randint(random::Key(6), h.shape(), 0, 4, DType::Int64), 1);
    h = where(greater(h, full({}, 0)), h, Tensor::from_data<float>({1, 4}, std::vector<float>{1, 2, 3, 4}) * h);
    const auto energy = [&](const Tensor& a) { return sum(square(norm(a))); };
    return norm(h + grad(energy)(h)) + hvp(energy, h, x);
  }
  void visit(nn::Visitor& v) { v("linear", linear), v("norm", norm); }
};

struct Pictures {
  nn::Conv2D conv{1, 2, 3};
  nn::AvgPool pool{2, {.padding = 1}};
  Tensor operator()(const Tensor& x) const {
    const PoolOptions real_only{.padding = 1, .count_include_pad = false};
    const Tensor h = pool(avg_pool(conv(x), 2, real_only)), plane = reshape(h, {h.dim(1), h.dim(2), -1});
    const Tensor line = reshape(plane, {-1}), image = take(plane, zeros({}, DType::Int64), 2);
    const Tensor blurred = signal::convolve2d(image, ones({2, 2}), "same", "wrap");
    const Tensor patches = conv_general_dilated_patches(transpose(h, {0, 3, 1, 2}), {2, 2});
    return sum(blurred) + sum(correlate(line, ones({3}))) + sum(signal::fftconvolve(image, image)) + sum(patches) +
           nn::cross_entropy(nn::flatten(h), argmax(nn::flatten(h), -1)) + nn::mse(line, line) +
           nn::binary_cross_entropy_with_logits(line, sigmoid(line));
  }
  void visit(nn::Visitor& v) { v("conv", conv); }
};

TEST(Trace, TakesConstantsRandomNumbersIndicesAndDerivatives) {
  expect_traced(Maker(), {4, 4});
  expect_traced(Pictures(), {3, 9, 9, 1});
}

// A primitive that must not be computed.
class Explosive final : public Primitive {
 public:
  std::string_view name() const override { return "explosive"; }
  Shape shape(const Tensors& inputs) const override { return {inputs[0].dim(0), 3}; }
  DType dtype(const Tensors&) const override { return DType::Float64; }
  void forward(const Tensors&, Tensor&) const override { fail(name(), "was computed"); }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor&, std::size_t) const override { return Tensor(); }
};

struct ExplosiveNet {
  Tensor operator()(const Tensor& x) const { return run<Explosive>({x}); }
  void visit(nn::Visitor&) {}
};

TEST(Trace, ComputesNothing) {
  EXPECT_EQ(nn::trace(ExplosiveNet(), {8, 2}).output, Shape({8, 3}));
  expect_error([] { ExplosiveNet()(ones({8, 2})); }, "explosive: was computed");
}

TEST(Trace, TakesNoMemoryAndHardlyAnyTimeForATerabyte) {
  const bench::ResNet8 net(3);
  nn::trace(net, {1, 32, 32, 3});
  const std::size_t live = memory_use().live;
  reset_peak_memory();
  const auto start = std::chrono::steady_clock::now();
  const nn::Trace traced = nn::trace(net, {std::int64_t{1} << 27, 32, 32, 3});  // 1.5 TiB
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(traced.output, Shape({std::int64_t{1} << 27, 10}));
  EXPECT_EQ(memory_use().live, live);
  EXPECT_LT(memory_use().peak, live + 4096);  // the mean of a vector of a channel at most
  EXPECT_LT(seconds.count(), 1);
}

TEST(Trace, LeavesTheModelAlone) {
  Maker net;
  const Tensor mean = net.norm.running_mean, weight = net.linear.weight;
  nn::trace(net, {4, 4});
  EXPECT_TRUE(net.norm.training);
  EXPECT_EQ(net.norm.running_mean.data<float>().data(), mean.data<float>().data());
  EXPECT_EQ(net.linear.weight.data<float>().data(), weight.data<float>().data());
  EXPECT_FALSE(ShapesOnly::active());
  EXPECT_TRUE(net(ones({4, 4})).has_elements());
}

TEST(Trace, EndsWithAnError) {
  expect_error([] { nn::trace(bench::LeNet5(), {8, 20, 20, 1}); }, "net.linear1: Linear(400 -> 120): needs");
  EXPECT_FALSE(ShapesOnly::active());
  expect_error([] { nn::Linear(2, 2)(ones({3, 3})); }, "Linear(2 -> 2): needs");  // and forgets the path
}

TEST(Trace, ChecksTheModeThatTheModelIsIn) {
  nn::Sequential net{nn::Linear(4, 8), nn::BatchNorm(8)};
  expect_error([&] { nn::trace(net, {1, 4}); }, "net.1: BatchNorm(8): training needs at least two values");
  nn::eval(net);
  EXPECT_EQ(nn::trace(net, {1, 4}).output, Shape({1, 8}));
}

TEST(Trace, PrintsTheSummary) {
  std::ostringstream text;
  text << nn::trace(bench::LeNet5(), {8, 28, 28, 1});
  EXPECT_EQ(text.str(), nn::summary(bench::LeNet5(), {8, 28, 28, 1}));
  EXPECT_NE(text.str().find("linear2  Linear  (8, 84)"), std::string::npos) << text.str();
}

TEST(Trace, TakesAnInputOfAnotherDtypeAndModelsOfAnyResult) {
  struct Embedding {
    Tensor table = eye(100);
    std::pair<Tensor, Tensor> operator()(const Tensor& words) const { return {take(table, words), table}; }
    void visit(nn::Visitor& v) { v("table", table); }
  };
  EXPECT_EQ(nn::trace(Embedding(), {8}, DType::Int64).output, Shape());
  expect_error([] { nn::trace(Embedding(), {8}); }, "take: indices must be Int32 or Int64, got Float32 (8,)");
}

TEST(ShapesOnly, LeavesElementsThatAreThere) {
  const Tensor before = ones({2});
  const ShapesOnly shapes_only;
  EXPECT_TRUE(before.has_elements());
  EXPECT_FALSE((before + before).has_elements());
  EXPECT_FALSE(zeros({2}).has_elements());
  EXPECT_FALSE(nn::init::orthogonal(random::Key(0), {3, 2}, DType::Float32).has_elements());
  EXPECT_EQ(before.data<float>()[1], 1);
  const Tensor given = Tensor::from_data<float>({2}, std::vector<float>{3, 4});
  EXPECT_EQ(given.data<float>()[1], 4);
  Tensor empty = Tensor::uninitialized({2}, DType::Float32);
  expect_error([&] { empty.mutable_data<float>(); }, "mutable_data: Float32 (2,) has a shape and no values");
}

}  // namespace
}  // namespace cotangent
