// A primitive of one's own: what to write when an operation is missing, and how to be sure that it is right.
#include <iostream>

#include "log_cosh.h"

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
