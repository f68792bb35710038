// Pool: memory for small objects that come and go by the million, the bodies of tensors and the nodes of tapes.
#pragma once

#include <cstddef>

namespace cotangent {

constexpr std::size_t kPoolBlock = 128;  // bytes: two cache lines

// A block of kPoolBlock bytes, aligned to 64. Blocks may be returned by another thread than took them, and after the
// destruction of any static object. Error if the machine has no memory for them.
void* pool_take();
void pool_give(void* block) noexcept;

// Gives the memory that only blocks returned by this thread or long returned by others lie in back to the system.
void pool_release() noexcept;

}  // namespace cotangent
