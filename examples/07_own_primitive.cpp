// A primitive of one's own: what to write when an operation is missing, and how to be sure that it is right.
#include <cmath>
#include <iostream>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

// log(cosh(x)), elementwise, for Float64. The vjp is written with differentiable operations, so that it has
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

ct::Tensor log_cosh(const ct::Tensor& x) { return ct::run<LogCosh>({x}); }

// The same with a mistake that only a second derivative shows: tanh(x) is right, but constant to the outer gradient.
class Wrong final : public ct::Primitive {
 public:
  std::string_view name() const override { return "wrong"; }
  ct::Shape shape(const ct::Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const ct::Tensors& inputs, ct::Tensor& output) const override { output = log_cosh(inputs[0]); }
  ct::Tensor vjp(const ct::Tensors& inputs, const ct::Tensor&, const ct::Tensor& g, std::size_t) const override {
    return g * ct::stop_gradient(ct::tanh(inputs[0]));
  }
};

int main() {
  const ct::Tensor x = ct::linspace(-3, 3, 7, ct::DType::Float64);
  std::cout << "log_cosh   " << log_cosh(x) << "\nits slope  "
            << ct::grad([](const ct::Tensor& v) { return ct::sum(log_cosh(v)); })(x) << "\n\n";

  const std::string right = ct::check_grads(log_cosh, {x}, {.order = 3});
  const std::string wrong = ct::check_grads([](const ct::Tensor& v) { return ct::run<Wrong>({v}); }, {x}, {.order = 2});
  std::cout << "log_cosh: " << (right.empty() ? "right to order 3" : right) << "\n";
  std::cout << "wrong:    " << wrong << "\n";
  return right.empty() && !wrong.empty() ? 0 : 1;
}
