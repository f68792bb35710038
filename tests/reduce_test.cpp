// Tests of the reductions against plain loops, over shapes, axes and dtypes.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::numbers;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Small whole numbers, so that every order of summation is exact in every dtype.
Tensor whole_numbers(const Shape& shape, DType dtype, int low, int high, std::uint64_t seed = 0) {
  std::mt19937_64 generator(seed);
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (double& value : values) value = low + static_cast<int>(generator() % static_cast<std::uint64_t>(high - low + 1));
  return Tensor::from_data<double>(shape, values).to(dtype);
}

std::vector<double> elements_of(const Tensor& tensor) {
  const Tensor wide = tensor.to(DType::Float64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

// The elements that each output of a reduction depends on, by the definition.
std::vector<std::vector<double>> groups(const Tensor& x, const std::vector<int>& axes) {
  std::vector<bool> reduced(x.shape().size(), axes.empty());
  for (int axis : axes) reduced[static_cast<std::size_t>(axis < 0 ? axis + x.ndim() : axis)] = true;
  std::vector<std::int64_t> index(reduced.size()), steps(reduced.size());
  std::int64_t outputs = 1, place = 0;
  for (std::size_t axis = reduced.size(); axis-- > 0;) {
    if (reduced[axis]) continue;
    steps[axis] = outputs;
    outputs *= x.shape()[axis];
  }
  std::vector<std::vector<double>> result(static_cast<std::size_t>(outputs));
  for (const double value : elements_of(x)) {
    result[static_cast<std::size_t>(place)].push_back(value);
    for (std::size_t axis = reduced.size(); axis-- > 0;) {
      place += steps[axis];
      if (++index[axis] < x.shape()[axis]) break;
      place -= index[axis] * steps[axis];
      index[axis] = 0;
    }
  }
  return result;
}

double add_up(const std::vector<double>& group) {
  double total = 0;
  for (double value : group) total += value;
  return total;
}

struct Case {
  Shape shape;
  std::vector<int> axes;
};

// Every subset of axes of small shapes, and shapes that reach strips, blocks and tiles of the kernel.
std::vector<Case> cases() {
  std::vector<Case> result{{{}, {}},
                           {{70000}, {}},
                           {{70000, 3}, {0}},
                           {{3, 70000}, {1}},
                           {{2, 40000, 2}, {1}},
                           {{100, 1300}, {1}},
                           {{100, 1300}, {0}},
                           {{1500, 40}, {0}},
                           {{9000, 8}, {0}},
                           {{30, 40, 16}, {0, 1}},
                           {{7, 3, 9, 8}, {0, 2}},
                           {{40, 50, 60}, {0, 2}},
                           {{40, 50, 60}, {1}},
                           {{300, 4, 300}, {0, 2}},
                           {{5, 2500, 3}, {0, 2}},
                           {{0, 3}, {0}},
                           {{3, 0}, {0}},
                           {{0}, {}}};
  for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{1, 4, 3}, Shape{3, 1, 2, 4}})
    for (int subset = 1; subset < (1 << shape.ndim()); ++subset) {
      std::vector<int> axes;
      for (int axis = 0; axis < shape.ndim(); ++axis)
        if (subset >> axis & 1) axes.push_back(axis % 2 == 0 ? axis : axis - shape.ndim());
      result.push_back({shape, axes});
    }
  return result;
}

using Definition = std::function<double(const std::vector<double>&)>;
using Operation = std::function<Tensor(const Tensor&, const Axes&, bool)>;

// Compares an operation with its definition over all cases and the dtypes given.
void expect_reduces(const Operation& operation, const Definition& definition, std::vector<DType> dtypes, int low,
                    int high, bool defined_over_nothing) {
  for (const auto& [shape, axes] : cases()) {
    for (DType dtype : dtypes) {
      const Tensor x = whole_numbers(shape, dtype, low, high);
      const std::vector<std::vector<double>> expected = groups(x, axes);
      const bool empty = !expected.empty() && expected[0].empty();
      if (empty && !defined_over_nothing) continue;
      const Tensor y = operation(x, axes, false), kept = operation(x, axes, true);
      SCOPED_TRACE(describe(x) + " axes " + ::testing::PrintToString(axes));
      ASSERT_EQ(y.size(), static_cast<std::int64_t>(expected.size()));
      ASSERT_EQ(kept.ndim(), x.ndim());
      ASSERT_EQ(elements_of(y), elements_of(kept));
      const std::vector<double> values = elements_of(y);
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], definition(expected[i])) << "output " << i;
    }
  }
}

const std::vector<DType> kNumbers{DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8};
const std::vector<DType> kAll{DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool};

TEST(Sum, IsTheDefinition) { expect_reduces(sum, add_up, kAll, 0, 9, true); }

TEST(Any, IsTheDefinition) {
  const auto definition = [](const std::vector<double>& group) {
    for (double value : group)
      if (value != 0) return 1.0;
    return 0.0;
  };
  expect_reduces(any, definition, kAll, 0, 1, true);
}

TEST(All, IsTheDefinition) {
  const auto definition = [](const std::vector<double>& group) {
    for (double value : group)
      if (value == 0) return 0.0;
    return 1.0;
  };
  expect_reduces(all, definition, kAll, 0, 3, true);
}

TEST(Prod, IsTheDefinition) {
  const auto multiply_up = [](const std::vector<double>& group) {
    double product = 1;
    for (double value : group) product *= value;
    return product;
  };
  expect_reduces(prod, multiply_up, {DType::Float32, DType::Float64, DType::Int32, DType::Int64}, -1, 1, true);
  EXPECT_EQ(prod(full({4}, 200, DType::UInt8)).item<std::int64_t>(), 1'600'000'000);
  EXPECT_EQ(prod(arange(1.0, 6.0, 1.0, DType::Float64)).item<double>(), 120);
  EXPECT_EQ(prod(zeros({0})).item<float>(), 1);
}

TEST(Max, IsTheDefinition) {
  const auto largest = [](const std::vector<double>& group) { return *std::max_element(group.begin(), group.end()); };
  expect_reduces(max, largest, {DType::Float32, DType::Float64, DType::Int32, DType::Int64}, -100, 100, false);
  expect_reduces(max, largest, {DType::UInt8}, 0, 200, false);
}

TEST(Min, IsTheDefinition) {
  const auto smallest = [](const std::vector<double>& group) { return *std::min_element(group.begin(), group.end()); };
  expect_reduces(min, smallest, {DType::Float32, DType::Float64, DType::Int32, DType::Int64}, -100, 100, false);
  expect_reduces(min, smallest, {DType::UInt8}, 0, 200, false);
}

// argmax and argmin along one axis or all, where there are many ties.
TEST(ArgMax, IsTheFirstOfTheDefinition) {
  const auto first = [](auto find) {
    return [find](const std::vector<double>& group) {
      return static_cast<double>(find(group.begin(), group.end()) - group.begin());
    };
  };
  using Iterator = std::vector<double>::const_iterator;
  const auto largest = first([](Iterator begin, Iterator end) { return std::max_element(begin, end); });
  const auto smallest = first([](Iterator begin, Iterator end) { return std::min_element(begin, end); });
  for (const auto& [shape, axes] : cases()) {
    if (axes.size() > 1 || shape.elements() == 0) continue;
    for (DType dtype : kAll) {
      const Tensor x = whole_numbers(shape, dtype, 0, 50);
      const auto expected = groups(x, axes);
      const std::vector<double> high = elements_of(axes.empty() ? argmax(x) : argmax(x, axes[0])),
                                low = elements_of(axes.empty() ? argmin(x) : argmin(x, axes[0]));
      SCOPED_TRACE(describe(x) + " axes " + ::testing::PrintToString(axes));
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(high[i], largest(expected[i]));
        ASSERT_EQ(low[i], smallest(expected[i]));
      }
    }
  }
  EXPECT_EQ(argmax(ones({2, 3}), 1, true).shape(), Shape({2, 1}));
  EXPECT_EQ(argmax(ones({2, 3})).dtype(), DType::Int64);
}

TEST(Max, PropagatesNanAndTakesInfinities) {
  for (DType dtype : {DType::Float32, DType::Float64})
    for (bool column : {false, true}) {
      const Shape shape = column ? Shape{6, 1} : Shape{1, 6};
      const int axis = column ? 0 : 1;
      const Tensor broken = reshape(numbers({1, 9, kNan, -9, kNan, 2}).to(dtype), shape);
      const Tensor pair = column ? concatenate({broken, broken}, 1) : concatenate({broken, broken}, 0);
      for (double value : elements_of(max(pair, axis))) EXPECT_TRUE(std::isnan(value));
      for (double value : elements_of(min(pair, axis))) EXPECT_TRUE(std::isnan(value));
      EXPECT_EQ(elements_of(argmax(pair, axis)), (std::vector<double>{2, 2}));
      EXPECT_EQ(elements_of(argmin(pair, axis)), (std::vector<double>{2, 2}));
      EXPECT_EQ(elements_of(max(full({2, 2}, -kInfinity, dtype), axis)), (std::vector<double>{-kInfinity, -kInfinity}));
      EXPECT_EQ(elements_of(min(full({2, 2}, kInfinity, dtype), axis)), (std::vector<double>{kInfinity, kInfinity}));
      EXPECT_EQ(elements_of(argmax(full({2, 2}, -kInfinity, dtype), axis)), (std::vector<double>{0, 0}));
    }
}

TEST(Max, SharesTheGradientAmongTies) {
  const Tensor x = numbers({3, 1, 3, 3});
  EXPECT_EQ(elements_of(grad([](const Tensor& v) { return max(v) * 6; })(x)), (std::vector<double>{2, 0, 2, 2}));
  EXPECT_EQ(elements_of(grad([](const Tensor& v) { return min(v); })(x)), (std::vector<double>{0, 1, 0, 0}));
}

TEST(Max, NeedsElements) {
  expect_error(
      [] {
        max(zeros({0, 3}));
      },
      "max: has no value over no elements, and axis 0 of Float32 (0, 3) has extent 0");
  expect_error([] { min(zeros({3, 0}), -1); }, "min: has no value over no elements, and axis 1");
  expect_error([] { argmax(zeros({0})); }, "argmax: has no value over no elements");
  expect_error([] { argmin(zeros({2, 0}), 1); }, "argmin: has no value over no elements");
  EXPECT_EQ(max(zeros({0, 3}), 1).shape(), Shape({0}));
  expect_error([] { max(ones({2}, DType::Bool)); }, "max: Bool has no arithmetic");
  expect_error([] { argmax(ones({2}), 1); }, "argmax: axis 1 is outside [-1, 1)");
}

TEST(Prod, HasItsGradientAlsoAtZeros) {
  const auto gradient = [](const std::vector<double>& x) {
    return elements_of(grad([](const Tensor& v) { return prod(v); })(numbers(x)));
  };
  EXPECT_EQ(gradient({2, 3, 4}), (std::vector<double>{12, 8, 6}));
  EXPECT_EQ(gradient({2, 0, 4}), (std::vector<double>{0, 8, 0}));
  EXPECT_EQ(gradient({0, 0, 4}), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(gradient({}), (std::vector<double>{}));
}

TEST(Cumsum, IsTheDefinitionForEveryDtypeAndDirection) {
  for (const Shape& shape : {Shape{7}, Shape{3, 4, 5}, Shape{2, 0}, Shape{0, 2}, Shape{2, 3000}, Shape{3000, 2}})
    for (int axis = 0; axis < shape.ndim(); ++axis)
      for (DType dtype : kAll) {
        const Tensor x = whole_numbers(shape, dtype, 0, 3);
        const Tensor forwards = cumsum(x, axis), backwards = cumsum(x, axis - shape.ndim(), true);
        ASSERT_EQ(forwards.dtype(), is_floating(dtype) ? dtype : DType::Int64);
        std::vector<double> expected = elements_of(x);
        const auto stride = static_cast<std::size_t>(row_major_strides(shape)[static_cast<std::size_t>(axis)]);
        const auto extent = static_cast<std::size_t>(x.dim(axis));
        for (std::size_t i = 0; i < expected.size(); ++i)
          if (i / stride % extent > 0) expected[i] += expected[i - stride];
        ASSERT_EQ(elements_of(forwards), expected);
        ASSERT_EQ(elements_of(backwards), elements_of(reverse(cumsum(reverse(x, {axis}), axis), {axis})));
      }
  expect_error([] { cumsum(ones({2}), 1); }, "cumsum: axis 1 is outside [-1, 1)");
  expect_error([] { cumsum(ones({}), 0); }, "cumsum: axis 0 of a single number");
}

TEST(Reductions, MeetTheGoldenValues) {
  const auto value = [](const char* name) { return testing::golden(name, "elementwise"); };
  const Tensor x = value("reduce.x");
  expect_near(prod(x, {1, 2}), value("prod"), 1e-14);
  expect_near(mean(x, {0, 2}), value("mean"), 1e-15);
  expect_near(variance(x, {0, 2}), value("variance"), 1e-15);
  expect_near(variance(x, 1, false, 1), value("sample_variance"), 1e-15);
  expect_near(mean(x.to(DType::Float32), {0, 2}), value("mean"), 1e-7);
  expect_near(cumsum(x, 0), value("cumsum.0"), 1e-15);
  expect_near(cumsum(x, 1), value("cumsum.1"), 1e-15);
  expect_near(cumsum(x, 2), value("cumsum.2"), 1e-15);
}

TEST(Sum, TakesOneAxisAListOrAll) {
  const Tensor x = ones({2, 3, 4});
  EXPECT_EQ(sum(x).shape(), Shape({}));
  EXPECT_EQ(sum(x, {}).shape(), Shape({}));
  EXPECT_EQ(sum(x, {}, true).shape(), Shape({1, 1, 1}));
  EXPECT_EQ(sum(x, 1).shape(), Shape({2, 4}));
  EXPECT_EQ(sum(x, {1}).shape(), Shape({2, 4}));
  EXPECT_EQ(sum(x, -1, true).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(sum(x, {0, -1}).shape(), Shape({3}));
  EXPECT_EQ(sum(x, std::vector<int>{2}).shape(), Shape({2, 3}));
}

TEST(Sum, OfIntegersAndBoolIsInt64) {
  EXPECT_EQ(sum(full({3}, 2'000'000'000, DType::Int32)).item<std::int64_t>(), 6'000'000'000);
  EXPECT_EQ(sum(full({3}, 200, DType::UInt8)).item<std::int64_t>(), 600);
  EXPECT_EQ(sum(ones({5}, DType::Bool)).item<std::int64_t>(), 5);
}

TEST(Sum, OfManyFloat32IsAccurate) {
  const double tenth = static_cast<double>(0.1f);
  EXPECT_NEAR(sum(full({10'000'000}, 0.1)).item<float>(), 1e7 * tenth, 1e7 * tenth * 1e-7);
  const Tensor columns = sum(full({2'500'000, 4}, 0.1), 0), rows = sum(full({4, 2'500'000}, 0.1), 1);
  for (float value : columns.data<float>()) EXPECT_NEAR(value, 2.5e6 * tenth, 2.5e6 * tenth * 1e-7);
  for (float value : rows.data<float>()) EXPECT_NEAR(value, 2.5e6 * tenth, 2.5e6 * tenth * 1e-7);
}

TEST(Sum, ErrorsNameTheRule) {
  const Tensor x = ones({2, 3});
  expect_error([&] { sum(x, 2); }, "sum: axis 2 is outside [-2, 2) of a tensor with 2 axes");
  expect_error([&] { sum(x, {1, -1}); }, "sum: axes must be distinct, got (1, -1)");
  expect_error([&] { sum_to(x, {2}); }, "sum_to: shapes (2,) and (2, 3) do not broadcast");
  expect_error(
      [&] {
        sum_to(x, {4, 2, 3});
      },
      "sum_to: shape (4, 2, 3) does not broadcast to (2, 3), the shape that is to be summed");
  expect_error([] { sum(Tensor()); }, "this Tensor is null");
}

TEST(SumTo, UndoesBroadcasting) {
  const Tensor x = whole_numbers({2, 3, 4}, DType::Float32, 0, 9);
  EXPECT_EQ(elements_of(sum_to(x, {3, 1})), elements_of(sum(x, {0, 2})));
  EXPECT_EQ(sum_to(x, {3, 1}).shape(), Shape({3, 1}));
  EXPECT_EQ(elements_of(sum_to(x, {})), elements_of(sum(x)));
  EXPECT_EQ(sum_to(ones({1, 1, 2}), {2}).shape(), Shape({2}));
}

TEST(Mean, IsTheSumOverTheCount) {
  const Tensor x = whole_numbers({4, 5, 6}, DType::Float64, -9, 9);
  const std::vector<double> values = elements_of(mean(x, {0, 2}));
  const auto expected = groups(x, {0, 2});
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], add_up(expected[i]) / 24);
  EXPECT_TRUE(std::isnan(mean(zeros({0})).item<float>()));
  expect_error([] { mean(arange(3)); }, "mean: needs Float32 or Float64");
}

TEST(Variance, DoesNotCancel) {
  // 1e6 + {-1, 0, 1}: E[x^2] - E[x]^2 would have no correct digit in Float32.
  const Tensor x = whole_numbers({3000}, DType::Float32, -1, 1) + 1e6;
  double mean_value = 0, expected = 0;
  for (double value : elements_of(x)) mean_value += value / 3000;
  for (double value : elements_of(x)) expected += (value - mean_value) * (value - mean_value) / 3000;
  EXPECT_NEAR(variance(x).item<float>(), expected, 2e-3);
  EXPECT_NEAR(variance(x.to(DType::Float64)).item<double>(), expected, 1e-9);
  EXPECT_NEAR(variance(x.to(DType::Float64), {}, false, 1).item<double>(), expected * 3000 / 2999, 1e-9);
  EXPECT_TRUE(std::isnan(variance(ones({1}), {}, false, 1).item<float>()));
  EXPECT_TRUE(std::isnan(variance(zeros({0})).item<float>()));
  expect_error([] { variance(ones({2}), {}, false, -1); }, "variance: ddof must not be negative, got -1");
}

// The same bits for any number of threads, for whole and cut reductions.
TEST(Reductions, DoNotDependOnThreads) {
  std::mt19937_64 generator(7);
  std::vector<float> values(300'000);
  for (float& value : values) value = static_cast<float>(generator() >> 40) * 0x1p-24f - 0.5f;
  for (const auto& [shape, axes] : std::vector<Case>{{{300'000}, {}},
                                                     {{100'000, 3}, {0}},
                                                     {{3, 100'000}, {1}},
                                                     {{300, 1000}, {0}},
                                                     {{1000, 300}, {1}},
                                                     {{10, 3000, 10}, {0, 2}}}) {
    const Tensor x = Tensor::from_data<float>(shape, values);
    const int before = num_threads();
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3}) {
      set_num_threads(threads);
      std::vector<double>& all_results = results.emplace_back();
      for (const Tensor& result :
           {sum(x, axes), prod(1.0 + x, axes), variance(x, axes), cumsum(x, axes.empty() ? 0 : axes[0])}) {
        const std::vector<double> more = elements_of(result);
        all_results.insert(all_results.end(), more.begin(), more.end());
      }
    }
    set_num_threads(before);
    EXPECT_TRUE(results[0] == results[1] && results[0] == results[2]) << to_string(shape);
  }
}

}  // namespace
}  // namespace cotangent
