// Tests of parallel loops: every element once, exceptions, nesting, concurrent callers, and the number of threads.
#include "cotangent/core/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

// Runs a test with several team sizes and restores the first.
class ParallelFor : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(before_); }

 private:
  const int before_ = num_threads();
};
INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, ::testing::Values(1, 2, 5));

TEST_P(ParallelFor, CutsTheRangeIntoItsBlocks) {
  EXPECT_EQ(num_threads(), GetParam());
  for (const auto& [count, block] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {10, 3}, {9, 3}, {1000, 1}, {5, 100}}) {
    std::mutex mutex;
    std::set<std::pair<std::int64_t, std::int64_t>> seen, expected;
    for (std::int64_t begin = 0; begin < count; begin += block) expected.emplace(begin, std::min(count, begin + block));
    std::size_t calls = 0;
    parallel_for(count, block, [&](std::int64_t begin, std::int64_t end) {
      const std::lock_guard lock(mutex);
      seen.emplace(begin, end);
      ++calls;
    });
    EXPECT_EQ(seen, expected) << count << ", " << block;
    EXPECT_EQ(calls, expected.size());
  }
}

TEST_P(ParallelFor, DoesNothingForAnEmptyRange) {
  for (std::int64_t count : {0, -5}) parallel_for(count, 4, [](std::int64_t, std::int64_t) { FAIL(); });
}

TEST_P(ParallelFor, TakesABlockBelowOneAsOne) {
  for (std::int64_t block : {0, -3}) {
    std::atomic<int> calls = 0;
    parallel_for(7, block, [&](std::int64_t begin, std::int64_t end) { calls += end == begin + 1; });
    EXPECT_EQ(calls, 7);
  }
}

TEST_P(ParallelFor, RunsManyShortLoops) {
  std::vector<int> counts(64, 0);
  for (int loop = 0; loop < 3000; ++loop)
    parallel_for(64, 5, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++counts[static_cast<std::size_t>(i)];
    });
  EXPECT_EQ(counts, std::vector<int>(64, 3000));
}

TEST_P(ParallelFor, Nests) {
  std::atomic<int> calls = 0;
  parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
      ++calls;
      EXPECT_EQ(std::this_thread::get_id(), outer);
    });
  });
  EXPECT_EQ(calls, 64);
}

TEST_P(ParallelFor, RethrowsTheExceptionOfABody) {
  for (int repeat = 0; repeat < 100; ++repeat) {
    std::atomic<int> running = 0;
    const auto body = [&](std::int64_t begin, std::int64_t) {
      ++running;
      const bool throws = begin == 7;
      --running;
      if (throws) throw std::out_of_range("seven");
    };
    EXPECT_THROW(parallel_for(100, 1, body), std::out_of_range);
    EXPECT_EQ(running, 0) << "a block was still running";
  }
  std::atomic<int> calls = 0;
  parallel_for(10, 1, [&](std::int64_t, std::int64_t) { ++calls; });
  EXPECT_EQ(calls, 10) << "the team works after an exception";
}

TEST_P(ParallelFor, ServesConcurrentCallers) {
  std::vector<std::thread> callers;
  std::atomic<std::int64_t> total = 0;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int loop = 0; loop < 500; ++loop)
        parallel_for(100, 7, [&](std::int64_t begin, std::int64_t end) { total += end - begin; });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 500 * 100);
}

// Each of two blocks waits for the other to begin, which only two threads can do.
TEST(Parallel, UsesMoreThanOneThread) {
  const int before = num_threads();
  set_num_threads(2);
  std::atomic<int> begun = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
    ++begun;
    while (begun < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(begun, 2);
  });
  set_num_threads(before);
}

TEST(Parallel, ChangesTheNumberOfThreads) {
  const int before = num_threads();
  for (int count : {1, 7, 3, 3, 1, 2}) {
    set_num_threads(count);
    EXPECT_EQ(num_threads(), count);
    std::atomic<int> calls = 0;
    parallel_for(50, 1, [&](std::int64_t, std::int64_t) { ++calls; });
    EXPECT_EQ(calls, 50);
  }
  expect_error([] { set_num_threads(0); }, "set_num_threads: must be from 1 to 1024, got 0");
  expect_error([] { set_num_threads(1025); }, "set_num_threads: must be from 1 to 1024, got 1025");
  const auto inside = [](std::int64_t, std::int64_t) { set_num_threads(3); };
  expect_error([&] { parallel_for(4, 1, inside); }, "must not be called from inside a parallel loop");
  EXPECT_EQ(num_threads(), 2);
  set_num_threads(before);
}

// Ends the process with the number of threads that it starts with, or with 255 if that is an Error.
[[noreturn]] void exit_with_num_threads(const char* setting) {
  ::setenv("COTANGENT_NUM_THREADS", setting, 1);
  try {
    std::exit(num_threads());
  } catch (const Error& error) {
    std::fputs(error.what(), stderr);
    std::exit(255);
  }
}

TEST(ParallelDeathTest, TakesTheNumberOfThreadsFromTheEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process, which has no team yet
  EXPECT_EXIT(exit_with_num_threads("1"), ::testing::ExitedWithCode(1), "");
  EXPECT_EXIT(exit_with_num_threads("3"), ::testing::ExitedWithCode(3), "");
  for (const char* wrong : {"0", "-1", "1025", "many", "", "2 ", "99999999999999999999"})
    EXPECT_EXIT(exit_with_num_threads(wrong), ::testing::ExitedWithCode(255),
                "COTANGENT_NUM_THREADS: must be a whole number from 1 to 1024, got \"");
}

}  // namespace
}  // namespace cotangent
