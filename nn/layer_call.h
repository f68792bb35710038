// Layer calls: what layers report of themselves while somebody listens, as summary() does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/core/tensor.h"

namespace cotangent::nn {

struct LayerCall {
  const void* layer;  // its address, which Visitor::path_of understands
  std::string kind;   // "Conv2D"
  Shape output;
  std::int64_t multiply_adds;
};

// Collects the calls made on this thread while it lives; the innermost one does.
class LayerCallRecorder {
 public:
  LayerCallRecorder();
  ~LayerCallRecorder();
  LayerCallRecorder(const LayerCallRecorder&) = delete;
  LayerCallRecorder& operator=(const LayerCallRecorder&) = delete;

  const std::vector<LayerCall>& calls() const { return calls_; }

 private:
  friend Tensor report_call(const void*, std::string_view, Tensor, std::int64_t);
  std::vector<LayerCall> calls_;
  LayerCallRecorder* outer_;
};

// Returns `output`, having told the recorder, if there is one, that `layer` computed it: a layer's last line.
Tensor report_call(const void* layer, std::string_view kind, Tensor output, std::int64_t multiply_adds = 0);

}  // namespace cotangent::nn
