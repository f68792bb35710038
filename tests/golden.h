// Golden values: what other programs compute, from files made by the scripts in golden/.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "cotangent/core/tensor.h"

namespace cotangent::testing {

// Element i is sin(phase + 1.3 i), as in the scripts.
inline Tensor wave(const Shape& shape, double phase) {
  Tensor result = Tensor::uninitialized(shape, DType::Float64);
  double i = 0;
  for (double& element : result.mutable_data<double>()) element = std::sin(phase + 1.3 * i++);
  return result;
}

// The Float64 tensor of that name in tests/golden/<source>.txt.
inline Tensor golden(const std::string& name, const std::string& source = "nn") {
  static std::map<std::string, std::map<std::string, Tensor>> sources;
  std::map<std::string, Tensor>& tensors = sources[source];
  if (tensors.empty()) {
    std::ifstream file(COTANGENT_SOURCE_DIR "/tests/golden/" + source + ".txt");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with('#')) continue;
      std::istringstream words(line);
      std::string key;
      std::size_t ndim = 0;
      words >> key >> ndim;
      std::vector<std::int64_t> extents(ndim);
      for (std::int64_t& extent : extents) words >> extent;
      Tensor tensor = Tensor::uninitialized(Shape(extents), DType::Float64);
      for (double& element : tensor.mutable_data<double>()) words >> element;
      tensors[key] = tensor;
    }
  }
  return tensors.at(name);
}

// Expects equal shapes and elements that differ by at most `tolerance`, relative to the largest.
inline void expect_near(const Tensor& actual, const Tensor& expected, double tolerance = 1e-10) {
  ASSERT_EQ(actual.shape(), expected.shape());
  const Tensor a = actual.to(DType::Float64), b = expected.to(DType::Float64);
  double largest = 1;
  for (double element : b.data<double>()) largest = std::max(largest, std::abs(element));
  for (std::size_t i = 0; i < b.data<double>().size(); ++i)
    ASSERT_NEAR(a.data<double>()[i], b.data<double>()[i], tolerance * largest) << "element " << i;
}

}  // namespace cotangent::testing
