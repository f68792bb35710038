// Modules: collecting their parts, and differentiating with respect to their parameters.
#include "cotangent/nn/module.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_scope.h"

namespace cotangent::nn {
namespace {

// Remembers the tensors and puts them back at the end of its life.
class Restore {
 public:
  explicit Restore(std::vector<NamedTensor> tensors) : tensors_(std::move(tensors)) {
    for (const NamedTensor& tensor : tensors_) values_.push_back(*tensor.second);
  }
  ~Restore() {
    for (std::size_t i = 0; i < values_.size(); ++i) *tensors_[i].second = std::move(values_[i]);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  const Tensors& values() const { return values_; }

 private:
  std::vector<NamedTensor> tensors_;
  Tensors values_;
};

}  // namespace

Visitor::Scope::Scope(Visitor& visitor, std::string_view name, const void* module)
    : visitor_(visitor), length_(visitor.prefix_.size()) {
  visitor.prefix_ += name;
  visitor.modules_.emplace_back(module, visitor.prefix_);
  visitor.prefix_ += '.';
}

void Visitor::operator()(std::string_view name, Tensor& parameter) { add(parameters_, name, parameter); }

void Visitor::buffer(std::string_view name, Tensor& buffer) { add(buffers_, name, buffer); }

void Visitor::add(std::vector<NamedTensor>& list, std::string_view name, Tensor& tensor) {
  if (tensor.is_null()) return;
  std::string path = prefix_ + std::string(name);
  if (!paths_.insert(path).second)
    fail("visit", fmt::format("two tensors are named '{}'; names must differ within a module", path));
  if (!tensors_.insert(&tensor).second)
    fail("visit", fmt::format("the tensor '{}' was visited before under another name; visit it once", path));
  list.emplace_back(std::move(path), &tensor);
}

std::optional<std::string> Visitor::path_of(const void* module) const {
  // A module's first field has the address of the module itself, and is visited after it.
  for (std::size_t i = modules_.size(); i-- > 0;)
    if (modules_[i].first == module) return modules_[i].second;
  return std::nullopt;
}

void convert(const Visitor& parts, DType dtype) {
  require_floating("convert", dtype);
  for (const auto& list : {parts.parameters(), parts.buffers()})
    for (const auto& [path, tensor] : list)
      if (is_floating(tensor->dtype())) *tensor = tensor->to(dtype);
}

ValueAndGrad value_and_grad(const Visitor& parts, const std::function<Tensor()>& loss) {
  const std::vector<NamedTensor> parameters = parts.parameters();
  if (parameters.empty()) fail("value_and_grad", "the module has no parameters; name them in its visit()");
  for (const auto& [path, parameter] : parameters)
    if (!is_floating(parameter->dtype()))
      fail("value_and_grad", fmt::format("parameter '{}' is {}: only Float32 and Float64 have derivatives; visit it "
                                         "with buffer() if it is not learned",
                                         path, describe(*parameter)));
  const Restore restore(parameters);
  const auto with_parameters = [&](const Tensors& tracked) {
    for (std::size_t i = 0; i < tracked.size(); ++i) *parameters[i].second = tracked[i];
    const ModelScope model(parts);
    return loss();
  };
  return cotangent::value_and_grad(with_parameters, restore.values());
}

}  // namespace cotangent::nn
