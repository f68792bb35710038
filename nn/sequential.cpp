// Sequential.
#include "cotangent/nn/sequential.h"

#include "cotangent/nn/layer_scope.h"

namespace cotangent::nn {

Sequential::Sequential(const Sequential& other) {
  for (const auto& slot : other.layers_) layers_.push_back(slot->copy());
}

Sequential& Sequential::operator=(Sequential other) noexcept {
  layers_.swap(other.layers_);
  return *this;
}

Tensor Sequential::operator()(const Tensor& x) const {
  Tensor y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const StepScope step(this, i);
    y = layers_[i]->call(y);
  }
  return y;
}

void Sequential::visit(Visitor& v) {
  for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->visit(std::to_string(i), v);
}

}  // namespace cotangent::nn
