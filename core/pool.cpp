// Pool: each thread has a list of free blocks, and exchanges batches of them with a common list.
#include "cotangent/core/pool.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "cotangent/core/error.h"

// A sanitizer sees the use of a freed block only if the pool does not keep it.
#if defined(__SANITIZE_ADDRESS__)
#define COTANGENT_POOL_OFF
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COTANGENT_POOL_OFF
#endif
#endif

namespace cotangent {

#if defined(COTANGENT_POOL_OFF)

void* pool_take() { return ::operator new (kPoolBlock, std::align_val_t{64}); }
void pool_give(void* block) noexcept { ::operator delete (block, std::align_val_t{64}); }
void pool_release() noexcept {}

#else

namespace {

constexpr std::size_t kChunk = 1 << 16;                  // bytes asked of the system at once, and their alignment
constexpr std::size_t kBatch = kChunk / kPoolBlock - 1;  // blocks of a chunk: its first is the Chunk itself

struct Block {
  Block* next;
  Block* next_batch;  // of the first block of a batch in the common list
  std::size_t count;  // likewise
};

struct Chunk {
  std::size_t free_blocks;
  Chunk* next;
};

Chunk* chunk_of(Block* block) {
  return reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(block) & ~(std::uintptr_t{kChunk} - 1));
}

// Batches that belong to no thread.
class Common {
 public:
  // A batch of free blocks and their number.
  std::pair<Block*, std::size_t> take() {
    {
      const std::lock_guard lock(mutex_);
      if (Block* const batch = batches_) {
        batches_ = batch->next_batch;
        return {batch, batch->count};
      }
    }
    auto* const memory = static_cast<std::byte*>(std::aligned_alloc(kChunk, kChunk));
    if (memory == nullptr) fail("allocate", fmt::format("out of memory, {} bytes asked", kChunk));
    Block* list = nullptr;
    for (std::size_t i = kBatch; i > 0; --i) list = new (memory + i * kPoolBlock) Block{list, nullptr, 0};
    new (memory) Chunk{0, nullptr};
    return {list, kBatch};
  }

  void give(Block* batch, std::size_t count) noexcept {
    const std::lock_guard lock(mutex_);
    batch->count = count;
    batch->next_batch = std::exchange(batches_, batch);
  }

  // Frees the chunks all of whose blocks are here; what is left becomes one batch.
  void release() noexcept {
    const std::lock_guard lock(mutex_);
    Block* all = nullptr;
    for (Block* batch = std::exchange(batches_, nullptr); batch != nullptr;) {
      Block* const next_batch = batch->next_batch;
      for (Block* block = batch; block != nullptr;) {
        Block* const next = block->next;
        block->next = std::exchange(all, block);
        ++chunk_of(block)->free_blocks;
        block = next;
      }
      batch = next_batch;
    }
    Block* left = nullptr;
    std::size_t count = 0;
    Chunk* whole = nullptr;
    while (all != nullptr) {
      Block* const block = std::exchange(all, all->next);
      Chunk* const chunk = chunk_of(block);
      if (chunk->free_blocks == kBatch) {
        chunk->free_blocks = kBatch + 1;  // seen: its other blocks are passed over
        chunk->next = std::exchange(whole, chunk);
      } else if (chunk->free_blocks < kBatch) {
        block->next = std::exchange(left, block);
        ++count;
      }
    }
    for (Block* block = left; block != nullptr; block = block->next) chunk_of(block)->free_blocks = 0;
    while (whole != nullptr) std::free(std::exchange(whole, whole->next));
    if (left == nullptr) return;
    left->count = count;
    left->next_batch = nullptr;
    batches_ = left;
  }

 private:
  std::mutex mutex_;
  Block* batches_ = nullptr;
};

// Never destroyed: blocks may be returned after the destruction of any static object.
Common& common() {
  static Common& instance = *new Common;
  return instance;
}

enum class State { New, Keeping, Ended };  // of a thread: an ended one hands blocks on to the common list at once

// The free blocks of a thread, in two lists so that a batch can be handed over whole. Without a destructor, and so
// usable until the thread's very end.
struct Local {
  Block* first = nullptr;
  std::size_t count = 0;
  Block* full = nullptr;  // a batch of kBatch blocks, or null
  State state = State::New;

  void flush() noexcept {
    if (first != nullptr) common().give(first, count);
    if (full != nullptr) common().give(full, kBatch);
    first = full = nullptr;
    count = 0;
  }
};
[[gnu::tls_model("initial-exec")]] constinit thread_local Local local;  // found without a call

// Returns a thread's blocks when it ends.
struct Guard {
  Guard() { local.state = State::Keeping; }
  ~Guard() {
    local.flush();
    local.state = State::Ended;
  }
};

void begin_keeping() {
  thread_local const Guard guard;
  static_cast<void>(guard);
}

// The list is empty.
[[gnu::noinline]] void refill() {
  if (local.state == State::New) begin_keeping();
  if (local.full != nullptr) {
    local.first = std::exchange(local.full, nullptr);
    local.count = kBatch;
  } else {
    const auto [batch, count] = common().take();
    local.first = batch;
    local.count = count;
  }
}

// The list has become a batch, or this thread keeps none.
[[gnu::noinline]] void spill() noexcept {
  if (local.state == State::New) begin_keeping();
  if (local.state == State::Ended) {
    local.flush();
  } else if (local.count >= kBatch) {
    if (local.full != nullptr) common().give(local.full, kBatch);
    local.full = std::exchange(local.first, nullptr);
    local.count = 0;
  }
}

}  // namespace

void* pool_take() {
  Local& mine = local;
  if (mine.first == nullptr) refill();
  Block* const block = mine.first;
  mine.first = block->next;
  __builtin_prefetch(mine.first, 1);  // after many were freed the next one is in no cache
  --mine.count;
  return block;
}

void pool_give(void* memory) noexcept {
  Local& mine = local;
  mine.first = new (memory) Block{mine.first, nullptr, 0};
  if (++mine.count >= kBatch || mine.state != State::Keeping) spill();
}

void pool_release() noexcept {
  local.flush();
  common().release();
}

#endif

}  // namespace cotangent
