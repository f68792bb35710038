// A convolutional autoencoder whose decoder is transposed convolutions: squeezes Fashion-MNIST pictures into 16
// numbers, draws them again, and writes originals and reconstructions side by side as a PNG.
#include "picture.h"
#include "progress.h"
#include "training_options.h"

namespace ct = cotangent;
using ct::nn::Conv2D, ct::nn::ConvTranspose2D, ct::nn::Linear, ct::nn::Sequential;

struct Autoencoder {
  Sequential encoder{Conv2D(1, 16, 4, {.strides = 2, .padding = ct::Padding::Same}),
                     ct::relu,
                     Conv2D(16, 32, 4, {.strides = 2, .padding = ct::Padding::Same}),
                     ct::relu,
                     ct::nn::flatten,
                     Linear(7 * 7 * 32, 16)};
  Sequential decoder{Linear(16, 7 * 7 * 32),
                     ct::relu,
                     [](const ct::Tensor& h) {
                       return ct::reshape(h, {h.dim(0), 7, 7, 32});
                     },
                     ConvTranspose2D(32, 16, 4, {.strides = 2, .padding = ct::Padding::Same}),
                     ct::relu,
                     ConvTranspose2D(16, 1, 4, {.strides = 2, .padding = ct::Padding::Same})};

  ct::Tensor operator()(const ct::Tensor& x) const { return decoder(encoder(x)); }  // logits of the pixels
  void visit(ct::nn::Visitor& v) { v("encoder", encoder), v("decoder", decoder); }
};

void train(const TrainingOptions& options) {
  const ct::nn::Dataset training = options.load(ct::nn::Split::Train), testing = options.load(ct::nn::Split::Test);
  Autoencoder net;
  std::cout << ct::nn::summary(net, {1, 28, 28, 1}) << std::endl;

  ct::nn::Adam adam({.lr = options.lr});
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    Progress progress("epoch " + std::to_string(epoch + 1) + "/" + std::to_string(options.epochs),
                      options.batches(training, epoch).size());
    double total = 0;
    for (const auto& batch : options.batches(training, epoch)) {
      const ct::Tensor& pictures = batch.inputs;
      const auto [loss, grads] = ct::nn::value_and_grad(
          net, [&] { return ct::nn::binary_cross_entropy_with_logits(net(pictures), pictures); });
      adam.step(net, grads);
      total += loss.item<float>() * static_cast<double>(batch.size());
      progress.advance(loss.item<float>());
    }
    progress.finish("loss {:.4f}", total / static_cast<double>(training.size()));
  }

  const ct::Tensor originals = testing.slice(0, std::min<std::int64_t>(20, testing.size())).inputs;
  const ct::Tensor drawn = ct::sigmoid(net(originals));
  std::cout << "mean squared error on test pictures: " << ct::nn::mse(drawn, originals).item<float>() << "\n";
  write_png(options.output, contact_sheet(ct::concatenate({originals, drawn}, 0), originals.dim(0)));
  std::cout << "originals (above) and reconstructions (below) written to " << options.output << "\n";
}

int main(int argc, char** argv) {
  return run_training(argc, argv, "Trains a convolutional autoencoder on Fashion-MNIST and draws what it remembers.",
                      {.output = "autoencoder.png"}, "The PNG to write", train);
}
