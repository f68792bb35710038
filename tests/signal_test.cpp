// Tests of the functions of signal: known answers, SciPy's values over JAX's grids, boundaries, threads, messages.
#include "cotangent/ops/signal.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "conv_reference.h"
#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

using Lists = std::initializer_list<std::initializer_list<double>>;

Tensor numbers(const Values& list, DType dtype = DType::Float64) {
  return Tensor::from_data<double>({static_cast<std::int64_t>(list.size())}, list).to(dtype);
}

Tensor matrix(Lists rows, DType dtype = DType::Float64) {
  Values list;
  for (const auto& row : rows) list.insert(list.end(), row);
  return reshape(numbers(list, dtype), {static_cast<std::int64_t>(rows.size()), -1});
}

TEST(Signal, GivesJaxsDocumentedValuesInOneDimension) {
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int32})
    for (const char* method : {"auto", "direct", "fft"}) {
      const Tensor x = numbers({1, 2, 3, 2, 1}, dtype), y = numbers({1, 1, 1}, dtype), z = numbers({1, 3, 2}, dtype);
      expect_near(signal::convolve(x, y, "full", method), numbers({1, 3, 6, 7, 6, 3, 1}), 1e-15);
      expect_near(signal::convolve(x, y, "same", method), numbers({3, 6, 7, 6, 3}), 1e-15);
      expect_near(signal::convolve(x, y, "valid", method), numbers({6, 7, 6}), 1e-15);
      expect_near(signal::correlate(x, z, "full", method), numbers({2, 7, 13, 15, 11, 5, 1}), 1e-15);
      expect_near(signal::correlate(x, z, "same", method), numbers({7, 13, 15, 11, 5}), 1e-15);
      expect_near(signal::correlate(x, z, "valid", method), numbers({13, 15, 11}), 1e-15);
    }
}

TEST(Signal, GivesJaxsDocumentedValuesInTwoDimensions) {
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int64}) {
    const Tensor x = matrix({{1, 2}, {3, 4}}, dtype), y = matrix({{2, 1, 1}, {4, 3, 4}, {1, 3, 2}}, dtype);
    EXPECT_EQ(values(signal::convolve2d(x, y)), (Values{2, 5, 3, 2, 10, 22, 17, 12, 13, 30, 32, 20, 3, 13, 18, 8}));
    EXPECT_EQ(values(signal::convolve2d(x, y, ConvolveMode::Same)), (Values{22, 17, 30, 32}));
    EXPECT_EQ(values(signal::convolve2d(x, y, ConvolveMode::Valid)), (Values{22, 17, 30, 32}));
    const Tensor a = matrix({{2, 1, 3}, {1, 3, 1}, {4, 1, 2}}, dtype), b = matrix({{1, 3}, {4, 2}}, dtype);
    EXPECT_EQ(values(signal::correlate2d(a, b)), (Values{4, 10, 10, 12, 8, 15, 24, 7, 11, 28, 14, 9, 12, 7, 7, 2}));
    EXPECT_EQ(values(signal::correlate2d(a, b, "same")), (Values{15, 24, 7, 28, 14, 9, 7, 7, 2}));
    EXPECT_EQ(values(signal::correlate2d(a, b, "valid")), (Values{15, 24, 28, 14}));
  }
}

TEST(Signal, SameHasTheShapeOfTheFirstOperand) {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}), k = numbers({1, 10, 100, 1000});
  for (auto method : {signal::Method::Direct, signal::Method::Fft}) {
    expect_near(signal::convolve(k, x, "same", method), numbers({123, 1234, 2345, 3456}), 1e-15);
    expect_near(signal::correlate(k, x, "same", method), numbers({654, 6543, 5432, 4321}), 1e-15);
    expect_near(signal::correlate(k, x, "valid", method), numbers({6543, 5432, 4321}), 1e-15);
  }
}

TEST(Signal, ConvolvesSequencesAsNumPyDoes) {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}), k = numbers({1, 10, 100, 1000});
  for (auto method : {signal::Method::Direct, signal::Method::Fft}) {
    for (const char* mode : {"full", "same", "valid"}) {
      expect_near(signal::convolve(x, k, mode, method), convolve(x, k, mode), 1e-15);
      expect_near(signal::correlate(x, k, mode, method), correlate(x, k, mode), 1e-15);
    }
    for (const char* mode : {"full", "valid"}) {
      expect_near(signal::convolve(k, x, mode, method), convolve(k, x, mode), 1e-15);
      expect_near(signal::correlate(k, x, mode, method), correlate(k, x, mode), 1e-15);
    }
  }
}

TEST(Signal, Correlate2dAndCorrelateDisagreeForEvenExtents) {
  const Tensor x = numbers({1, 2, 3, 4}), row = reshape(x, {1, 4});
  EXPECT_EQ(values(signal::correlate(x, x, "same")), (Values{11, 20, 30, 20}));
  EXPECT_EQ(values(signal::correlate2d(row, row, "same")), (Values{20, 30, 20, 11}));
}

TEST(Signal, TakesSingleNumbers) {
  const Tensor two = full({}, 2, DType::Float64), three = full({}, 3, DType::Float64);
  for (const char* method : {"auto", "direct", "fft"})
    for (const char* mode : {"full", "same", "valid"}) {
      EXPECT_EQ(signal::convolve(two, three, mode, method).item<double>(), 6);
      EXPECT_EQ(signal::correlate(two, three, mode, method).item<double>(), 6);
    }
  EXPECT_EQ(signal::fftconvolve(two, three).item<double>(), 6);
}

// One line of golden/signal.txt: which function, of what.
struct GoldenCase {
  std::string key, function;
  Shape first, second;
  std::string mode, more;

  explicit GoldenCase(std::string line_key) : key(std::move(line_key)) {
    std::istringstream fields(key);
    std::string one, other;
    std::getline(fields, function, ':');
    std::getline(fields, one, ':');
    std::getline(fields, other, ':');
    std::getline(fields, mode, ':');
    std::getline(fields, more, ':');
    first = shape(one);
    second = shape(other);
  }

  static Shape shape(const std::string& text) {
    Shape result;
    std::istringstream extents(text);
    for (std::string extent; std::getline(extents, extent, 'x');) result.push_back(std::stoll(extent));
    return result;
  }

  static Tensor whole_numbers(const Shape& shape, std::int64_t step, std::int64_t modulus, std::int64_t less) {
    Values list;
    for (std::int64_t i = 0; i < shape.elements(); ++i) list.push_back(static_cast<double>(step * i % modulus - less));
    return reshape(numbers(list), shape);
  }

  Tensor operator()(DType dtype, const std::string& method) const {
    const Tensor a = whole_numbers(first, 7, 13, 6).to(dtype), b = whole_numbers(second, 5, 11, 4).to(dtype);
    const std::string boundary = more.empty() ? "fill" : more;
    const double fillvalue = more.empty() ? 0 : 3;
    if (function == "np.convolve") return convolve(a, b, mode);
    if (function == "np.correlate") return correlate(a, b, mode);
    if (function == "convolve") return signal::convolve(a, b, mode, method);
    if (function == "correlate") return signal::correlate(a, b, mode, method);
    if (function == "convolve2d") return signal::convolve2d(a, b, mode, boundary, fillvalue);
    if (function == "correlate2d") return signal::correlate2d(a, b, mode, boundary, fillvalue);
    std::vector<int> axes;
    for (char axis : more)
      if (axis >= '0' && axis <= '9') axes.push_back(axis - '0');
    if (more.front() == '-') axes = {-axes[0]};
    return signal::fftconvolve(a, b, mode, axes);
  }
};

TEST(Signal, MeetsTheValuesOfSciPyAndNumPy) {
  std::ifstream file(COTANGENT_SOURCE_DIR "/tests/golden/signal.txt");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const GoldenCase c(line.substr(0, line.find(' ')));
    SCOPED_TRACE(c.key);
    const Tensor expected = golden(c.key, "signal");
    for (DType dtype : {DType::Float32, DType::Float64}) {
      if (c.function != "fftconvolve") {
        ASSERT_EQ(values(c(dtype, "direct")), values(expected));
      }
      expect_near(c(dtype, "fft"), expected, dtype == DType::Float32 ? 1e-7 : 1e-14);
      expect_near(c(dtype, "auto"), expected, dtype == DType::Float32 ? 1e-7 : 1e-14);
      ++cases;
    }
  }
  EXPECT_EQ(cases, 2 * 584);
}

TEST(Signal, AutoIsTheFftForLargeOperandsOnly) {
  const Tensor large = sample({200, 200}, -1, 1, 1), small = sample({3, 3}, -1, 1, 2);
  const auto with = [&](const Tensor& other, signal::Method method, Precision precision = Precision::Default) {
    return values(signal::convolve(large, other, "same", method, precision));
  };
  using signal::Method;
  EXPECT_EQ(with(large, Method::Auto), with(large, Method::Fft));
  EXPECT_EQ(with(small, Method::Auto), with(small, Method::Direct));
  EXPECT_NE(with(small, Method::Direct), with(small, Method::Fft));
  const Tensor medium = sample({40, 40}, -1, 1, 3);
  EXPECT_EQ(with(medium, Method::Auto, Precision::Highest), with(medium, Method::Direct));
}

TEST(Signal, HasTheSameBitsForAnyNumberOfThreads) {
  const Tensor a = sample({4, 70, 90}, -1, 1, 1), b = sample({4, 30, 50}, -1, 1, 2);
  const int threads = num_threads();
  set_num_threads(1);
  const Values expected = values(signal::fftconvolve(a, b, "full", {1, 2}));
  for (int count : {2, 3, 5}) {
    set_num_threads(count);
    EXPECT_EQ(values(signal::fftconvolve(a, b, "full", {1, 2})), expected) << count << " threads";
  }
  set_num_threads(threads);
}

// The first of three axes: bringing it to the end and putting it back are different permutations.
TEST(Signal, FftConvolvesAlongAnyAxis) {
  const Tensor a = sample({4, 2, 3}, -1, 1, 1), b = sample({3, 2, 3}, -1, 1, 2);
  for (const char* mode : {"full", "same", "valid"}) {
    const Tensor last = signal::fftconvolve(transpose(a, {1, 2, 0}), transpose(b, {1, 2, 0}), mode, 2);
    const Tensor first = signal::fftconvolve(a, b, mode, 0);
    EXPECT_TRUE(all_close(first, transpose(last, {2, 0, 1}), 0, 1e-13)) << mode;
  }
}

TEST(Signal, BoundariesReachAnyDistance) {
  // ... 3 1 2 3 1 2 3 1 ... and ... 3 2 1 1 2 3 3 2 1 1 ..., under a window of seven.
  const Tensor x = matrix({{1, 2, 3}}), ones_row = ones({1, 7}, DType::Float64);
  EXPECT_EQ(values(signal::convolve2d(x, ones_row, "same", "wrap")), (Values{13, 14, 15}));
  EXPECT_EQ(values(signal::convolve2d(x, ones_row, "same", "symm")), (Values{15, 14, 13}));
  EXPECT_EQ(values(signal::convolve2d(x, ones({1, 3}), "full", signal::Boundary::Fill, 10)),
            (Values{21, 13, 6, 15, 23}));
}

TEST(Signal, FftOfBadNumbersIsBadEverywhereButDirectIsNot) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = numbers({1, infinity, 2, 3}), k = numbers({1, 1});
  EXPECT_TRUE(all(is_nan(signal::fftconvolve(x, k))).item<bool>());
  EXPECT_EQ(values(signal::convolve(x, k)), (Values{1, infinity, infinity, 5, 3}));
}

TEST(Signal, PromotesToAFloatingType) {
  EXPECT_EQ(signal::convolve(arange(3), arange(2)).dtype(), DType::Float64);
  EXPECT_EQ(signal::correlate(ones({3}, DType::Int32), ones({2}, DType::Bool)).dtype(), DType::Float32);
  EXPECT_EQ(signal::fftconvolve(ones({3}), ones({2}, DType::Float64)).dtype(), DType::Float64);
  EXPECT_EQ(signal::convolve2d(ones({3, 3}, DType::Int64), ones({2, 2})).dtype(), DType::Float32);
}

TEST(Signal, ExplainsWhatItRefuses) {
  const Tensor a = ones({4, 5}), b = ones({5, 4}), c = ones({2, 2}), v = ones({3}), none = zeros({0, 2});
  expect_error([&] { signal::convolve(a, c, "middle"); },
               "signal::convolve: mode must be \"full\", \"same\" or \"valid\", got \"middle\"");
  expect_error([&] { signal::correlate(a, c, "full", "magic"); },
               "signal::correlate: method must be \"auto\", \"direct\" or \"fft\", got \"magic\"");
  expect_error([&] { signal::convolve(a, v); }, "the same number of axes, got 2 and 1: shapes (4, 5) and (3,)");
  for (const char* method : {"auto", "direct", "fft"})
    expect_error([&] { signal::convolve(none, c, "full", method); },
                 "must have elements, got shapes (0, 2) and (2, 2)");
  for (const char* mode : {"full", "same", "valid"}) {
    expect_error([&] { signal::convolve(a, b, mode); },
                 "at least as large as the other on every axis, got shapes (4, 5)");
    expect_error([&] { signal::correlate(a, b, mode, "direct"); }, "signal::correlate: one operand must be");
    expect_error([&] { signal::correlate2d(a, b, mode); }, "signal::correlate2d: one operand must be");
  }
  expect_error([&] { signal::convolve(a, b, "valid", "fft"); }, "at least as large");
  expect_error([&] { signal::convolve2d(a, b, "valid", "wrap"); }, "at least as large");
  expect_error([&] { signal::convolve2d(v, v); }, "signal::convolve2d: both operands must be 2-D, got shapes (3,)");
  expect_error([&] { signal::correlate2d(a, none); }, "signal::correlate2d: both operands must have elements");
  expect_error([&] { signal::convolve2d(a, c, "full", "reflect"); },
               "boundary must be \"fill\", \"wrap\" or \"symm\", got \"reflect\"");
  expect_error([&] { signal::fftconvolve(a, v); }, "signal::fftconvolve: both operands need the same number of axes");
  expect_error([&] { signal::fftconvolve(a, c, "full", 0); },
               "extents must agree on the axes that are not convolved, got 5 and 2 on axis 1");
  expect_error([&] { signal::fftconvolve(a, b, "valid"); }, "in mode valid one operand must be at least as large");
  expect_error([&] { signal::fftconvolve(a, a, "full", {0, -2}); }, "axes must be distinct, got (0, -2)");
  expect_error([&] { signal::fftconvolve(a, a, "full", 2); }, "axis");
  expect_error([&] { signal::fftconvolve(none, none); }, "must have elements, got shapes (0, 2) and (0, 2)");
}

}  // namespace
}  // namespace cotangent::testing
