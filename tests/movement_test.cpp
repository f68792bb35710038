// Tests of movement: every result against an index formula, for every dtype, with empty tensors and wrong arguments.
#include <gtest/gtest.h>

#include <functional>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using Index = std::vector<std::int64_t>;

constexpr DType kAll[] = {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool};

// 1, 2, 3, ... in `shape`; Bool has to make do with a pattern.
Tensor counted(const Shape& shape, DType dtype = DType::Int64) {
  if (dtype == DType::Bool) return testing::sample(shape, -1, 1, 7).to(DType::Int32).to(dtype);
  return reshape(arange(1, static_cast<double>(shape.elements() + 1), 1, dtype), shape);
}

// What the element at `index` of a tensor is, as a double.
double at(const Tensor& tensor, const Index& index) {
  std::int64_t position = 0;
  for (std::size_t axis = 0; axis < index.size(); ++axis) position = position * tensor.shape()[axis] + index[axis];
  return visit(tensor.dtype(),
               [&]<class T>() { return static_cast<double>(tensor.data<T>()[static_cast<std::size_t>(position)]); });
}

// Expects `result` to have `shape`, and formula(index) as its element at every index.
void expect_elements(const Tensor& result, const Shape& shape, const std::function<double(const Index&)>& formula) {
  ASSERT_EQ(result.shape(), shape);
  for (std::int64_t i = 0; i < result.size(); ++i) {
    Index index(shape.size());
    std::int64_t rest = i;
    for (std::size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) index[axis] = rest % shape[axis];
    ASSERT_EQ(at(result, index), formula(index)) << to_string(Shape(index));
  }
}

std::vector<std::int64_t> integers(const Tensor& tensor) {
  const auto data = tensor.data<std::int64_t>();
  return {data.begin(), data.end()};
}

TEST(Transpose, PermutesAxesOfEveryDType) {
  for (DType dtype : kAll) {
    const Tensor x = counted({2, 3, 4, 5}, dtype);
    EXPECT_EQ(transpose(x, {0, 3, 1, 2}).dtype(), dtype);
    expect_elements(transpose(x), {5, 4, 3, 2}, [&](const Index& i) { return at(x, {i[3], i[2], i[1], i[0]}); });
    expect_elements(transpose(x, {0, 3, 1, 2}), {2, 5, 3, 4}, [&](const Index& i) {
      return at(x, {i[0], i[2], i[3], i[1]});
    });
    expect_elements(transpose(x, {-2, 0, -1, 1}), {4, 2, 5, 3}, [&](const Index& i) {
      return at(x, {i[1], i[3], i[0], i[2]});
    });
  }
}

TEST(Transpose, CopiesTilesThatDoNotDivideTheExtents) {
  for (const auto& [rows, columns] : {std::pair{1, 100}, {33, 65}, {200, 3}, {3, 1000}, {1030, 1029}}) {
    const Tensor x = counted({rows, columns});
    expect_elements(transpose(x), {columns, rows}, [&](const Index& i) { return at(x, {i[1], i[0]}); });
  }
}

TEST(Transpose, KeepsNumbersAndEmptyTensors) {
  EXPECT_EQ(transpose(full({}, 3.0)).item<float>(), 3);
  EXPECT_EQ(transpose(zeros({0, 3, 2}), {1, 2, 0}).shape(), Shape({3, 2, 0}));
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
  const Tensor x = zeros({2, 3});
  expect_error([&] { transpose(x, {0}); },
               "transpose: axes must name each of the 2 axes of shape (2, 3) once, got (0)");
  expect_error([&] { transpose(x, {0, -2}); }, "got (0, -2)");
  expect_error([&] { transpose(x, {0, 2}); }, "transpose: axis 2 is outside [-2, 2)");
}

TEST(Reverse, TurnsTheAxesNamed) {
  for (DType dtype : kAll) {
    const Tensor x = counted({2, 3, 4}, dtype);
    expect_elements(reverse(x), {2, 3, 4}, [&](const Index& i) { return at(x, {1 - i[0], 2 - i[1], 3 - i[2]}); });
    expect_elements(reverse(x, {1}), {2, 3, 4}, [&](const Index& i) { return at(x, {i[0], 2 - i[1], i[2]}); });
    expect_elements(reverse(x, {0, -1}), {2, 3, 4}, [&](const Index& i) { return at(x, {1 - i[0], i[1], 3 - i[2]}); });
  }
  EXPECT_EQ(reverse(zeros({0, 2})).shape(), Shape({0, 2}));
  EXPECT_EQ(reverse(full({}, 2.0)).item<float>(), 2);
  expect_error([] { reverse(zeros({2}), {1}); }, "reverse: axis 1 is outside");
}

TEST(SqueezeAndExpandDims, DropAndAddExtentOne) {
  const Tensor x = counted({1, 3, 1});
  EXPECT_EQ(squeeze(x).shape(), Shape({3}));
  EXPECT_EQ(squeeze(x, {-1}).shape(), Shape({1, 3}));
  EXPECT_EQ(squeeze(counted({1, 1})).shape(), Shape({}));
  EXPECT_EQ(expand_dims(x, 0).shape(), Shape({1, 1, 3, 1}));
  EXPECT_EQ(expand_dims(x, 2).shape(), Shape({1, 3, 1, 1}));
  EXPECT_EQ(expand_dims(zeros({0, 2}), -1).shape(), Shape({0, 2, 1}));
  EXPECT_EQ(integers(squeeze(x)), (Index{1, 2, 3}));
  expect_error([&] { squeeze(x, {1}); }, "squeeze: axis 1 of shape (1, 3, 1) has extent 3");
  expect_error([&] { expand_dims(x, 4); }, "expand_dims: axis 4 is outside [-4, 4)");
}

TEST(Concatenate, JoinsAlongAnAxis) {
  for (DType dtype : kAll) {
    const Tensor a = counted({2, 3, 2}, dtype), b = counted({2, 1, 2}, dtype), none = counted({2, 0, 2}, dtype);
    expect_elements(concatenate({a, none, b}, 1), {2, 4, 2}, [&](const Index& i) {
      return i[1] < 3 ? at(a, i) : at(b, {i[0], i[1] - 3, i[2]});
    });
    expect_elements(concatenate({a, a}, -1), {2, 3, 4}, [&](const Index& i) { return at(a, {i[0], i[1], i[2] % 2}); });
  }
  EXPECT_EQ(integers(concatenate({counted({2}), counted({1})})), (Index{1, 2, 1}));
}

TEST(Concatenate, RefusesWhatDoesNotFit) {
  const Tensor a = zeros({2, 3});
  expect_error([] { concatenate({}); }, "concatenate: needs at least one tensor");
  expect_error(
      [&] {
        concatenate({a, zeros({3, 3})}, 1);
      },
      "concatenate: tensors must have one dtype and agree in all extents but that of axis 1, got Float32 (2, 3) "
      "as input 0 and Float32 (3, 3) as input 1");
  expect_error([&] { concatenate({a, zeros({2, 3}, DType::Int32)}); }, "Int32 (2, 3) as input 1");
  expect_error([&] { concatenate({a, zeros({3})}); }, "Float32 (3,) as input 1");
  expect_error([] { concatenate({full({}, 1.0)}); }, "concatenate: axis 0 of a single number");
  expect_error([&] { concatenate({a, a}, 2); }, "concatenate: axis 2 is outside");
}

TEST(Stack, JoinsAlongANewAxis) {
  const Tensor a = counted({2, 3}), b = counted({2, 3}) * 10;
  const auto element = [&](std::int64_t which, const Index& i) { return at(which == 0 ? a : b, i); };
  expect_elements(stack({a, b}), {2, 2, 3}, [&](const Index& i) { return element(i[0], {i[1], i[2]}); });
  expect_elements(stack({a, b}, 1), {2, 2, 3}, [&](const Index& i) { return element(i[1], {i[0], i[2]}); });
  expect_elements(stack({a, b}, -1), {2, 3, 2}, [&](const Index& i) { return element(i[2], {i[0], i[1]}); });
  EXPECT_EQ(stack({full({}, 1.0), full({}, 2.0)}).shape(), Shape({2}));
  expect_error([] { stack({}); }, "stack: needs at least one tensor");
  expect_error(
      [&] {
        stack({a, zeros({2, 2}, DType::Int64)});
      },
      "stack: tensors must have one shape, got Int64 (2, 3)");
}

TEST(Split, CutsIntoEqualParts) {
  const Tensor x = counted({2, 6});
  const Tensors parts = split(x, 3, -1);
  ASSERT_EQ(parts.size(), 3u);
  for (std::int64_t k = 0; k < 3; ++k)
    expect_elements(parts[static_cast<std::size_t>(k)], {2, 2}, [&](const Index& i) {
      return at(x, {i[0], 2 * k + i[1]});
    });
  EXPECT_EQ(split(zeros({0, 2}), 2)[1].shape(), Shape({0, 2}));
  expect_error([&] { split(x, 4, 1); }, "split: 4 sections do not divide axis 1 of shape (2, 6), which has extent 6");
  expect_error([&] { split(x, 0); }, "split: 0 sections");
}

// pad() by its definition: element i of an axis lands at low + i * (interior + 1).
double padded(const Tensor& x, const std::vector<AxisPadding>& padding, double value, const Index& index) {
  Index source;
  for (std::size_t axis = 0; axis < index.size(); ++axis) {
    const std::int64_t offset = index[axis] - padding[axis].low, step = padding[axis].interior + 1;
    if (offset < 0 || offset % step != 0 || offset / step >= x.shape()[axis]) return value;
    source.push_back(offset / step);
  }
  return at(x, source);
}

TEST(Pad, AddsCropsAndSpreads) {
  for (DType dtype : kAll) {
    const Tensor x = counted({3, 4}, dtype);
    const double value = dtype == DType::Bool ? 1 : 9;
    for (std::int64_t low : {0, 2, -1, -3, -6})
      for (std::int64_t high : {0, 1, -2, 5})
        for (std::int64_t interior : {0, 1, 3}) {
          const std::vector<AxisPadding> padding{{low, high, interior}, {1, -1, 0}};
          const std::int64_t extent = 3 + 2 * interior + low + high;
          if (extent < 0) continue;
          expect_elements(pad(x, padding, value), {extent, 4},
                          [&](const Index& i) { return padded(x, padding, value, i); });
        }
  }
}

TEST(Pad, KnowsEmptyAxesAndNumbers) {
  const Tensor padded = pad(zeros({0}), {{1, 2, 5}}, 4);  // nothing to put elements between
  EXPECT_EQ(padded.shape(), Shape({3}));
  EXPECT_EQ(padded.data<float>()[2], 4);
  EXPECT_EQ(pad(full({}, 7.0), {}).item<float>(), 7);
  EXPECT_EQ(pad(zeros({1}), {{0, 0, 1000000000000}}).shape(), Shape({1}));
}

TEST(Pad, RefusesWhatHasNoMeaning) {
  const Tensor x = zeros({2, 3});
  expect_error(
      [&] {
        pad(x, {{1, 1}});
      },
      "pad: needs one {low, high, interior} for each of the 2 axes of shape (2, 3), got 1");
  expect_error(
      [&] {
        pad(x, {{0, 0}, {-2, -2}});
      },
      "pad: padding must not crop more than there is, got {low -2, high -2, interior 0} for axis 1");
  expect_error([&] { pad(x, {{0, 0, -1}, {}}); }, "pad: interior padding must not be negative");
  expect_error([&] { pad(x, {{std::int64_t{1} << 62, std::int64_t{1} << 62}, {}}); }, "pad: padding must stay within");
  expect_error([] { pad(zeros({2}, DType::Int32), {{1, 1}}, 0.5); }, "Int32 cannot hold 0.5");
  expect_error([] { pad(Tensor(), {}); }, "null");
}

TEST(Slice, StepsThroughEveryAxis) {
  for (DType dtype : kAll) {
    const Tensor x = counted({4, 5, 6}, dtype);
    expect_elements(slice(x, {1, 0, 2}, {3, 5, 5}), {2, 5, 3}, [&](const Index& i) {
      return at(x, {1 + i[0], i[1], 2 + i[2]});
    });
    expect_elements(slice(x, {0, 1, 1}, {4, 5, 6}, {3, 2, 2}), {2, 2, 3}, [&](const Index& i) {
      return at(x, {3 * i[0], 1 + 2 * i[1], 1 + 2 * i[2]});
    });
  }
  const Tensor x = counted({4, 5});
  expect_elements(slice_in_dim(x, 1, 5, 3, -1), {4, 2}, [&](const Index& i) { return at(x, {i[0], 1 + 3 * i[1]}); });
  EXPECT_EQ(slice(x, {4, 2}, {4, 2}).shape(), Shape({0, 0}));
  EXPECT_EQ(slice(full({}, 7.0), {}, {}).item<float>(), 7);
}

TEST(Slice, RefusesInsteadOfClamping) {
  const Tensor x = zeros({4, 5});
  expect_error([&] { slice(x, {0}, {4}); }, "slice: needs one start, stop and stride for each of the 2 axes");
  expect_error(
      [&] {
        slice(x, {0, 0}, {4, 6});
      },
      "slice: needs 0 <= start <= stop <= extent, got start 0 and stop 6 for axis 1 of shape (4, 5)");
  expect_error([&] { slice(x, {-1, 0}, {4, 5}); }, "got start -1 and stop 4 for axis 0");
  expect_error([&] { slice(x, {3, 0}, {2, 5}); }, "got start 3 and stop 2 for axis 0");
  expect_error([&] { slice(x, {0, 0}, {4, 5}, {1, 0}); }, "slice: strides must be at least 1, got (1, 0)");
}

TEST(Reshape, RefusesWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  EXPECT_EQ(reshape(x, {3, -1}).shape(), Shape({3, 2}));
  expect_error([&] { reshape(x, {4, 2}); }, "reshape: shape (4, 2) does not fit the 6 elements of shape (2, 3)");
  expect_error([&] { reshape(x, {-1, -1}); }, "reshape: only one extent may be -1");
}

TEST(Movement, GivesTheSameForAnyNumberOfThreads) {
  const int threads = num_threads();
  const Tensor x = counted({70, 31, 40});
  std::vector<Index> results[3];
  for (int count : {1, 2, 3}) {
    set_num_threads(count);
    for (const Tensor& result : {transpose(x), reverse(x), pad(x, {{3, -2, 1}, {0, 0, 0}, {-1, 4, 0}}),
                                 slice(x, {1, 2, 3}, {70, 30, 39}, {2, 1, 3}), concatenate({x, x}, 1)})
      results[count - 1].push_back(integers(result));
  }
  set_num_threads(threads);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace cotangent
