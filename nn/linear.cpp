// The dense layer.
#include "cotangent/nn/linear.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/nn/layer_scope.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/matmul.h"
#include "cotangent/ops/movement.h"

namespace cotangent::nn {
namespace {

// What may have been meant by an input of another number of features.
std::string advice(const Tensor& x, const Tensor& weight) {
  if (x.is_null() || x.ndim() == 0) return "";
  const auto fitting = [&](std::int64_t features) { return fmt::format("Linear({}, {})", features, weight.dim(1)); };
  if (x.ndim() == 2) return fmt::format(", which has {} features; {} would fit", x.dim(-1), fitting(x.dim(-1)));
  const std::int64_t flat = x.dim(0) == 0 ? 0 : x.size() / x.dim(0);
  if (x.ndim() > 2 && flat == weight.dim(0)) return fmt::format("; flatten(x) makes it ({}, {})", x.dim(0), flat);
  return x.ndim() > 2 ? fmt::format("; flatten(x) makes it ({}, {}), which {} would fit", x.dim(0), flat, fitting(flat))
                      : fmt::format("; {} would fit", fitting(x.dim(-1)));
}

}  // namespace

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

std::string Linear::description() const { return fmt::format("Linear({} -> {})", weight.dim(0), weight.dim(1)); }

Tensor Linear::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  if (x.is_null() || x.ndim() == 0 || x.dim(-1) != weight.dim(0))
    fail(description(),
         fmt::format("needs an input of shape (..., {}), got {}{}", weight.dim(0), describe(x), advice(x, weight)));
  require_dtype(*this, x, weight);
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
