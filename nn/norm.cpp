// Normalization layers.
#include "cotangent/nn/norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cotangent/core/error.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_parts.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/unary.h"

namespace cotangent::nn {
namespace {

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

Tensor BatchNorm::operator()(const Tensor& x) const {
  const int axis = options_.axis;
  if (x.is_null() || axis < -x.ndim() || axis >= x.ndim() || x.dim(axis) != weight.size())
    fail("BatchNorm",
         fmt::format("needs an input with {} features along axis {}, got {}", weight.size(), axis, describe(x)));
  require_dtype("BatchNorm", x, weight);
  const std::int64_t values = x.size() / weight.size();
  if (training && values < 2)
    fail("BatchNorm", fmt::format("training needs at least two values per feature, got {} in {}; use larger batches or "
                                  "nn::eval()",
                                  values, describe(x)));
  std::vector<int> others;
  Shape per_feature(std::vector<std::int64_t>(x.shape().size(), 1));
  for (int other = 0; other < x.ndim(); ++other) {
    if (other != (axis + x.ndim()) % x.ndim()) others.push_back(other);
    else per_feature[static_cast<std::size_t>(other)] = weight.size();
  }
  const auto aligned = [&](const Tensor& statistic) { return reshape(statistic, per_feature); };

  Tensor centered, var;
  if (training) {
    const Tensor batch_mean = mean(x, others, true);
    centered = x - batch_mean;
    var = mean(square(centered), others, true);
    const double kept = options_.momentum, count = static_cast<double>(values);
    const auto move = [&](Tensor& running, const Tensor& batch) {
      running = kept * running + (1 - kept) * stop_gradient(reshape(batch, running.shape()));
    };
    move(running_mean, batch_mean);
    move(running_var, stop_gradient(var) * (count / (count - 1)));
  } else {
    centered = x - aligned(running_mean);
    var = aligned(running_var);
  }
  const Tensor scale = aligned(weight) * rsqrt(var + options_.eps);
  return report_call(this, "BatchNorm", centered * scale + aligned(bias));
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

Tensor LayerNorm::operator()(const Tensor& x) const {
  const Shape& normalized = weight.shape();
  if (x.is_null() || x.ndim() < normalized.ndim() ||
      !std::equal(normalized.begin(), normalized.end(), x.shape().end() - normalized.ndim()))
    fail("LayerNorm", fmt::format("needs an input whose shape ends in {}, got {}", to_string(normalized), describe(x)));
  require_dtype("LayerNorm", x, weight);
  std::vector<int> axes;
  for (int axis = -normalized.ndim(); axis < 0; ++axis) axes.push_back(axis);
  const Tensor centered = x - mean(x, axes, true);
  const Tensor scale = rsqrt(mean(square(centered), axes, true) + options_.eps);
  return report_call(this, "LayerNorm", centered * scale * weight + bias);
}

}  // namespace cotangent::nn
