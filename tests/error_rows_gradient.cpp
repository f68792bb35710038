// Rows of the error table: derivatives.
#include "error_table.h"

namespace cotangent::testing {

std::vector<ErrorRow> gradient_errors() {
  return {
      {"gradient_of_many_numbers", [] { grad([](const Tensor& x) { return x * x; })(ones({3})); },
       "grad: the function must return a single Float32 or Float64 number, got Float32 (3,); reduce it with sum() or "
       "mean(), or use vjp()"},
      {"gradient_with_respect_to_integers",
       [] { grad([](const Tensor& x) { return sum(x); })(ones({3}, DType::Int64)); },
       "grad: input 0 is Int64 (3,): only Float32 and Float64 have derivatives; capture it in the function instead"},
      {"gradient_with_respect_to_nothing", [] { value_and_grad([](const Tensor& x) { return sum(x); }, {}); },
       "grad: needs at least one input to differentiate with respect to"},
      {"function_of_other_arguments",
       [] { value_and_grad([](const Tensor& x, const Tensor& w) { return sum(x * w); }, {ones({3})}); },
       "Function: the callable does not take 1 tensor; give it one for each argument"},
      {"cotangent_of_another_shape",
       [] {
         vjp([](const Tensor& x) { return sum(x, 0); }, Tensors{ones({8, 3})}).pullback(ones({8}));
       },
       "vjp: cotangent 0 must be Float32 (3,), got Float32 (8,)"},
      {"tangent_of_another_shape",
       [] { jvp([](const Tensor& x) { return sin(x); }, Tensors{ones({3})}, Tensors{ones({4})}); },
       "jvp: tangent 0 must be Float32 (3,), got Float32 (4,)"},
      {"vector_missing",
       [] {
         hvp([](const Tensor& x, const Tensor& w) { return sum(x * w); }, Tensors{ones({3}), ones({3})},
             Tensors{ones({3})});
       },
       "hvp: needs 2 vectors, got 1"},
      {"gradient_of_a_null_result", [] { grad([](const Tensor&) { return Tensor(); })(ones({3})); },
       "grad: the function returned a null Tensor as result 0"},
  };
}

}  // namespace cotangent::testing
