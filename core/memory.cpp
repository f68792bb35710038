// Memory of tensors: a cache of aligned blocks in geometric size classes.
#include "cotangent/core/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "cotangent/core/error.h"
#include "cotangent/core/pool.h"

namespace cotangent {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMost = std::size_t{1} << 62;
constexpr int kSmallClasses = 8;  // 64, 128, ... 512 bytes

struct SizeClass {
  std::size_t index, size;
};

// Eight classes to an octave: at most 1/8 of a block is wasted, and steps of a training loop find their blocks again.
SizeClass class_of(std::size_t bytes) {
  if (bytes <= kSmallClasses * kAlignment) {
    const std::size_t units = std::max<std::size_t>(1, (bytes + kAlignment - 1) / kAlignment);
    return {units - 1, units * kAlignment};
  }
  const int octave = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^octave < bytes <= 2^(octave + 1)
  const std::size_t steps = ((bytes - 1) >> (octave - 3)) + 1;         // of 2^(octave - 3): 9 to 16
  return {kSmallClasses + 8 * static_cast<std::size_t>(octave - 9) + steps - 9, steps << (octave - 3)};
}

constexpr std::size_t kClasses = kSmallClasses + 8 * (62 - 9);

class Cache {
 public:
  std::byte* take(SizeClass wanted) {
    if (std::byte* const block = take_free(wanted)) return block;
    void* block = std::aligned_alloc(kAlignment, wanted.size);
    if (block == nullptr) {  // what the cache holds may be just what is missing
      release();
      block = std::aligned_alloc(kAlignment, wanted.size);
    }
    if (block == nullptr)
      fail("allocate", fmt::format("out of memory, {} bytes asked, {} held by tensors", wanted.size, use().live));
    count(wanted.size);
    return static_cast<std::byte*>(block);
  }

  void give(std::byte* block, SizeClass its) noexcept {
    discount(its.size);
    const std::lock_guard lock(mutex_);
    free_[its.index] = new (block) Free{free_[its.index]};
    cached_ += its.size;
  }

  void release() noexcept {
    const std::lock_guard lock(mutex_);
    for (Free*& blocks : free_)
      while (blocks != nullptr) std::free(std::exchange(blocks, blocks->next));
    cached_ = 0;
  }

  void count(std::size_t size) noexcept {
    const std::size_t live = live_.fetch_add(size, std::memory_order_relaxed) + size;
    std::size_t peak = peak_.load(std::memory_order_relaxed);
    while (live > peak && !peak_.compare_exchange_weak(peak, live, std::memory_order_relaxed)) continue;
  }

  void discount(std::size_t size) noexcept { live_.fetch_sub(size, std::memory_order_relaxed); }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return {live_, peak_, cached_};
  }

  void reset_peak() { peak_ = live_.load(); }

 private:
  struct Free {
    Free* next;
  };

  std::byte* take_free(SizeClass wanted) {
    const std::lock_guard lock(mutex_);
    Free* const block = free_[wanted.index];
    if (block == nullptr) return nullptr;
    free_[wanted.index] = block->next;
    cached_ -= wanted.size;
    count(wanted.size);
    return reinterpret_cast<std::byte*>(block);
  }

  std::mutex mutex_;
  std::array<Free*, kClasses> free_{};  // lists of free blocks, the latest first
  std::size_t cached_ = 0;
  std::atomic<std::size_t> live_ = 0, peak_ = 0;
};

// Never destroyed: tensors with static storage may outlive any other static object.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

}  // namespace

std::byte* take_memory(std::size_t bytes) {
  if (bytes > kMost) fail("allocate", fmt::format("out of memory, {} bytes asked", bytes));
  return cache().take(class_of(bytes));
}

void give_memory(std::byte* block, std::size_t bytes) noexcept { cache().give(block, class_of(bytes)); }
void count_memory(std::size_t bytes) noexcept { cache().count(class_of(bytes).size); }
void discount_memory(std::size_t bytes) noexcept { cache().discount(class_of(bytes).size); }

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  return {take_memory(bytes), [bytes](std::byte* block) { give_memory(block, bytes); }};
}

MemoryUse memory_use() { return cache().use(); }
void reset_peak_memory() { cache().reset_peak(); }

void release_cached_memory() {
  cache().release();
  pool_release();
}

}  // namespace cotangent
