// Shapes: extents and the arithmetic on them.
#include "cotangent/core/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "cotangent/core/error.h"

namespace cotangent {

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (std::int64_t extent : extents_) product *= extent;
  return product;
}

std::string to_string(const Shape& shape) {
  if (shape.ndim() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape, ", "));
}

std::int64_t require_valid(std::string_view operation, const Shape& shape) {
  for (std::int64_t extent : shape)
    if (extent < 0) fail(operation, fmt::format("extents must not be negative, got shape {}", to_string(shape)));
  std::int64_t product = 1;  // of the others where an extent is 0, as strides are products too
  bool empty = false;
  for (std::int64_t extent : shape) {
    empty = empty || extent == 0;
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(1, extent), &product) ||
        product > (std::int64_t{1} << 59))
      fail(operation, fmt::format("shape {} has more elements than memory can hold", to_string(shape)));
  }
  return empty ? 0 : product;
}

Strides row_major_strides(const Shape& shape) {
  Strides strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

int normalize_axis(std::string_view operation, int axis, int ndim) {
  if (axis < -ndim || axis >= ndim)
    fail(operation, ndim == 0
                        ? fmt::format("axis {} of a single number, which has no axes", axis)
                        : fmt::format("axis {} is outside [-{}, {}) of a tensor with {} axes; {} or -1 is the last",
                                      axis, ndim, ndim, ndim, ndim - 1));
  return axis < 0 ? axis + ndim : axis;
}

std::vector<int> normalize_axes(std::string_view operation, const std::vector<int>& axes, int ndim) {
  std::vector<int> result;
  if (axes.empty()) {
    for (int axis = 0; axis < ndim; ++axis) result.push_back(axis);
    return result;
  }
  for (int axis : axes) result.push_back(normalize_axis(operation, axis, ndim));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    fail(operation, fmt::format("axes must be distinct, got ({})", fmt::join(axes, ", ")));
  return result;
}

namespace {

// How shapes that do not broadcast could.
std::string broadcast_advice(const Shape& a, const Shape& b) {
  // Two pictures, one of which an unpadded convolution made smaller on all its spatial axes.
  std::int64_t shrunk = 0, largest = 0;
  bool pictures = a.ndim() == b.ndim() && a.ndim() >= 3;
  for (std::size_t axis = 0; axis < std::min(a.size(), b.size()); ++axis) {
    const std::int64_t difference = std::abs(a[axis] - b[axis]);
    if (difference == 0) continue;
    pictures = pictures && axis > 0 && difference % 2 == 0 && (shrunk == 0 || shrunk == difference);
    shrunk = difference;
    if (largest == 0) largest = std::max(a[axis], b[axis]);
  }
  if (pictures)
    return fmt::format("if a convolution made the smaller one, its padding {} gives {}", shrunk / 2, largest);
  // One number for each element of another axis than the last, such as a bias for channels that come first.
  const Shape &longer = a.size() >= b.size() ? a : b, &shorter = a.size() >= b.size() ? b : a;
  if (shorter.ndim() == 1 && longer.ndim() > 1)
    for (std::size_t axis = 0; axis + 1 < longer.size(); ++axis)
      if (longer[axis] == shorter[0]) {
        Shape column{shorter[0]};
        while (column.size() < longer.size() - axis) column.push_back(1);
        return fmt::format("reshape {} to {} for axis {}", to_string(shorter), to_string(column), axis);
      }
  return "reshape or transpose one of them";
}

}  // namespace

Shape broadcast_shapes(std::string_view operation, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const std::size_t offset = longer.size() - shorter.size();
  for (std::size_t axis = 0; axis < shorter.size(); ++axis) {
    const std::int64_t p = longer[offset + axis], q = shorter[axis];
    if (p != q && p != 1 && q != 1)
      fail(operation,
           fmt::format("shapes {} and {} do not broadcast: aligned at the last axis, extents {} and {} differ and "
                       "neither is 1; {}",
                       to_string(a), to_string(b), a.size() >= b.size() ? p : q, a.size() >= b.size() ? q : p,
                       broadcast_advice(a, b)));
    result[offset + axis] = p == 1 ? q : p;
  }
  return result;
}

Strides broadcast_strides(const Shape& from, const Shape& to) {
  Strides strides(to.size(), 0);
  const Strides own = row_major_strides(from);
  const std::size_t offset = to.size() - from.size();
  for (std::size_t axis = 0; axis < from.size(); ++axis)
    if (from[axis] != 1) strides[offset + axis] = own[axis];
  return strides;
}

}  // namespace cotangent
