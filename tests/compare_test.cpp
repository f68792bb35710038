// Tests of comparisons and logic, over every dtype.
#include "cotangent/ops/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::numbers;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr DType kAll[] = {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool};

std::vector<bool> truths(const Tensor& x) { return {x.data<bool>().begin(), x.data<bool>().end()}; }

using Truths = std::vector<bool>;

TEST(Compare, IsTheDefinitionForEveryDtypeWithTensorsAndNumbers) {
  struct Row {
    Tensor (*tensors)(const Tensor&, const Tensor&);
    Tensor (*number)(const Tensor&, double);
    std::function<bool(double, double)> definition;
  };
  const Row rows[] = {{equal, equal, std::equal_to<>()},    {not_equal, not_equal, std::not_equal_to<>()},
                      {less, less, std::less<>()},          {less_equal, less_equal, std::less_equal<>()},
                      {greater, greater, std::greater<>()}, {greater_equal, greater_equal, std::greater_equal<>()}};
  const std::vector<double> a{0, 1, 1, 0, 1}, b{0, 0, 1, 1, 1};
  for (const Row& row : rows)
    for (DType dtype : kAll) {
      const Tensor x = numbers(a).to(dtype);
      const Tensor both = row.tensors(x, numbers(b).to(dtype)), one = row.number(x, 1);
      ASSERT_EQ(both.dtype(), DType::Bool);
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(both.data<bool>()[i], row.definition(a[i], b[i]));
        EXPECT_EQ(one.data<bool>()[i], row.definition(a[i], 1));
      }
    }
}

TEST(Compare, TreatsNanAsUnequalToAll) {
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const Tensor x = numbers({kNan, 1, kNan}).to(dtype), y = numbers({kNan, kNan, 1}).to(dtype);
    for (auto relation :
         {static_cast<Tensor (*)(const Tensor&, const Tensor&)>(equal), less, less_equal, greater, greater_equal})
      EXPECT_EQ(truths(relation(x, y)), Truths({false, false, false}));
    EXPECT_EQ(truths(not_equal(x, y)), Truths({true, true, true}));
  }
}

TEST(Compare, Broadcasts) {
  const Tensor column = reshape(arange(2), {2, 1}), row = arange(3);
  EXPECT_EQ(truths(less(column, row)), Truths({false, true, true, false, false, true}));
  EXPECT_EQ(less(zeros({0, 1}), zeros({3})).shape(), Shape({0, 3}));
}

TEST(Compare, ErrorsNameTheRule) {
  expect_error([] { less(ones({2}), ones({3})); }, "less: shapes (2,) and (3,) do not broadcast");
  expect_error([] { equal(ones({2}), arange(2)); },
               "equal: both operands must have one dtype, got Float32 (2,) and Int64 (2,); convert one with "
               ".to(DType::Float32)");
  expect_error([] { less(arange(3), 0.5); }, "Int64 cannot hold 0.5");
  expect_error([] { logical_and(ones({2}), ones({2}, DType::Bool)); },
               "logical_and: every operand must be Bool, got Float32 (2,)");
  expect_error([] { logical_not(arange(2)); }, "logical_not: every operand must be Bool, got Int64 (2,)");
  expect_error([] { is_nan(Tensor()); }, "is_nan: input 0 is a null Tensor");
}

TEST(Logic, IsTheTruthTable) {
  const Tensor a = numbers({0, 0, 1, 1}).to(DType::Bool), b = numbers({0, 1, 0, 1}).to(DType::Bool);
  EXPECT_EQ(truths(logical_and(a, b)), Truths({false, false, false, true}));
  EXPECT_EQ(truths(logical_or(a, b)), Truths({false, true, true, true}));
  EXPECT_EQ(truths(logical_not(a)), Truths({true, true, false, false}));
  EXPECT_EQ(truths(logical_or(a, ones({}, DType::Bool))), Truths({true, true, true, true}));
}

TEST(Classify, FindsNanAndInfinity) {
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const Tensor x = numbers({0, kNan, kInfinity, -kInfinity, 1}).to(dtype);
    EXPECT_EQ(truths(is_nan(x)), Truths({false, true, false, false, false}));
    EXPECT_EQ(truths(is_finite(x)), Truths({true, false, false, false, true}));
  }
  for (DType dtype : {DType::Int32, DType::Int64, DType::UInt8, DType::Bool}) {
    EXPECT_EQ(truths(is_nan(ones({1}, dtype))), Truths({false}));
    EXPECT_EQ(truths(is_finite(ones({1}, dtype))), Truths({true}));
  }
}

TEST(AllClose, IsNumPys) {
  const Tensor x = numbers({1, -2, 0});
  EXPECT_TRUE(all_close(x, x));
  EXPECT_TRUE(all_close(x, numbers({1.000009, -2.000019, 1e-9})));
  EXPECT_FALSE(all_close(x, numbers({1.00002, -2, 0})));
  EXPECT_FALSE(all_close(x, numbers({1, -2, 1e-7})));
  EXPECT_TRUE(all_close(x, numbers({1.05, -2, 0}), 0.1));
  EXPECT_TRUE(all_close(x, numbers({1.05, -2, 0}), 0, 0.06));
  EXPECT_TRUE(all_close(x.to(DType::Float32), x));
  EXPECT_TRUE(all_close(arange(3), numbers({0, 1, 2})));
  EXPECT_TRUE(all_close(ones({2, 3}), ones({3})));
  EXPECT_TRUE(all_close(numbers({kInfinity, -kInfinity}), numbers({kInfinity, -kInfinity})));
  EXPECT_FALSE(all_close(numbers({kInfinity}), numbers({-kInfinity})));
  EXPECT_FALSE(all_close(numbers({1}), numbers({kInfinity})));
  EXPECT_FALSE(all_close(numbers({kInfinity}), numbers({1})));
  EXPECT_FALSE(all_close(numbers({kNan}), numbers({kNan})));
  EXPECT_TRUE(all_close(zeros({0}), zeros({0})));
  expect_error([] { all_close(ones({2}), ones({3})); }, "do not broadcast");
}

}  // namespace
}  // namespace cotangent
