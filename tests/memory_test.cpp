// Tests of the memory of tensors: alignment, reuse, measurement, and use by many threads.
#include "cotangent/core/memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "cotangent/core/pool.h"
#include "cotangent/core/tensor.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

constexpr std::size_t kMegabyte = 1 << 20;

TEST(Memory, IsAlignedAndLargeEnough) {
  for (std::size_t bytes : {0, 1, 63, 64, 65, 511, 512, 513, 1000, 4095, 4097, 100'000, 1'000'001}) {
    const auto block = allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0u) << bytes;
    std::memset(block.get(), 1, bytes);
  }
}

TEST(Memory, WastesAnEighthAtMost) {
  for (std::size_t bytes = 513; bytes < 100'000; bytes += 77) {
    const std::size_t before = memory_use().live;
    const auto block = allocate(bytes);
    const std::size_t taken = memory_use().live - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, bytes + bytes / 8 + 64);
  }
}

TEST(Memory, ReusesBlocksOfLikeSize) {
  release_cached_memory();
  const std::byte* const address = allocate(kMegabyte).get();
  EXPECT_EQ(memory_use().cached, kMegabyte);
  const auto again = allocate(kMegabyte - 1000);
  EXPECT_EQ(again.get(), address);
  EXPECT_EQ(memory_use().cached, 0u);
}

TEST(Memory, MeasuresWhatIsLiveAndItsPeak) {
  release_cached_memory();
  const std::size_t before = memory_use().live;
  reset_peak_memory();
  EXPECT_EQ(memory_use().peak, before);
  {
    const Tensor a = Tensor::uninitialized({1 << 20}, DType::Float32);
    EXPECT_EQ(memory_use().live, before + 4 * kMegabyte);
    { const Tensor b = Tensor::uninitialized({1 << 20}, DType::UInt8); }
    EXPECT_EQ(memory_use().live, before + 4 * kMegabyte);
    const Tensor shared = a;
    EXPECT_EQ(memory_use().live, before + 4 * kMegabyte);
  }
  EXPECT_EQ(memory_use().live, before);
  EXPECT_EQ(memory_use().peak, before + 5 * kMegabyte);
  EXPECT_EQ(memory_use().cached, 5 * kMegabyte);
  reset_peak_memory();
  EXPECT_EQ(memory_use().peak, before);
  release_cached_memory();
  EXPECT_EQ(memory_use().cached, 0u);
}

TEST(Memory, RefusesWhatNoMachineHas) {
  const std::size_t before = memory_use().live;
  expect_error([] { allocate(std::size_t{1} << 55); }, "allocate: out of memory, 36028797018963968 bytes asked");
  expect_error([] { allocate(~std::size_t{0}); }, "allocate: out of memory");
  EXPECT_EQ(memory_use().live, before);
}

TEST(Memory, ServesManyThreadsAtOnce) {
  const std::size_t before = memory_use().live;
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id)
    threads.emplace_back([id] {
      std::vector<std::shared_ptr<std::byte>> held(16);
      for (std::size_t i = 0; i < 20'000; ++i) {
        const std::size_t bytes = 64 + i * 37 % 5000;
        auto& block = held[i % held.size()];
        block = allocate(bytes);
        std::memset(block.get(), id, bytes);
        if (i % 5000 == 0) release_cached_memory();
        ASSERT_EQ(block.get()[bytes - 1], static_cast<std::byte>(id));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory_use().live, before);
}

// Every size finds a class that fits it, and a freed block of that size comes back as it is.
TEST(Memory, FindsTheClassOfEachSize) {
  release_cached_memory();
  for (std::size_t bytes = 1; bytes < 6 * kMegabyte; bytes += bytes / 3 + 1) {
    std::byte* const block = take_memory(bytes);
    std::memset(block, 1, bytes);
    give_memory(block, bytes);
    std::byte* const again = take_memory(bytes);
    EXPECT_EQ(block, again) << bytes;
    give_memory(again, bytes);
  }
  release_cached_memory();
  EXPECT_EQ(memory_use().cached, 0u);
}

// Blocks wander between threads in batches; none may be handed out twice, also while free ones are released.
TEST(Pool, NeverHandsOutABlockTwice) {
  constexpr int kThreads = 4, kBlocks = 5000;
  std::vector<std::vector<void*>> taken(kThreads);
  const auto on_all_threads = [](auto body) {
    std::vector<std::thread> threads;
    for (int id = 0; id < kThreads; ++id) threads.emplace_back([=] { body(id); });
    for (std::thread& thread : threads) thread.join();
  };
  for (int round = 0; round < 5; ++round) {
    on_all_threads([&](int id) {
      for (int i = 0; i < kBlocks; ++i) {
        void* const block = pool_take();
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
        std::memset(block, id, kPoolBlock);
        taken[id].push_back(block);
        if (i % 1000 == 0) pool_release();
      }
    });
    on_all_threads([&](int id) {  // each returns what its neighbour took
      for (void* block : taken[(id + 1) % kThreads]) {
        for (std::size_t i = 0; i < kPoolBlock; ++i)
          ASSERT_EQ(static_cast<unsigned char*>(block)[i], (id + 1) % kThreads);
        pool_give(block);
      }
      pool_release();
    });
    for (std::vector<void*>& blocks : taken) blocks.clear();
  }
}

}  // namespace
}  // namespace cotangent
