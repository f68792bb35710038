// Tests of printing: everything that golden/print.txt shows, which NumPy wrote (golden/make_print.py).
#include "cotangent/core/print.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

namespace cotangent {
namespace {

struct Case {
  Tensor tensor;
  std::string printed;
};

// The next case of the file; its tensor is null at the end.
Case next_case(std::ifstream& file) {
  static const std::map<std::string, DType> kDTypes{{"float32", DType::Float32}, {"float64", DType::Float64},
                                                    {"int32", DType::Int32},     {"int64", DType::Int64},
                                                    {"uint8", DType::UInt8},     {"bool", DType::Bool}};
  Case result;
  std::string line, dtype, value;
  if (!std::getline(file, line)) return result;
  std::istringstream head(line);
  head >> dtype;
  Shape shape;
  for (std::int64_t extent; head >> extent;) shape.push_back(extent);

  std::getline(file, line);
  std::istringstream values(line);
  result.tensor = Tensor::uninitialized(shape, kDTypes.at(dtype));
  visit(result.tensor.dtype(), [&]<class T>() {
    std::int64_t i = 0;
    for (T& element : result.tensor.mutable_data<T>()) {
      if (line == "arange" || line == "zeros") element = static_cast<T>(line == "zeros" ? 0 : i++);
      else if (values >> value; std::is_integral_v<T>) element = static_cast<T>(std::stoll(value));
      else element = static_cast<T>(std::strtod(value.c_str(), nullptr));
    }
  });

  while (std::getline(file, line) && line != "--") result.printed += (result.printed.empty() ? "" : "\n") + line;
  return result;
}

TEST(Print, ShowsWhatNumPyShows) {
  std::ifstream file(COTANGENT_SOURCE_DIR "/tests/golden/print.txt");
  int cases = 0;
  for (Case c = next_case(file); c.tensor; c = next_case(file), ++cases) EXPECT_EQ(to_string(c.tensor), c.printed);
  EXPECT_GE(cases, 200);
}

TEST(Print, GoesToStreams) {
  std::ostringstream out;
  out << eye(2) << " and " << Tensor();
  EXPECT_EQ(out.str(), "[[1. 0.]\n [0. 1.]] and a null Tensor");
}

// Brackets nested this deep would exhaust the stack of a recursive printer.
TEST(Print, TakesAnyNumberOfAxes) {
  const std::vector<std::int64_t> ones(50'000, 1);
  EXPECT_EQ(to_string(full(Shape(ones), 7, DType::Int32)), std::string(50'000, '[') + '7' + std::string(50'000, ']'));
}

}  // namespace
}  // namespace cotangent
