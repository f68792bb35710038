// Layers against what PyTorch computes: forward, and the gradients of the input and of every parameter.
#pragma once

#include <string>

#include "cotangent/cotangent.h"
#include "golden.h"

namespace cotangent::testing {

// Parameters as in tests/golden/make_nn.py: the first is wave(1), the second wave(2).
template <class L>
void set_waves(L& layer) {
  double phase = 1;
  nn::convert(layer, DType::Float64);
  for (Tensor* parameter : nn::parameters(layer)) *parameter = wave(parameter->shape(), phase++);
}

// Expects golden(name + ".y"), ".dx", ".dweight" and ".dbias" from a layer with parameters "weight" and "bias".
template <class L>
void expect_golden(const std::string& name, L layer, const Tensor& x) {
  SCOPED_TRACE(name);
  set_waves(layer);
  const Tensor y = layer(x);
  expect_near(y, golden(name + ".y"));
  const Tensor g = wave(y.shape(), 5);
  expect_near(grad([&](const Tensor& input) { return sum(layer(input) * g); })(x), golden(name + ".dx"));
  const auto result = nn::value_and_grad(layer, [&] { return sum(layer(x) * g); });
  const auto parameters = nn::named_parameters(layer);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    SCOPED_TRACE(parameters[i].first);
    expect_near(result.grads[i], golden(name + ".d" + parameters[i].first));
  }
}

}  // namespace cotangent::testing
