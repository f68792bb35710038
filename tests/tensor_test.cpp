// Tests of Tensor: handles, accessors, makers, and what they refuse.
#include "cotangent/core/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

template <class T>
std::vector<T> values(const Tensor& tensor) {
  return {tensor.data<T>().begin(), tensor.data<T>().end()};
}

TEST(DType, KnowsItsNameAndSize) {
  EXPECT_EQ(name(DType::Float32), "Float32");
  EXPECT_EQ(name(DType::Bool), "Bool");
  EXPECT_EQ(size_of(DType::Float64), 8u);
  EXPECT_EQ(size_of(DType::UInt8), 1u);
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool})
    visit(dtype, [&]<class T>() {
      EXPECT_EQ(dtype_of<T>(), dtype);
      EXPECT_EQ(size_of(dtype), sizeof(T));
      EXPECT_EQ(is_floating(dtype), std::is_floating_point_v<T>);
    });
  expect_error([] { require_floating("f", DType::Int32); }, "f: needs Float32 or Float64, got Int32; convert with");
}

TEST(Tensor, HoldsACopyOfItsData) {
  std::vector<float> source{1, 2, 3, 4, 5, 6};
  const Tensor tensor = Tensor::from_data<float>({2, 3}, source);
  source[0] = 100;
  EXPECT_EQ(values<float>(tensor), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(tensor.shape(), Shape({2, 3}));
  EXPECT_EQ(tensor.dim(-1), 3);
  EXPECT_EQ(tensor.ndim(), 2);
  EXPECT_EQ(tensor.size(), 6);
  EXPECT_EQ(tensor.dtype(), DType::Float32);
  EXPECT_EQ(describe(tensor), "Float32 (2, 3)");
  const bool flags[] = {true, false};
  EXPECT_EQ(values<bool>(Tensor::from_data<bool>({2}, flags)), (std::vector<bool>{true, false}));
}

TEST(Tensor, ChecksWhatItIsMadeFrom) {
  const std::vector<float> five(5);
  const std::span<const float> none;
  expect_error(
      [&] {
        Tensor::from_data<float>({2, 3}, five);
      },
      "from_data: shape (2, 3) has 6 elements, 5 values given");
  expect_error([&] { Tensor::from_data<float>({-1}, none); }, "from_data: extents must not be negative");
  EXPECT_EQ(Tensor::from_data<float>({0, 3}, none).size(), 0);
  expect_error([] { Tensor::uninitialized({1 << 30, 1 << 30}, DType::Float32); }, "more elements than memory can hold");
  expect_error([] { zeros({1 << 25, 1 << 25}); }, "allocate: out of memory");
}

TEST(Tensor, ChecksHowItIsRead) {
  const Tensor two = ones({2});
  expect_error([&] { two.data<double>(); }, "data: the elements are Float32, asked for as Float64");
  expect_error([&] { two.item<float>(); }, "item: needs exactly one element, shape (2,) has 2");
  expect_error([&] { full({}, 1).item<int>(); }, "item: the elements are Float32, asked for as Int32");
  expect_error([&] { two.dim(1); }, "dim: axis 1 is outside [-1, 1)");
  EXPECT_EQ(full({1, 1}, 3, DType::Int64).item<std::int64_t>(), 3);
}

TEST(Tensor, NullMeansNoTensor) {
  const Tensor null;
  EXPECT_TRUE(null.is_null());
  EXPECT_FALSE(null);
  EXPECT_EQ(describe(null), "a null Tensor");
  expect_error([&] { null.shape(); }, "tensor: this Tensor is null");
  expect_error([&] { null.data<float>(); }, "tensor: this Tensor is null");
  EXPECT_FALSE(null.is_unique());
}

TEST(Tensor, SharesElementsBetweenCopies) {
  Tensor a = ones({2, 3});
  EXPECT_TRUE(a.is_unique());
  {
    const Tensor b = a;
    EXPECT_EQ(b.data<float>().data(), a.data<float>().data());
    EXPECT_FALSE(a.is_unique());
  }
  EXPECT_TRUE(a.is_unique());
  const Tensor flat = a.with_shape({6});
  EXPECT_EQ(flat.data<float>().data(), a.data<float>().data());
  EXPECT_FALSE(a.is_unique());
  EXPECT_FALSE(flat.is_unique());
}

TEST(Tensor, CarriesAHistoryThatItDoesNotKnow) {
  struct Past : History {};
  const auto past = std::make_shared<Past>();
  const Tensor tensor = ones({2}).with_history(past);
  EXPECT_EQ(tensor.history(), past);
  EXPECT_EQ(tensor.with_shape({1, 2}).history(), nullptr);
  const Tensor empty = tensor.without_elements();
  EXPECT_EQ(empty.history(), past);
  EXPECT_EQ(empty.shape(), Shape({2}));
  expect_error([&] { empty.data<float>(); }, "keeps its shape only");
}

TEST(Full, FillsAnyDType) {
  EXPECT_EQ(values<double>(full({2}, 0.5, DType::Float64)), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(values<std::uint8_t>(full({2}, 255, DType::UInt8)), (std::vector<std::uint8_t>{255, 255}));
  EXPECT_EQ(values<bool>(ones({2}, DType::Bool)), (std::vector<bool>{true, true}));
  EXPECT_EQ(zeros_like(ones({2, 3}, DType::Int32)).dtype(), DType::Int32);
  EXPECT_EQ(ones_like(zeros({2, 3})).shape(), Shape({2, 3}));
  EXPECT_TRUE(std::isnan(full({}, NAN).item<float>()));
  EXPECT_EQ(full({}, -0x1p63, DType::Int64).item<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  expect_error([] { full({}, 0.5, DType::Int32); }, "full: Int32 cannot hold 0.5; ask for a floating dtype");
  expect_error([] { full({}, 0x1p63, DType::Int64); }, "full: Int64 cannot hold 9.2");
  expect_error([] { full({}, 256, DType::UInt8); }, "full: UInt8 cannot hold 256");
  expect_error([] { full({}, -1, DType::UInt8); }, "full: UInt8 cannot hold -1");
  expect_error([] { full({}, NAN, DType::Int32); }, "full: Int32 cannot hold nan");
}

TEST(Arange, CountsOrSteps) {
  EXPECT_EQ(values<std::int64_t>(arange(4)), (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(arange(0).shape(), Shape({0}));
  EXPECT_EQ(values<float>(arange(1, 2, 0.25)), (std::vector<float>{1, 1.25, 1.5, 1.75}));
  EXPECT_EQ(values<std::int32_t>(arange(3, -4, -3, DType::Int32)), (std::vector<std::int32_t>{3, 0, -3}));
  EXPECT_EQ(arange(1, 1, 1).size(), 0);
  EXPECT_EQ(arange(2, 1, 1).size(), 0);
  EXPECT_EQ(arange(256, DType::UInt8).size(), 256);
  expect_error([] { arange(-1); }, "arange: the count must not be negative, got -1");
  expect_error([] { arange(257, DType::UInt8); }, "arange: UInt8 cannot hold 256");
  expect_error([] { arange(0, 1, 0); }, "step not 0, got 0, 1, 0");
  expect_error([] { arange(0, NAN, 1); }, "must be finite");
  expect_error([] { arange(0, 1e300, 1); }, "more than memory can hold");
  expect_error([] { arange(0, 1.1, 0.5, DType::Int32); }, "arange: Int32 cannot hold 0.5");
  expect_error([] { arange(0, 300, 1, DType::UInt8); }, "arange: UInt8 cannot hold 299");
}

TEST(Linspace, IncludesBothEnds) {
  EXPECT_EQ(values<float>(linspace(0, 1, 5)), (std::vector<float>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(values<double>(linspace(3, -1, 3, DType::Float64)), (std::vector<double>{3, 1, -1}));
  EXPECT_EQ(values<float>(linspace(2, 5, 1)), std::vector<float>{2});
  EXPECT_EQ(linspace(0, 1, 0).size(), 0);
  EXPECT_EQ(linspace(0, 0.1, 7).data<float>()[6], 0.1f);
  const Tensor line = linspace(-2, 10, 500), fine = linspace(-2, 10, 500, DType::Float64);
  for (std::size_t i = 0; i < 500; ++i) {
    const double exact = -2 + 12 * static_cast<double>(i) / 499;
    EXPECT_NEAR(line.data<float>()[i], exact, 0x1p-19);   // 2 units in the last place of numbers from 8 to 16
    EXPECT_NEAR(fine.data<double>()[i], exact, 0x1p-48);  // the same
  }
  expect_error([] { linspace(0, 1, 3, DType::Int32); }, "linspace: needs Float32 or Float64, got Int32");
  expect_error([] { linspace(0, 1, -3); }, "linspace: the count must not be negative, got -3");
}

TEST(Eye, IsTheIdentity) {
  EXPECT_EQ(values<float>(eye(2)), (std::vector<float>{1, 0, 0, 1}));
  EXPECT_EQ(eye(0).shape(), Shape({0, 0}));
  expect_error([] { eye(-1); }, "extents must not be negative");
}

}  // namespace
}  // namespace cotangent
