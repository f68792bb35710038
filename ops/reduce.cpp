// Reductions: sum, mean, variance, any, all.
#include "cotangent/ops/reduce.h"

#include <fmt/format.h>

#include <cmath>

#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/reduction.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/unary.h"

namespace cotangent {
namespace {

using kernels::reduce_with;
using kernels::Reduction;

struct Sum {
  static constexpr std::string_view name = "sum";
  static constexpr Saves saves = Saves::Nothing;
  static DType dtype(DType input) { return kernels::accumulation_dtype(input); }

  template <class T>
  struct Operation {
    using Accumulator = kernels::AccumulatorOf<T>;
    static constexpr Accumulator initial = 0;
    static Accumulator strip(const auto& x, std::int64_t) { return kernels::accurate_sum(x); }
    static void take(Accumulator& total, T element, std::int64_t) { total += element; }
    static Accumulator combine(Accumulator a, Accumulator b) { return a + b; }
    static auto result(Accumulator total) { return static_cast<kernels::SumOf<T>>(total); }
  };

  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g, const std::vector<int>&) {
    return broadcast_to(g, x.shape());
  }
};

// Any and All reduce Bool to Bool.
struct Predicate {
  static constexpr Saves saves = Saves::Nothing;
  static DType dtype(DType) { return DType::Bool; }
  static Tensor vjp(const Tensor&, const Tensor&, const Tensor&, const std::vector<int>&) { return Tensor(); }
};

struct Any : Predicate {
  static constexpr std::string_view name = "any";

  template <class T>
  struct Operation {
    using Accumulator = bool;
    static constexpr bool initial = false;
    static bool strip(const auto& x, std::int64_t) { return (x != T{0}).any(); }
    static void take(bool& found, T element, std::int64_t) { found |= element != T{0}; }
    static bool combine(bool a, bool b) { return a || b; }
    static bool result(bool found) { return found; }
  };
};

struct All : Predicate {
  static constexpr std::string_view name = "all";

  template <class T>
  struct Operation {
    using Accumulator = bool;
    static constexpr bool initial = true;
    static bool strip(const auto& x, std::int64_t) { return (x != T{0}).all(); }
    static void take(bool& hold, T element, std::int64_t) { hold &= element != T{0}; }
    static bool combine(bool a, bool b) { return a && b; }
    static bool result(bool hold) { return hold; }
  };
};

// The number of elements that each output of a reduction depends on.
double reduced_count(std::string_view operation, const Tensor& x, const Axes& axes) {
  double count = 1;
  for (int axis : normalize_axes(operation, axes.list(), x.ndim())) count *= static_cast<double>(x.dim(axis));
  return count;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) { return reduce_with<Sum>(x, axes, keepdims); }
Tensor any(const Tensor& x, const Axes& axes, bool keepdims) { return reduce_with<Any>(x, axes, keepdims); }
Tensor all(const Tensor& x, const Axes& axes, bool keepdims) { return reduce_with<All>(x, axes, keepdims); }

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (shape.ndim() > x.ndim() || broadcast_shapes("sum_to", shape, x.shape()) != x.shape())
    fail("sum_to", fmt::format("shape {} does not broadcast to {}, the shape that is to be summed", to_string(shape),
                               to_string(x.shape())));
  std::vector<int> axes;
  const int extra = x.ndim() - shape.ndim();
  for (int axis = 0; axis < x.ndim(); ++axis)
    if (x.dim(axis) != 1 && (axis < extra || shape[static_cast<std::size_t>(axis - extra)] == 1)) axes.push_back(axis);
  return reshape(axes.empty() ? x : sum(x, axes, true), shape);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  require_floating("mean", x.dtype());
  return sum(x, axes, keepdims) / reduced_count("mean", x, axes);
}

Tensor variance(const Tensor& x, const Axes& axes, bool keepdims, double ddof) {
  require_floating("variance", x.dtype());
  const double count = reduced_count("variance", x, axes);
  if (!(ddof >= 0)) fail("variance", fmt::format("ddof must not be negative, got {}", ddof));
  return sum(square(x - mean(x, axes, true)), axes, keepdims) / (count > ddof ? count - ddof : std::nan(""));
}

}  // namespace cotangent
