// Tracing: what a model makes of a shape, without computing anything.
#pragma once

#include <concepts>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/module.h"

namespace cotangent::nn {

// How a model was called; prints as its summary().
struct Trace {
  Shape output;                  // of the model; {} if it returns something else than a Tensor
  std::vector<LayerCall> calls;  // of the layers, in order
  std::string summary;
};
std::ostream& operator<<(std::ostream& out, const Trace& trace);

// The trace of `call`, which is given a tensor without elements; `parts` knows the paths and parameters of its layers.
Trace trace_call(const Visitor& parts, const std::function<Tensor(const Tensor&)>& call, const Shape& input,
                 std::optional<DType> dtype = {});

// Calls a copy of the model, in the mode that the model is in, under ShapesOnly: all shapes and dtypes are checked, no
// layer computes, and no memory is taken for elements, so that any batch will do (jax.eval_shape). `input` is the shape
// of one input, batch included; its dtype is that of the parameters unless given. Errors are those that the call would
// throw, with the paths of layers; and reading elements in the call, for example by item(), is one.
//   std::cout << trace(net, {n, 28, 28, 1});
template <Module M>
Trace trace(const M& module, const Shape& input, std::optional<DType> dtype = {}) {
  M copy = module;
  const auto call = [&](const Tensor& x) -> Tensor {
    if constexpr (std::convertible_to<decltype(copy(x)), Tensor>) return copy(x);
    else return static_cast<void>(copy(x)), Tensor();
  };
  return trace_call(visit_all(copy), call, input, dtype);
}

}  // namespace cotangent::nn
