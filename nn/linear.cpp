// The dense layer.
#include "cotangent/nn/linear.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/matmul.h"
#include "cotangent/ops/movement.h"

namespace cotangent::nn {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options) {
  if (in_features < 1 || out_features < 1)
    fail("Linear", fmt::format("needs at least one feature in and out, got {} and {}", in_features, out_features));
  weight = initial_weight("Linear", options.init, options.key, {in_features, out_features});
  if (options.bias) bias = zeros({out_features}, weight.dtype());
}

void Linear::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

Tensor Linear::operator()(const Tensor& x) const {
  if (x.is_null() || x.ndim() == 0 || x.dim(-1) != weight.dim(0))
    fail("Linear", fmt::format("needs an input of shape (..., {}), got {}", weight.dim(0), describe(x)));
  require_dtype("Linear", x, weight);
  const std::int64_t rows = x.size() / weight.dim(0);
  Tensor y = matmul(reshape(x, {rows, weight.dim(0)}), weight);  // one product, however many axes there are
  if (!bias.is_null()) y = y + bias;
  Shape shape = x.shape();
  shape[shape.size() - 1] = weight.dim(1);
  return report_call(this, "Linear", reshape(y, shape), rows * weight.size());
}

Tensor flatten(const Tensor& x) {
  if (x.ndim() == 0) fail("flatten", "needs a first axis that counts examples, got a single number");
  std::int64_t rest = 1;
  for (int axis = 1; axis < x.ndim(); ++axis) rest *= x.dim(axis);
  return reshape(x, {x.dim(0), rest});
}

}  // namespace cotangent::nn
