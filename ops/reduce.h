// Reductions over axes, and cumulative sums.
#pragma once

#include <initializer_list>
#include <vector>

#include "cotangent/core/tensor.h"

namespace cotangent {

// Which axes a reduction takes: all of them ({} or nothing), one (1) or several ({0, -1}); negative ones count from
// the end. Implicit, so that sum(x), sum(x, 1) and sum(x, {0, -1}) all read naturally.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : axes_{axis} {}
  Axes(std::initializer_list<int> axes) : axes_(axes) {}
  Axes(std::vector<int> axes) : axes_(std::move(axes)) {}
  Axes(bool) = delete;  // sum(x, true) would be axis 1; keepdims comes after the axes

  const std::vector<int>& list() const { return axes_; }

 private:
  std::vector<int> axes_;
};

// In all of these, reduced axes vanish, or stay with extent 1 if keepdims; a repeated or unknown axis is an Error.
// Float32 is accumulated in Float64; the result has the same bits for any number of threads.

// Of any dtype; Int32, UInt8 and Bool give Int64. Over no elements the sum is 0 and the product 1. (numpy.sum,
// numpy.prod)
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

// x summed down to a shape that broadcasts to its own: the transpose of broadcast_to.
Tensor sum_to(const Tensor& x, const Shape& shape);

// Float32 or Float64. The variance is the mean of the squared distances from the mean, with count - ddof in place of
// the count. Over no elements, or no more than ddof, NaN. (numpy.mean, numpy.var)
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor variance(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double ddof = 0);

// Any dtype but Bool; NaN if there is one. The cotangent is shared equally among ties. Error over no elements.
// (jax.numpy.max)
Tensor max(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

// Where the largest or smallest element lies along one axis, or in the row-major order of all elements: Int64, the
// first one on ties; a NaN counts as both. Any dtype. Error over no elements. (numpy.argmax)
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int axis, bool keepdims = false);
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, int axis, bool keepdims = false);

// Whether any or all elements are nonzero: Bool, from any dtype. Over no elements, false and true.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

// Sums of the elements up to and including each, along one axis; from the end backwards if `reverse`. Dtypes as for
// sum(). (jax.lax.cumsum)
Tensor cumsum(const Tensor& x, int axis, bool reverse = false);

}  // namespace cotangent
