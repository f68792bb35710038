// Tests of the elementwise kernels of every instruction set that this processor has, against plain loops, and of the
// choice of one.
#include "cotangent/core/isa.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "cotangent/cotangent.h"
#include "cotangent/ops/kernels/isa/elementwise.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using kernels::ElementwiseKernels;
using testing::levels;
using testing::sample;
using testing::samples;
namespace functions = kernels::functions;

constexpr std::size_t kCounts[] = {1, 3, 7, 8, 16, 17, 63, 64, 100};
constexpr double kParameter = 1.5;

template <class F>
F function() {
  if constexpr (std::is_empty_v<F>) return F();
  else return F{kParameter};
}

// Both have the same steps, one perhaps with fused multiplications and additions.
template <class T>
void expect_near(T actual, T expected) {
  if constexpr (std::is_floating_point_v<T>)
    ASSERT_LE(std::abs(actual - expected), 16 * std::numeric_limits<T>::epsilon() * std::abs(expected));
  else ASSERT_EQ(actual, expected);
}

template <class T, class F>
void check_unary(kernels::UnaryKernel<T> kernel) {
  if constexpr (std::is_floating_point_v<T> || requires { F::any_number; }) {
    const std::vector<T> x = std::is_floating_point_v<T> ? samples<T>(100, 0.1, 0.9, 1) : samples<T>(100, 0, 9, 1);
    for (std::size_t n : kCounts) {
      std::vector<T> y(n + 1, T(77));
      kernel(x.data(), y.data(), static_cast<std::int64_t>(n), kParameter);
      for (std::size_t i = 0; i < n; ++i) {
        expect_near(y[i], static_cast<T>(function<F>().of(x[i])));
        T alone;
        kernel(&x[i], &alone, 1, kParameter);
        ASSERT_EQ(alone, y[i]) << "depends on where it is";
      }
      ASSERT_EQ(y[n], T(77)) << "wrote past the end";
    }
  } else {
    ASSERT_EQ(kernel, nullptr);
  }
}

template <class T, class F>
void check_binary(kernels::BinaryKernel<T> kernel) {
  if constexpr (std::is_floating_point_v<T> || !requires { F::floating_only; }) {
    const std::vector<T> a = samples<T>(100, 0.1, 9, 1), b = samples<T>(100, 0.1, 9, 2);
    for (std::size_t n : kCounts) {
      std::vector<T> y(n + 1, T(77));
      kernel(a.data(), b.data(), y.data(), static_cast<std::int64_t>(n), kParameter);
      for (std::size_t i = 0; i < n; ++i) expect_near(y[i], static_cast<T>(function<F>().of(a[i], b[i])));
      ASSERT_EQ(y[n], T(77)) << "wrote past the end";
    }
  } else {
    ASSERT_EQ(kernel, nullptr);
  }
}

template <class T, class F>
void check_relation(kernels::RelationKernel<T> kernel) {
  const std::vector<T> a = samples<T>(100, 0, 3, 1), b = samples<T>(100, 0, 3, 2);
  for (std::size_t n : kCounts) {
    std::array<bool, 101> y{};
    kernel(a.data(), b.data(), y.data(), static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(y[i], F::of(a[i], b[i]));
    ASSERT_FALSE(y[n]);
  }
}

template <class T>
void check_elementwise(const ElementwiseKernels<T>& table) {
  const auto unary = [&]<class... F>(kernels::COTANGENT_ISA::FunctionList<F...>) {
    (check_unary<T, F>(table.unary[functions::UnaryFunctions::index<F>()]), ...);
  };
  const auto binary = [&]<class... F>(kernels::COTANGENT_ISA::FunctionList<F...>) {
    (check_binary<T, F>(table.binary[functions::BinaryFunctions::index<F>()]), ...);
  };
  const auto relation = [&]<class... F>(kernels::COTANGENT_ISA::FunctionList<F...>) {
    (check_relation<T, F>(table.relation[functions::Relations::index<F>()]), ...);
  };
  unary(functions::UnaryFunctions());
  binary(functions::BinaryFunctions());
  relation(functions::Relations());
  const std::vector<T> a = samples<T>(100, 0, 9, 1), b = samples<T>(100, 0, 9, 2);
  const Tensor condition = less(sample({100}, -1, 1, 3), 0);
  for (std::size_t n : kCounts) {
    std::vector<T> y(n + 1, T(77));
    table.select(condition.data<bool>().data(), a.data(), b.data(), y.data(), static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(y[i], condition.data<bool>()[i] ? a[i] : b[i]);
    ASSERT_EQ(y[n], T(77));
  }
}

TEST(Isa, ElementwiseKernelsArePlainLoops) {
  for (Isa level : levels()) {
    SCOPED_TRACE(name(level));
    check_elementwise(kernels::table_of<ElementwiseKernels<float>>(level));
    check_elementwise(kernels::table_of<ElementwiseKernels<double>>(level));
    check_elementwise(kernels::table_of<ElementwiseKernels<std::int32_t>>(level));
    check_elementwise(kernels::table_of<ElementwiseKernels<std::int64_t>>(level));
    check_elementwise(kernels::table_of<ElementwiseKernels<std::uint8_t>>(level));
    const ElementwiseKernels<bool>& bools = kernels::table_of<ElementwiseKernels<bool>>(level);
    for (bool p : {false, true})
      for (bool q : {false, true}) {
        bool y = false;
        bools.relation[functions::Relations::index<functions::Equal>()](&p, &q, &y, 1);
        EXPECT_EQ(y, p == q);
        for (bool condition : {false, true}) {
          bools.select(&condition, &p, &q, &y, 1);
          EXPECT_EQ(y, condition ? p : q);
        }
      }
  }
}

TEST(Isa, NanAndInfinityPassThroughEveryLevel) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  for (Isa level : levels()) {
    SCOPED_TRACE(name(level));
    const auto& table = kernels::table_of<ElementwiseKernels<float>>(level);
    const auto f = [&]<class F>(F, float x) {
      float y;
      table.unary[functions::UnaryFunctions::index<F>()](&x, &y, 1, 0);
      return y;
    };
    EXPECT_TRUE(std::isnan(f(functions::Relu(), kNan)));
    EXPECT_TRUE(std::isnan(f(functions::Exp(), kNan)));
    EXPECT_TRUE(std::isnan(f(functions::Log(), -1)));
    EXPECT_EQ(f(functions::Exp(), 89), kInfinity);
    EXPECT_EQ(f(functions::Exp(), -kInfinity), 0);
    EXPECT_EQ(f(functions::Expm1(), kInfinity), kInfinity);
    EXPECT_EQ(f(functions::Log(), 0), -kInfinity);
    EXPECT_EQ(f(functions::Log(), kInfinity), kInfinity);
    EXPECT_EQ(f(functions::Tanh(), kInfinity), 1);
    for (const auto& [a, b] : {std::pair{kNan, 1.0f}, {1.0f, kNan}}) {
      float y = 0;
      for (std::size_t at : {functions::BinaryFunctions::index<functions::Maximum>(),
                             functions::BinaryFunctions::index<functions::Minimum>()}) {
        table.binary[at](&a, &b, &y, 1, 0);
        EXPECT_TRUE(std::isnan(y));
      }
    }
  }
}

// Prints the level in use, or why there is none: for the test below, which runs it in a process of its own.
TEST(Isa, TellsItsLevel) {
  try {
    std::printf("level: %s\n", std::string(name(isa())).c_str());
  } catch (const Error& error) {
    std::printf("error: %s\n", error.what());
  }
}

std::string level_with(const std::string& variable) {
  const std::string command = "COTANGENT_ISA='" + variable + "' '" +
                              std::filesystem::read_symlink("/proc/self/exe").string() +
                              "' --gtest_filter=Isa.TellsItsLevel";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  ::pclose(pipe);
  return text;
}

TEST(Isa, IsTheBestOrTheOneAskedFor) {
  EXPECT_NE(level_with("").find("level: " + std::string(name(levels().back()))), std::string::npos);
  EXPECT_NE(level_with("sse9").find("error: COTANGENT_ISA: must be baseline, v2, v3 or v4, got \"sse9\""),
            std::string::npos);
  const std::string compiled = COTANGENT_ISA_LEVELS;
  for (Isa level : {Isa::Baseline, Isa::V2, Isa::V3, Isa::V4}) {
    const std::string text(name(level));
    std::string expected = "error: COTANGENT_ISA: this processor cannot run " + text;
    if (has_isa(level)) expected = "level: " + text;
    else if (compiled.find(text) == std::string::npos)
      expected = "error: COTANGENT_ISA: this library has no kernels for " + text + "; it was compiled for " + compiled;
    EXPECT_NE(level_with(text).find(expected), std::string::npos);
  }
}

}  // namespace
}  // namespace cotangent
