// Times whole training steps: forward pass, loss, gradients, optimizer.
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/ops/kernels/product.h"
#include "harness.h"
#include "networks.h"
#include "problems.h"

namespace {

namespace ct = cotangent;
using bench::Case;

// Pictures, signals or volumes of made-up numbers.
ct::Tensor inputs(const ct::Shape& shape, std::uint32_t seed) {
  ct::Tensor result = ct::Tensor::uninitialized(shape, ct::DType::Float32);
  bench::fill(result.mutable_data<float>().data(), result.size(), seed);
  return result;
}

// Classes 0, 1, ..., classes - 1, 0, 1, ...
ct::Tensor targets(std::int64_t count, std::int64_t classes) {
  std::vector<std::int64_t> values(count);
  for (std::int64_t i = 0; i < count; ++i) values[i] = i % classes;
  return ct::Tensor::from_data<std::int64_t>({count}, values);
}

// Steps of `optimizer` on loss(net). The number to compare is that of the parameters.
template <class Net, class Optimizer>
Case training(Net made, Optimizer optimizer, std::function<ct::Tensor(const Net&)> loss) {
  const auto net = std::make_shared<Net>(std::move(made));
  const auto state = std::make_shared<Optimizer>(std::move(optimizer));
  const auto step = [=] {
    const auto [value, grads] = ct::nn::value_and_grad(*net, [&] { return loss(*net); });
    state->step(*net, grads);
    if (!std::isfinite(value.template item<float>())) throw std::runtime_error("the loss is not finite");
  };
  return {step, 0, static_cast<double>(ct::nn::parameter_count(*net)), "parameters"};
}

// Classification of a fixed batch.
template <class Net, class Optimizer>
Case classification(Net net, Optimizer optimizer, const ct::Shape& shape, std::int64_t classes) {
  const ct::Tensor x = inputs(shape, 0), labels = targets(shape[0], classes);
  return training<Net, Optimizer>(std::move(net), std::move(optimizer),
                                  [=](const Net& f) { return ct::nn::cross_entropy(f(x), labels); });
}

// The critic's loss: its score of made-up pictures minus that of real ones, and the gradient penalty between them.
ct::Tensor wgan_gp_loss(const bench::Critic& critic, const ct::Tensor& real, const ct::Tensor& fake,
                        const ct::Tensor& between) {
  const auto score = [&](const ct::Tensor& x) { return ct::sum(critic(x)); };
  const ct::Tensor slopes = ct::nn::flatten(ct::grad(score)(between));
  const ct::Tensor norms = ct::sqrt(ct::sum(ct::square(slopes), {1}) + 1e-12);
  return ct::mean(critic(fake)) - ct::mean(critic(real)) + 10.0 * ct::mean(ct::square(norms - 1.0));
}

const ct::nn::SGD kSgd({.lr = 1e-2, .momentum = 0.9});
const ct::nn::Adam kAdam({.lr = 1e-3});

}  // namespace

int main(int argc, char** argv) {
  bench::add_case("train/networks/fashion_lenet/step/nhwc", [] {
    return classification(bench::FashionLeNet(), kSgd, {64, 28, 28, 1}, 10);
  });
  bench::add_case("train/networks/lenet5/step/nhwc", [] {
    return classification(bench::LeNet5(), kSgd, {64, 28, 28, 1}, 10);
  });
  bench::add_case("train/networks/resnet8_28/step/nhwc", [] {
    return classification(bench::ResNet8(1), kSgd, {64, 28, 28, 1}, 10);
  });
  bench::add_case("train/networks/resnet8_32/step/nhwc", [] {
    return classification(bench::ResNet8(3), kSgd, {64, 32, 32, 3}, 10);
  });
  bench::add_case("train/networks/cnn_1d/step/nhwc", [] {
    return classification(bench::SignalNet(), kAdam, {32, 1024, 1}, 5);
  });
  bench::add_case("train/networks/cnn_3d/step/nhwc", [] {
    return classification(bench::VolumeNet(), kSgd, {16, 16, 16, 16, 1}, 10);
  });
  bench::add_case("train/networks/dcgan_decoder/step/nhwc", [] {
    const ct::Tensor z = inputs({64, 1, 1, 100}, 0), pictures = inputs({64, 32, 32, 3}, 1);
    return training<bench::DcganDecoder, ct::nn::Adam>(
        {}, ct::nn::Adam({.lr = 2e-4, .beta1 = 0.5}),
        [=](const bench::DcganDecoder& decoder) { return ct::nn::mse(decoder(z), pictures); });
  });
  bench::add_case("train/networks/wgan_gp_critic/step/nhwc", [] {
    const ct::Shape shape{64, 32, 32, 3};
    const ct::Tensor real = inputs(shape, 0), fake = inputs(shape, 1), between = inputs(shape, 2);
    return training<bench::Critic, ct::nn::Adam>(
        {}, ct::nn::Adam({.lr = 1e-4, .beta1 = 0, .beta2 = 0.9}),
        [=](const bench::Critic& critic) { return wgan_gp_loss(critic, real, fake, between); });
  });
  return bench::run_cases(argc, argv,
                          {{"openblas_core", ct::gemm_core_name()},
                           {"products", std::string(ct::kernels::name(ct::kernels::product_library()))},
                           {"threads", std::to_string(ct::num_threads())}});
}
