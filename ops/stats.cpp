// Statistics: densities, composed of elementwise operations.
#include "cotangent/ops/stats.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/operands.h"
#include "cotangent/ops/unary.h"

namespace cotangent::stats {

Tensor norm_pdf(const Tensor& x, double loc, double scale) {
  require_floating("norm_pdf", x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    if (!std::isfinite(static_cast<T>(loc)) || !std::isfinite(static_cast<T>(scale)) || !(static_cast<T>(scale) > 0))
      fail("norm_pdf",
           fmt::format("needs loc and scale finite in {} and scale > 0, got {} and {}", name(x.dtype()), loc, scale));
  });
  return norm_pdf(x, kernels::number_like(x, loc), kernels::number_like(x, scale));
}

Tensor norm_pdf(const Tensor& x, const Tensor& loc, const Tensor& scale) {
  require_floating("norm_pdf", x.dtype());
  return exp(square((x - loc) / scale) / -2.0) / (std::sqrt(2 * std::numbers::pi) * scale);
}

}  // namespace cotangent::stats
