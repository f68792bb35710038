// Movement: operations that place elements elsewhere without changing them. They take every dtype, and their
// derivatives are movements again.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "cotangent/core/tensor.h"

namespace cotangent {

// The same elements in the same order under another shape; one extent may be -1 and is computed. No copy.
// (numpy.reshape)
Tensor reshape(const Tensor& x, const Shape& shape);

// Repeats x along new and extent-1 axes by NumPy's rule. (numpy.broadcast_to)
Tensor broadcast_to(const Tensor& x, const Shape& shape);

// Without its axes of extent 1: those named, each of which must have extent 1, or all of them if none is named. No
// copy. (numpy.squeeze)
Tensor squeeze(const Tensor& x, const std::vector<int>& axes = {});

// With a new axis of extent 1, which is `axis` of the result. No copy. (numpy.expand_dims)
Tensor expand_dims(const Tensor& x, int axis);

// All axes in reverse order; or axis k of the result is axes[k] of x, where `axes` is a permutation. Negative axes
// count from the end. (numpy.transpose)
Tensor transpose(const Tensor& x);
Tensor transpose(const Tensor& x, const std::vector<int>& axes);

// The order of elements reversed along `axes`, along all of them if empty. (jax.lax.rev, numpy.flip)
Tensor reverse(const Tensor& x, const std::vector<int>& axes = {});

// Turned by `turns` quarter turns in the plane of two different axes, from the first towards the second. (numpy.rot90)
Tensor rot90(const Tensor& x, std::int64_t turns = 1, const std::pair<int, int>& axes = {0, 1});

// Tensors joined along an axis that they have; all other extents, and the dtypes, must agree. (numpy.concatenate)
Tensor concatenate(const Tensors& tensors, int axis = 0);

// Tensors of one shape joined along a new axis, which is `axis` of the result. (numpy.stack)
Tensor stack(const Tensors& tensors, int axis = 0);

// `sections` equal parts along an axis, whose extent they must divide. (numpy.split)
Tensors split(const Tensor& x, std::int64_t sections, int axis = 0);

// Which of the coordinates that meshgrid() takes runs along which axis of its results: XY lets the first two change
// places, so that x runs along the columns of a picture.
enum class Indexing { XY, IJ };

// The coordinates of all points of a grid, given those of its lines: for 1-D tensors of n0, n1, n2, ... elements as
// many tensors of shape (n1, n0, n2, ...), or (n0, n1, n2, ...) with Indexing::IJ. (numpy.meshgrid)
Tensors meshgrid(const Tensors& coordinates, Indexing indexing = Indexing::XY);

// How pad() changes one axis: `interior` elements go between neighbours, then `low` before the first and `high` after
// the last; negative low and high crop what is there by then.
struct AxisPadding {
  std::int64_t low = 0, high = 0, interior = 0;
};

// x with elements of `value` added around and between its own, one AxisPadding per axis. Error if an extent would
// become negative. (jax.lax.pad)
Tensor pad(const Tensor& x, const std::vector<AxisPadding>& padding, double value = 0);

// The elements starts[k], starts[k] + strides[k], ... below stops[k] of each axis k; no strides means 1. Error unless
// 0 <= start <= stop <= extent and stride >= 1: nothing is clamped. (jax.lax.slice)
Tensor slice(const Tensor& x, const std::vector<std::int64_t>& starts, const std::vector<std::int64_t>& stops,
             const std::vector<std::int64_t>& strides = {});

// x with the elements that slice() would take replaced by `update`, a tensor of x's dtype that broadcasts to their
// shape, or a number. Error as for slice(). (jax.numpy.ndarray.at[...].set)
Tensor update_slice(const Tensor& x, const Tensor& update, const std::vector<std::int64_t>& starts,
                    const std::vector<std::int64_t>& stops, const std::vector<std::int64_t>& strides = {});
Tensor update_slice(const Tensor& x, double update, const std::vector<std::int64_t>& starts,
                    const std::vector<std::int64_t>& stops, const std::vector<std::int64_t>& strides = {});

// slice() of one axis, all others whole. (jax.lax.slice_in_dim)
Tensor slice_in_dim(const Tensor& x, std::int64_t start, std::int64_t stop, std::int64_t stride = 1, int axis = 0);

}  // namespace cotangent
