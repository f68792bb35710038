// Layer scopes.
#include "cotangent/nn/layer_scope.h"

#include "cotangent/nn/module.h"

namespace cotangent::nn {
namespace {

thread_local ModelScope* innermost_model = nullptr;

std::string join(const std::string& path, const std::string& name) {
  return path.empty() || name.empty() ? path + name : path + "." + name;
}

// "net.conv2", if one of the parts of the model is at that address.
std::optional<std::string> path_in(const Visitor& parts, const void* module) {
  const std::optional<std::string> path = parts.path_of(module);
  return path ? std::optional(join("net", *path)) : std::nullopt;
}

}  // namespace

const Place* Place::enclosing() const { return dynamic_cast<const Place*>(outer()); }

std::string Place::path() const {
  for (const ModelScope* model = innermost_model; model != nullptr; model = model->outer_model_)
    if (const std::optional<std::string> path = path_in(model->parts_, module_)) return *path;
  return enclosing() == nullptr ? "" : enclosing()->path();
}

LayerScope::~LayerScope() {
  if (innermost_model != nullptr) innermost_model->last_layer_ = module_;
}

std::string LayerScope::place(std::string_view operation) const {
  const std::string description = description_(module_);
  if (operation == description) return path();  // the layer itself complains
  const std::string where = path();
  return where.empty() ? description : where + ": " + description;
}

std::string StepScope::path() const { return join(Place::path(), std::to_string(index_)); }

std::string StepScope::place(std::string_view) const { return path(); }

ModelScope::ModelScope(const Visitor& parts) : Place(nullptr), parts_(parts), outer_model_(innermost_model) {
  innermost_model = this;
}

ModelScope::~ModelScope() { innermost_model = outer_model_; }

std::string ModelScope::place(std::string_view) const {
  const std::optional<std::string> last = last_layer_ == nullptr ? std::nullopt : path_in(parts_, last_layer_);
  return last ? "after " + *last : "";
}

}  // namespace cotangent::nn
