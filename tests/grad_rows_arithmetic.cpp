// Rows of the gradient table: arithmetic, conversion and autograd's own primitives.
#include "grad_table.h"

namespace cotangent::testing {

std::vector<GradRow> arithmetic_rows() {
  const Tensor x = sample({2, 3}, -1, 1, 1), y = sample({3}, 0.5, 1.5, 2), column = sample({2, 1}, 0.5, 1.5, 3);
  return {
      {"add", "broadcast", [](const Tensor& a, const Tensor& b) { return (a + b) * (a + b); }, {x, y}},
      {"subtract", "broadcast", [](const Tensor& a, const Tensor& b) { return (a - b) * (a - b); }, {column, x}},
      {"multiply", "broadcast", [](const Tensor& a, const Tensor& b) { return a * b; }, {x, column}},
      {"divide", "broadcast", [](const Tensor& a, const Tensor& b) { return a / b; }, {x, y}},
      {"negative", "plain", [](const Tensor& a) { return -a * a; }, {x}},
      {"convert", "to_itself_and_back", [](const Tensor& a) { return (a * a).to(DType::Float64); }, {x}},
      {"alias",
       "inner_gradient",
       [](const Tensor& a) { return grad([](const Tensor& b) { return sum(b * b * b); })(a); },
       {x}},
      {"accumulate", "used_twice", [](const Tensor& a) { return a * a * a + a; }, {x}},
      {"reshape",
       "flat",
       [](const Tensor& a) {
         const Tensor flat = reshape(a, {-1});
         return flat * flat;
       },
       {x}},
      {"broadcast_to",
       "rows",
       [](const Tensor& a) {
         const Tensor b = broadcast_to(a, {4, 3});
         return b * b;
       },
       {y}},
  };
}

}  // namespace cotangent::testing
