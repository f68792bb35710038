// The training steps of train_bench on libtorch, in both of its memory formats.
#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>

#include "harness.h"
#include "problems.h"

namespace {

namespace nn = torch::nn;
using bench::Case;
using torch::Tensor;

Tensor inputs(torch::IntArrayRef shape, std::uint32_t seed) {
  Tensor result = torch::empty(shape);
  bench::fill(result.data_ptr<float>(), result.numel(), seed);
  return result;
}

nn::Conv2dOptions conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                         bool bias = true) {
  return nn::Conv2dOptions(in, out, kernel).stride(stride).padding(pad).bias(bias);
}
nn::ConvTranspose2dOptions up2d(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t pad, bool bias) {
  return nn::ConvTranspose2dOptions(in, out, 4).stride(stride).padding(pad).bias(bias);
}

nn::Sequential fashion_lenet() {
  return nn::Sequential(nn::Conv2d(conv2d(1, 8, 5, 1, 0)), nn::ReLU(), nn::MaxPool2d(2),
                        nn::Conv2d(conv2d(8, 16, 5, 1, 0)), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                        nn::Linear(256, 10));
}

nn::Sequential lenet5() {
  return nn::Sequential(nn::Conv2d(conv2d(1, 6, 5, 1, 2)), nn::Tanh(), nn::AvgPool2d(2),
                        nn::Conv2d(conv2d(6, 16, 5, 1, 0)), nn::Tanh(), nn::AvgPool2d(2), nn::Flatten(),
                        nn::Linear(400, 120), nn::Tanh(), nn::Linear(120, 84), nn::Tanh(), nn::Linear(84, 10));
}

struct ResidualBlockImpl : nn::Module {
  nn::Sequential body, shortcut;
  bool identity;

  ResidualBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride) : identity(in == out && stride == 1) {
    body = register_module(
        "body", nn::Sequential(nn::Conv2d(conv2d(in, out, 3, stride, 1, false)), nn::BatchNorm2d(out), nn::ReLU(),
                               nn::Conv2d(conv2d(out, out, 3, 1, 1, false)), nn::BatchNorm2d(out)));
    if (identity) return;
    shortcut = register_module("shortcut",
                               nn::Sequential(nn::Conv2d(conv2d(in, out, 1, stride, 0, false)), nn::BatchNorm2d(out)));
  }
  Tensor forward(const Tensor& x) { return torch::relu(body->forward(x) + (identity ? x : shortcut->forward(x))); }
};
TORCH_MODULE(ResidualBlock);

nn::Sequential resnet8(std::int64_t channels) {
  return nn::Sequential(nn::Conv2d(conv2d(channels, 16, 3, 1, 1, false)), nn::BatchNorm2d(16), nn::ReLU(),
                        ResidualBlock(16, 16, 1), ResidualBlock(16, 32, 2), ResidualBlock(32, 64, 2),
                        nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(64, 10));
}

nn::Sequential dcgan_decoder() {
  return nn::Sequential(nn::ConvTranspose2d(up2d(100, 256, 1, 0, false)), nn::BatchNorm2d(256), nn::ReLU(),
                        nn::ConvTranspose2d(up2d(256, 128, 2, 1, false)), nn::BatchNorm2d(128), nn::ReLU(),
                        nn::ConvTranspose2d(up2d(128, 64, 2, 1, false)), nn::BatchNorm2d(64), nn::ReLU(),
                        nn::ConvTranspose2d(up2d(64, 3, 2, 1, true)), nn::Tanh());
}

nn::Sequential critic() {
  const auto leaky = nn::LeakyReLUOptions().negative_slope(0.2);
  return nn::Sequential(nn::Conv2d(conv2d(3, 64, 4, 2, 1)), nn::LeakyReLU(leaky), nn::Conv2d(conv2d(64, 128, 4, 2, 1)),
                        nn::LeakyReLU(leaky), nn::Conv2d(conv2d(128, 256, 4, 2, 1)), nn::LeakyReLU(leaky),
                        nn::Flatten(), nn::Linear(4096, 1));
}

nn::Sequential signal_net() {
  return nn::Sequential(nn::Conv1d(nn::Conv1dOptions(1, 32, 7).stride(2).padding(3).bias(false)), nn::BatchNorm1d(32),
                        nn::ReLU(), nn::MaxPool1d(2), nn::Conv1d(nn::Conv1dOptions(32, 64, 5).padding(2).bias(false)),
                        nn::BatchNorm1d(64), nn::ReLU(), nn::MaxPool1d(2),
                        nn::Conv1d(nn::Conv1dOptions(64, 128, 3).padding(1).bias(false)), nn::BatchNorm1d(128),
                        nn::ReLU(), nn::AdaptiveAvgPool1d(1), nn::Flatten(), nn::Linear(128, 5));
}

nn::Sequential volume_net() {
  return nn::Sequential(nn::Conv3d(nn::Conv3dOptions(1, 16, 3).padding(1)), nn::ReLU(), nn::MaxPool3d(2),
                        nn::Conv3d(nn::Conv3dOptions(16, 32, 3).padding(1)), nn::ReLU(), nn::MaxPool3d(2),
                        nn::Conv3d(nn::Conv3dOptions(32, 64, 3).padding(1)), nn::ReLU(), nn::AdaptiveAvgPool3d(1),
                        nn::Flatten(), nn::Linear(64, 10));
}

enum class Rule { Sgd, Adam, DecoderAdam, CriticAdam };

std::shared_ptr<torch::optim::Optimizer> optimizer(const nn::Sequential& net, Rule rule) {
  using Betas = std::tuple<double, double>;
  switch (rule) {
    case Rule::Sgd:
      return std::make_shared<torch::optim::SGD>(net->parameters(), torch::optim::SGDOptions(1e-2).momentum(0.9));
    case Rule::Adam: return std::make_shared<torch::optim::Adam>(net->parameters(), torch::optim::AdamOptions(1e-3));
    case Rule::DecoderAdam:
      return std::make_shared<torch::optim::Adam>(net->parameters(),
                                                  torch::optim::AdamOptions(2e-4).betas(Betas{0.5, 0.999}));
    default:
      return std::make_shared<torch::optim::Adam>(net->parameters(),
                                                  torch::optim::AdamOptions(1e-4).betas(Betas{0.0, 0.9}));
  }
}

// Puts the weights of convolutions into a memory format; Module::to() of this release cannot.
void set_format(const nn::Sequential& net, at::MemoryFormat format) {
  const torch::NoGradGuard no_graph;
  for (Tensor& parameter : net->parameters())
    if (parameter.dim() == (format == at::MemoryFormat::ChannelsLast3d ? 5 : 4))
      parameter.set_data(parameter.contiguous(format));
}

// Steps on loss(net); tensors that it captures are already in `format`.
Case training(nn::Sequential net, Rule rule, at::MemoryFormat format,
              const std::function<Tensor(nn::Sequential&)>& loss) {
  set_format(net, format);
  const auto rules = optimizer(net, rule);
  std::int64_t parameters = 0;
  for (const Tensor& parameter : net->parameters()) parameters += parameter.numel();
  const auto step = [=]() mutable {
    rules->zero_grad();
    const Tensor value = loss(net);
    value.backward();
    rules->step();
    if (!std::isfinite(value.item<float>())) throw std::runtime_error("the loss is not finite");
  };
  return {step, 0, static_cast<double>(parameters), "parameters"};
}

void add_classification(const std::string& name, nn::Sequential (*make)(), Rule rule, std::vector<std::int64_t> shape,
                        std::int64_t classes) {
  for (const bool last : {false, true}) {
    if (last && shape.size() == 3) continue;  // has no such format
    bench::add_case("train/networks/" + name + (last ? "/step/channels_last" : "/step/contiguous"), [=] {
      const at::MemoryFormat format = !last               ? at::MemoryFormat::Contiguous
                                      : shape.size() == 5 ? at::MemoryFormat::ChannelsLast3d
                                                          : at::MemoryFormat::ChannelsLast;
      const Tensor x = inputs(shape, 0).contiguous(format);
      const Tensor labels = torch::arange(shape[0]).remainder(classes);
      return training(make(), rule, format,
                      [=](nn::Sequential& net) { return nn::functional::cross_entropy(net->forward(x), labels); });
    });
  }
}

Tensor wgan_gp_loss(nn::Sequential& net, const Tensor& real, const Tensor& fake, const Tensor& between) {
  const Tensor x = between.detach().requires_grad_(true);
  const Tensor slopes = torch::autograd::grad({net->forward(x).sum()}, {x}, {}, true, true)[0];
  const Tensor norms = (slopes.flatten(1).square().sum(1) + 1e-12).sqrt();
  return net->forward(fake).mean() - net->forward(real).mean() + 10.0 * (norms - 1.0).square().mean();
}

}  // namespace

int main(int argc, char** argv) {
  add_classification("fashion_lenet", fashion_lenet, Rule::Sgd, {64, 1, 28, 28}, 10);
  add_classification("lenet5", lenet5, Rule::Sgd, {64, 1, 28, 28}, 10);
  add_classification(
      "resnet8_28", [] { return resnet8(1); }, Rule::Sgd, {64, 1, 28, 28}, 10);
  add_classification(
      "resnet8_32", [] { return resnet8(3); }, Rule::Sgd, {64, 3, 32, 32}, 10);
  add_classification("cnn_1d", signal_net, Rule::Adam, {32, 1, 1024}, 5);
  add_classification("cnn_3d", volume_net, Rule::Sgd, {16, 1, 16, 16, 16}, 10);
  for (const bool last : {false, true}) {
    const at::MemoryFormat format = last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    const std::string layout = last ? "/step/channels_last" : "/step/contiguous";
    bench::add_case("train/networks/dcgan_decoder" + layout, [=] {
      const Tensor z = inputs({64, 100, 1, 1}, 0).contiguous(format);
      const Tensor pictures = inputs({64, 3, 32, 32}, 1).contiguous(format);
      return training(dcgan_decoder(), Rule::DecoderAdam, format,
                      [=](nn::Sequential& net) { return torch::mse_loss(net->forward(z), pictures); });
    });
    bench::add_case("train/networks/wgan_gp_critic" + layout, [=] {
      const std::vector<std::int64_t> shape{64, 3, 32, 32};
      const Tensor real = inputs(shape, 0).contiguous(format), fake = inputs(shape, 1).contiguous(format);
      const Tensor between = inputs(shape, 2).contiguous(format);
      return training(critic(), Rule::CriticAdam, format,
                      [=](nn::Sequential& net) { return wgan_gp_loss(net, real, fake, between); });
    });
  }
  return bench::run_cases(argc, argv, {{"threads", std::to_string(at::get_num_threads())}});
}
