// Tests of elementwise functions: accuracy over all sizes of numbers, special values, dtypes, broadcasting, errors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::golden;
using testing::numbers;
using testing::sample;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Unary = Tensor (*)(const Tensor&);
using Reference = long double (*)(long double);

struct Row {
  const char* name;
  Unary function;
  Reference reference;
  double units = 4;  // in the last place, of Float32; Float64 may be 3/4 of that off
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

// The definitions, in a type wider than both.
const Row kRows[] = {
    {"exp", exp, std::exp},
    {"expm1", expm1, std::expm1},
    {"log", log, std::log},
    {"log1p", log1p, std::log1p},
    {"sqrt", sqrt, std::sqrt},
    {"rsqrt", rsqrt, [](long double x) { return 1 / std::sqrt(x); }},
    {"square", square, [](long double x) { return x * x; }},
    {"reciprocal", reciprocal, [](long double x) { return 1 / x; }},
    {"abs", abs, std::fabs},
    {"sign", sign, [](long double x) { return std::isnan(x) ? x
                                              : x > 0       ? 1
                                              : x < 0       ? -1.0L
                                                            : 0; }},
    {"floor", floor, std::floor},
    {"ceil", ceil, std::ceil},
    {"round", round, std::nearbyint},
    {"sin", sin, std::sin},
    {"cos", cos, std::cos},
    {"tan", tan, std::tan},
    {"asin", asin, std::asin},
    {"acos", acos, std::acos},
    {"atan", atan, std::atan},
    {"sinh", sinh, std::sinh},
    {"cosh", cosh, std::cosh},
    {"tanh", tanh, std::tanh},
    {"erf", erf, std::erf},
    {"erfc", erfc, std::erfc},
    {"sigmoid", sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }},
    {"softplus", softplus,
     [](long double x) { return std::isnan(x) ? x : std::fmax(x, 0.0L) + std::log1p(std::exp(-std::fabs(x))); }},
    {"relu", relu, [](long double x) { return x < 0 ? 0 : x; }},
};

// Numbers of every size, the same on every machine: random bits, and uniform ones where functions are interesting.
template <class T>
std::vector<T> all_kinds() {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::mt19937_64 generator(3);
  std::vector<T> values;
  for (int i = 0; i < 30'000; ++i) {
    const Bits bits = static_cast<Bits>(generator());
    T value;
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
  }
  for (double scale : {1e-3, 1.0, 10.0, 100.0}) {
    const Tensor drawn = sample({10'000}, -scale, scale, 4);
    for (double value : drawn.data<double>()) values.push_back(static_cast<T>(value));
  }
  using Limits = std::numeric_limits<T>;
  for (T value : {T(0), T(0.5), T(1), T(1.5), T(2.5), Limits::min(), Limits::denorm_min(), Limits::max(),
                  Limits::infinity(), Limits::quiet_NaN(), T(87.3), T(88.8), T(104), T(708), T(710), T(746)}) {
    values.push_back(value);
    values.push_back(-value);
  }
  return values;
}

// How far `actual` is from `expected`, in units in the last place; results
// that should be subnormal may be 0.
template <class T>
double units_off(T actual, long double expected) {
  const T rounded = static_cast<T>(expected);
  if (std::isnan(rounded) || std::isnan(actual)) return std::isnan(rounded) && std::isnan(actual) ? 0 : kInfinity;
  if (actual == rounded) return 0;
  if (std::isinf(actual) || std::isinf(rounded)) return kInfinity;
  constexpr T kSmallest = std::numeric_limits<T>::min();
  if (std::abs(rounded) <= kSmallest) return std::abs(actual - rounded) <= kSmallest ? 0 : kInfinity;
  const T unit = std::abs(rounded) - std::nextafter(std::abs(rounded), T(0));
  return static_cast<double>(std::fabs(static_cast<long double>(actual) - expected) / unit);
}

template <class T>
void expect_accurate(const Row& row, double units) {
  const std::vector<T> x = all_kinds<T>();
  const Tensor y = row.function(Tensor::from_data<T>({static_cast<std::int64_t>(x.size())}, x));
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double off = units_off<T>(y.data<T>()[i], row.reference(x[i]));
    if (off > worst) worst = off, at = i;
  }
  EXPECT_LE(worst, units) << row.name << "(" << x[at] << ") = " << y.data<T>()[at];
}

class Accuracy : public ::testing::TestWithParam<Row> {};

TEST_P(Accuracy, IsThatOfTheDefinition) {
  expect_accurate<float>(GetParam(), GetParam().units);
  expect_accurate<double>(GetParam(), GetParam().units * 0.75);
}

INSTANTIATE_TEST_SUITE_P(Rows, Accuracy, ::testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

// Golden values: all functions again, and those that are more than one call of the standard library.
class Golden : public ::testing::TestWithParam<Row> {};

TEST_P(Golden, ValuesAreMet) {
  const Row& row = GetParam();
  const Tensor x = golden(std::string(row.name) + ".x", "elementwise"),
               y = golden(std::string(row.name) + ".y", "elementwise");
  const Tensor wide = row.function(x), narrow = row.function(x.to(DType::Float32));
  for (std::size_t i = 0; i < y.data<double>().size(); ++i) {
    const double expected = y.data<double>()[i];
    EXPECT_LE(units_off(wide.data<double>()[i], static_cast<long double>(expected)), row.units)
        << "x = " << x.data<double>()[i];
    EXPECT_LE(units_off(narrow.data<float>()[i], static_cast<long double>(expected)), row.units)
        << "x = " << x.data<double>()[i];
  }
}

// The exponentials in the tails of gelu multiply the rounding of their arguments, which reach 32.
const Row kGoldenRows[] = {
    {"exp", exp, nullptr},
    {"expm1", expm1, nullptr},
    {"log", log, nullptr},
    {"log1p", log1p, nullptr},
    {"sqrt", sqrt, nullptr},
    {"rsqrt", rsqrt, nullptr},
    {"reciprocal", reciprocal, nullptr},
    {"sin", sin, nullptr},
    {"cos", cos, nullptr},
    {"tan", tan, nullptr},
    {"asin", asin, nullptr},
    {"acos", acos, nullptr},
    {"atan", atan, nullptr},
    {"sinh", sinh, nullptr},
    {"cosh", cosh, nullptr},
    {"tanh", tanh, nullptr},
    {"erf", erf, nullptr},
    {"erfc", erfc, nullptr},
    {"sigmoid", sigmoid, nullptr},
    {"log_sigmoid", log_sigmoid, nullptr},
    {"silu", silu, nullptr},
    {"softplus", softplus, nullptr},
    {"gelu", gelu, nullptr, 64},
    {"gelu_tanh", gelu_tanh, nullptr, 64},
    {"elu", [](const Tensor& x) { return elu(x); }, nullptr},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, nullptr},
};

INSTANTIATE_TEST_SUITE_P(Rows, Golden, ::testing::ValuesIn(kGoldenRows),
                         [](const auto& row) { return row.param.name; });

// Equal element for element, NaN to NaN.
void expect_elements(const Tensor& actual, const std::vector<double>& expected) {
  const Tensor wide = actual.to(DType::Float64);
  ASSERT_EQ(wide.size(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double value = wide.data<double>()[i];
    EXPECT_TRUE(value == expected[i] || (std::isnan(value) && std::isnan(expected[i])))
        << "element " << i << " is " << value << ", not " << expected[i];
  }
}

TEST(Activations, MeetInfinitiesAndNan) {
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const Tensor x = numbers({-kInfinity, -1e30, 0, 1e30, kInfinity, kNan}).to(dtype);
    const double big = dtype == DType::Float32 ? static_cast<double>(1e30f) : 1e30;
    expect_elements(relu(x), {0, 0, 0, big, kInfinity, kNan});
    expect_elements(leaky_relu(x, 0.5), {-kInfinity, -big / 2, 0, big, kInfinity, kNan});
    expect_elements(elu(x, 2), {-2, -2, 0, big, kInfinity, kNan});
    expect_elements(sigmoid(x), {0, 0, 0.5, 1, 1, kNan});
    expect_elements(clip(x, -1, 2), {-1, -1, 0, 2, 2, kNan});
    const Tensor finite = numbers({-1e30, 1e30}).to(dtype);
    expect_elements(softplus(finite), {0, big});
    expect_elements(log_sigmoid(finite), {-big, 0});
    expect_elements(silu(finite), {0, big});
    expect_elements(gelu(finite), {0, big});
    expect_elements(gelu_tanh(numbers({-1e4, 1e4}).to(dtype)), {0, 1e4});
  }
}

TEST(Activations, HaveTheDerivativeZeroAtTheirKinks) {
  const Tensor zero = numbers({0});
  EXPECT_EQ(grad(relu)(zero).item<double>(), 0);
  EXPECT_EQ(grad(abs)(zero).item<double>(), 0);
  EXPECT_EQ(grad([](const Tensor& x) { return power(x, 3); })(zero).item<double>(), 0);
  EXPECT_EQ(grad(grad([](const Tensor& x) { return power(x, 2); }))(zero).item<double>(), 2);
  EXPECT_EQ(grad(grad(grad([](const Tensor& x) { return power(x, 2); })))(zero).item<double>(), 0);
}

TEST(Activations, HaveTheDerivativeOfTheirLeftSideAtAKink) {
  const Tensor zero = numbers({0});
  EXPECT_EQ(grad([](const Tensor& x) { return leaky_relu(x, 0.5); })(zero).item<double>(), 0.5);
  EXPECT_EQ(grad([](const Tensor& x) { return elu(x, 2); })(zero).item<double>(), 2);
}

TEST(Round, TakesHalvesToEven) {
  expect_elements(round(numbers({-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999})), {-2, -2, 0, 0, 2, 2, 2});
}

TEST(Unary, TakesIntegersWhereTheyMakeSense) {
  const Tensor x = numbers({-3, 0, 2}).to(DType::Int32);
  EXPECT_EQ(abs(x).dtype(), DType::Int32);
  expect_elements(abs(x), {3, 0, 2});
  expect_elements(sign(x), {-1, 0, 1});
  expect_elements(square(x), {9, 0, 4});
  expect_error([&] { exp(x); }, "exp: needs Float32 or Float64");
  expect_error([&] { abs(x.to(DType::Bool)); }, "abs: Bool has no arithmetic");
  expect_error([] { relu(Tensor()); }, "relu: input 0 is a null Tensor");
}

TEST(Unary, TakesZeroSizeAndSingleNumbers) {
  EXPECT_EQ(tanh(zeros({0, 3})).shape(), Shape({0, 3}));
  EXPECT_EQ(exp(zeros({})).item<float>(), 1);
}

TEST(Power, MeetsTheGoldenValues) {
  const auto value = [](const char* name) { return golden(name, "elementwise"); };
  const Tensor y = power(value("power.a"), value("power.b")), angle = atan2(value("atan2.a"), value("atan2.b"));
  const Tensor exact_y = value("power.y"), exact_angle = value("atan2.y");
  for (std::size_t i = 0; i < 48; ++i) {
    EXPECT_LE(units_off(y.data<double>()[i], static_cast<long double>(exact_y.data<double>()[i])), 3);
    EXPECT_LE(units_off(angle.data<double>()[i], static_cast<long double>(exact_angle.data<double>()[i])), 3);
  }
}

TEST(Power, MeetsItsSpecialCases) {
  const Tensor x = numbers({-2, 0, 3});
  expect_elements(power(x, 0), {1, 1, 1});
  expect_elements(power(x, 1), {-2, 0, 3});
  expect_elements(power(x, 2), {4, 0, 9});
  expect_elements(power(x, -1), {-0.5, kInfinity, 1.0 / 3});
  expect_elements(power(x, 0.5), {kNan, 0, std::sqrt(3.0)});
  const auto [da, db] =
      grad([](const Tensor& a, const Tensor& b) { return sum(power(a, b)); })(numbers({0, 0, 2}), numbers({0, 3, 0}));
  expect_elements(da, {0, 0, 0});
  expect_elements(db, {0, 0, std::numbers::ln2});
  expect_error([] { power(arange(3), 2); }, "power: needs Float32 or Float64");
}

// Of the exponent's derivative a^b log(a), which is 0 at a base of 0, the one with respect to the base.
TEST(Power, HasMixedDerivativesAtABaseOfZero) {
  const auto slope = [](const Tensor& a) {
    return grad([&](const Tensor& b) { return sum(power(a, b)); })(numbers({2}));
  };
  expect_elements(grad([&](const Tensor& a) { return sum(slope(a)); })(numbers({0})), {0});
}

TEST(Maximum, SharesTiesAndPropagatesNan) {
  const Tensor a = numbers({1, 2, kNan, 3, kInfinity}), b = numbers({2, 2, 1, kNan, -kInfinity});
  expect_elements(maximum(a, b), {2, 2, kNan, kNan, kInfinity});
  expect_elements(minimum(a, b), {1, 2, kNan, kNan, -kInfinity});
  for (auto f : {static_cast<Tensor (*)(const Tensor&, const Tensor&)>(maximum), minimum}) {
    const auto [da, db] =
        grad([&](const Tensor& p, const Tensor& q) { return sum(f(p, q)); })(numbers({1, 2, 3}), numbers({2, 2, 2}));
    const bool is_max = maximum(numbers({1}), 2).item<double>() == f(numbers({1}), numbers({2})).item<double>();
    expect_elements(is_max ? da : db, {0, 0.5, 1});
    expect_elements(is_max ? db : da, {1, 0.5, 0});
  }
  expect_elements(maximum(numbers({-1, 5}).to(DType::Int32), 2), {2, 5});
}

TEST(Clip, LimitsAndChecksItsLimits) {
  expect_elements(clip(numbers({-2, 0.5, 3}), -1, 1), {-1, 0.5, 1});
  expect_elements(grad([](const Tensor& x) { return sum(clip(x, -1, 1)); })(numbers({-2, -1, 0, 1, 2})),
                  {0, 0.5, 1, 0.5, 0});
  expect_error([] { clip(ones({1}), 2, 1); }, "clip: needs low <= high, got 2 and 1");
  expect_error([] { clip(ones({1}), kNan, 1); }, "clip: needs low <= high, got nan and 1");
}

// Every pair of shapes that broadcasts, against a loop over indices; long enough for runs to span packets.
TEST(Broadcasting, IsTheDefinition) {
  const Shape shapes[] = {{}, {1}, {19}, {3, 1}, {3, 19}, {2, 1, 1}, {2, 3, 1}, {2, 1, 19}, {1, 3, 19}, {2, 3, 19}};
  const auto element = [](const Tensor& t, const Shape& to, std::int64_t i) {
    const Strides strides = broadcast_strides(t.shape(), to);
    std::int64_t at = 0;
    for (std::size_t axis = to.size(); axis-- > 0; i /= to[axis]) at += i % to[axis] * strides[axis];
    return t.data<double>()[static_cast<std::size_t>(at)];
  };
  for (const Shape& p : shapes)
    for (const Shape& q : shapes) {
      const Tensor a = sample(p, -2, 2, 1), b = sample(q, -2, 2, 2);
      const Tensor difference = a - b, larger = maximum(a, b), angle = atan2(a, b), chosen = where(less(a, b), a, b);
      SCOPED_TRACE(to_string(p) + " " + to_string(q));
      for (std::int64_t i = 0; i < difference.size(); ++i) {
        const double x = element(a, difference.shape(), i), y = element(b, difference.shape(), i);
        const auto at = static_cast<std::size_t>(i);
        ASSERT_EQ(difference.data<double>()[at], x - y);
        ASSERT_EQ(larger.data<double>()[at], std::max(x, y));
        ASSERT_EQ(angle.data<double>()[at], std::atan2(x, y));
        ASSERT_EQ(chosen.data<double>()[at], std::min(x, y));
      }
    }
  expect_error([] { atan2(ones({2, 3}), ones({2})); }, "atan2: shapes (2, 3) and (2,) do not broadcast");
  expect_error([] { maximum(ones({2}), ones({2}, DType::Float64)); }, "maximum: both operands must have one dtype");
}

TEST(Where, ChoosesForEveryDtypeAndKeepsTheOtherSideOut) {
  const Tensor condition = numbers({1, 0, 1}).to(DType::Bool);
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool})
    expect_elements(where(condition, zeros({3}, dtype), 1), {0, 1, 0});
  EXPECT_EQ(where(reshape(condition, {3, 1}), ones({2}), 0).shape(), Shape({3, 2}));
  const Tensor x = numbers({4, 0, 9});
  expect_elements(grad([&](const Tensor& v) { return sum(where(condition, v, log(v))); })(numbers({1, 2, 3})),
                  {1, 0.5, 1});
  expect_elements(grad([](const Tensor& v) {
                    const Tensor positive = greater(v, 0);
                    return sum(where(positive, sqrt(where(positive, v, 1)), 0));
                  })(x),
                  {0.25, 0, 1.0 / 6});
  expect_error([&] { where(x, x, x); }, "where: the condition must be Bool, got Float64 (3,)");
  expect_error([&] { where(condition, x, ones({3})); }, "where: both operands must have one dtype");
  expect_error([&] { where(condition, ones({2}), 0); }, "do not broadcast");
}

TEST(Elementwise, DoesNotDependOnThreads) {
  const Tensor x = sample({100'003}, -5, 5, 9).to(DType::Float32);
  const int before = num_threads();
  std::vector<Tensor> results;
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    results.push_back(gelu_tanh(x) * tanh(x) + atan2(x, exp(x)));
  }
  set_num_threads(before);
  for (std::size_t i = 0; i < 100'003; ++i) {
    ASSERT_EQ(results[0].data<float>()[i], results[1].data<float>()[i]);
    ASSERT_EQ(results[0].data<float>()[i], results[2].data<float>()[i]);
  }
}

}  // namespace
}  // namespace cotangent
