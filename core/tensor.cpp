// Tensor: handles, accessors and makers.
#include "cotangent/core/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotangent/core/error.h"
#include "cotangent/core/memory.h"

namespace cotangent {
namespace {

// Fills a new tensor with element(i) for i = 0, 1, ...
template <class F>
Tensor generate(const Shape& shape, DType dtype, F element) {
  Tensor result = Tensor::uninitialized(shape, dtype);
  visit(dtype, [&]<class T>() {
    const std::span<T> out = result.mutable_data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = element.template operator()<T>(static_cast<std::int64_t>(i));
  });
  return result;
}

// A number as an element; what an integer type cannot hold is refused rather than rounded or wrapped.
template <class T>
T to_element(const char* operation, double value) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) &&
          value < std::ldexp(1.0, std::numeric_limits<T>::digits) && value == std::trunc(value)))
      fail(operation, fmt::format("{} cannot hold {}; ask for a floating dtype", name(dtype_of<T>()), value));
  }
  return static_cast<T>(value);
}

}  // namespace

template <Element T>
Tensor Tensor::from_data(Shape shape, std::span<const T> values) {
  require_valid("from_data", shape);
  if (shape.elements() != static_cast<std::int64_t>(values.size()))
    fail("from_data",
         fmt::format("shape {} has {} elements, {} values given", to_string(shape), shape.elements(), values.size()));
  Tensor result = uninitialized(std::move(shape), dtype_of<T>());
  std::copy(values.begin(), values.end(), result.mutable_data<T>().begin());
  return result;
}

template Tensor Tensor::from_data<float>(Shape, std::span<const float>);
template Tensor Tensor::from_data<double>(Shape, std::span<const double>);
template Tensor Tensor::from_data<std::int32_t>(Shape, std::span<const std::int32_t>);
template Tensor Tensor::from_data<std::int64_t>(Shape, std::span<const std::int64_t>);
template Tensor Tensor::from_data<std::uint8_t>(Shape, std::span<const std::uint8_t>);
template Tensor Tensor::from_data<bool>(Shape, std::span<const bool>);

Tensor Tensor::uninitialized(Shape shape, DType dtype) {
  require_valid("tensor", shape);
  const std::int64_t elements = shape.elements();
  return Tensor(
      Body{allocate(static_cast<std::size_t>(elements) * size_of(dtype)), std::move(shape), elements, dtype, nullptr});
}

std::int64_t Tensor::dim(int axis) const {
  return shape()[static_cast<std::size_t>(normalize_axis("dim", axis, ndim()))];
}

bool Tensor::is_unique() const { return body_.use_count() == 1 && body_->buffer.use_count() == 1; }

Tensor Tensor::with_history(std::shared_ptr<const History> history) const {
  Body copy = body();
  copy.history = std::move(history);
  return Tensor(std::move(copy));
}

Tensor Tensor::with_shape(Shape shape) const {
  return Tensor(Body{body().buffer, std::move(shape), size(), dtype(), nullptr});
}

Tensor Tensor::without_elements() const { return Tensor(Body{nullptr, shape(), size(), dtype(), history()}); }

void Tensor::fail_null() { fail("tensor", "this Tensor is null: it was default-made or moved from"); }

const void* Tensor::bytes(DType asked, const char* operation) const {
  if (dtype() != asked)
    fail(operation, fmt::format("the elements are {}, asked for as {}; convert with .to(DType::{})", name(dtype()),
                                name(asked), name(asked)));
  if (body().buffer == nullptr)
    fail(operation, "this tensor keeps its shape only: the primitive's saves() left its elements out");
  return body().buffer.get();
}

void* Tensor::mutable_bytes(DType asked) { return const_cast<void*>(bytes(asked, "mutable_data")); }

void Tensor::require_single() const {
  if (size() != 1) fail("item", fmt::format("needs exactly one element, shape {} has {}", to_string(shape()), size()));
}

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor result = Tensor::uninitialized(shape, dtype);
  visit(dtype, [&]<class T>() {
    const T element = to_element<T>("full", value);
    std::ranges::fill(result.mutable_data<T>(), element);
  });
  return result;
}

Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor zeros_like(const Tensor& tensor) { return zeros(tensor.shape(), tensor.dtype()); }
Tensor ones_like(const Tensor& tensor) { return ones(tensor.shape(), tensor.dtype()); }

Tensor arange(std::int64_t count, DType dtype) {
  if (count < 0) fail("arange", fmt::format("the count must not be negative, got {}", count));
  if (count > 0) visit(dtype, [&]<class T>() { to_element<T>("arange", static_cast<double>(count - 1)); });
  return generate({count}, dtype, []<class T>(std::int64_t i) { return static_cast<T>(i); });
}

Tensor arange(double start, double stop, double step, DType dtype) {
  if (!(step != 0) || !std::isfinite(step) || !std::isfinite(start) || !std::isfinite(stop))
    fail("arange",
         fmt::format("start, stop and step must be finite and step not 0, got {}, {}, {}", start, stop, step));
  const double count = std::max(0.0, std::ceil((stop - start) / step));
  if (count > 0x1p59) fail("arange", fmt::format("{} elements are more than memory can hold", count));
  if (count > 0)
    visit(dtype, [&]<class T>() {  // if the first two are whole numbers, so are all; none is further out than the last
      for (double i : {0.0, std::min(1.0, count - 1), count - 1}) to_element<T>("arange", start + i * step);
    });
  return generate({static_cast<std::int64_t>(count)}, dtype,
                  [=]<class T>(std::int64_t i) { return static_cast<T>(start + static_cast<double>(i) * step); });
}

Tensor linspace(double start, double stop, std::int64_t count, DType dtype) {
  require_floating("linspace", dtype);
  if (count < 0) fail("linspace", fmt::format("the count must not be negative, got {}", count));
  return generate({count}, dtype, [=]<class T>(std::int64_t i) {
    if (i == count - 1 && count > 1) return static_cast<T>(stop);
    const T t = count > 1 ? static_cast<T>(i) / static_cast<T>(count - 1) : T{0};
    return static_cast<T>(static_cast<T>(start) * (T{1} - t) + static_cast<T>(stop) * t);
  });
}

Tensor eye(std::int64_t n, DType dtype) {
  return generate({n, n}, dtype, [n]<class T>(std::int64_t i) { return static_cast<T>(i / n == i % n); });
}

std::string describe(const Tensor& tensor) {
  return tensor.is_null() ? "a null Tensor" : fmt::format("{} {}", name(tensor.dtype()), to_string(tensor.shape()));
}

}  // namespace cotangent
