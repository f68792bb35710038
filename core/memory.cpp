// Memory of tensors: a cache of aligned blocks in geometric size classes.
#include "cotangent/core/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

constexpr std::size_t kAlignment = 64;

// Eight classes to an octave: at most 1/8 of a block is wasted, and steps of a training loop find their blocks again.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= 8 * kAlignment) return std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  const std::size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

class Cache {
 public:
  std::byte* take(std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = free_.find(size);
      if (found != free_.end() && !found->second.empty()) {
        std::byte* block = found->second.back();
        found->second.pop_back();
        use_.cached -= size;
        count(size);
        return block;
      }
    }
    void* block = std::aligned_alloc(kAlignment, size);
    if (block == nullptr) {  // what the cache holds may be just what is missing
      release();
      block = std::aligned_alloc(kAlignment, size);
    }
    if (block == nullptr)
      fail("allocate", fmt::format("out of memory, {} bytes asked, {} held by tensors", size, use().live));
    const std::lock_guard lock(mutex_);
    count(size);
    return static_cast<std::byte*>(block);
  }

  void give(std::byte* block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    use_.live -= size;
    try {
      free_[size].push_back(block);
      use_.cached += size;
    } catch (const std::bad_alloc&) {
      std::free(block);
    }
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : free_)
      for (std::byte* block : blocks) std::free(block);
    free_.clear();
    use_.cached = 0;
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.live;
  }

 private:
  void count(std::size_t size) {
    use_.live += size;
    use_.peak = std::max(use_.peak, use_.live);
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> free_;
  MemoryUse use_;
};

// Never destroyed: tensors with static storage may outlive any other static object.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

}  // namespace

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 62)) fail("allocate", fmt::format("out of memory, {} bytes asked", bytes));
  const std::size_t size = block_size(bytes);
  return {cache().take(size), [size](std::byte* block) { cache().give(block, size); }};
}

MemoryUse memory_use() { return cache().use(); }
void reset_peak_memory() { cache().reset_peak(); }
void release_cached_memory() { cache().release(); }

}  // namespace cotangent
