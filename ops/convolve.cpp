// convolve and correlate: checks, types and the order of the operands around one direct convolution.
#include "cotangent/ops/convolve.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/error.h"
#include "cotangent/ops/conv_rules.h"
#include "cotangent/ops/convolve_rules.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

struct Operands {
  Tensor a, v;
};

Operands checked(std::string_view operation, const Tensor& a, const Tensor& v, std::optional<DType> preferred) {
  if (a.ndim() != 1 || v.ndim() != 1)
    fail(operation, fmt::format("both operands must be 1-D, got shapes {} and {}; use signal::{} for more axes",
                                to_string(a.shape()), to_string(v.shape()), operation));
  require_not_empty(operation, a.shape(), v.shape());
  const bool integers = !is_floating(a.dtype()) && !is_floating(v.dtype());
  DType dtype = preferred && integers ? *preferred : floating_dtype(a.dtype(), v.dtype());
  require_floating(operation, dtype);
  if (preferred) dtype = conv_dtype(operation, a.to(dtype), v.to(dtype), preferred);
  return {a.to(dtype), v.to(dtype)};
}

// Of two sequences in any order; jax.numpy's Same has the length of the longer one.
Tensor slide(const Tensor& a, const Tensor& v, ConvolveMode mode, Precision precision) {
  const bool swap = a.size() < v.size();
  const Tensor &longer = swap ? v : a, &shorter = swap ? a : v;
  return convolve_directly(longer, shorter, convolve_window(mode, longer.shape(), shorter.shape()), precision);
}

}  // namespace

Tensor convolve(const Tensor& a, const Tensor& v, const NamedOption<ConvolveMode>& mode, PrecisionOption precision,
                std::optional<DType> preferred_element_type) {
  const ConvolveMode resolved = mode.resolve("convolve");
  const Operands operands = checked("convolve", a, v, preferred_element_type);
  return slide(operands.a, operands.v, resolved, precision);
}

Tensor correlate(const Tensor& a, const Tensor& v, const NamedOption<ConvolveMode>& mode, PrecisionOption precision,
                 std::optional<DType> preferred_element_type) {
  const ConvolveMode resolved = mode.resolve("correlate");
  const Operands operands = checked("correlate", a, v, preferred_element_type);
  // Reversed, the correlation of a and v is that of v and a; so the shorter one can be the one that is reversed.
  if (a.size() < v.size()) return reverse(slide(operands.v, reverse(operands.a), resolved, precision));
  return slide(operands.a, reverse(operands.v), resolved, precision);
}

}  // namespace cotangent
