// Shapes: the extents of a tensor, and the arithmetic on them that every operation shares.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/core/inline_vector.h"

namespace cotangent {

using Strides = InlineVector<std::int64_t, 6>;

// The extents of a tensor, outermost axis first; {} is the shape of a single number. Extents may be 0, never negative.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : extents_(extents) {}
  template <std::input_iterator Iterator>
  Shape(Iterator first, Iterator last) : extents_(first, last) {}
  explicit Shape(const std::vector<std::int64_t>& extents) : extents_(extents) {}

  int ndim() const { return static_cast<int>(extents_.size()); }
  std::size_t size() const { return extents_.size(); }
  bool empty() const { return extents_.empty(); }
  std::int64_t operator[](std::size_t axis) const { return extents_[axis]; }
  std::int64_t& operator[](std::size_t axis) { return extents_[axis]; }
  auto begin() const { return extents_.begin(); }
  auto end() const { return extents_.end(); }
  auto begin() { return extents_.begin(); }
  auto end() { return extents_.end(); }
  void push_back(std::int64_t extent) { extents_.push_back(extent); }

  // The product of the extents: 1 for {}.
  std::int64_t elements() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  InlineVector<std::int64_t, 6> extents_;
};

// As Python prints a tuple: "()", "(3,)", "(2, 3)".
std::string to_string(const Shape& shape);

// The number of elements; Error unless every extent is >= 0 and the number fits in 63 bits.
std::int64_t require_valid(std::string_view operation, const Shape& shape);

// Elements to step along each axis of a contiguous row-major tensor.
Strides row_major_strides(const Shape& shape);

// An axis in [-ndim, ndim) as one in [0, ndim); Error otherwise.
int normalize_axis(std::string_view operation, int axis, int ndim);

// Axes normalised, sorted and distinct; no axes at all means every axis. Error for a repeated or unknown one.
std::vector<int> normalize_axes(std::string_view operation, const std::vector<int>& axes, int ndim);

// The shape that both broadcast to by NumPy's rule: aligned at the last axis, each pair equal or one of them 1.
Shape broadcast_shapes(std::string_view operation, const Shape& a, const Shape& b);

// Strides that read a contiguous tensor of shape `from` as if it had the shape `to` that it broadcasts to.
Strides broadcast_strides(const Shape& from, const Shape& to);

}  // namespace cotangent
