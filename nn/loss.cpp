// Losses.
#include "cotangent/nn/loss.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/compare.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/softmax.h"
#include "cotangent/ops/unary.h"

namespace cotangent::nn {
namespace {

// The position of a flat index, as Python prints it.
std::string position(std::int64_t index, const Shape& shape) {
  Shape result = shape;
  for (std::size_t axis = shape.size(); axis-- > 0; index /= shape[axis]) result[axis] = index % shape[axis];
  return to_string(result);
}

// What may have been meant by targets of another shape or dtype.
std::string class_advice(const Tensor& logits, const Tensor& targets, const Shape& wanted) {
  if (targets.is_null()) return "";
  if (targets.shape() == logits.shape()) return "; argmax(targets, -1) makes class numbers of one-hot rows";
  if (targets.shape() == wanted) return "; convert them with .to(DType::Int64)";
  return targets.size() == wanted.elements() ? "; reshape the targets" : "";
}

// What may have been meant by two tensors that are not alike.
std::string alike_advice(const Tensor& predictions, const Tensor& targets) {
  if (predictions.is_null() || targets.is_null()) return "";
  if (predictions.shape() != targets.shape())
    return predictions.size() != targets.size()
               ? ""
               : fmt::format("; reshape the targets to {}", to_string(predictions.shape()));
  return is_floating(predictions.dtype())
             ? fmt::format("; convert the targets with .to(DType::{})", name(predictions.dtype()))
             : "";
}

// Checks logits and class targets; returns the targets as Int64.
Tensor require_classes(std::string_view operation, const Tensor& logits, const Tensor& targets) {
  if (logits.is_null() || logits.ndim() == 0 || !is_floating(logits.dtype()))
    fail(operation, fmt::format("logits must be Float32 or Float64 (..., classes), got {}", describe(logits)));
  const Shape wanted(logits.shape().begin(), logits.shape().end() - 1);
  if (targets.is_null() || targets.shape() != wanted || is_floating(targets.dtype()) || targets.dtype() == DType::Bool)
    fail(operation,
         fmt::format("targets must be class numbers (Int64, Int32 or UInt8) of shape {} for logits {}, got {}{}",
                     to_string(wanted), describe(logits), describe(targets), class_advice(logits, targets, wanted)));
  if (targets.size() == 0) fail(operation, fmt::format("needs at least one example, got logits {}", describe(logits)));
  const Tensor classes = targets.to(DType::Int64);
  if (!classes.has_elements()) return classes;
  const std::span<const std::int64_t> labels = classes.data<std::int64_t>();
  const auto wrong =
      std::ranges::find_if(labels, [&](std::int64_t label) { return label < 0 || label >= logits.dim(-1); });
  if (wrong != labels.end())
    fail(operation, fmt::format("targets must be in [0, {}), the one at {} is {}{}", logits.dim(-1),
                                position(wrong - labels.begin(), wanted), *wrong,
                                *wrong == logits.dim(-1) && std::ranges::find(labels, 0) == labels.end()
                                    ? "; if they count from 1, subtract 1"
                                    : ""));
  return classes;
}

void require_alike(std::string_view operation, const Tensor& predictions, const Tensor& targets) {
  if (predictions.is_null() || targets.is_null() || predictions.shape() != targets.shape() ||
      predictions.dtype() != targets.dtype() || !is_floating(predictions.dtype()))
    fail(operation, fmt::format("both must be Float32 or both Float64, of one shape, got {} and {}{}",
                                describe(predictions), describe(targets), alike_advice(predictions, targets)));
  if (predictions.size() == 0)
    fail(operation, fmt::format("needs at least one element, got {}", describe(predictions)));
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing <= 1))
    fail("cross_entropy", fmt::format("label_smoothing must be in [0, 1], got {}", smoothing));
  return softmax_cross_entropy(logits, require_classes("cross_entropy", logits, targets), smoothing);
}

Tensor mse(const Tensor& predictions, const Tensor& targets) {
  require_alike("mse", predictions, targets);
  return mean(square(predictions - targets));
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets) {
  require_alike("binary_cross_entropy_with_logits", logits, targets);
  visit_floating(targets.dtype(), [&]<class T>() {
    if (!targets.has_elements()) return;
    for (const T target : targets.data<T>())
      if (!(target >= 0 && target <= 1))
        fail("binary_cross_entropy_with_logits", fmt::format("targets must be in [0, 1], got {}", target));
  });
  // t softplus(-x) + (1 - t) softplus(x): a sum of positive terms, so nothing cancels.
  return mean(targets * softplus(-logits) + (1 - targets) * softplus(logits));
}

double accuracy(const Tensor& logits, const Tensor& targets) {
  const Tensor classes = require_classes("accuracy", logits, targets);
  return mean(equal(argmax(logits, -1), classes).to(DType::Float64)).item<double>();
}

}  // namespace cotangent::nn
