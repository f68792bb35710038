// The dot-product test of an adjoint.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "cotangent/autograd/gradcheck.h"
#include "cotangent/autograd/gradcheck_difference.h"
#include "cotangent/autograd/transforms.h"
#include "cotangent/core/error.h"
#include "cotangent/core/near.h"

namespace cotangent {
namespace {

// Multiplication by 2 has no rounding error, so that a linear function must double exactly.
Tensor doubled(const Tensor& x) {
  Tensor result = Tensor::uninitialized(x.shape(), x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    const std::span<const T> in = x.data<T>();
    const std::span<T> out = result.mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = 2 * in[i];
  });
  return result;
}

}  // namespace

std::string check_adjoint(const Function& f, const Tensors& inputs, std::uint64_t seed) {
  const Vjp derivative = vjp(f, inputs);
  const Tensor& value = derivative.value;
  require_floating("check_adjoint", value.dtype());
  std::mt19937_64 generator(seed);
  const Tensor y = autograd::random_like(value, true, generator);
  const Tensors pulled = derivative.pullback(y);
  const autograd::Reading left = autograd::weighed({value}, {y});
  for (std::size_t which = 0; which < inputs.size(); ++which) {
    const Tensor &x = inputs[which], &xt = pulled[which];
    const std::string where = fmt::format("input {} {}", which, describe(x));
    Tensors twice = inputs;
    twice[which] = doubled(x);
    const autograd::Reading result = autograd::listed({f(twice)}), once = autograd::listed({value});
    const bool wide = x.dtype() == DType::Float64 && value.dtype() == DType::Float64;
    const double unit = wide ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
    for (std::size_t i = 0; i < once.values.size(); ++i)
      if (!(std::abs(result.values[i] - 2 * once.values[i]) <= 256 * unit * once.magnitudes[i]))
        return fmt::format(
            "{}: the function is not linear in it: f(x) is {:.10g} and f(2 x) is {:.10g} at element {}; check_grads is "
            "for such functions",
            where, once.values[i], result.values[i], index_text(static_cast<std::int64_t>(i), value.shape()));

    const autograd::Reading right = autograd::weighed({x}, {xt});
    const bool whole = autograd::is_whole(x) && autograd::is_whole(value) && autograd::is_whole(xt);
    const double error = std::abs(left.values[0] - right.values[0]);
    const double allowed = whole ? 0 : 256 * unit * (left.magnitudes[0] + right.magnitudes[0]);
    if (!(error <= allowed))
      return fmt::format("{}: <f(x), y> is {:.10g}, but <x, f^T(y)> is {:.10g}; they differ by {:.3g}, {}", where,
                         left.values[0], right.values[0], error,
                         whole ? "where whole numbers must agree exactly"
                               : fmt::format("{:.3g} times the error allowed", error / allowed));
  }
  return "";
}

}  // namespace cotangent
