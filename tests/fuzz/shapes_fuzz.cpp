// Fuzzes the functions of shapes alone, with numbers of any size: an Error, or a shape that tensors can have.
#include "bytes.h"
#include "cotangent/ops/conv_shapes.h"
#include "fuzz.h"

using namespace cotangent;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes({data, size});
  const std::uint8_t function = bytes.byte();
  const std::size_t ndim = bytes.byte() % 6, axes = ndim < 2 ? 0 : ndim - 2;
  const Shape lhs(bytes.numbers(ndim, 0, 9)), rhs(bytes.numbers(ndim, 0, 5));
  const PerAxis strides = bytes.per_axis(function % 4 == 3 ? ndim : axes, 3);
  const PaddingOption padding = bytes.padding(function % 4 == 3 ? ndim : axes);
  const DimensionNumbersOption numbers = bytes.dimension_numbers(ndim);
  Shape shape;
  const bool has_shape = fuzz::succeeds([&] {
    switch (function % 4) {
      case 0: shape = conv_shape_tuple(lhs, rhs, strides, padding, bytes.number(1, 3)); break;
      case 1: shape = conv_general_shape_tuple(lhs, rhs, strides, padding, numbers); break;
      case 2: shape = conv_transpose_shape_tuple(lhs, rhs, strides, padding, numbers); break;
      default: padtype_to_pads(lhs, rhs, strides, padding);
    }
  });
  fuzz::require(!has_shape || fuzz::succeeds([&] { require_valid("fuzz", shape); }), "tensors can have the shape");
  return 0;
}
