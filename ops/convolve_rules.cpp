// The rules that convolve, correlate and the functions of signal share.
#include "cotangent/ops/convolve_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/error.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

// (1, 1, extents...): one example of one feature.
Tensor as_image(const Tensor& x) {
  Shape shape{1, 1};
  for (std::int64_t extent : x.shape()) shape.push_back(extent);
  return reshape(x, shape);
}

}  // namespace

ConvolveWindow convolve_window(ConvolveMode mode, const Shape& in1, const Shape& in2) {
  ConvolveWindow window;
  for (std::size_t axis = 0; axis < in1.size(); ++axis) {
    const std::int64_t less = std::min(in1[axis], in2[axis]), more = std::max(in1[axis], in2[axis]);
    switch (mode) {
      case ConvolveMode::Full:
        window.starts.push_back(0);
        window.counts.push_back(less + more - 1);
        break;
      case ConvolveMode::Same:
        window.starts.push_back((in2[axis] - 1) / 2);
        window.counts.push_back(in1[axis]);
        break;
      case ConvolveMode::Valid:
        window.starts.push_back(less - 1);
        window.counts.push_back(more - less + 1);
        break;
    }
  }
  return window;
}

DType floating_dtype(DType a, DType b) {
  if (is_floating(a) || is_floating(b))
    return a == DType::Float64 || b == DType::Float64 ? DType::Float64 : DType::Float32;
  return a == DType::Int64 || b == DType::Int64 ? DType::Float64 : DType::Float32;
}

bool covers(const Shape& shape, const Shape& other) {
  return std::equal(shape.begin(), shape.end(), other.begin(),
                    [](std::int64_t extent, std::int64_t least) { return extent >= least; });
}

void require_not_empty(std::string_view operation, const Shape& in1, const Shape& in2) {
  if (in1.elements() == 0 || in2.elements() == 0)
    fail(operation,
         fmt::format("both operands must have elements, got shapes {} and {}", to_string(in1), to_string(in2)));
}

Tensor convolve_directly(const Tensor& in1, const Tensor& in2, const ConvolveWindow& window, Precision precision) {
  Pads pads;
  for (std::size_t axis = 0; axis < window.starts.size(); ++axis) {
    const std::int64_t before = in2.shape()[axis] - 1;  // elements of in1 that the first of Full lies ahead of
    const std::int64_t after = window.starts[axis] + window.counts[axis] - in1.shape()[axis];
    pads.emplace_back(before - window.starts[axis], after);
  }
  const Tensor result =
      conv_general_dilated(as_image(in1), reverse(as_image(in2)), {.padding = pads, .precision = precision});
  return reshape(result, Shape(window.counts));
}

}  // namespace cotangent
