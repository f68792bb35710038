// Layer scopes: how errors come to name the layer that they are about, and its path in the model.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cotangent/core/error.h"

namespace cotangent::nn {

class Visitor;

// A place in a model, while one of these lives on this thread. Nothing is worked out before an error asks.
class Place : public ErrorContext {
 protected:
  explicit Place(const void* module) : module_(module) {}

  // "net.decoder.2", where "net" is the model that a ModelScope around this one knows; without one, the places in the
  // Sequentials around this one, such as "1.0", or "".
  virtual std::string path() const;

  const void* module_;  // its address

 private:
  const Place* enclosing() const;
};

// A layer's first line: inside it, errors begin with the layer's path and description(), as in
//   net.conv2: Conv2D(8 -> 16, 5x5): ...
// A layer that checks its input calls fail(description(), ...). `layer` must outlive the scope.
class LayerScope final : public Place {
 public:
  template <class Layer>
  explicit LayerScope(const Layer& layer)
      : Place(&layer), description_([](const void* it) { return static_cast<const Layer*>(it)->description(); }) {}
  ~LayerScope() override;

 private:
  std::string place(std::string_view operation) const override;

  std::string (*description_)(const void*);
};

// The same for what has a number in a Sequential: a layer, or a function, which has no path of its own.
class StepScope final : public Place {
 public:
  StepScope(const void* sequential, std::size_t index) : Place(sequential), index_(index) {}

 private:
  std::string place(std::string_view operation) const override;
  std::string path() const override;

  std::size_t index_;
};

// Inside it, layers that `parts` has visited are called by their paths; errors between layers begin with the last one
// that was done, as in "after net.conv2: ...". value_and_grad(), trace() and summary() open one. `parts` must outlive
// it.
class ModelScope final : public Place {
 public:
  explicit ModelScope(const Visitor& parts);
  ~ModelScope() override;

 private:
  friend class Place;
  friend class LayerScope;
  std::string place(std::string_view operation) const override;
  std::string path() const override { return ""; }

  const Visitor& parts_;
  ModelScope* outer_model_;
  const void* last_layer_ = nullptr;
};

}  // namespace cotangent::nn
