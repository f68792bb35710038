// What a user's first program looks like: it must compile, link and be right from outside the project.
#include <cstdio>

#include "cotangent/cotangent.h"

namespace ct = cotangent;

int main() {
  const ct::Tensor x = ct::linspace(0, 1, 5, ct::DType::Float64);
  const ct::Tensor slope = ct::grad([](const ct::Tensor& v) { return ct::sum(v * v); })(x);
  std::printf("%g\n", slope.data<double>()[4]);
  return slope.data<double>()[4] == 2 ? 0 : 1;
}
