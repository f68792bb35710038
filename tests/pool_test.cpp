// Tests of pooling: against its definition as plain loops, against torch, and at the edges.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::sample;
using List = std::vector<std::int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::nan("");

Tensor tensor(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from_data<double>(shape, values);
}

std::vector<double> values(const Tensor& x) {
  const Tensor wide = x.to(DType::Float64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

// Visits all indices of a box, in row-major order.
void for_each_index(const List& extents, const std::function<void(const List&)>& f) {
  const std::int64_t count = Shape(extents).elements();
  for (std::int64_t i = 0; i < count; ++i) {
    List index(extents.size());
    std::int64_t rest = i;
    for (std::size_t axis = extents.size(); axis-- > 0; rest /= extents[axis]) index[axis] = rest % extents[axis];
    f(index);
  }
}

struct Problem {
  List spatial, window, strides, dilation;
  Pads pads;
};

struct Expected {
  Shape shape;
  std::vector<double> max, mean, mean_of_real;
};

// Pooling of (batch, spatial..., channels) by its definition.
Expected define(const Tensor& x, const Problem& p) {
  const std::size_t axes = p.spatial.size();
  Expected result;
  result.shape.push_back(x.dim(0));
  List outputs;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t room = p.spatial[i] + p.pads[i].first + p.pads[i].second - (p.window[i] - 1) * p.dilation[i] - 1;
    outputs.push_back(room < 0 ? 0 : room / p.strides[i] + 1);
    result.shape.push_back(outputs.back());
  }
  result.shape.push_back(x.dim(-1));
  const auto data = x.data<double>();
  for (std::int64_t n = 0; n < x.dim(0); ++n)
    for_each_index(outputs, [&](const List& at) {
      for (std::int64_t c = 0; c < x.dim(-1); ++c) {
        double max = -kInfinity, sum = 0, real = 0;
        for_each_index(p.window, [&](const List& k) {
          std::int64_t place = n;
          for (std::size_t i = 0; i < axes; ++i) {
            const std::int64_t y = at[i] * p.strides[i] + k[i] * p.dilation[i] - p.pads[i].first;
            if (y < 0 || y >= p.spatial[i]) return;
            place = place * p.spatial[i] + y;
          }
          const double value = data[static_cast<std::size_t>(place * x.dim(-1) + c)];
          max = std::max(max, value);
          sum += value;
          ++real;
        });
        result.max.push_back(max);
        result.mean.push_back(sum / static_cast<double>(Shape(p.window).elements()));
        result.mean_of_real.push_back(sum / std::max(real, 1.0));
      }
    });
  return result;
}

// (batch, spatial..., channels) as (batch, channels, spatial...), and back.
Tensor channels_to_front(const Tensor& x) {
  std::vector<int> axes{0, x.ndim() - 1};
  for (int axis = 1; axis + 1 < x.ndim(); ++axis) axes.push_back(axis);
  return transpose(x, axes);
}
Tensor channels_to_back(const Tensor& x) {
  std::vector<int> axes{0};
  for (int axis = 2; axis < x.ndim(); ++axis) axes.push_back(axis);
  axes.push_back(1);
  return transpose(x, axes);
}

void expect_near(const Tensor& result, const Shape& shape, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(result.shape(), shape);
  const std::vector<double> actual = values(result);
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (expected[i] != actual[i]) {  // infinities are equal, but not near
      ASSERT_NEAR(actual[i], expected[i], tolerance) << "element " << i;
    }
}

void expect_definition(const Problem& p, std::int64_t batch, std::int64_t channels) {
  Shape shape{batch};
  for (std::int64_t extent : p.spatial) shape.push_back(extent);
  shape.push_back(channels);
  const Tensor x = sample(shape).to(DType::Float32).to(DType::Float64);  // so that Float32 has the same maxima
  const Expected expected = define(x, p);
  for (DType dtype : {DType::Float32, DType::Float64})
    for (bool channels_first : {false, true}) {
      PoolOptions options{.window_strides = p.strides,
                          .padding = p.pads,
                          .window_dilation = p.dilation,
                          .channels_first = channels_first};
      const Tensor input = channels_first ? channels_to_front(x.to(dtype)) : x.to(dtype);
      const auto back = [&](const Tensor& y) { return channels_first ? channels_to_back(y) : y; };
      const double tolerance = dtype == DType::Float32 ? 1e-6 : 1e-14;
      expect_near(back(max_pool(input, p.window, options)), expected.shape, expected.max, 0);
      expect_near(back(avg_pool(input, p.window, options)), expected.shape, expected.mean, tolerance);
      options.count_include_pad = false;
      expect_near(back(avg_pool(input, p.window, options)), expected.shape, expected.mean_of_real, tolerance);
    }
}

TEST(Pool, AgreesWithItsDefinitionInOneDimension) {
  for (std::int64_t extent : {0, 1, 5, 8})
    for (std::int64_t window : {1, 2, 3})
      for (std::int64_t stride : {1, 2, 3})
        for (std::int64_t dilation : {1, 2})
          for (const auto& pads :
               {std::pair<std::int64_t, std::int64_t>{0, 0}, {1, 1}, {3, 0}, {-1, 2}, {0, -2}, {-5, 5}})
            for (std::int64_t channels : {1, 3})
              if (extent + pads.first + pads.second >= 0)
                expect_definition({{extent}, {window}, {stride}, {dilation}, {pads}}, 2, channels);
}

TEST(Pool, AgreesWithItsDefinitionInAnyNumberOfDimensions) {
  expect_definition({{}, {}, {}, {}, {}}, 3, 4);
  expect_definition({{6, 8}, {2, 2}, {2, 2}, {1, 1}, {{0, 0}, {0, 0}}}, 2, 5);
  expect_definition({{7, 5}, {3, 2}, {1, 3}, {2, 1}, {{1, -1}, {2, 0}}}, 2, 3);
  expect_definition({{7, 6}, {3, 3}, {2, 1}, {1, 2}, {{-2, 3}, {1, 1}}}, 1, 1);
  expect_definition({{4, 5, 6}, {2, 3, 2}, {2, 1, 2}, {1, 1, 2}, {{1, 0}, {1, 1}, {0, -1}}}, 2, 3);
  expect_definition({{3, 3, 3, 3}, {2, 1, 2, 2}, {1, 2, 1, 2}, {1, 1, 2, 1}, {{0, 0}, {0, 1}, {1, 1}, {1, 0}}}, 1, 2);
}

// Rows of more than one cell, windows of many elements, packets with a rest; and the gradients of both layouts.
TEST(Pool, TakesLongRowsAndLargeWindows) {
  expect_definition({{4, 300}, {2, 2}, {2, 2}, {1, 1}, {{0, 0}, {0, 0}}}, 2, 1);
  expect_definition({{7, 301}, {5, 5}, {2, 2}, {1, 1}, {{2, 2}, {2, 2}}}, 1, 2);
  expect_definition({{6, 200}, {3, 3}, {2, 3}, {1, 1}, {{1, 1}, {1, 1}}}, 1, 19);
  const Tensor x = sample({2, 6, 200, 19}), first = channels_to_front(x);
  for (const auto& pool : {max_pool, avg_pool})
    for (const PoolOptions& options : {PoolOptions{}, PoolOptions{.window_strides = 3, .padding = 1}})
      for (std::int64_t window : {2, 3, 5}) {
        PoolOptions front = options;
        front.channels_first = true;
        const auto energy = [&](const Tensor& input, const PoolOptions& chosen) {
          return 0.5 * sum(square(pool(input, window, chosen)));
        };
        const Tensor last = grad([&](const Tensor& input) { return energy(input, options); })(x);
        const Tensor other = grad([&](const Tensor& input) { return energy(input, front); })(first);
        expect_near(channels_to_back(other), last.shape(), values(last), 1e-14);
        EXPECT_NEAR(sum(last * x).item<double>(), 2 * energy(x, options).item<double>(), 1e-9);  // Euler: degree 2
      }
}

TEST(Pool, TakesEmptyExtents) {
  expect_definition({{4, 1}, {2, 2}, {2, 2}, {1, 1}, {{0, 0}, {0, 0}}}, 2, 3);  // the window is larger: no columns
  expect_definition({{1, 4}, {2, 2}, {2, 2}, {1, 1}, {{0, 0}, {0, 0}}}, 2, 3);  // no rows
  expect_definition({{4, 4}, {2, 2}, {2, 2}, {1, 1}, {{0, 0}, {0, 0}}}, 0, 3);
  expect_definition({{4, 4}, {2, 2}, {2, 2}, {1, 1}, {{0, 0}, {0, 0}}}, 2, 0);
  expect_definition({{0, 4}, {2, 2}, {1, 1}, {1, 1}, {{1, 2}, {0, 0}}}, 2, 3);  // only padding to see
  EXPECT_EQ(max_pool(zeros({1, 3, 3, 2}), {1, 2000000000}).shape(), Shape({1, 3, 0, 2}));
}

struct PoolCase {
  const char* name;
  Shape input;
  List window, strides, padding, dilation;
  bool max, count_include_pad;
  Shape output;
  std::vector<double> values, gradient;
};

#include "golden/pool.inc"

TEST(Pool, AgreesWithTorchAndItsGradients) {
  for (const PoolCase& example : kPoolCases) {
    SCOPED_TRACE(example.name);
    Pads pads;
    for (std::int64_t padding : example.padding) pads.emplace_back(padding, padding);
    Tensor x = Tensor::uninitialized(example.input, DType::Float64);
    for (std::size_t i = 0; double& element : x.mutable_data<double>())
      element = static_cast<double>(static_cast<std::int64_t>(i++ * 7919 % 23) - 11) / 4;
    const auto pool = [&](const Tensor& input) {
      const PoolOptions options{.window_strides = example.strides,
                                .padding = pads,
                                .window_dilation = example.dilation,
                                .channels_first = true,
                                .count_include_pad = example.count_include_pad};
      return example.max ? max_pool(input, example.window, options) : avg_pool(input, example.window, options);
    };
    expect_near(pool(x), example.output, example.values, 1e-14);
    const Tensor gradient = grad([&](const Tensor& input) {
      const Tensor y = pool(input);
      return 0.5 * sum(y * y);
    })(x);
    expect_near(gradient, example.input, example.gradient, 1e-14);
  }
}

TEST(Pool, StridesAreTheWindowUnlessGiven) {
  const Tensor x = sample({1, 9, 8, 2});
  EXPECT_EQ(max_pool(x, 3).shape(), Shape({1, 3, 2, 2}));
  EXPECT_EQ(max_pool(x, {3, 2}).shape(), Shape({1, 3, 4, 2}));
  EXPECT_EQ(max_pool(x, 3, {.window_strides = 1}).shape(), Shape({1, 7, 6, 2}));
  EXPECT_EQ(max_pool(x, 2, {.padding = Padding::Same}).shape(), Shape({1, 5, 4, 2}));
  EXPECT_EQ(max_pool(x, 3, {.window_strides = {2, 1}, .padding = "SAME_LOWER"}).shape(), Shape({1, 5, 8, 2}));
  EXPECT_EQ(avg_pool(x, 2, {.padding = 1}).shape(), Shape({1, 5, 5, 2}));
}

TEST(Pool, PadsSameAtTheEndAndSameLowerAtTheStart) {
  const Tensor x = tensor({1, 3, 1}, {1, 2, 4});
  EXPECT_EQ(values(avg_pool(x, 2, {.padding = Padding::Same})), (std::vector<double>{1.5, 2}));
  EXPECT_EQ(values(avg_pool(x, 2, {.padding = Padding::SameLower})), (std::vector<double>{0.5, 3}));
  EXPECT_EQ(values(avg_pool(x, 2, {.padding = Padding::Same, .count_include_pad = false})),
            (std::vector<double>{1.5, 4}));
}

// Elements between, before and behind the windows, whose gradient nobody else writes. Its memory is used before.
TEST(Pool, HasNoGradientWhereNoWindowIs) {
  const auto expect_gradient = [](std::int64_t extent, const PoolOptions& options,
                                  const std::vector<double>& expected) {
    const Tensor x = tensor({1, extent, 1}, std::vector<double>(static_cast<std::size_t>(extent), 1));
    for (int use = 0; use < 4; ++use) full(x.shape(), 7 + use, x.dtype());
    const auto f = [&](const Tensor& input) { return 2.0 * sum(avg_pool(input, 2, options)); };
    EXPECT_EQ(values(grad(f)(x)), expected);
  };
  expect_gradient(6, {.window_strides = 3, .window_dilation = 2}, {1, 0, 1, 1, 0, 1});
  expect_gradient(4, {.padding = {{1, -1}}}, {1, 1, 1, 0});
  expect_gradient(4, {.padding = {{-1, 1}}}, {0, 1, 1, 1});
  expect_gradient(5, {}, {1, 1, 1, 1, 0});
}

TEST(MaxPool, IsMinusInfinityOverPaddingAlone) {
  const Tensor x = tensor({1, 2, 1}, {-kInfinity, 3});
  const PoolOptions options{.window_strides = 1, .padding = {{2, 1}}};
  EXPECT_EQ(values(max_pool(x, 1, options)), (std::vector<double>{-kInfinity, -kInfinity, -kInfinity, 3, -kInfinity}));
  const Tensor gradient = grad([&](const Tensor& input) { return sum(max_pool(input, 1, options)); })(x);
  EXPECT_EQ(values(gradient), (std::vector<double>{1, 1}));  // -inf was seen: it is an element like any other
}

TEST(MaxPool, GivesTheGradientOfATieToTheFirstInRowMajorOrder) {
  const Tensor x = tensor({1, 2, 3, 1}, {1, 7, 7, 7, 7, 0});
  const Tensor gradient = grad([](const Tensor& input) { return sum(max_pool(input, {2, 3})); })(x);
  EXPECT_EQ(values(gradient), (std::vector<double>{0, 1, 0, 0, 0, 0}));
}

TEST(MaxPool, LetsNaNWin) {
  for (std::int64_t channels : {1, 4}) {  // both kinds of loops
    const Tensor x = broadcast_to(tensor({1, 6, 1}, {1, kNaN, 5, kNaN, kNaN, 2}), {1, 6, channels});
    const Tensor y = max_pool(x, 3, {.window_strides = 1});
    for (double value : values(y)) EXPECT_TRUE(std::isnan(value));
    const Tensor gradient = grad([](const Tensor& input) { return sum(max_pool(input, 3)); })(x);
    EXPECT_EQ(values(slice_in_dim(gradient, 0, 1, 1, 2)), (std::vector<double>{0, 1, 0, 1, 0, 0}));
  }
  const Tensor mixed = tensor({1, 4, 1}, {kNaN, 1, 2, 3});
  EXPECT_EQ(values(max_pool(mixed, 2))[1], 3);
}

TEST(Pool, RefusesWhatHasNoMeaning) {
  const Tensor x = zeros({1, 4, 4, 2});
  expect_error(
      [&] {
        max_pool(x, {2, 2, 2});
      },
      "max_pool: window needs one number for each of the 2 spatial axes, got 3");
  expect_error([&] { max_pool(x, {2, 0}); }, "max_pool: window must be from 1 to 2^31 - 1, got (2, 0)");
  expect_error([&] { avg_pool(x, 2, {.window_strides = 0}); }, "avg_pool: window_strides must be from 1");
  expect_error([&] { avg_pool(x, 2, {.window_dilation = {1, -1}}); }, "avg_pool: window_dilation must be from 1");
  expect_error([&] { max_pool(x, 65536); }, "max_pool: a window is limited to 2^31 - 1 elements, got (65536, 65536)");
  expect_error(
      [&] {
        max_pool(x, 2, {.padding = {{1, 1}}});
      },
      "max_pool: padding needs one {low, high} pair for each of the 2");
  expect_error(
      [&] {
        max_pool(x, 2, {.padding = {{0, 0}, {-3, -2}}});
      },
      "max_pool: padding must leave an extent of at least 0 and stay below 2^31, got {-3, -2} for spatial axis "
      "1 of extent 4");
  expect_error([&] { max_pool(x, 2, {.padding = "FULL"}); }, "max_pool: padding must be VALID, SAME or SAME_LOWER");
  expect_error([] { max_pool(zeros({3}), 2); }, "max_pool: needs (batch, spatial..., channels), got Float32 (3,)");
  expect_error([] { avg_pool(zeros({3}), 2, {.channels_first = true}); }, "needs (batch, channels, spatial...)");
  expect_error([] { max_pool(zeros({1, 4, 1}, DType::Int32), 2); }, "max_pool: needs Float32 or Float64");
  expect_error([] { max_pool(Tensor(), 2); }, "null");
}

TEST(Pool, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const Tensor x = sample({3, 40, 41, 16}).to(DType::Float32);
  std::vector<std::vector<double>> results;
  for (int count : {1, 2, 3}) {
    set_num_threads(count);
    std::vector<double> all;
    for (std::int64_t stride : {1, 2, 3})
      for (const auto& pool : {max_pool, avg_pool}) {
        const auto f = [&](const Tensor& input) { return pool(input, 3, {.window_strides = stride, .padding = 1}); };
        const Vjp derivative = vjp(f, {x});
        for (const Tensor& result : {derivative.value, derivative.pullback(derivative.value * derivative.value)[0]})
          for (double value : values(result)) all.push_back(value);
      }
    results.push_back(std::move(all));
  }
  set_num_threads(threads);
  for (std::size_t other : {1u, 2u})
    EXPECT_EQ(std::memcmp(results[0].data(), results[other].data(), results[0].size() * sizeof(double)), 0);
}

}  // namespace
}  // namespace cotangent
