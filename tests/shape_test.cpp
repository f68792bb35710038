// Tests of shapes: products, strides, axes and broadcasting.
#include "cotangent/core/shape.h"

#include <gtest/gtest.h>

#include <iterator>
#include <numeric>
#include <sstream>
#include <utility>
#include <vector>

#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

TEST(Shape, IsMadeFromAListOrIteratorsOrAVector) {
  const std::vector<std::int64_t> extents{2, 3};
  EXPECT_EQ(Shape({2, 3}), Shape(extents));
  EXPECT_EQ(Shape(extents.begin(), extents.end()), Shape(extents));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
  static_assert(!std::is_constructible_v<Shape, int, int>, "Shape(2, 3) would be read as two iterators");
}

// Up to six extents lie in the shape itself, more on the heap: no operation may tell the two apart.
TEST(Shape, HasAnyNumberOfAxes) {
  for (std::size_t ndim = 0; ndim < 20; ++ndim) {
    std::vector<std::int64_t> extents(ndim);
    std::iota(extents.begin(), extents.end(), 1);
    const auto expect_extents = [&](const Shape& shape) {
      EXPECT_EQ(std::vector<std::int64_t>(shape.begin(), shape.end()), extents);
    };
    const Shape shape(extents);
    expect_extents(shape);
    EXPECT_EQ(shape.size(), ndim);
    EXPECT_EQ(shape.empty(), ndim == 0);
    Shape pushed, copy = shape, other{9, 9, 9, 9, 9, 9, 9, 9};
    for (std::int64_t extent : extents) pushed.push_back(extent);
    EXPECT_EQ(pushed, shape);
    other = shape;
    expect_extents(other);
    other = *&other;  // to itself
    expect_extents(other);
    const Shape moved = std::move(other);
    expect_extents(moved);
    EXPECT_TRUE(other.empty());
    other.push_back(5);
    EXPECT_EQ(other, Shape{5});
    copy = std::move(pushed);
    expect_extents(copy);
    copy.push_back(7);
    EXPECT_NE(copy, shape);
    expect_extents(shape);
  }
}

TEST(Shape, IsReadFromAStream) {
  std::istringstream numbers("1 2 3 4 5 6 7 8");
  EXPECT_EQ(Shape(std::istream_iterator<int>(numbers), {}), Shape({1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape({}).elements(), 1);
  EXPECT_EQ(Shape({2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape({2, 0, 4}).elements(), 0);
  EXPECT_EQ(Shape({2, 3}).ndim(), 2);
}

TEST(Shape, PrintsAsATuple) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{3}), "(3,)");
  EXPECT_EQ(to_string(Shape{2, 3}), "(2, 3)");
}

TEST(Shape, IsCheckedBeforeUse) {
  EXPECT_NO_THROW(require_valid("f", {1 << 20, 0, 1 << 20}));
  expect_error([] { require_valid("f", {2, -1}); }, "f: extents must not be negative, got shape (2, -1)");
  expect_error([] { require_valid("f", {1 << 30, 1 << 30}); }, "more elements than memory can hold");
  const std::int64_t huge = INT64_MAX;
  expect_error([&] { require_valid("f", {huge, huge}); }, "more elements than memory can hold");
  expect_error([&] { require_valid("f", {0, huge, 2}); }, "more elements than memory can hold");
  EXPECT_EQ(require_valid("f", {2, 3, 4}), 24);
  EXPECT_EQ(require_valid("f", {2, 0, 4}), 0);
  EXPECT_EQ(require_valid("f", {}), 1);
}

TEST(Strides, StepThroughRows) {
  EXPECT_EQ(row_major_strides({2, 3, 4}), (Strides{12, 4, 1}));
  EXPECT_EQ(row_major_strides({}), Strides{});
  EXPECT_EQ(row_major_strides({1, 2, 1, 2, 1, 2, 1, 3}), (Strides{24, 12, 12, 6, 6, 3, 3, 1}));
}

TEST(Axes, CountFromTheEndWhenNegative) {
  EXPECT_EQ(normalize_axis("f", 1, 3), 1);
  EXPECT_EQ(normalize_axis("f", -1, 3), 2);
  expect_error([] { normalize_axis("f", 3, 3); }, "f: axis 3 is outside [-3, 3) of a tensor with 3 axes");
  expect_error([] { normalize_axis("f", -4, 3); }, "axis -4 is outside [-3, 3)");
  expect_error([] { normalize_axis("f", 0, 0); }, "axis 0 of a single number");
  EXPECT_EQ(normalize_axes("f", {-1, 0}, 3), (std::vector<int>{0, 2}));
  EXPECT_EQ(normalize_axes("f", {}, 3), (std::vector<int>{0, 1, 2}));
  expect_error([] { normalize_axes("f", {1, -2}, 3); }, "f: axes must be distinct, got (1, -2)");
}

TEST(Broadcast, AlignsAtTheLastAxis) {
  EXPECT_EQ(broadcast_shapes("f", {2, 3}, {3}), Shape({2, 3}));
  EXPECT_EQ(broadcast_shapes("f", {3, 1}, {2, 1, 4}), Shape({2, 3, 4}));
  EXPECT_EQ(broadcast_shapes("f", {}, {2}), Shape({2}));
  EXPECT_EQ(broadcast_shapes("f", {0}, {1}), Shape({0}));
  EXPECT_EQ(broadcast_shapes("f", {1}, {0}), Shape({0}));
  expect_error(
      [] {
        broadcast_shapes("f", {2, 3}, {2});
      },
      "f: shapes (2, 3) and (2,) do not broadcast: aligned at the last axis, extents 3 and 2 differ");
  expect_error([] { broadcast_shapes("f", {4}, {2, 3}); }, "extents 4 and 3 differ");
  expect_error([] { broadcast_shapes("f", {0}, {2}); }, "extents 0 and 2 differ");
}

TEST(Broadcast, StandsStillAlongAxesThatRepeat) {
  EXPECT_EQ(broadcast_strides({3, 1}, {2, 3, 4}), (Strides{0, 1, 0}));
  EXPECT_EQ(broadcast_strides({2, 3}, {2, 3}), (Strides{3, 1}));
  EXPECT_EQ(broadcast_strides({}, {2, 3}), (Strides{0, 0}));
}

}  // namespace
}  // namespace cotangent
