// The training steps of train_bench on dlib, where it can: it has no second derivatives and no three dimensions.
#include <dlib/dnn.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.h"
#include "problems.h"

namespace {

using namespace dlib;
using bench::Case;

template <long out, long rows, long columns, int stride_y, int stride_x, int pad_y, int pad_x, class Below>
using conv = add_layer<con_<out, rows, columns, stride_y, stride_x, pad_y, pad_x>, Below>;
template <long out, long kernel, int stride, int pad, class Below>
using conv2d = conv<out, kernel, kernel, stride, stride, pad, pad, Below>;
template <long out, int stride, int pad, class Below>
using up2d = add_layer<cont_<out, 4, 4, stride, stride, pad, pad>, Below>;
template <class Below>
using max2d = add_layer<max_pool_<2, 2, 2, 2, 0, 0>, Below>;
template <class Below>
using avg2d = add_layer<avg_pool_<2, 2, 2, 2, 0, 0>, Below>;
template <class Below>
using max1d = add_layer<max_pool_<1, 2, 1, 2, 0, 0>, Below>;
using data = input<matrix<float>>;

using fashion_lenet =
    loss_multiclass_log<fc<10, max2d<relu<conv2d<16, 5, 1, 0, max2d<relu<conv2d<8, 5, 1, 0, data>>>>>>>>;

using lenet5 = loss_multiclass_log<
    fc<10, htan<fc<84, htan<fc<120, avg2d<htan<conv2d<16, 5, 1, 0, avg2d<htan<conv2d<6, 5, 1, 2, data>>>>>>>>>>>>;

template <long out, int stride, class Below>
using block = bn_con<conv2d<out, 3, 1, 1, relu<bn_con<conv2d<out, 3, stride, 1, Below>>>>>;
template <long out, class Below>
using same = relu<add_prev1<block<out, 1, tag1<Below>>>>;
template <long out, class Below>
using smaller = relu<add_prev2<bn_con<conv2d<out, 1, 2, 0, skip1<tag2<block<out, 2, tag1<Below>>>>>>>>;
using resnet8 = loss_multiclass_log<
    fc<10, avg_pool_everything<smaller<64, smaller<32, same<16, relu<bn_con<conv2d<16, 3, 1, 1, data>>>>>>>>>;

using signal_net = loss_multiclass_log<fc<
    5, avg_pool_everything<relu<bn_con<conv<
           128, 1, 3, 1, 1, 0, 1,
           max1d<relu<bn_con<conv<64, 1, 5, 1, 1, 0, 2, max1d<relu<bn_con<conv<32, 1, 7, 1, 2, 0, 3, data>>>>>>>>>>>>>>;

using dcgan_decoder = loss_mean_squared_per_channel_and_pixel<
    3, htan<up2d<3, 2, 1,
                 relu<bn_con<up2d<64, 2, 1, relu<bn_con<up2d<128, 2, 1, relu<bn_con<up2d<256, 1, 0, data>>>>>>>>>>>>;

resizable_tensor inputs(long count, long channels, long rows, long columns) {
  resizable_tensor result(count, channels, rows, columns);
  bench::fill(result.host(), static_cast<std::int64_t>(result.size()), 0);
  return result;
}

// Steps on a fixed batch, one after the other: dnn_trainer's pipeline of threads is left out.
template <class Net, class Solver, class Label>
Case training(const Solver& solver, double learning_rate, const resizable_tensor& x, const std::vector<Label>& labels) {
  const auto net = std::make_shared<Net>();
  disable_duplicative_biases(*net);
  const std::array<matrix<float>, 1> sample{zeros_matrix<float>(1, 1)};
  resizable_tensor unused;
  net->to_tensor(sample.begin(), sample.end(), unused);  // tells the network that a sample is one row of its input
  const auto solvers = std::make_shared<std::vector<Solver>>(net->num_computational_layers, solver);
  const auto step = [=] {
    const double loss = net->compute_parameter_gradients(x, labels.begin());
    net->update_parameters(*solvers, learning_rate);
    if (!std::isfinite(loss)) throw std::runtime_error("the loss is not finite");
  };
  step();
  return {step, 0, static_cast<double>(count_parameters(*net)), "parameters"};
}

template <class Net, class Solver>
Case classification(const Solver& solver, double learning_rate, const resizable_tensor& x, unsigned long classes) {
  std::vector<unsigned long> labels(static_cast<std::size_t>(x.num_samples()));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % classes;
  return training<Net>(solver, learning_rate, x, labels);
}

Case decoder() {
  const resizable_tensor pictures = inputs(64, 3, 32, 32);
  std::vector<std::array<matrix<float>, 3>> labels(64);
  const float* next = pictures.host();
  for (auto& picture : labels)
    for (matrix<float>& channel : picture) {
      channel.set_size(32, 32);
      for (float& pixel : channel) pixel = *next++;
    }
  return training<dcgan_decoder>(adam(0, 0.5f, 0.999f), 2e-4, inputs(64, 100, 1, 1), labels);
}

}  // namespace

int main(int argc, char** argv) {
  const sgd momentum(0, 0.9f);  // no weight decay
  const adam moments(0, 0.9f, 0.999f);
  const auto add = [](const char* network, auto make) {
    bench::add_case(std::string("train/networks/") + network + "/step/nchw", make);
  };
  add("fashion_lenet", [=] { return classification<fashion_lenet>(momentum, 1e-2, inputs(64, 1, 28, 28), 10); });
  add("lenet5", [=] { return classification<lenet5>(momentum, 1e-2, inputs(64, 1, 28, 28), 10); });
  add("resnet8_28", [=] { return classification<resnet8>(momentum, 1e-2, inputs(64, 1, 28, 28), 10); });
  add("resnet8_32", [=] { return classification<resnet8>(momentum, 1e-2, inputs(64, 3, 32, 32), 10); });
  add("cnn_1d", [=] { return classification<signal_net>(moments, 1e-3, inputs(32, 1, 1, 1024), 5); });
  add("dcgan_decoder", decoder);
  const char* threads = std::getenv("OMP_NUM_THREADS");
  return bench::run_cases(argc, argv, {{"threads", threads == nullptr ? "all" : threads}});
}
