// Tests of what happens when memory is exhausted: whichever allocation fails, the caller learns of it by an exception,
// nothing is lost or changed, and the library goes on. This program's own allocation functions fail on demand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <new>

#include "cotangent/core/pool.h"
#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "temporary_folder.h"

namespace {

constexpr int kNever = std::numeric_limits<int>::max();
constexpr std::size_t kAnySize = std::numeric_limits<std::size_t>::max();

// What is refused: blocks of more than so many bytes, and, of each kind, those after the next so many.
std::atomic<std::size_t> largest = kAnySize;
std::atomic<int> blocks_left = kNever;   // aligned_alloc: elements, workspaces, the pool's chunks
std::atomic<int> objects_left = kNever;  // operator new: everything else

bool grants(std::atomic<int>& left, std::size_t bytes) {
  return bytes <= largest && (left == kNever || left.fetch_sub(1) > 0);
}

void* make_object(std::size_t alignment, std::size_t bytes) {
  void* object = nullptr;
  if (!grants(objects_left, bytes) || ::posix_memalign(&object, alignment, bytes) != 0) {
    objects_left = kNever;  // one fails; there is memory again for the exception's text
    throw std::bad_alloc();
  }
  return object;
}

// Out of line: inlined into a delete whose new is not, free would seem to be the wrong one to the compiler.
[[gnu::noinline]] void delete_object(void* object) { std::free(object); }

}  // namespace

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  void* block = nullptr;
  return grants(blocks_left, bytes) && ::posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
}
void* operator new(std::size_t bytes) { return make_object(alignof(std::max_align_t), bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return make_object(static_cast<std::size_t>(alignment), bytes);
}
void operator delete(void* object) noexcept { delete_object(object); }
void operator delete(void* object, std::size_t) noexcept { delete_object(object); }
void operator delete(void* object, std::align_val_t) noexcept { delete_object(object); }
void operator delete(void* object, std::size_t, std::align_val_t) noexcept { delete_object(object); }

// AddressSanitizer has the other forms of new, and would find that they do not fit these forms of delete.
extern "C" const char* __asan_default_options() { return "alloc_dealloc_mismatch=0"; }

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::TemporaryFolder;
using testing::wave;

constexpr std::size_t kMegabyte = 1 << 20;

// Memory is plentiful again at the end of a test, however it ends.
class OutOfMemory : public ::testing::Test {
 protected:
  void TearDown() override {
    grant_all();
    set_num_threads(threads_);
  }

  static void grant_all() {
    largest = kAnySize;
    blocks_left = objects_left = kNever;
  }

  // Expects f() to be refused a block of more than a megabyte, as an Error that says how much was asked for.
  static void expect_refused(const char* name, const std::function<void()>& f) {
    SCOPED_TRACE(name);
    const std::size_t live = memory_use().live;
    release_cached_memory();
    largest = kMegabyte;
    expect_error(f, "memory");
    largest = kAnySize;
    EXPECT_EQ(memory_use().live, live);
  }

  const int threads_ = num_threads();
};

TEST_F(OutOfMemory, IsAnErrorOfEveryOperation) {
  constexpr std::int64_t kMany = 1 << 21;
  const Tensor x = wave({kMany}, 0), rows = wave({64, kMany / 64}, 1), few = wave({1, 1000}, 2), i = arange(kMany);
  const Tensor positive = greater(x, 0);
  const Tensor images = wave({2, 64, 64, 64}, 3), kernel = wave({3, 3, 64, 64}, 4);
  const random::Key key(0);
  const ConvOptions same{.padding = Padding::Same, .dimension_numbers = {"NHWC", "HWIO", "NHWC"}};
  expect_refused("zeros", [] { zeros({kMany}); });
  expect_refused("arange", [] { arange(kMany); });
  expect_refused("linspace", [] { linspace(0, 1, kMany); });
  expect_refused("eye", [] { eye(1000); });
  expect_refused("add", [&] { x + x; });
  expect_refused("tanh", [&] { tanh(x); });
  expect_refused("compare", [&] { greater(x, 0); });
  expect_refused("to", [&] { x.to(DType::Float32); });
  expect_refused("where", [&] { where(positive, x, x); });
  expect_refused("broadcast_to", [&] { broadcast_to(few, {kMany / 1000, 1000}); });
  expect_refused("transpose", [&] { transpose(rows); });
  expect_refused("reverse", [&] { reverse(x); });
  expect_refused("concatenate", [&] { concatenate({x, x}); });
  expect_refused("stack", [&] { stack({x, x}); });
  expect_refused("split", [&] { split(x, 2); });
  expect_refused("pad", [&] { pad(x, {{1, 1, 0}}); });
  expect_refused("slice", [&] { slice_in_dim(x, 1, kMany); });
  expect_refused("cumsum", [&] { cumsum(x, 0); });
  expect_refused("take", [&] { take(x, i); });
  expect_refused("scatter_add", [&] { scatter_add(x, i, x); });
  expect_refused("one_hot", [&] { one_hot(i, 4); });
  expect_refused("softmax", [&] { softmax(rows); });
  expect_refused("matmul", [&] { matmul(transpose(few), few); });
  expect_refused("max_pool", [&] { max_pool(images, 3, {.window_strides = 1}); });
  expect_refused("avg_pool", [&] { avg_pool(images, 3, {.window_strides = 1}); });
  expect_refused("conv_general_dilated", [&] { conv_general_dilated(images, kernel, same); });
  expect_refused("patches", [&] { conv_general_dilated_patches(images, {3, 3}); });
  expect_refused("fftconvolve", [&] { signal::fftconvolve(x, x); });
  expect_refused("normal", [&] { random::normal(key, {kMany}); });
  expect_refused("bits", [&] { random::bits<std::uint32_t>(key, kMany); });
  expect_refused("split", [&] { random::split(key, kMany); });
  expect_refused("permutation", [&] { random::permutation(key, kMany); });
  expect_refused("choice", [&] { random::choice(key, kMany, {10}, false, softmax(x)); });
  expect_refused("grad", [&] { grad([](const Tensor& t) { return sum(t * t); })(x); });
  expect_refused("hvp", [&] { hvp([](const Tensor& t) { return sum(t * t); }, x, x); });
  expect_refused("Linear", [&] { nn::Linear(1000, 1000); });
  expect_refused("batches", [&] { nn::Batches({x, x}, {.shuffle = true}); });
}

TEST_F(OutOfMemory, IsAnErrorOfEveryReader) {
  const TemporaryFolder folder;
  const Tensor x = wave({1 << 18}, 0);
  save_npy(folder / "npy", x);
  nn::save_safetensors({{"x", x}}, folder / "safetensors");
  std::string idx("\0\0\x0B\x01\0\x10\0\0", 8);  // 2^20 shorts
  idx.resize(8 + (2 << 20));
  write_file("test", folder / "idx", {idx});
  expect_refused("load_npy", [&] { load_npy(folder / "npy"); });
  expect_refused("load_safetensors", [&] { nn::load_safetensors(folder / "safetensors"); });
  expect_refused("load_idx", [&] { nn::load_idx(folder / "idx"); });
}

struct Net {
  nn::Conv2D conv{1, 4, 3, {.padding = Padding::Same}};
  nn::BatchNorm norm{4};
  nn::Conv2D depthwise{4, 4, 3, {.strides = 2, .groups = 4}};
  nn::Linear head{36, 5};
  Tensor operator()(const Tensor& x) { return head(nn::flatten(relu(depthwise(max_pool(relu(norm(conv(x))), 2))))); }
  void visit(nn::Visitor& v) { v("conv", conv), v("norm", norm), v("depthwise", depthwise), v("head", head); }
};

// One step of training, which gives the parameters that follow.
class Step {
 public:
  Net net;
  nn::Adam adam;

  void run() {
    const auto [loss, grads] = nn::value_and_grad(net, [&] { return nn::cross_entropy(net(inputs_), targets_); });
    adam.step(net, grads);
  }

  void expect_parameters_of(const Step& other) const {
    Net mine = net, its = other.net;
    const auto a = nn::named_parameters(mine), b = nn::named_parameters(its);
    for (std::size_t i = 0; i < a.size(); ++i) expect_near(*a[i].second, *b[i].second, 0);
  }

 private:
  Tensor inputs_ = wave({5, 14, 14, 1}, 0).to(DType::Float32), targets_ = arange(5);
};

// Makes a step of training, of which all allocations of one kind after the next `successes` fail. True if it failed.
bool run_with(int successes, std::atomic<int>& left, Step& step, bool errors_only) {
  bool failed = true;
  release_cached_memory();
  left = successes;
  try {
    step.run();
    failed = false;
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find("out of memory"), std::string_view::npos) << error.what();
  } catch (const std::bad_alloc&) {
    EXPECT_FALSE(errors_only);
  }
  left = kNever;
  return failed;
}

// Lets a step fail at its first allocation, then at its second, and so on. Whatever failed, the parameters are what
// they were, no memory is lost, and the step, made again, gives the same as if nothing had happened.
void fail_each_allocation(std::atomic<int>& left, bool errors_only) {
  const Step before;
  Step after = before;
  after.run();
  for (int successes = 0;; ++successes) {
    SCOPED_TRACE(fmt::format("after {} allocations", successes));
    const std::size_t live = memory_use().live;
    bool failed = false;
    {
      Step step = before;
      failed = run_with(successes, left, step, errors_only);
      if (failed) {
        step.expect_parameters_of(before);
        step.run();
      }
      step.expect_parameters_of(after);
    }
    EXPECT_EQ(memory_use().live, live);
    if (::testing::Test::HasFailure()) return;
    if (!failed) {
      EXPECT_GT(successes, 20);
      ::testing::Test::RecordProperty("allocations", successes);
      return;
    }
  }
}

TEST_F(OutOfMemory, OfElementsLosesNothing) {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    fail_each_allocation(blocks_left, true);
  }
}

TEST_F(OutOfMemory, OfAnythingElseLosesNothing) {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    fail_each_allocation(objects_left, false);
  }
}

}  // namespace
}  // namespace cotangent
