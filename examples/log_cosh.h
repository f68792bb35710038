// log(cosh(x)): an operation that cotangent lacks, as a primitive of one's own.
#pragma once

#include <cmath>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

// Elementwise, for Float64. The vjp is written with differentiable operations, so that it has
// derivatives of its own: there is no second rule to write.
class LogCosh final : public ct::Primitive {
 public:
  std::string_view name() const override { return "log_cosh"; }

  ct::Shape shape(const ct::Tensors& inputs) const override {
    if (inputs[0].dtype() != ct::DType::Float64) ct::fail(name(), "needs Float64, got " + ct::describe(inputs[0]));
    return inputs[0].shape();
  }

  void forward(const ct::Tensors& inputs, ct::Tensor& output) const override {
    const std::span<const double> x = inputs[0].data<double>();
    const std::span<double> y = output.mutable_data<double>();
    for (std::size_t i = 0; i < x.size(); ++i)  // cosh(x) itself would overflow
      y[i] = std::abs(x[i]) + std::log1p(std::exp(-2 * std::abs(x[i]))) - std::log(2.0);
  }

  ct::Tensor vjp(const ct::Tensors& inputs, const ct::Tensor&, const ct::Tensor& g, std::size_t) const override {
    return g * ct::tanh(inputs[0]);
  }
};

inline ct::Tensor log_cosh(const ct::Tensor& x) { return ct::run<LogCosh>({x}); }
