// What the tests of the kernels of every instruction set share: the levels, data, and how results are compared.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cotangent/core/isa.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "sample.h"

namespace cotangent::testing {

// Those that the library is compiled for and this processor has.
inline std::vector<Isa> levels() {
  std::vector<Isa> all;
  for (Isa level : {Isa::Baseline, Isa::V2, Isa::V3, Isa::V4})
    if (has_isa(level)) all.push_back(level);
  return all;
}

template <class T>
std::vector<T> samples(std::int64_t n, double low, double high, std::uint64_t seed) {
  std::vector<T> values;
  const Tensor drawn = sample({n}, low, high, seed);
  for (const double value : drawn.data<double>()) values.push_back(static_cast<T>(value));
  return values;
}

// Memory that kernels may read and write by whole vectors at multiples of a vector.
template <class T>
class Aligned {
 public:
  explicit Aligned(std::int64_t size) : blocks_((size + kBlock - 1) / kBlock) {}
  explicit Aligned(const std::vector<T>& values) : Aligned(std::ssize(values)) {
    for (std::size_t i = 0; i < values.size(); ++i) data()[i] = values[i];
  }
  T* data() { return reinterpret_cast<T*>(blocks_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(blocks_.data()); }

 private:
  static constexpr std::int64_t kBlock = 64 / sizeof(T);
  struct alignas(64) Block {
    T values[kBlock];
  };
  std::vector<Block> blocks_;
};

// Whether a sum of terms up to 1 is right, but for some roundings.
template <class T>
void expect_sum(T actual, double expected, int roundings = 32) {
  if (std::isnan(expected)) ASSERT_TRUE(std::isnan(actual)) << actual;
  else ASSERT_NEAR(actual, expected, roundings * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

// Runs check(table) for a table of each level.
template <class Table, class Check>
void for_each_level(Check check) {
  for (Isa level : levels()) {
    SCOPED_TRACE(name(level));
    check(kernels::table_of<Table>(level));
  }
}

// What is negative becomes 0; not a number stays so.
inline double rectified(double x) { return x < 0 ? 0 : x; }

constexpr std::int64_t kPixel = 83;  // elements from one pixel to the next

// Some widths of at least a vector, and no more than kPixel.
inline std::vector<std::int64_t> widths(std::int64_t lanes) {
  return {lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 4 * lanes, 4 * lanes + lanes / 2};
}

// The element that a place of a dense row of vectors stands for, of which the last one ends at `width`.
inline std::int64_t dense_element(std::int64_t place, std::int64_t width, std::int64_t lanes) {
  const std::int64_t whole = width / lanes * lanes;
  return place < whole ? place : width - lanes + (place - whole);
}

}  // namespace cotangent::testing
