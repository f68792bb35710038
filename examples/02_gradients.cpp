// Gradients: derivatives of functions are functions, and nest to any order.
#include <iostream>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

int main() {
  // grad turns a function into its gradient. There is no flag to set on a tensor and nothing to clear afterwards.
  const auto cube = [](const ct::Tensor& x) { return x * x * x; };
  const ct::Tensor two = ct::full({}, 2.0);
  std::cout << "x^3 at 2:         " << cube(two) << "\n";
  std::cout << "first derivative  " << ct::grad(cube)(two) << "\n";
  std::cout << "second            " << ct::grad(ct::grad(cube))(two) << "\n";
  std::cout << "third             " << ct::grad(ct::grad(ct::grad(cube)))(two) << "\n\n";

  // Several arguments: one gradient for each.
  const auto loss = [](const ct::Tensor& x, const ct::Tensor& w) { return ct::sum(ct::square(ct::matmul(x, w))); };
  const ct::Tensor x = ct::reshape(ct::arange(6, ct::DType::Float32), {2, 3}), w = ct::ones({3, 1});
  const auto [dx, dw] = ct::grad(loss)(x, w);
  std::cout << "d loss / d x =\n" << dx << "\nd loss / d w =\n" << dw << "\n\n";

  // The two directions: a pullback takes a cotangent back, a jvp takes a tangent forward.
  const auto [value, pullback] = ct::vjp(ct::tanh, {x});
  std::cout << "vjp of tanh =\n" << pullback(ct::ones_like(value))[0] << "\n";
  std::cout << "jvp of tanh =\n" << ct::jvp(ct::tanh, {x}, {ct::ones_like(x)}).tangent << "\n\n";

  // A Hessian times a vector, without the Hessian.
  const auto quartic = [](const ct::Tensor& v) { return ct::sum(ct::square(ct::square(v))); };
  std::cout << "hvp of sum x^4 =\n" << ct::hvp(quartic, x, ct::ones_like(x)) << "\n\n";

  // Never believe a derivative that has not been checked: "" means that finite differences agree.
  const std::string report = ct::check_grads(loss, {x.to(ct::DType::Float64), w.to(ct::DType::Float64)}, {.order = 2});
  std::cout << "check_grads: " << (report.empty() ? "right to order 2" : report) << "\n";
  return report.empty() ? 0 : 1;
}
