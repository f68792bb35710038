// Tests of Tensor: handles, accessors, makers, and what they refuse.
#include "cotangent/core/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <utility>

#include "cotangent/core/memory.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

template <class T>
std::vector<T> values(const Tensor& tensor) {
  return {tensor.data<T>().begin(), tensor.data<T>().end()};
}

// A span of a temporary's elements would outlive them.
template <class Handle>
concept HasData = requires(Handle&& tensor) {
  std::forward<Handle>(tensor).template data<float>();
};
template <class Handle>
concept HasMutableData = requires(Handle&& tensor) {
  std::forward<Handle>(tensor).template mutable_data<float>();
};
static_assert(HasData<Tensor&> && HasData<const Tensor&> && HasMutableData<Tensor&>);
static_assert(!HasData<Tensor> && !HasData<const Tensor> && !HasMutableData<Tensor>);

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
  const Ref<const History> past(new Past);
  const Tensor tensor = ones({2}).with_history(past);
  EXPECT_EQ(tensor.history(), past);
  EXPECT_EQ(tensor.with_shape({1, 2}).history(), nullptr);
  const Tensor empty = tensor.without_elements();
  EXPECT_EQ(empty.history(), past);
  EXPECT_EQ(empty.shape(), Shape({2}));
  expect_error([&] { empty.data<float>(); }, "has a shape and no values");
}

// Few elements lie with the handle's body, more in a block of the cache.
TEST(Tensor, IsAValueWhateverItsSize) {
  for (const std::int64_t size : {0, 1, 8, 9, 100}) {
    const std::size_t before = memory_use().live;
    {
      Tensor a = full({size}, 3.0), b = full({size}, 4.0), c = a;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data<float>().data()) % 16, 0u);
      a = *&a;  // to itself
      EXPECT_EQ(values<float>(a), std::vector<float>(size, 3));
      a = std::move(b);
      EXPECT_TRUE(b.is_null());
      EXPECT_TRUE(c.is_unique());
      std::swap(a, c);
      EXPECT_EQ(values<float>(a), std::vector<float>(size, 3));
      EXPECT_EQ(values<float>(c), std::vector<float>(size, 4));
      b = a.with_shape({1, 1, 1, 1, 1, 1, 1, 1, size});
      EXPECT_EQ(b.ndim(), 9);
      a = Tensor();
      EXPECT_TRUE(b.is_unique());
      EXPECT_EQ(values<float>(b), std::vector<float>(size, 3));
      a = b.with_shape({size, 1});
      b = Tensor();
      EXPECT_EQ(values<float>(a), std::vector<float>(size, 3));
    }
    EXPECT_EQ(memory_use().live, before);
  }
}

// The elements go with the last handle that has them, whatever other handles there are.
TEST(Tensor, FreesItsElementsBeforeItsOutlines) {
  for (const std::int64_t size : {1, 1000}) {
    const std::size_t before = memory_use().live;
    Tensor a = ones({size}), b = a, view = a.with_shape({1, size});
    const Tensor outline = a.without_elements(), copy = outline, of_view = view.without_elements();
    EXPECT_FALSE(outline.is_unique());
    const std::size_t held = memory_use().live;
    EXPECT_GT(held, before);
    a = Tensor();
    b = Tensor();
    EXPECT_EQ(memory_use().live, held);
    EXPECT_TRUE(view.is_unique());
    view = Tensor();
    EXPECT_EQ(memory_use().live, before);
    EXPECT_EQ(copy.shape(), Shape({size}));
    EXPECT_EQ(of_view.shape(), Shape({1, size}));
    expect_error(
        [&] {
          const Tensor reshaped = of_view.with_shape({size});
          reshaped.data<float>();
        },
        "has a shape and no values");
  }
}

TEST(Tensor, IsFreedByAnyThread) {
  const std::size_t before = memory_use().live;
  for (int round = 0; round < 200; ++round) {
    Tensors tensors;
    for (std::int64_t i = 0; i < 64; ++i) {
      const Tensor tensor = ones({i % 16});
      tensors.push_back(i % 3 == 0 ? tensor.with_shape({i % 16, 1}) : i % 3 == 1 ? tensor.without_elements() : tensor);
    }
    std::vector<std::thread> threads;
    for (int id = 0; id < 3; ++id)
      threads.emplace_back([mine = tensors]() mutable {
        for (Tensor& tensor : mine) {
          const Tensor outline = tensor.without_elements();
          tensor = Tensor();
          ASSERT_LT(outline.size(), 16);
        }
      });
    tensors.clear();
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(memory_use().live, before);
}

const Tensor kStatic = ones({3});  // must outlive the lists of free memory of its thread

TEST(Tensor, MayBeStatic) { EXPECT_EQ(values<float>(kStatic), std::vector<float>(3, 1)); }

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
  const Tensor tenths = linspace(0, 0.1, 7);
  EXPECT_EQ(tenths.data<float>()[6], 0.1f);
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
