// Memory of tensors: 64-byte aligned buffers from a cache that keeps freed blocks for the next tensor of that size.
#pragma once

#include <cstddef>
#include <memory>

namespace cotangent {

// A block of at least `bytes` bytes at a 64-byte aligned address; it returns to the cache when the last owner lets go.
// Contents are unspecified. Error if the machine has no such memory.
std::shared_ptr<std::byte> allocate(std::size_t bytes);

// allocate() for those who count the owners themselves: what take_memory(bytes) returned goes back to the cache by
// give_memory(block, bytes).
std::byte* take_memory(std::size_t bytes);
void give_memory(std::byte* block, std::size_t bytes) noexcept;

// Elements that lie in a tensor's own body, where there are few: counted as if they had a block from the cache.
void count_memory(std::size_t bytes) noexcept;
void discount_memory(std::size_t bytes) noexcept;

// Bytes, rounded up to the block sizes of the cache.
struct MemoryUse {
  std::size_t live = 0;    // held by tensors now
  std::size_t peak = 0;    // the most that tensors held since the start or since reset_peak_memory()
  std::size_t cached = 0;  // free, kept for reuse
};
MemoryUse memory_use();

// Starts a new measurement: peak becomes what is live now.
void reset_peak_memory();

// Gives all cached blocks back to the system.
void release_cached_memory();

}  // namespace cotangent
