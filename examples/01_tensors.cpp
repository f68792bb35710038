// Tensors: making them, computing with them, looking inside.
#include <iostream>
#include <vector>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

int main() {
  // A tensor is an immutable value: a shape, a dtype and shared elements. Copies are cheap.
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const ct::Tensor a = ct::Tensor::from_data<float>({2, 3}, values);
  std::cout << "a =\n" << a << "\nshape " << ct::to_string(a.shape()) << ", dtype " << ct::name(a.dtype()) << "\n\n";

  // Arithmetic is elementwise and broadcasts as in NumPy; a plain number takes the tensor's dtype.
  const ct::Tensor row_means = ct::mean(a, {1}, /*keepdims=*/true);
  std::cout << "a - mean of its rows =\n" << a - row_means << "\n\n";
  std::cout << "2 tanh(a) + 1 =\n" << 2.0 * ct::tanh(a) + 1.0 << "\n\n";

  // Movement, and a matrix product.
  std::cout << "a a^T =\n" << ct::matmul(a, ct::transpose(a)) << "\n\n";
  std::cout << "rows reversed, then padded with one zero on the left =\n"
            << ct::pad(ct::reverse(a, {1}), {{0, 0, 0}, {1, 0, 0}}) << "\n\n";

  // Random numbers come from keys, as in JAX: the same key gives the same numbers on every machine and thread count.
  const ct::random::Key key(1701);
  std::cout << "normal(key 1701) = " << ct::random::normal(key, {5}) << "\n\n";

  // Nothing is promoted silently, and every mistake is one kind of exception.
  try {
    a + ct::ones({2, 3}, ct::DType::Float64);
  } catch (const ct::Error& error) {
    std::cout << "an Error: " << error.what() << "\n";
  }
}
