// Threads: a team that sleeps between loops and claims blocks of the current one.
#include "cotangent/core/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

constexpr int kMaxThreads = 1024;
thread_local bool inside_loop = false;

// The loop that the team is working on; it lives on the stack of the thread that started it.
struct Loop {
  std::int64_t count, block;
  RangeFunction body;
  std::atomic<std::int64_t> next{0};
  std::exception_ptr error{};
  std::once_flag error_once{};

  void work() {
    inside_loop = true;
    for (std::int64_t begin; (begin = next.fetch_add(block)) < count;) {
      try {
        body(begin, std::min(count, begin + block));
      } catch (...) {
        std::call_once(error_once, [&] { error = std::current_exception(); });
        next = count;
      }
    }
    inside_loop = false;
  }
};

class Team {
 public:
  explicit Team(int size) { resize(size); }
  ~Team() { resize(1); }

  int size() const { return size_; }

  void resize(int size) {
    const std::lock_guard guard(busy_);
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      ++generation_;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
    size_ = 1;
    for (; size_ < size; ++size_) workers_.emplace_back([this, seen = generation_] { serve(seen); });
  }

  // False if another thread has the team: the caller then does the loop alone.
  bool run(Loop& loop) {
    const std::unique_lock guard(busy_, std::try_to_lock);
    if (!guard.owns_lock()) return false;
    {
      const std::lock_guard lock(mutex_);
      loop_ = &loop;
      working_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    loop.work();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return working_ == 0; });
    loop_ = nullptr;
    return true;
  }

 private:
  void serve(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (stopping_) return;
      Loop* loop = loop_;
      lock.unlock();
      loop->work();
      lock.lock();
      if (--working_ == 0) done_.notify_one();
    }
  }

  std::mutex busy_;   // held by the thread whose loop the team works on
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_, done_;
  std::uint64_t generation_ = 0;
  bool stopping_ = false;
  int working_ = 0;
  Loop* loop_ = nullptr;
  std::atomic<int> size_ = 1;
  std::vector<std::thread> workers_;
};

int initial_size() {
  const char* text = std::getenv("COTANGENT_NUM_THREADS");
  if (text == nullptr) return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
  int count = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, count);
  if (error != std::errc{} || stop != end || count < 1 || count > kMaxThreads)
    fail("COTANGENT_NUM_THREADS", fmt::format("must be a whole number from 1 to {}, got \"{}\"", kMaxThreads, text));
  return count;
}

Team& team() {
  static Team instance(initial_size());
  return instance;
}

}  // namespace

int num_threads() { return team().size(); }

void set_num_threads(int count) {
  if (count < 1 || count > kMaxThreads)
    fail("set_num_threads", fmt::format("must be from 1 to {}, got {}", kMaxThreads, count));
  if (inside_loop) fail("set_num_threads", "must not be called from inside a parallel loop");
  if (count != team().size()) team().resize(count);
}

void parallel_for(std::int64_t count, std::int64_t block, RangeFunction body) {
  if (count <= 0) return;
  block = std::max<std::int64_t>(1, block);
  if (!inside_loop && count > block && team().size() > 1) {
    Loop loop{count, block, body};
    if (team().run(loop)) {
      if (loop.error) std::rethrow_exception(loop.error);
      return;
    }
  }
  for (std::int64_t begin = 0; begin < count; begin += block) body(begin, std::min(count, begin + block));
}

}  // namespace cotangent
