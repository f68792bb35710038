// Data for tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "cotangent/core/tensor.h"

namespace cotangent::testing {

// Numbers that look random, are the same on every machine, and lie in [low, high).
inline Tensor sample(const Shape& shape, double low = -1, double high = 1, std::uint64_t seed = 0) {
  std::mt19937_64 generator(seed);
  Tensor result = Tensor::uninitialized(shape, DType::Float64);
  for (double& out : result.mutable_data<double>())
    out = low + (high - low) * static_cast<double>(generator() >> 11) * 0x1p-53;
  return result;
}

// A Float64 vector of these numbers.
inline Tensor numbers(const std::vector<double>& values) {
  return Tensor::from_data<double>({static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace cotangent::testing
