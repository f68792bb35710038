// Tests that training holds on to nothing: after a thousand steps no more memory is in use than after ten.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>

#include "cotangent/cotangent.h"
#include "golden.h"

namespace {

std::atomic<std::int64_t> objects = 0;  // made with new and not yet deleted

void* make_object(std::size_t alignment, std::size_t bytes) {
  void* object = nullptr;
  if (::posix_memalign(&object, alignment, bytes) != 0) throw std::bad_alloc();
  ++objects;
  return object;
}

void delete_object(void* object) {
  if (object != nullptr) --objects;
  std::free(object);
}

}  // namespace

void* operator new(std::size_t bytes) { return make_object(alignof(std::max_align_t), bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return make_object(static_cast<std::size_t>(alignment), bytes);
}
void operator delete(void* object) noexcept { delete_object(object); }
void operator delete(void* object, std::size_t) noexcept { delete_object(object); }
void operator delete(void* object, std::align_val_t) noexcept { delete_object(object); }
void operator delete(void* object, std::size_t, std::align_val_t) noexcept { delete_object(object); }

namespace cotangent {
namespace {

using testing::wave;

struct Net {
  nn::Conv2D conv{1, 8, 3, {.padding = Padding::Same}};
  nn::BatchNorm norm{8};
  nn::Conv2D strided{8, 8, 3, {.strides = 2}};
  nn::Dropout dropout{0.2};
  nn::Linear head{72, 4};
  Tensor operator()(const Tensor& x) {
    return head(nn::flatten(dropout(relu(strided(max_pool(relu(norm(conv(x))), 2))))));
  }
  void visit(nn::Visitor& v) {
    v("conv", conv), v("norm", norm), v("strided", strided), v("dropout", dropout), v("head", head);
  }
};

struct InUse {
  std::size_t tensors;    // bytes
  std::int64_t objects;   // their number
  std::int64_t resident;  // bytes of the whole process
};

InUse in_use() {
  const std::int64_t count = objects;
  std::int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return {memory_use().live, count, resident * ::sysconf(_SC_PAGESIZE)};
}

// Trains for `steps` steps, each of which takes the penalty of a gradient too, and so records a graph of second order.
class Training {
 public:
  void run(int steps) {
    for (int step = 0; step < steps; ++step)
      for (const nn::Batch& batch : nn::batches(examples_, {.size = 8, .shuffle = true})) {
        const auto [loss, grads] = nn::value_and_grad(net_, [&] {
          const auto energy = [&](const Tensor& x) { return sum(square(net_(x))); };
          return nn::cross_entropy(net_(batch.inputs), batch.targets) + 1e-3 * sum(square(grad(energy)(batch.inputs)));
        });
        adam_.step(net_, grads);
      }
  }

 private:
  nn::Dataset examples_{wave({8, 14, 14, 1}, 0).to(DType::Float32), minimum(arange(8), full({}, 3, DType::Int64))};
  Net net_;
  nn::Adam adam_;
};

TEST(TrainingMemory, StaysFlatOverAThousandSteps) {
  constexpr std::int64_t kResident = 1 << 20;
  Training training;
  training.run(10);
  const InUse early = in_use();
  training.run(990);
  const InUse late = in_use();
  EXPECT_EQ(late.tensors, early.tensors);
  EXPECT_EQ(late.objects, early.objects);
  EXPECT_LE(late.resident, early.resident + kResident);
  RecordProperty("resident_growth", std::to_string(late.resident - early.resident));
}

// Short enough for valgrind, which looks for what is lost (CMakeLists.txt).
TEST(TrainingMemory, ReturnsEverything) {
  const std::size_t before = memory_use().live;
  Training().run(20);
  EXPECT_EQ(memory_use().live, before);
}

}  // namespace
}  // namespace cotangent
