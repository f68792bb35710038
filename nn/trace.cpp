// Tracing.
#include "cotangent/nn/trace.h"

#include <ostream>

#include "cotangent/core/shapes_only.h"
#include "cotangent/nn/layer_scope.h"
#include "cotangent/nn/summary.h"

namespace cotangent::nn {

std::ostream& operator<<(std::ostream& out, const Trace& trace) { return out << trace.summary; }

Trace trace_call(const Visitor& parts, const std::function<Tensor(const Tensor&)>& call, const Shape& input,
                 std::optional<DType> dtype) {
  const ShapesOnly shapes_only;
  const ModelScope model(parts);
  const LayerCallRecorder recorder;
  const DType parameters = parts.parameters().empty() ? DType::Float32 : parts.parameters()[0].second->dtype();
  const Tensor output = call(Tensor::uninitialized(input, dtype.value_or(parameters)));
  return {output.is_null() ? Shape() : output.shape(), recorder.calls(), summary(parts, recorder.calls())};
}

}  // namespace cotangent::nn
