// Modules: a model is any struct of layers and tensors with a call and one visit line.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cotangent/autograd/transforms.h"
#include "cotangent/core/tensor.h"

namespace cotangent::nn {

class Visitor;

// What has a visit(Visitor&): it names its parameters, buffers and the modules inside it.
template <class M>
concept Module = requires(M& module, Visitor& visitor) {
  module.visit(visitor);
};

// A tensor of a module and the path to it, as in "conv1.weight".
using NamedTensor = std::pair<std::string, Tensor*>;

// Walks through a module and collects what it consists of, in the order of its visit lines:
//   void visit(Visitor& v) { v("conv1", conv1); v("scale", scale); v.buffer("steps", steps); v.mode(training); }
// The pointers are valid as long as the module stays where it is. Error if two tensors have the same path, or one
// tensor is named twice: it would be updated twice.
class Visitor {
 public:
  template <Module M>
  explicit Visitor(M& module) : modules_{{&module, ""}} {
    module.visit(*this);
  }

  // A parameter: a tensor that is learned. A null one is left out.
  void operator()(std::string_view name, Tensor& parameter);

  // A module inside the module.
  template <Module M>
  void operator()(std::string_view name, M& module) {
    const Scope scope(*this, name, &module);
    module.visit(*this);
  }

  // Modules in a row; their names are "0", "1", ...
  template <class M>
  void operator()(std::string_view name, std::vector<M>& modules) {
    const Scope scope(*this, name, &modules);
    for (std::size_t i = 0; i < modules.size(); ++i) (*this)(std::to_string(i), modules[i]);
  }

  // A tensor that belongs to the model but is not learned, such as a running mean. A null one is left out.
  void buffer(std::string_view name, Tensor& buffer);

  // The flag of a module that behaves differently while training. train() and eval() set it.
  void mode(bool& training) { modes_.push_back(&training); }

  // By value, so that `for (... : visit_all(module).parameters())` does not outlive what it walks over.
  std::vector<NamedTensor> parameters() const { return parameters_; }
  std::vector<NamedTensor> buffers() const { return buffers_; }
  std::vector<bool*> modes() const { return modes_; }

  // The path to the innermost module at this address, "" for the whole; nothing if none was visited there.
  std::optional<std::string> path_of(const void* module) const;

 private:
  class Scope {  // prefixes the names of what is visited while it lives
   public:
    Scope(Visitor& visitor, std::string_view name, const void* module);
    ~Scope() { visitor_.prefix_.resize(length_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Visitor& visitor_;
    std::size_t length_;
  };

  void add(std::vector<NamedTensor>& list, std::string_view name, Tensor& tensor);

  std::string prefix_;
  std::vector<NamedTensor> parameters_, buffers_;
  std::vector<bool*> modes_;
  std::vector<std::pair<const void*, std::string>> modules_;
  std::set<std::string> paths_;
  std::set<const Tensor*> tensors_;
};

// Everything that `module` consists of.
template <Module M>
Visitor visit_all(M& module) {
  return Visitor(module);
}

// The parameters, in the order of the visit lines.
template <Module M>
std::vector<Tensor*> parameters(M& module) {
  std::vector<Tensor*> result;
  for (const NamedTensor& parameter : visit_all(module).parameters()) result.push_back(parameter.second);
  return result;
}

// The parameters with their paths: {"conv1.weight", &net.conv1.weight}, ...
template <Module M>
std::vector<NamedTensor> named_parameters(M& module) {
  return visit_all(module).parameters();
}

template <Module M>
std::vector<NamedTensor> named_buffers(M& module) {
  return visit_all(module).buffers();
}

// The number of learned numbers.
template <Module M>
std::int64_t parameter_count(M& module) {
  std::int64_t count = 0;
  for (const NamedTensor& parameter : visit_all(module).parameters()) count += parameter.second->size();
  return count;
}

// Puts all layers into training mode, in which modules start: Dropout drops, BatchNorm uses the batch's statistics.
template <Module M>
void train(M& module) {
  for (bool* training : visit_all(module).modes()) *training = true;
}

// Puts all layers into evaluation mode.
template <Module M>
void eval(M& module) {
  for (bool* training : visit_all(module).modes()) *training = false;
}

// Converts all floating parameters and buffers to Float32 or Float64.
void convert(const Visitor& parts, DType dtype);
template <Module M>
void convert(M& module, DType dtype) {
  convert(visit_all(module), dtype);
}

// The loss, and its gradients in the order of parameters(module). While `loss` runs, the module's parameters are the
// tensors being differentiated; afterwards they are what they were, also if `loss` throws. Nests in and around every
// other transform. Error if there are no parameters, one is not Float32 or Float64, or the loss is not one number.
ValueAndGrad value_and_grad(const Visitor& parts, const std::function<Tensor()>& loss);
template <Module M>
ValueAndGrad value_and_grad(M& module, const std::function<Tensor()>& loss) {
  return value_and_grad(visit_all(module), loss);
}

}  // namespace cotangent::nn
