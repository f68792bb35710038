// Ref: an owning pointer to an object that counts its owners itself, half the size of a std::shared_ptr.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace cotangent {

// The base of what a Ref points to. Objects are made with new; the last Ref to let go calls dispose().
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  virtual ~Counted() = default;

 protected:
  virtual void dispose() const noexcept { delete this; }

 private:
  template <class T>
  friend class Ref;

  void acquire() const noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    // A sole owner needs no atomic subtraction: there is nobody else who could change the count.
    if (owners_.load(std::memory_order_acquire) == 1 || owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) dispose();
  }

  mutable std::atomic<std::uint32_t> owners_ = 0;
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->acquire();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  friend bool operator==(const Ref&, const Ref&) = default;
  friend bool operator==(const Ref& ref, std::nullptr_t) { return ref.object_ == nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace cotangent
