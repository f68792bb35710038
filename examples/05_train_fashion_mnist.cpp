// Trains a small convolutional network on Fashion-MNIST and saves what it learned.
#include <chrono>
#include <cmath>
#include <numbers>

#include "progress.h"
#include "training_options.h"

namespace ct = cotangent;

// 28 x 28 grey pictures in, ten scores out; channels last.
struct Net {
  ct::nn::Conv2D conv1{1, 32, 3, {.padding = ct::Padding::Same, .bias = false}};
  ct::nn::BatchNorm norm1{32, {.activation = ct::Activation::Relu}};
  ct::nn::Conv2D conv2{32, 64, 3, {.padding = ct::Padding::Same, .bias = false}};
  ct::nn::BatchNorm norm2{64, {.activation = ct::Activation::Relu}};
  ct::nn::Dropout dropout{0.3};
  ct::nn::Linear hidden{7 * 7 * 64, 128};
  ct::nn::Linear head{128, 10};

  ct::Tensor operator()(const ct::Tensor& x) const {
    ct::Tensor h = ct::max_pool(norm1(conv1(x)), 2);
    h = ct::max_pool(norm2(conv2(h)), 2);
    return head(dropout(ct::relu(hidden(ct::nn::flatten(h)))));
  }

  void visit(ct::nn::Visitor& v) {
    v("conv1", conv1), v("norm1", norm1), v("conv2", conv2), v("norm2", norm2);
    v("dropout", dropout), v("hidden", hidden), v("head", head);
  }
};

// The share of pictures whose highest score is the right one.
double test(Net& net, const ct::nn::Dataset& data) {
  ct::nn::eval(net);
  double right = 0;
  for (const auto& batch : ct::nn::batches(data, {.size = 500}))
    right += ct::nn::accuracy(net(batch.inputs), batch.targets) * static_cast<double>(batch.size());
  ct::nn::train(net);
  return right / static_cast<double>(data.size());
}

void train(const TrainingOptions& options) {
  const ct::nn::Dataset training = options.load(ct::nn::Split::Train), testing = options.load(ct::nn::Split::Test);
  Net net;
  std::cout << ct::nn::summary(net, {1, 28, 28, 1}) << "\n"
            << training.size() << " pictures to learn from, " << testing.size() << " to test on, " << ct::num_threads()
            << " threads" << std::endl;

  ct::nn::AdamW optimizer({.lr = options.lr, .weight_decay = 1e-2});
  const std::int64_t steps = options.batches(training, 0).size();
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    Progress progress("epoch " + std::to_string(epoch + 1) + "/" + std::to_string(options.epochs), steps);
    double total = 0, step = 0;
    for (const auto& batch : options.batches(training, epoch)) {
      // The learning rate falls along half a cosine, from --lr at the start of the run to almost nothing at its end.
      const double done = (epoch + step++ / static_cast<double>(steps)) / options.epochs;
      optimizer.set_learning_rate(options.lr * (0.505 + 0.495 * std::cos(std::numbers::pi * done)));

      const auto [loss, grads] =
          ct::nn::value_and_grad(net, [&] { return ct::nn::cross_entropy(net(batch.inputs), batch.targets); });
      optimizer.step(net, grads);
      total += loss.item<float>() * static_cast<double>(batch.size());
      progress.advance(loss.item<float>());
    }
    const double accuracy = test(net, testing);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    progress.finish("loss {:.4f}, test accuracy {:.2f} %, {:.1f} s", total / static_cast<double>(training.size()),
                    100 * accuracy, seconds.count());
  }
  ct::nn::save(net, options.output);
  std::cout << "weights saved to " << options.output << "\n";
}

int main(int argc, char** argv) {
  return run_training(argc, argv, "Trains a small convolutional network on Fashion-MNIST.",
                      {.output = "fashion_mnist.safetensors"}, "Where to save the weights", train);
}
