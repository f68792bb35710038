// Threads: one team for the whole library, and loops cut into blocks that do not depend on its size.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace cotangent {

// Threads that take part in parallel loops, the calling one included. At the start: the environment variable
// COTANGENT_NUM_THREADS, else the processors that this process may run on.
int num_threads();

// Error unless 1 <= count <= 1024. Not to be called from inside a parallel loop.
void set_num_threads(int count);

// A reference to a callable void(begin, end): what parallel_for takes, without std::function's allocation.
class RangeFunction {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, RangeFunction>)
      RangeFunction(F&& f)  // implicit, so that a lambda can be passed
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, std::int64_t begin, std::int64_t end) {
          (*static_cast<std::add_pointer_t<std::remove_reference_t<F>>>(object))(begin, end);
        }) {}
  void operator()(std::int64_t begin, std::int64_t end) const { call_(object_, begin, end); }

 private:
  void* object_;
  void (*call_)(void*, std::int64_t, std::int64_t);
};

// Calls body(begin, end) for [0, block), [block, 2 block), ... up to count, spread over the team, and returns when all
// are done. The blocks depend on `count` and `block` alone; a body that writes only what belongs to its block
// therefore computes the same bits for any number of threads. Loops inside loops, and loops started while another
// thread is using the team, run on the calling thread. The first exception thrown by a body is rethrown here, after
// the blocks that had started have finished.
void parallel_for(std::int64_t count, std::int64_t block, RangeFunction body);

}  // namespace cotangent
