// Threads: a team whose members claim blocks of the current loop.
#include "cotangent/core/parallel.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

constexpr int kMaxThreads = 1024;
constexpr std::size_t kCacheLine = 64;
thread_local bool inside_loop = false;

// The loop that the team is working on; it lives on the stack of the thread that started it.
struct Loop {
  std::int64_t count, block;
  RangeFunction body;
  alignas(kCacheLine) std::atomic<std::int64_t> next{0};  // apart from what all threads read
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

// Tells the processor that this is a waiting loop.
void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The processors that this process may run on, which taskset and containers make fewer than the machine has.
int usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Workers look for the next loop for some microseconds before they sleep, because waking one costs more than most
// loops take. They join a loop only while it is open: nobody waits for a worker that came too late.
class Team {
 public:
  ~Team() { resize(1); }

  int size() const { return size_; }

  void resize(int size) {
    const std::lock_guard guard(busy_);
    stopping_ = true;
    announce();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
    spins_ = size <= usable_processors() ? kSpins : 0;
    size_ = 1;
    try {
      for (; size_ < size; ++size_) workers_.emplace_back([this, seen = generation_.load()] { serve(seen); });
    } catch (const std::system_error& error) {
      fail("set_num_threads",
           fmt::format("{} asked, the system lets only {} run: {}", size, size_.load(), error.what()));
    }
  }

  // False if another thread has the team: the caller then does the loop alone.
  bool run(Loop& loop) {
    const std::unique_lock guard(busy_, std::try_to_lock);
    if (!guard.owns_lock()) return false;
    loop_ = &loop;
    members_ = 0;
    announce();
    loop.work();
    members_.fetch_or(kClosed);
    wait_while(members_, [](int members) { return members != kClosed; });
    return true;
  }

 private:
  static constexpr int kSpins = 4000;
  static constexpr int kClosed = 1 << 30;

  void announce() {
    generation_.fetch_add(1);
    generation_.notify_all();
  }

  // Returns when `holds` no longer does for the value of `variable`: soon after if that is soon, else by sleeping.
  template <class T, class Condition>
  void wait_while(const std::atomic<T>& variable, Condition holds) const {
    for (int spin = 0; spin < spins_; ++spin) {
      if (!holds(variable.load())) return;
      pause();
    }
    for (T value; holds(value = variable.load());) variable.wait(value);
  }

  bool join() {
    int members = members_.load();
    while ((members & kClosed) == 0)
      if (members_.compare_exchange_weak(members, members + 1)) return true;
    return false;
  }

  void leave() {
    if (members_.fetch_sub(1) == kClosed + 1) members_.notify_one();
  }

  void serve(std::uint64_t seen) {
    for (;;) {
      wait_while(generation_, [&](std::uint64_t generation) { return generation == seen; });
      seen = generation_;
      if (stopping_) return;
      if (!join()) continue;
      loop_.load()->work();
      leave();
    }
  }

  std::mutex busy_;                                                // held by the thread whose loop the team works on
  alignas(kCacheLine) std::atomic<std::uint64_t> generation_ = 0;  // counts the loops, and the orders to stop
  std::atomic<bool> stopping_ = false;
  std::atomic<Loop*> loop_ = nullptr;
  // Workers in the open loop; kClosed is added when it is closed.
  alignas(kCacheLine) std::atomic<int> members_ = kClosed;
  alignas(kCacheLine) std::atomic<int> size_ = 1, spins_ = 0;
  std::vector<std::thread> workers_;
};

int initial_size() {
  const char* text = std::getenv("COTANGENT_NUM_THREADS");
  if (text == nullptr) return std::min(usable_processors(), kMaxThreads);
  int count = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, count);
  if (error != std::errc{} || stop != end || count < 1 || count > kMaxThreads)
    fail("COTANGENT_NUM_THREADS", fmt::format("must be a whole number from 1 to {}, got \"{}\"", kMaxThreads, text));
  return count;
}

Team& team() {
  static Team instance;
  static const bool sized = (instance.resize(initial_size()), true);  // tried again by the next call if it fails
  static_cast<void>(sized);
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
