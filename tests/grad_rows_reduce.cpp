// Rows of the gradient table: reductions, cumulative sums and softmax.
#include "grad_table.h"

namespace cotangent::testing {

namespace {

// batch_norm of x, weight and bias along an axis.
Function normalized(int axis, Activation activation = Activation::None) {
  return [=](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return batch_norm(x, feature_moments(stop_gradient(x), axis), weight, bias, axis, 0.1, activation);
  };
}

// The cotangent that batch_norm gives one of its inputs, as a function of those and its own cotangent.
Function normalized_pullback(std::size_t which, Activation activation = Activation::None) {
  return [=](const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& g) {
    return vjp(normalized(-1, activation), {x, weight, bias}).pullback(g)[which];
  };
}

Function cross_entropy(double smoothing) {
  return [smoothing](const Tensor& a) {
    const Tensor classes = Tensor::from_data<std::int64_t>({2, 3}, std::vector<std::int64_t>{0, 3, 1, 2, 2, 0});
    return softmax_cross_entropy(a, classes, smoothing);
  };
}

}  // namespace

std::vector<GradRow> reduce_rows() {
  const Tensor x = sample({2, 3, 4}, -1, 1, 21), matrix = sample({3, 4}, -1, 1, 22);
  const Tensor weight = sample({4}, 0.5, 1.5, 23), bias = sample({4}, -1, 1, 24), three = sample({3}, 0.5, 1.5, 25),
               g = sample({2, 3, 4}, -1, 1, 27);
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
      {"argmax", "factor", [](const Tensor& a) { return argmax(a, 0).to(a.dtype()) * a * a; }, {matrix}},
      {"argmin", "factor", [](const Tensor& a) { return argmin(a).to(a.dtype()) * a * a; }, {matrix}},
      {"cumsum", "inner", [](const Tensor& a) { return square(cumsum(a, -1)); }, {x}},
      {"cumsum", "reverse", [](const Tensor& a) { return square(cumsum(a, 1, true)); }, {x}},
      {"softmax", "last", [](const Tensor& a) { return softmax(a); }, {x}},
      {"softmax", "middle", [](const Tensor& a) { return softmax(a, 1); }, {x}},
      {"log_softmax", "last", [](const Tensor& a) { return log_softmax(a); }, {x}},
      {"log_softmax", "first", [](const Tensor& a) { return log_softmax(a, 0); }, {x}},
      {"softmax_cross_entropy", "plain", cross_entropy(0), {x}},
      {"softmax_cross_entropy", "smooth", cross_entropy(0.2), {x}},
      {"softmax_cross_entropy_grad",
       "pullback",
       [](const Tensor& a, const Tensor& b) { return vjp(cross_entropy(0.2), {a}).pullback(b)[0]; },
       {x, numbers({0.7}).with_shape({})}},
      {"log",
       "logsumexp",
       [](const Tensor& a) {
         return logsumexp(a, {0, 2});
       },
       {x}},
      {"feature_moments", "last", [](const Tensor& a) { return square(feature_moments(a)); }, {x}},
      {"feature_moments", "middle", [](const Tensor& a) { return square(feature_moments(a, 1)); }, {x}},
      {"batch_norm", "last", normalized(2), {x, weight, bias}},
      {"batch_norm", "middle", normalized(1), {x, three, three}},
      {"batch_norm", "relu", normalized(1, Activation::Relu), {x, three, three}},
      {"batch_norm_input_grad", "pullback", normalized_pullback(0), {x, weight, bias, g}},
      {"batch_norm_sums", "pullback", normalized_pullback(1), {x, weight, bias, g}},
      {"batch_norm_input_grad", "relu", normalized_pullback(0, Activation::Relu), {x, weight, bias, g}},
      {"batch_norm_sums", "relu", normalized_pullback(1, Activation::Relu), {x, weight, bias, g}},
      {"normalize_features",
       "relu",
       [](const Tensor& a, const Tensor& moments, const Tensor& w, const Tensor& b) {
         return normalize_features(a, moments, w, b, 1, 1e-5, Activation::Relu);
       },
       {x, sample({2, 3}, 0.5, 1.5, 26), three, three}},
      {"normalize_features",
       "middle",
       [](const Tensor& a, const Tensor& moments, const Tensor& w, const Tensor& b) {
         return square(normalize_features(a, moments, w, b, 1));
       },
       {x, sample({2, 3}, 0.5, 1.5, 26), three, three}},
      {"any", "factor", [](const Tensor& a) { return where(any(less(a, -0.5), 0), a * a, a); }, {matrix}},
      {"all", "factor", [](const Tensor& a) { return where(all(less(a, 0.9), 1, true), a * a, a); }, {matrix}},
  };
}

}  // namespace cotangent::testing
