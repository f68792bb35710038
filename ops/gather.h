// Gathering and scattering by integer indices.
#pragma once

#include <cstdint>

#include "cotangent/core/tensor.h"

namespace cotangent {

// Indices are Int32 or Int64 tensors of any shape. Negative ones count from the end of the axis; Error for any other
// index outside it, which names the index and its position. The derivative is with respect to the floating tensors.

// The slices of x along `axis` that `indices` name, whose shape takes the place of that axis. (numpy.take)
Tensor take(const Tensor& x, const Tensor& indices, int axis = 0);

// Element j of the result along `axis` is the element of x that index j names, for each line of the other axes by its
// own indices: x and indices have equally many axes, and all but `axis` broadcast. (numpy.take_along_axis)
Tensor take_along_axis(const Tensor& x, const Tensor& indices, int axis);

// x with `updates`, a tensor of the shape of take(x, indices, axis), added to the slices that take() would read. An
// index that repeats adds each time, in a fixed order. Any dtype but Bool. (torch.Tensor.index_add)
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis = 0);

// x with `updates`, of the shape of `indices`, added to the elements that take_along_axis() would read; nothing
// broadcasts. Any dtype but Bool. (torch.Tensor.scatter_add)
Tensor put_along_axis_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis);

// A new last axis of `classes` elements that are 1 where the index says and 0 elsewhere. Indices must be in
// [0, classes): labels have no end to count from. (jax.nn.one_hot)
Tensor one_hot(const Tensor& indices, std::int64_t classes, DType dtype = DType::Float32);

}  // namespace cotangent
