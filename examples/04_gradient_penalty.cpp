// A gradient penalty: training on a derivative, through convolutions, which needs second derivatives.
//
// The critic of a WGAN-GP (Gulrajani et al., arXiv:1704.00028) is pushed towards slope 1 with respect to its input:
// the loss contains the gradient of the critic, and the optimizer takes the gradient of that.
#include <cstdio>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

struct Critic {
  ct::nn::Conv2D conv1{1, 8, 3, {.strides = 2, .padding = ct::Padding::Same}};
  ct::nn::Conv2D conv2{8, 16, 3, {.strides = 2, .padding = ct::Padding::Same}};
  ct::nn::Linear head{16 * 4 * 4, 1};
  ct::Tensor operator()(const ct::Tensor& x) const {
    return head(ct::nn::flatten(ct::tanh(conv2(ct::tanh(conv1(x))))));
  }
  void visit(ct::nn::Visitor& v) { v("conv1", conv1), v("conv2", conv2), v("head", head); }
};

int main() {
  Critic critic;
  ct::nn::Adam adam({.lr = 3e-3});
  const ct::Tensor pictures = ct::random::uniform(ct::random::Key(0), {8, 16, 16, 1});

  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    const auto penalty = [&] {
      const auto score = [&](const ct::Tensor& x) { return ct::sum(critic(x)); };
      const ct::Tensor slopes = ct::nn::flatten(ct::grad(score)(pictures));  // the first derivative ...
      const ct::Tensor norms = ct::sqrt(ct::sum(ct::square(slopes), {1}) + 1e-12);
      return ct::mean(ct::square(norms - 1.0));
    };
    const auto [loss, grads] = ct::nn::value_and_grad(critic, penalty);  // ... and the second
    adam.step(critic, grads);
    last = loss.item<float>();
    if (step == 0) first = last;
    if (step % 20 == 19) std::printf("step %2d: mean (|slope| - 1)^2 = %.6f\n", step + 1, last);
  }
  std::printf("from %.6f to %.6f\n", first, last);
  return last < 0.1 * first ? 0 : 1;
}
