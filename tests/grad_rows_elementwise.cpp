// Rows of the gradient table: elementwise functions, comparison and selection.
#include "grad_table.h"

namespace cotangent::testing {
namespace {

// A comparison has no derivative: it chooses between two functions that do.
Tensor choose(const Tensor& condition, const Tensor& x) { return where(condition, x * x, 2.0 * x); }

// x and the cotangent of f(x) to the square of the cotangent of x.
Function pullback(Function f) {
  return [f](const Tensor& x, const Tensor& g) { return square(vjp(f, {x}).pullback(g)[0]); };
}

}  // namespace

std::vector<GradRow> elementwise_rows() {
  const Tensor any = sample({2, 3}, -2, 2, 11), positive = sample({2, 3}, 0.5, 2, 12),
               unit = sample({5}, -0.8, 0.8, 13), row = sample({3}, 0.5, 2, 14), column = sample({2, 1}, -2, 2, 15),
               cotangent = sample({2, 3}, 0.5, 2, 16);
  const Tensor ties = Tensor::from_data<double>({3}, std::vector<double>{-1, 0.5, 2});
  const Tensor mask = Tensor::from_data<bool>({3}, std::initializer_list<bool>{true, false, true});
  return {
      {"exp", "plain", exp, {any}},
      {"expm1", "plain", expm1, {any}},
      {"log", "plain", log, {positive}},
      {"log1p", "plain", log1p, {unit}},
      {"sqrt", "plain", sqrt, {positive}},
      {"rsqrt", "plain", rsqrt, {positive}},
      {"square", "plain", square, {any}},
      {"reciprocal", "plain", reciprocal, {positive}},
      {"abs", "plain", [](const Tensor& x) { return abs(x) * x; }, {any}},
      {"sign", "factor", [](const Tensor& x) { return sign(x) * x * x; }, {any}},
      {"floor", "factor", [](const Tensor& x) { return floor(x) * x * x; }, {any}},
      {"ceil", "factor", [](const Tensor& x) { return ceil(x) * x * x; }, {any}},
      {"round", "factor", [](const Tensor& x) { return round(x) * x * x; }, {any}},
      {"sin", "plain", sin, {any}},
      {"cos", "plain", cos, {any}},
      {"tan", "plain", tan, {unit}},
      {"asin", "plain", asin, {unit}},
      {"acos", "plain", acos, {unit}},
      {"atan", "plain", atan, {any}},
      {"sinh", "plain", sinh, {any}},
      {"cosh", "plain", cosh, {any}},
      {"tanh", "plain", tanh, {any}},
      {"erf", "plain", erf, {any}},
      {"erfc", "plain", erfc, {any}},
      {"relu", "plain", [](const Tensor& x) { return relu(x) * x; }, {any}},
      {"leaky_relu", "slope", [](const Tensor& x) { return leaky_relu(x, 0.2) * x; }, {any}},
      {"elu", "alpha", [](const Tensor& x) { return elu(x, 1.5); }, {any}},
      {"sigmoid", "plain", sigmoid, {any}},
      {"silu", "plain", silu, {any}},
      {"softplus", "plain", softplus, {any}},
      {"softplus", "log_sigmoid", log_sigmoid, {any}},
      {"gelu", "plain", gelu, {any}},
      {"gelu_tanh", "plain", gelu_tanh, {any}},

      // Each is the derivative of the function that it is named after: only that function calls it.
      {"relu_grad", "pullback", pullback(relu), {any, cotangent}},
      {"leaky_relu_grad", "pullback", pullback([](const Tensor& x) { return leaky_relu(x, 0.2); }), {any, cotangent}},
      {"elu_grad", "pullback", pullback([](const Tensor& x) { return elu(x, 1.5); }), {any, cotangent}},
      {"sigmoid_grad", "pullback", pullback(sigmoid), {any, cotangent}},
      {"tanh_grad", "pullback", pullback(tanh), {any, cotangent}},
      {"silu_grad", "pullback", pullback(silu), {any, cotangent}},
      {"softplus_grad", "pullback", pullback(softplus), {any, cotangent}},
      {"gelu_grad", "pullback", pullback(gelu), {any, cotangent}},

      {"power", "broadcast", [](const Tensor& a, const Tensor& b) { return power(a, b); }, {positive, column}},
      {"power",
       "zero_exponent",
       [](const Tensor& a) {
         return power(a, zeros({2, 1}, a.dtype())) * a;
       },
       {positive}},
      {"power_of", "fraction", [](const Tensor& x) { return power(x, 2.5); }, {positive}},
      {"power_of", "negative", [](const Tensor& x) { return power(x, -2); }, {any}},
      {"power_of", "cube", [](const Tensor& x) { return power(x, 3); }, {any}},
      {"maximum", "broadcast", [](const Tensor& a, const Tensor& b) { return maximum(a, b) * a; }, {any, row}},
      {"minimum", "broadcast", [](const Tensor& a, const Tensor& b) { return minimum(a, b) * a; }, {column, any}},
      {"atan2", "broadcast", [](const Tensor& y, const Tensor& x) { return atan2(y, x); }, {any, row}},

      {"where", "branches", [=](const Tensor& a, const Tensor& b) { return where(mask, a * a, b * b); }, {any, row}},
      {"where",
       "all_broadcast",
       [=](const Tensor& a, const Tensor& b) { return where(mask, a, b) * b; },
       {column, row}},
      {"where", "numbers", [=](const Tensor& a) { return where(mask, a, 1) * where(mask, 2, a * a); }, {any}},
      {"maximum", "clip", [](const Tensor& x) { return clip(x, -1, 1) * x; }, {any}},
      {"equal", "chooses", [=](const Tensor& x) { return choose(equal(ties, 0.5), x); }, {any}},
      {"not_equal", "chooses", [=](const Tensor& x) { return choose(not_equal(ties, 0.5), x); }, {any}},
      {"less", "chooses", [](const Tensor& x) { return choose(less(x, 0.5), x); }, {any}},
      {"less_equal", "chooses", [](const Tensor& x) { return choose(less_equal(x, 0.5), x); }, {any}},
      {"logical_and",
       "chooses",
       [](const Tensor& x) { return choose(logical_and(less(x, 1), greater(x, -1)), x); },
       {any}},
      {"logical_or",
       "chooses",
       [](const Tensor& x) { return choose(logical_or(less(x, -1), greater(x, 1)), x); },
       {any}},
      {"logical_not", "chooses", [](const Tensor& x) { return choose(logical_not(less(x, 0)), x); }, {any}},
      {"is_nan", "chooses", [](const Tensor& x) { return choose(is_nan(x), x); }, {any}},
      {"is_finite", "chooses", [](const Tensor& x) { return choose(is_finite(x), x); }, {any}},
  };
}

}  // namespace cotangent::testing
