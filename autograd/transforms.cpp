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

// A function as it was recorded: what the transform differentiates (roots) and what came out.
struct Recorded {
  Tensors roots, outputs;

  // The results as the caller may see them: tracked only if an outer transform is looking.
  Tensors values() const {
    if (Recording::active()) return outputs;
    Tensors result;
    for (const Tensor& output : outputs) result.push_back(output.with_history(nullptr));
    return result;
  }

  // The cotangents of the inputs; null is zero.
  Tensors pull(const Tensors& cotangents) const { return autograd::backward(outputs, cotangents, roots); }
};

Recorded record(std::string_view operation, const ManyFunction& f, const Tensors& inputs) {
  if (inputs.empty()) fail(operation, "needs at least one input to differentiate with respect to");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].is_null()) fail(operation, fmt::format("input {} is a null Tensor", i));
    if (!is_floating(inputs[i].dtype()))
      fail(operation,
           fmt::format("input {} is {}: only Float32 and Float64 have derivatives; capture it in the function instead",
                       i, describe(inputs[i])));
  }
  const Recording recording;
  Recorded result;
  for (const Tensor& input : inputs) result.roots.push_back(autograd::alias(input));
  result.outputs = f(result.roots);
  for (std::size_t i = 0; i < result.outputs.size(); ++i)
    if (result.outputs[i].is_null())
      fail(operation, fmt::format("the function returned a null Tensor as result {}", i));
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

// The gradients of f at its inputs, and its value.
ValueAndGrad differentiate(std::string_view operation, const Function& f, const Tensors& inputs) {
  Recorded recorded = record(operation, many(f), inputs);
  ValueAndGrad result;
  result.value = recorded.values()[0];
  if (result.value.size() != 1 || !is_floating(result.value.dtype()))
    fail(operation, fmt::format("the function must return a single Float32 or Float64 number, got {}; reduce it with "
                                "sum() or mean(), or use vjp()",
                                describe(result.value)));
  const Tensors one{ones_like(result.value)};
  result.grads = zeros_for_null(autograd::backward(std::move(recorded.outputs), one, recorded.roots), inputs);
  return result;
}

}  // namespace

ManyVjp vjp_many(const ManyFunction& f, const Tensors& inputs) {
  Recorded recorded = record("vjp", f, inputs);
  ManyVjp result;
  result.values = recorded.values();
  result.pullback = [recorded = std::move(recorded), wanted = outlines(result.values),
                     likes = outlines(inputs)](const Tensors& cotangents) {
    if (cotangents.size() != wanted.size())
      fail("vjp", fmt::format("needs {} cotangents, got {}", wanted.size(), cotangents.size()));
    for (std::size_t i = 0; i < cotangents.size(); ++i)
      if (!cotangents[i].is_null()) require_like("vjp", "cotangent", i, cotangents[i], wanted[i]);
    return zeros_for_null(recorded.pull(cotangents), likes);
  };
  return result;
}

Vjp vjp(const Function& f, const Tensors& inputs) {
  ManyVjp result = vjp_many(many(f), inputs);
  return {std::move(result.values[0]),
          [pullback = std::move(result.pullback)](const Tensor& g) { return pullback({g}); }};
}

ValueAndGrad value_and_grad(const Function& f, const Tensors& inputs) { return differentiate("grad", f, inputs); }

// The pullback is linear in its cotangent; the derivative's transpose, transposed, is the derivative.
ManyJvp jvp_many(const ManyFunction& f, const Tensors& inputs, const Tensors& tangents) {
  require_like("jvp", "tangent", tangents, inputs);
  const Recorded forward = record("jvp", f, inputs);
  ManyJvp result{forward.values(), {}};
  Tensors cotangents;  // of results that have none, a number that nobody looks at
  for (const Tensor& value : result.values)
    cotangents.push_back(is_floating(value.dtype()) ? zeros_like(value) : zeros({}));
  const ManyFunction pullback = [&](Tensors g) {
    for (std::size_t i = 0; i < g.size(); ++i)
      if (!is_floating(result.values[i].dtype())) g[i] = Tensor();
    return zeros_for_null(forward.pull(g), inputs);
  };
  result.tangents = zeros_for_null(record("jvp", pullback, cotangents).pull(tangents), result.values);
  return result;
}

Jvp jvp(const Function& f, const Tensors& inputs, const Tensors& tangents) {
  const ManyJvp result = jvp_many(many(f), inputs, tangents);
  return {result.values[0], result.tangents[0]};
}

Tensors hvp(const Function& f, const Tensors& inputs, const Tensors& vectors) {
  require_like("hvp", "vector", vectors, inputs);
  const ManyFunction gradient = [&](const Tensors& x) { return differentiate("hvp", f, x).grads; };
  return zeros_for_null(record("hvp", gradient, inputs).pull(vectors), inputs);
}

Tensor hvp(const Function& f, const Tensor& x, const Tensor& v) { return hvp(f, Tensors{x}, Tensors{v})[0]; }

Tensor stop_gradient(const Tensor& x) { return x.history() == nullptr ? x : x.with_history(nullptr); }

}  // namespace cotangent
