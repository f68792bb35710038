// Checkpoints: a model's parameters and buffers in a safetensors file.
#pragma once

#include <string>

#include "cotangent/nn/module.h"

namespace cotangent::nn {

// Writes all parameters and buffers under their paths ("conv1.weight"), whole or not at all.
void save(const Visitor& parts, const std::string& path);
template <Module M>
void save(M& module, const std::string& path) {
  save(visit_all(module), path);
}

// Reads them back. Error, naming every tensor that is missing, is too many, or has another shape or dtype, and before
// the model is changed, unless the file holds exactly what the model has.
void load(const Visitor& parts, const std::string& path);
template <Module M>
void load(M& module, const std::string& path) {
  load(visit_all(module), path);
}

}  // namespace cotangent::nn
