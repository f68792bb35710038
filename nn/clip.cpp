// Gradient clipping.
#include "cotangent/nn/clip.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <cmath>
#include <numeric>

#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/where.h"

namespace cotangent::nn {
namespace {

void require_gradients(std::string_view operation, const Tensors& grads) {
  for (std::size_t i = 0; i < grads.size(); ++i)
    if (grads[i].is_null() || !is_floating(grads[i].dtype()))
      fail(operation, fmt::format("gradient {} must be Float32 or Float64, got {}", i, describe(grads[i])));
}

// In Float64, where no square of a Float32 overflows; by blocks, which are added in order.
double sum_of_squares(const Tensor& grad) {
  constexpr std::int64_t kBlock = 1 << 15;
  std::vector<double> partial(static_cast<std::size_t>((grad.size() + kBlock - 1) / kBlock));
  visit_floating(grad.dtype(), [&]<class T>() {
    const T* const elements = grad.data<T>().data();
    parallel_for(grad.size(), kBlock, [&](std::int64_t begin, std::int64_t end) {
      const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> block(elements + begin, end - begin);
      partial[static_cast<std::size_t>(begin / kBlock)] = block.template cast<double>().square().sum();
    });
  });
  return std::accumulate(partial.begin(), partial.end(), 0.0);
}

}  // namespace

ClippedGrads clip_grad_norm(const Tensors& grads, double max_norm) {
  if (!(max_norm > 0)) fail("clip_grad_norm", fmt::format("max_norm must be > 0, got {}", max_norm));
  require_gradients("clip_grad_norm", grads);
  double squares = 0;
  for (const Tensor& grad : grads) squares += sum_of_squares(grad);
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm))
    fail("clip_grad_norm", fmt::format("the norm of the gradients is {}: the training has diverged", norm));
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return {grads, norm};
  Tensors scaled;
  for (const Tensor& grad : grads) scaled.push_back(grad * factor);
  return {std::move(scaled), norm};
}

Tensors clip_grad_value(const Tensors& grads, double limit) {
  if (!(limit >= 0)) fail("clip_grad_value", fmt::format("the limit must be >= 0, got {}", limit));
  require_gradients("clip_grad_value", grads);
  Tensors cut;
  for (const Tensor& grad : grads) cut.push_back(clip(grad, -limit, limit));
  return cut;
}

}  // namespace cotangent::nn
