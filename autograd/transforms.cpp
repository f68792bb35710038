// Transforms: everything is vjp_many, applied once or twice.
#include "cotangent/autograd/transforms.h"

#include <fmt/format.h>

#include "cotangent/autograd/tape.h"
#include "cotangent/core/error.h"

namespace cotangent {
namespace {

using autograd::Recording;

void require_like(std::string_view operation, std::string_view what, std::size_t i, const Tensor& given,
                  const Tensor& wanted) {
  if (given.is_null() || given.shape() != wanted.shape() || given.dtype() != wanted.dtype())
    fail(operation, fmt::format("{} {} must be {}, got {}", what, i, describe(wanted), describe(given)));
}

void require_like(std::string_view operation, std::string_view what, const Tensors& given, const Tensors& wanted) {
  if (given.size() != wanted.size())
    fail(operation, fmt::format("needs {} {}s, got {}", wanted.size(), what, given.size()));
  for (std::size_t i = 0; i < given.size(); ++i) require_like(operation, what, i, given[i], wanted[i]);
}

// vjp_many, with zero cotangents left null.
ManyVjp sparse_vjp(std::string_view operation, const ManyFunction& f, const Tensors& inputs) {
  if (inputs.empty()) fail(operation, "needs at least one input to differentiate with respect to");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].is_null()) fail(operation, fmt::format("input {} is a null Tensor", i));
    if (!is_floating(inputs[i].dtype()))
      fail(operation,
           fmt::format("input {} is {}: only Float32 and Float64 have derivatives; capture it in the function instead",
                       i, describe(inputs[i])));
  }
  Tensors roots, outputs;
  {
    const Recording recording;
    for (const Tensor& input : inputs) roots.push_back(autograd::alias(input));
    outputs = f(roots);
  }
  ManyVjp result;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].is_null()) fail(operation, fmt::format("the function returned a null Tensor as result {}", i));
    result.values.push_back(Recording::active() ? outputs[i] : outputs[i].with_history(nullptr));
  }
  result.pullback = [roots = std::move(roots), outputs = std::move(outputs)](const Tensors& cotangents) {
    return autograd::backward(outputs, cotangents, roots);
  };
  return result;
}

Tensors zeros_for_null(Tensors tensors, const Tensors& likes) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].is_null()) tensors[i] = zeros_like(likes[i]);
  return tensors;
}

// Shapes and dtypes, without elements or history: what a pullback keeps for its checks.
Tensors outlines(const Tensors& tensors) {
  Tensors result;
  for (const Tensor& tensor : tensors) result.push_back(tensor.without_elements().with_history(nullptr));
  return result;
}

ManyFunction many(const Function& f) {
  return [&f](const Tensors& inputs) { return Tensors{f(inputs)}; };
}

// The gradients of f as a function of its inputs.
Tensors gradients(std::string_view operation, const Function& f, const Tensors& inputs, Tensor* value) {
  const ManyVjp result = sparse_vjp(operation, many(f), inputs);
  const Tensor& number = result.values[0];
  if (number.size() != 1 || !is_floating(number.dtype()))
    fail(operation,
         fmt::format("the function must return a single Float32 or Float64 number, got {}; reduce it with sum() or "
                     "mean(), or use vjp()",
                     describe(number)));
  if (value != nullptr) *value = number;
  return zeros_for_null(result.pullback({ones_like(number)}), inputs);
}

}  // namespace

ManyVjp vjp_many(const ManyFunction& f, const Tensors& inputs) {
  ManyVjp result = sparse_vjp("vjp", f, inputs);
  result.pullback = [pullback = std::move(result.pullback), wanted = outlines(result.values),
                     likes = outlines(inputs)](const Tensors& cotangents) {
    if (cotangents.size() != wanted.size())
      fail("vjp", fmt::format("needs {} cotangents, got {}", wanted.size(), cotangents.size()));
    for (std::size_t i = 0; i < cotangents.size(); ++i)
      if (!cotangents[i].is_null()) require_like("vjp", "cotangent", i, cotangents[i], wanted[i]);
    return zeros_for_null(pullback(cotangents), likes);
  };
  return result;
}

Vjp vjp(const Function& f, const Tensors& inputs) {
  ManyVjp result = vjp_many(many(f), inputs);
  return {std::move(result.values[0]),
          [pullback = std::move(result.pullback)](const Tensor& g) { return pullback({g}); }};
}

ValueAndGrad value_and_grad(const Function& f, const Tensors& inputs) {
  ValueAndGrad result;
  result.grads = gradients("grad", f, inputs, &result.value);
  return result;
}

// The pullback is linear in its cotangent; the derivative's transpose, transposed, is the derivative.
Jvp jvp(const Function& f, const Tensors& inputs, const Tensors& tangents) {
  require_like("jvp", "tangent", tangents, inputs);
  const ManyVjp forward = [&] {
    const Recording recording;  // so that the pullback below is itself recorded
    return sparse_vjp("jvp", many(f), inputs);
  }();
  const Tensor value = Recording::active() ? forward.values[0] : forward.values[0].with_history(nullptr);
  if (!is_floating(value.dtype())) return {value, zeros_like(value)};
  const ManyVjp transposed = sparse_vjp(
      "jvp", [&](const Tensors& g) { return zeros_for_null(forward.pullback({g[0]}), inputs); }, {zeros_like(value)});
  return {value, zeros_for_null(transposed.pullback(tangents), {value})[0]};
}

Tensors hvp(const Function& f, const Tensors& inputs, const Tensors& vectors) {
  require_like("hvp", "vector", vectors, inputs);
  const ManyVjp gradient = sparse_vjp(
      "hvp", [&](const Tensors& x) { return gradients("hvp", f, x, nullptr); }, inputs);
  return zeros_for_null(gradient.pullback(vectors), inputs);
}

Tensor hvp(const Function& f, const Tensor& x, const Tensor& v) { return hvp(f, Tensors{x}, Tensors{v})[0]; }

Tensor stop_gradient(const Tensor& x) { return x.history() == nullptr ? x : x.with_history(nullptr); }

}  // namespace cotangent
