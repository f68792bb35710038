// A table of a model: what each layer makes, how many parameters it has and how much arithmetic it takes.
#pragma once

#include <string>

#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/module.h"

namespace cotangent::nn {

// The table for layers called in this order; `parts` knows their paths and parameters.
std::string summary(const Visitor& parts, const std::vector<LayerCall>& calls);

// The table of a model for one input of this shape, batch included: a line for each call of a layer with its path,
// kind, output shape, parameters (where it is called first) and multiply-adds (of convolutions and dense layers), then
// the totals. It calls a copy of the model, in evaluation mode, on zeros of the parameters' dtype.
template <Module M>
std::string summary(const M& module, const Shape& input) {
  M copy = module;
  eval(copy);
  const Visitor parts = visit_all(copy);
  const LayerCallRecorder recorder;
  copy(zeros(input, parts.parameters().empty() ? DType::Float32 : parts.parameters()[0].second->dtype()));
  return summary(parts, recorder.calls());
}

}  // namespace cotangent::nn
