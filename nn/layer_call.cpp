// Layer calls.
#include "cotangent/nn/layer_call.h"

namespace cotangent::nn {
namespace {

thread_local LayerCallRecorder* active = nullptr;

}  // namespace

LayerCallRecorder::LayerCallRecorder() : outer_(active) { active = this; }

LayerCallRecorder::~LayerCallRecorder() { active = outer_; }

Tensor report_call(const void* layer, std::string_view kind, Tensor output, std::int64_t multiply_adds) {
  if (active != nullptr) active->calls_.push_back({layer, std::string(kind), output.shape(), multiply_adds});
  return output;
}

}  // namespace cotangent::nn
