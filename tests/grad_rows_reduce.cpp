// Rows of the gradient table: reductions, cumulative sums and softmax.
#include "grad_table.h"

namespace cotangent::testing {

std::vector<GradRow> reduce_rows() {
  const Tensor x = sample({2, 3, 4}, -1, 1, 21), matrix = sample({3, 4}, -1, 1, 22);
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
      {"any", "factor", [](const Tensor& a) { return where(any(less(a, -0.5), 0), a * a, a); }, {matrix}},
      {"all", "factor", [](const Tensor& a) { return where(all(less(a, 0.9), 1, true), a * a, a); }, {matrix}},
  };
}

}  // namespace cotangent::testing
