// Dropout.
#include "cotangent/nn/dropout.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/nn/init.h"
#include "cotangent/nn/layer_call.h"
#include "cotangent/nn/layer_scope.h"
#include "cotangent/ops/arithmetic.h"

namespace cotangent::nn {

Dropout::Dropout(double rate, std::optional<random::Key> key) : rate_(rate), key_(key ? *key : next_key()) {
  if (!(rate >= 0 && rate < 1))
    fail("Dropout", fmt::format("the rate must be in [0, 1), got {}{}", rate,
                                rate >= 1 && rate < 100 ? fmt::format("; {} percent is {}", rate, rate / 100) : ""));
}

std::string Dropout::description() const { return fmt::format("Dropout({})", rate_); }

Tensor Dropout::operator()(const Tensor& x) const {
  const LayerScope scope(*this);
  if (!is_floating(x.dtype())) require_floating(description(), x.dtype());
  if (!training || rate_ == 0) return report_call(this, "Dropout", x);
  const Tensor kept = random::bernoulli(random::fold_in(key_, calls_++), 1 - rate_, x.shape());
  return report_call(this, "Dropout", x * (kept.to(x.dtype()) / (1 - rate_)));
}

}  // namespace cotangent::nn
