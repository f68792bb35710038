// Products over axes.
#include "cotangent/autograd/transforms.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/reduction.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

// The product as a binary tree of multiplications. Its derivatives of any order are right also where elements are 0,
// where those of a formula that divides by x are not.
Tensor tree_product(const Tensor& x, const std::vector<int>& axes, const Shape& result) {
  std::vector<int> order;
  for (int axis = 0; axis < x.ndim(); ++axis)
    if (!std::binary_search(axes.begin(), axes.end(), axis)) order.push_back(axis);
  order.insert(order.end(), axes.begin(), axes.end());
  const std::int64_t outputs = result.elements();
  Tensor factors = reshape(transpose(x, order), {outputs, x.size() / outputs});
  for (std::int64_t n = factors.dim(1); n > 1; n = factors.dim(1)) {
    if (n % 2 != 0) factors = pad(factors, {{}, {.high = 1}}, 1), ++n;
    factors = slice_in_dim(factors, 0, n / 2, 1, 1) * slice_in_dim(factors, n / 2, n, 1, 1);
  }
  return reshape(factors, result);
}

struct Prod {
  static constexpr std::string_view name = "prod";
  static constexpr Saves saves = Saves::Inputs;
  static DType dtype(DType input) { return kernels::accumulation_dtype(input); }

  template <class T>
  struct Operation {
    using Accumulator = kernels::AccumulatorOf<T>;
    static constexpr Accumulator initial = 1;
    static Accumulator strip(const auto& x, std::int64_t) { return x.template cast<Accumulator>().prod(); }
    static void take(Accumulator& product, T element, std::int64_t) { product *= element; }
    static Accumulator combine(Accumulator a, Accumulator b) { return a * b; }
    static auto result(Accumulator product) { return static_cast<kernels::SumOf<T>>(product); }
  };

  static Tensor vjp(const Tensor& x, const Tensor& y, const Tensor& g, const std::vector<int>& axes) {
    if (x.size() == 0) return Tensor();
    const auto tree = [&](const Tensor& factors) { return tree_product(factors, axes, y.shape()); };
    return cotangent::vjp(tree, {x}).pullback(g)[0];
  }
};

}  // namespace

Tensor prod(const Tensor& x, const Axes& axes, bool keepdims) { return kernels::reduce_with<Prod>(x, axes, keepdims); }

}  // namespace cotangent
