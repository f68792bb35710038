// Rows of the gradient table: reductions, cumulative sums and softmax.
#include "grad_table.h"

namespace cotangent::testing {

std::vector<GradRow> reduce_rows() {
  const Tensor x = sample({2, 3, 4}, -1, 1, 21), matrix = sample({3, 4}, -1, 1, 22);
  const Tensor with_zeros = Tensor::from_data<double>({2, 5}, std::vector<double>{0, 2, -1, 3, 0.5, 0, 4, 0, -2, 1});
  return {
      {"sum", "all", [](const Tensor& a) { return sum(a * a); }, {x}},
      {"sum", "one_axis", [](const Tensor& a) { return square(sum(a, 1)); }, {x}},
      {"sum",
       "two_axes_kept",
       [](const Tensor& a) {
         return a * sum(a, {0, -1}, true);
       },
       {x}},
      {"sum",
       "to_shape",
       [](const Tensor& a) {
         return square(sum_to(a, {3, 1}));
       },
       {x}},
      {"sum",
       "mean",
       [](const Tensor& a) {
         return square(mean(a, {0, 2}));
       },
       {x}},
      {"sum",
       "variance",
       [](const Tensor& a) {
         return variance(a, {1, 2}, false, 1);
       },
       {x}},
      {"prod", "all", [](const Tensor& a) { return prod(a); }, {matrix}},
      {"prod", "odd_axis", [](const Tensor& a) { return prod(a, 0); }, {matrix}},
      {"prod",
       "two_axes",
       [](const Tensor& a) {
         return prod(a, {0, 2}, true);
       },
       {x}},
      {"prod", "zeros", [](const Tensor& a) { return prod(a, 1); }, {with_zeros}},
      {"max",
       "two_axes",
       [](const Tensor& a) {
         return max(a, {0, 2}) * sum(a);
       },
       {x}},
      {"min", "kept", [](const Tensor& a) { return min(a, 1, true) * a; }, {matrix}},
      {"argmax", "factor", [](const Tensor& a) { return argmax(a, 0).to(DType::Float64) * a * a; }, {matrix}},
      {"argmin", "factor", [](const Tensor& a) { return argmin(a).to(DType::Float64) * a * a; }, {matrix}},
      {"cumsum", "inner", [](const Tensor& a) { return square(cumsum(a, -1)); }, {x}},
      {"cumsum", "reverse", [](const Tensor& a) { return square(cumsum(a, 1, true)); }, {x}},
      {"softmax", "last", [](const Tensor& a) { return softmax(a); }, {x}},
      {"softmax", "middle", [](const Tensor& a) { return softmax(a, 1); }, {x}},
      {"log_softmax", "last", [](const Tensor& a) { return log_softmax(a); }, {x}},
      {"log_softmax", "first", [](const Tensor& a) { return log_softmax(a, 0); }, {x}},
      {"log",
       "logsumexp",
       [](const Tensor& a) {
         return logsumexp(a, {0, 2});
       },
       {x}},
      {"any", "factor", [](const Tensor& a) { return where(any(less(a, -0.5), 0), a * a, a); }, {matrix}},
      {"all", "factor", [](const Tensor& a) { return where(all(less(a, 0.9), 1, true), a * a, a); }, {matrix}},
  };
}

}  // namespace cotangent::testing
