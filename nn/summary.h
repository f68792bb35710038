// A table of a model: what each layer makes, how many parameters it has and how much arithmetic it takes.
#pragma once

#include <string>

#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/module.h"
#include "cotangent/nn/trace.h"

namespace cotangent::nn {

// The table for layers called in this order; `parts` knows their paths and parameters.
std::string summary(const Visitor& parts, const std::vector<LayerCall>& calls);

// The table of a model for one input of this shape, batch included: a line for each call of a layer with its path,
// kind, output shape, parameters (where it is called first) and multiply-adds (of convolutions and dense layers), then
// the totals. That of trace(), of a copy in evaluation mode: nothing is computed.
template <Module M>
std::string summary(const M& module, const Shape& input) {
  M copy = module;
  eval(copy);
  return trace(copy, input).summary;
}

}  // namespace cotangent::nn
