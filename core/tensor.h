// Tensor: an immutable n-dimensional array, passed around by value.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cotangent/core/dtype.h"
#include "cotangent/core/ref.h"
#include "cotangent/core/shape.h"

namespace cotangent {

// What a layer above attaches to a tensor to remember how it was computed. core carries it and never looks inside.
class History : public Counted {};

// A handle to {shared contiguous row-major elements, shape, dtype, history}. Copying copies the handle; elements never
// change once the tensor is shared, so tensors may be read from any number of threads. A default-made Tensor is null:
// it stands for "no tensor" and every accessor but is_null() and the conversion to bool throws Error.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other) noexcept : handle_(other.handle_), history_(other.history_) {
    if (handle_ != 0) acquire(handle_);
  }
  Tensor(Tensor&& other) noexcept : handle_(std::exchange(other.handle_, 0)), history_(std::move(other.history_)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(history_, other.history_);
    return *this;
  }
  ~Tensor() {
    if (handle_ != 0) release(handle_);
  }

  // Copies `values`, in row-major order. Error if their number is not that of `shape`.
  template <Element T>
  static Tensor from_data(Shape shape, std::span<const T> values);

  // A tensor whose elements are unspecified until mutable_data() has written them: for kernels. None under ShapesOnly.
  static Tensor uninitialized(Shape shape, DType dtype);

  bool is_null() const { return handle_ == 0; }
  explicit operator bool() const { return !is_null(); }

  const Shape& shape() const { return body().shape; }
  std::int64_t dim(int axis) const;  // extent of one axis; negative axes count from the end
  int ndim() const { return body().shape.ndim(); }
  std::int64_t size() const { return body().elements; }
  DType dtype() const { return body().dtype; }

  // False for a tensor that is a shape and a dtype alone: made under ShapesOnly, or left out by a primitive's saves().
  bool has_elements() const {
    if (is_null()) fail_null();
    return (handle_ & kOutline) == 0;
  }

  // All elements, row-major. Error unless T is the tensor's dtype. Not of a temporary tensor, since the span would
  // outlive its elements in `for (float x : f().data<float>())`: give it a name.
  template <Element T>
  std::span<const T> data() const& {
    return {static_cast<const T*>(bytes(dtype_of<T>(), "data")), static_cast<std::size_t>(size())};
  }
  template <Element T>
  std::span<const T> data() const&& = delete;

  // The only element of a tensor of size 1. Error if there are more or T is not the tensor's dtype.
  template <Element T>
  T item() const {
    require_single();
    return *static_cast<const T*>(bytes(dtype_of<T>(), "item"));
  }

  // The same values in another dtype, as static_cast converts them (to Bool: whether nonzero). Differentiable between
  // floating types; defined by the layer of operations (ops/convert.cpp).
  Tensor to(DType dtype) const;

  // Writable elements, for the code that has just made this tensor and has not yet shared it.
  template <Element T>
  std::span<T> mutable_data() & {
    return {static_cast<T*>(mutable_bytes(dtype_of<T>())), static_cast<std::size_t>(size())};
  }

  // True if no other tensor shares these elements, so that whoever holds the handle may overwrite them.
  bool is_unique() const;

  // For the layers above: the history, and tensors that share these elements under another history or shape.
  const Ref<const History>& history() const {
    if (is_null()) fail_null();
    return history_;
  }
  Tensor with_history(Ref<const History> history) const;
  Tensor with_shape(Shape shape) const;  // same number of elements, no history
  Tensor without_elements() const;       // shape, dtype and history only: it pins no memory

 private:
  // What the handles to the same elements share.
  struct Body {
    std::atomic<std::uint64_t> count;  // of handles; those that hold the elements count in the upper half too
    std::byte* data;
    Body* owner;  // of the elements, where this body only gives them another shape
    std::int64_t elements;
    Shape shape;
    DType dtype;
    alignas(32) std::byte few[32];  // elements that fit are stored here, which saves a block of the cache
  };

  // The address of the body; the lowest bit is set in handles that do not hold the elements.
  using Handle = std::uintptr_t;
  static constexpr Handle kOutline = 1;
  static constexpr std::uint64_t kHandle = 1, kHolder = std::uint64_t{1} << 32;

  explicit Tensor(Handle handle) : handle_(handle) {}
  static Tensor outline(Shape shape, std::int64_t elements, DType dtype);
  static Tensor allocated(Shape shape, DType dtype);
  static Body& body(Handle handle) { return *reinterpret_cast<Body*>(handle & ~kOutline); }
  const Body& body() const {
    if (is_null()) fail_null();
    return body(handle_);
  }
  static void acquire(Handle handle) noexcept {
    body(handle).count.fetch_add(handle & kOutline ? kHandle : kHandle + kHolder, std::memory_order_relaxed);
  }
  static void release(Handle handle) noexcept;
  static void free_elements(Body& body) noexcept;

  [[noreturn]] static void fail_null();
  const void* bytes(DType asked, const char* operation) const;
  void* mutable_bytes(DType asked);
  void require_single() const;

  Handle handle_ = 0;
  Ref<const History> history_;
};

using Tensors = std::vector<Tensor>;

// Makers. Numbers are converted to `dtype`; Error for a negative extent.
Tensor zeros(const Shape& shape, DType dtype = DType::Float32);
Tensor ones(const Shape& shape, DType dtype = DType::Float32);
Tensor full(const Shape& shape, double value, DType dtype = DType::Float32);

// 0, 1, ..., count - 1; or start, start + step, ... up to but not including stop (numpy.arange).
Tensor arange(std::int64_t count, DType dtype = DType::Int64);
Tensor arange(double start, double stop, double step, DType dtype = DType::Float32);

// `count` numbers from start to stop, both included, evenly spaced (jax.numpy.linspace: element i < count - 1 is
// start * (1 - t) + stop * t with t = i / (count - 1), all in `dtype`; the last is `stop` itself).
Tensor linspace(double start, double stop, std::int64_t count, DType dtype = DType::Float32);

// The identity matrix of shape (n, n).
Tensor eye(std::int64_t n, DType dtype = DType::Float32);

Tensor zeros_like(const Tensor& tensor);
Tensor ones_like(const Tensor& tensor);

// "Float32 (2, 3)": how messages describe a tensor.
std::string describe(const Tensor& tensor);

}  // namespace cotangent
