// InlineVector: a vector of numbers that keeps a few of them in itself, so that short ones cost no allocation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

namespace cotangent {

// What std::vector does, for up to `kInline` elements within the object and for more on the heap.
template <class T, std::size_t kInline>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) * kInline >= sizeof(T*));

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  InlineVector() noexcept {}
  explicit InlineVector(std::size_t count, T value = T{}) { std::fill_n(grow_to(count), count, value); }
  InlineVector(std::initializer_list<T> values) : InlineVector(values.begin(), values.end()) {}
  InlineVector(const std::vector<T>& values)  // implicit, so that lists made elsewhere can be passed
      : InlineVector(values.begin(), values.end()) {}
  template <std::input_iterator Iterator>
  InlineVector(Iterator first, Iterator last) {
    assign(first, last);
  }

  InlineVector(const InlineVector& other) {
    if (other.is_inline()) take_words(other);
    else std::copy_n(other.begin(), other.size(), grow_to(other.size()));
  }
  InlineVector(InlineVector&& other) noexcept {
    take_words(other);
    other.forget();
  }
  InlineVector& operator=(const InlineVector& other) {
    if (this != &other) *this = InlineVector(other);
    return *this;
  }
  InlineVector& operator=(InlineVector&& other) noexcept {
    if (this != &other) {
      release();
      take_words(other);
      other.forget();
    }
    return *this;
  }
  ~InlineVector() { release(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return is_inline() ? inline_ : heap_; }
  const T* data() const { return is_inline() ? inline_ : heap_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  auto rbegin() { return std::reverse_iterator(end()); }
  auto rend() { return std::reverse_iterator(begin()); }
  auto rbegin() const { return std::reverse_iterator(end()); }
  auto rend() const { return std::reverse_iterator(begin()); }
  T& front() { return *begin(); }
  T& back() { return *(end() - 1); }
  const T& front() const { return *begin(); }
  const T& back() const { return *(end() - 1); }

  void push_back(T value) { *grow_to(size_ + 1) = value; }

  // The elements of [first, last), which must not lie in this vector.
  template <std::input_iterator Iterator>
  void assign(Iterator first, Iterator last) {
    size_ = 0;
    if constexpr (std::forward_iterator<Iterator>) {
      std::copy(first, last, grow_to(static_cast<std::size_t>(std::distance(first, last))));
    } else {
      for (; first != last; ++first) push_back(static_cast<T>(*first));
    }
  }

  friend bool operator==(const InlineVector& a, const InlineVector& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  bool is_inline() const { return capacity_ == kInline; }
  void release() {
    if (!is_inline()) delete[] heap_;
  }
  void forget() {
    size_ = 0;
    capacity_ = kInline;
  }
  void take_words(const InlineVector& other) {
    std::memcpy(inline_, other.inline_, sizeof inline_);  // all of it, be it elements or the pointer
    size_ = other.size_;
    capacity_ = other.capacity_;
  }

  // Makes the size `size`, keeping the elements there are; returns where the new ones go.
  T* grow_to(std::size_t size) {
    const std::size_t kept = size_;
    if (size > capacity_) {
      const std::size_t capacity = std::max(size, 2 * std::size_t{capacity_});
      T* const grown = new T[capacity];
      std::copy_n(data(), kept, grown);
      release();
      heap_ = grown;
      capacity_ = static_cast<std::uint32_t>(capacity);
    }
    size_ = static_cast<std::uint32_t>(size);
    return data() + kept;
  }

  union {
    T inline_[kInline] = {};
    T* heap_;
  };
  std::uint32_t size_ = 0, capacity_ = kInline;
};

}  // namespace cotangent
