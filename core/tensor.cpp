// Tensor: handles, accessors and makers.
#include "cotangent/core/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "cotangent/core/error.h"
#include "cotangent/core/memory.h"
#include "cotangent/core/pool.h"
#include "cotangent/core/shapes_only.h"

namespace cotangent {
namespace {

// Fills a new tensor with element(i) for i = 0, 1, ...
template <class F>
Tensor generate(const Shape& shape, DType dtype, F element) {
  Tensor result = Tensor::uninitialized(shape, dtype);
  if (!result.has_elements()) return result;
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
  const std::int64_t elements = require_valid("from_data", shape);
  if (elements != static_cast<std::int64_t>(values.size()))
    fail("from_data",
         fmt::format("shape {} has {} elements, {} values given", to_string(shape), elements, values.size()));
  Tensor result = allocated(std::move(shape), dtype_of<T>());
  std::copy(values.begin(), values.end(), result.mutable_data<T>().begin());
  return result;
}

template Tensor Tensor::from_data<float>(Shape, std::span<const float>);
template Tensor Tensor::from_data<double>(Shape, std::span<const double>);
template Tensor Tensor::from_data<std::int32_t>(Shape, std::span<const std::int32_t>);
template Tensor Tensor::from_data<std::int64_t>(Shape, std::span<const std::int64_t>);
template Tensor Tensor::from_data<std::uint8_t>(Shape, std::span<const std::uint8_t>);
template Tensor Tensor::from_data<bool>(Shape, std::span<const bool>);

// A tensor that holds no elements (yet).
Tensor Tensor::outline(Shape shape, std::int64_t elements, DType dtype) {
  static_assert(sizeof(Body) <= kPoolBlock && alignof(Body) <= 64);
  Body* const body = new (pool_take()) Body{kHandle, nullptr, nullptr, elements, std::move(shape), dtype, {}};
  return Tensor(reinterpret_cast<Handle>(body) | kOutline);
}

Tensor Tensor::uninitialized(Shape shape, DType dtype) {
  if (!ShapesOnly::active()) return allocated(std::move(shape), dtype);
  const std::int64_t elements = require_valid("tensor", shape);
  return outline(std::move(shape), elements, dtype);
}

Tensor Tensor::allocated(Shape shape, DType dtype) {
  const std::int64_t elements = require_valid("tensor", shape);
  const std::size_t bytes = static_cast<std::size_t>(elements) * size_of(dtype);
  Tensor result = outline(std::move(shape), elements, dtype);
  Body& body = Tensor::body(result.handle_);
  if (bytes <= sizeof body.few) {
    count_memory(bytes);
    body.data = body.few;
  } else {
    body.data = take_memory(bytes);
  }
  body.count.store(kHandle + kHolder, std::memory_order_relaxed);
  result.handle_ &= ~kOutline;
  return result;
}

void Tensor::free_elements(Body& body) noexcept {
  const std::size_t bytes = static_cast<std::size_t>(body.elements) * size_of(body.dtype);
  if (body.owner != nullptr) release(reinterpret_cast<Handle>(body.owner));
  else if (body.data == body.few) discount_memory(bytes);
  else give_memory(body.data, bytes);
}

void Tensor::release(Handle handle) noexcept {
  Body& body = Tensor::body(handle);
  std::uint64_t count = body.count.load(std::memory_order_acquire);
  std::uint64_t own = kHandle;
  if ((handle & kOutline) == 0) {
    own += kHolder;
    while (count >= 2 * kHolder)
      if (body.count.compare_exchange_weak(count, count - own, std::memory_order_acq_rel)) return;
    free_elements(body);  // before this handle stops counting, as others may then free the body
  }
  // A sole owner needs no atomic subtraction: there is nobody else who could change the count.
  if (count != own && body.count.fetch_sub(own, std::memory_order_acq_rel) != own) return;
  body.~Body();
  pool_give(&body);
}

std::int64_t Tensor::dim(int axis) const {
  return shape()[static_cast<std::size_t>(normalize_axis("dim", axis, ndim()))];
}

bool Tensor::is_unique() const {
  if (is_null() || (handle_ & kOutline) != 0) return false;
  const auto shared = [](const Body& body) { return body.count.load(std::memory_order_acquire) >= 2 * kHolder; };
  return !shared(body()) && (body().owner == nullptr || !shared(*body().owner));
}

Tensor Tensor::with_history(Ref<const History> history) const {
  Tensor result = *this;
  if (is_null()) fail_null();
  result.history_ = std::move(history);
  return result;
}

Tensor Tensor::with_shape(Shape shape) const {
  if (shape == this->shape()) return with_history(nullptr);
  Tensor result = outline(std::move(shape), size(), dtype());
  if ((handle_ & kOutline) != 0) return result;
  Body &mine = body(handle_), &its = body(result.handle_);
  its.data = mine.data;
  its.owner = mine.owner != nullptr ? mine.owner : &mine;
  acquire(reinterpret_cast<Handle>(its.owner));
  its.count.store(kHandle + kHolder, std::memory_order_relaxed);
  result.handle_ &= ~kOutline;
  return result;
}

Tensor Tensor::without_elements() const {
  if (is_null()) fail_null();
  Tensor result(handle_ | kOutline);
  acquire(result.handle_);
  result.history_ = history_;
  return result;
}

void Tensor::fail_null() { fail("tensor", "this Tensor is null: it was default-made or moved from"); }

const void* Tensor::bytes(DType asked, const char* operation) const {
  if (dtype() != asked)
    fail(operation, fmt::format("the elements are {}, asked for as {}; convert with .to(DType::{})", name(dtype()),
                                name(asked), name(asked)));
  if ((handle_ & kOutline) != 0)
    fail(operation,
         fmt::format("{} has a shape and no values: nn::trace() and nn::summary() compute none, so read none "
                     "in a model's call; a primitive's vjp() has those that its saves() names",
                     describe(*this)));
  return body().data;
}

void* Tensor::mutable_bytes(DType asked) { return const_cast<void*>(bytes(asked, "mutable_data")); }

void Tensor::require_single() const {
  if (size() != 1)
    fail("item",
         fmt::format("needs exactly one element, shape {} has {}; reduce it with sum() or mean(), or read data()",
                     to_string(shape()), size()));
}

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor result = Tensor::uninitialized(shape, dtype);
  visit(dtype, [&]<class T>() {
    const T element = to_element<T>("full", value);
    if (result.has_elements()) std::ranges::fill(result.mutable_data<T>(), element);
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
