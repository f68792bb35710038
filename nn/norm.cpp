// Normalization layers.
#include "cotangent/nn/norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/nn/layer_scope.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/batch_norm.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/unary.h"

namespace cotangent::nn {
namespace {

// What may have been meant by an input of another number of features.
std::string advice(const Tensor& x, std::int64_t features, int axis) {
  if (x.is_null() || axis < -x.ndim() || axis >= x.ndim()) return "";
  for (int other = 1; other < x.ndim(); ++other)
    if (x.dim(other) == features) return fmt::format(", whose axis {} has them; .axis = {} would fit", other, other);
  return fmt::format(", which has {}; BatchNorm({}) would fit", x.dim(axis), x.dim(axis));
}

void require_eps(std::string_view layer, double eps) {
  if (!(eps >= 0) || !std::isfinite(eps)) fail(layer, fmt::format("eps must be finite and >= 0, got {}", eps));
}

}  // namespace

BatchNorm::BatchNorm(std::int64_t features, const BatchNormOptions& options) : options_(options) {
  if (features < 1) fail("BatchNorm", fmt::format("needs at least one feature, got {}", features));
  if (!(options.momentum >= 0 && options.momentum <= 1))
    fail("BatchNorm", fmt::format("momentum must be in [0, 1], got {}", options.momentum));
  require_eps("BatchNorm", options.eps);
  weight = running_var = ones({features});
  bias = running_mean = zeros({features});
}

void BatchNorm::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
  v.buffer("running_mean", running_mean);
  v.buffer("running_var", running_var);
  v.mode(training);
}

std::string BatchNorm::description() const { return fmt::format("BatchNorm({})", weight.size()); }

Tensor BatchNorm::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  const int axis = options_.axis;
  if (x.is_null() || axis < -x.ndim() || axis >= x.ndim() || x.dim(axis) != weight.size())
    fail(description(), fmt::format("needs an input with {} features along axis {}, got {}{}", weight.size(), axis,
                                    describe(x), advice(x, weight.size(), axis)));
  require_dtype(*this, x, weight);
  const std::int64_t values = x.size() / weight.size();
  if (training && values < 2)
    fail(description(),
         fmt::format("training needs at least two values per feature, got {} in {}; use larger batches or "
                     "nn::eval()",
                     values, describe(x)));
  Tensor moments;
  if (training) {
    moments = feature_moments(stop_gradient(x), axis);
    const double kept = options_.momentum, count = static_cast<double>(values);
    const auto move = [&](Tensor& running, std::int64_t row, double factor) {
      const Tensor batch = reshape(slice_in_dim(moments, row, row + 1), running.shape());
      running = kept * running + (1 - kept) * factor * batch;
    };
    move(running_mean, 0, 1);
    move(running_var, 1, count / (count - 1));
    return report_call(this, "BatchNorm",
                       batch_norm(x, moments, weight, bias, axis, options_.eps, options_.activation));
  }
  moments = concatenate({expand_dims(running_mean, 0), expand_dims(running_var, 0)}, 0);
  return report_call(this, "BatchNorm",
                     normalize_features(x, moments, weight, bias, axis, options_.eps, options_.activation));
}

LayerNorm::LayerNorm(const Shape& normalized, const LayerNormOptions& options) : options_(options) {
  require_valid("LayerNorm", normalized);
  if (normalized.empty() || normalized.elements() == 0)
    fail("LayerNorm", fmt::format("needs a shape with elements, got {}", to_string(normalized)));
  require_eps("LayerNorm", options.eps);
  weight = ones(normalized);
  bias = zeros(normalized);
}

void LayerNorm::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

std::string LayerNorm::description() const {
  return fmt::format("LayerNorm({})", weight.ndim() == 1 ? std::to_string(weight.size()) : to_string(weight.shape()));
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  const Shape& normalized = weight.shape();
  if (x.is_null() || x.ndim() < normalized.ndim() ||
      !std::equal(normalized.begin(), normalized.end(), x.shape().end() - normalized.ndim()))
    fail(description(),
         fmt::format("needs an input whose shape ends in {}, got {}{}", to_string(normalized), describe(x),
                     x.is_null() || x.ndim() == 0 || normalized.ndim() != 1
                         ? ""
                         : fmt::format("; LayerNorm({}) would fit", x.dim(-1))));
  require_dtype(*this, x, weight);
  std::vector<int> axes;
  for (int axis = -normalized.ndim(); axis < 0; ++axis) axes.push_back(axis);
  const Tensor centered = x - mean(x, axes, true);
  const Tensor scale = rsqrt(mean(square(centered), axes, true) + options_.eps);
  return report_call(this, "LayerNorm", centered * scale * weight + bias);
}

}  // namespace cotangent::nn
