// Strided copy: the kernel of every operation that only moves elements. Internal.
#pragma once

#include "cotangent/core/tensor.h"

namespace cotangent::kernels {

// Where the elements of a box lie in a tensor: that of index (i, j, ...) at offset + i * strides[0] + j * strides[1]
// + ..., counted in elements. Strides may be negative.
struct StridedView {
  std::int64_t offset = 0;
  Strides strides;
};

// The whole of a contiguous tensor.
StridedView whole(const Shape& shape);

// Copies a box of `extents` from where `source` places it in `from` to where `target` places it in `to`, a tensor of
// the same dtype in which the places must be distinct. Parallel and cache-blocked: a transposition reads and writes
// whole cache lines.
void copy_strided(const Shape& extents, const Tensor& from, const StridedView& source, Tensor& to,
                  const StridedView& target);

// Writes the value of `number`, a tensor of one element, to all of `to`.
void fill(Tensor& to, const Tensor& number);

}  // namespace cotangent::kernels
