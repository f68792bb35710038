// Tests of batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

// Example i has the inputs 10 i, 10 i + 1 and the target i.
nn::Dataset counted(std::int64_t n) {
  const Tensor tens = reshape(arange(n, DType::Float32) * 10, {n, 1});
  return {tens + reshape(arange(2, DType::Float32), {1, 2}), arange(n)};
}

std::vector<std::int64_t> targets_of(const nn::Batches& batches) {
  std::vector<std::int64_t> result;
  for (const auto& batch : batches)
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      const std::int64_t target = batch.targets.data<std::int64_t>()[static_cast<std::size_t>(i)];
      EXPECT_EQ(batch.inputs.data<float>()[static_cast<std::size_t>(2 * i + 1)], static_cast<float>(10 * target + 1));
      result.push_back(target);
    }
  return result;
}

TEST(Batches, WalkInOrder) {
  const nn::Batches walk = nn::batches(counted(7), {.size = 3});
  EXPECT_EQ(walk.size(), 3);
  EXPECT_EQ(walk.batch(0).inputs.shape(), Shape({3, 2}));
  EXPECT_EQ(walk.batch(2).inputs.shape(), Shape({1, 2}));
  EXPECT_EQ(targets_of(walk), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(targets_of(nn::batches(counted(7), {.size = 3, .drop_last = true})).size(), 6u);
  EXPECT_EQ(nn::batches(counted(6), {.size = 3}).size(), 2);
  EXPECT_EQ(nn::batches(counted(2), {.size = 100}).size(), 1);
}

TEST(Batches, ShuffleEveryExampleOncePerKeyAndEpoch) {
  const nn::Dataset dataset = counted(50);
  const random::Key key(0);
  const auto first = targets_of(nn::batches(dataset, {.size = 8, .shuffle = true, .key = key}));
  EXPECT_FALSE(std::ranges::is_sorted(first));
  auto sorted = first;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(sorted[i], static_cast<std::int64_t>(i));
  EXPECT_EQ(targets_of(nn::batches(dataset, {.size = 8, .shuffle = true, .key = key})), first);
  EXPECT_EQ(targets_of(nn::batches(dataset, {.size = 5, .shuffle = true, .key = key})), first);
  EXPECT_NE(targets_of(nn::batches(dataset, {.size = 8, .shuffle = true, .key = key, .epoch = 1})), first);
  EXPECT_NE(targets_of(nn::batches(dataset, {.size = 8, .shuffle = true, .key = random::Key(1)})), first);
}

TEST(Batches, ReshuffleAtEachCallWithoutAKeyAndRepeatWithTheSeed) {
  const nn::Dataset dataset = counted(50);
  const auto walk = [&] { return targets_of(nn::batches(dataset, {.size = 8, .shuffle = true})); };
  nn::seed(3);
  const auto first = walk(), second = walk();
  EXPECT_NE(first, second);
  nn::seed(3);
  EXPECT_EQ(walk(), first);
}

TEST(Batches, TakeAnyDtypeAndEmptyDatasets) {
  const nn::Dataset bytes{ones({5, 4}, DType::UInt8), zeros({5}, DType::Bool)};
  for (const auto& batch : nn::batches(bytes, {.size = 5, .shuffle = true})) {
    EXPECT_EQ(batch.inputs.dtype(), DType::UInt8);
    EXPECT_EQ(batch.inputs.data<std::uint8_t>()[19], 1);
  }
  EXPECT_EQ(nn::batches(counted(0)).size(), 0);
  EXPECT_EQ(nn::batches({zeros({3, 0}), zeros({3})}, {.size = 2}).batch(1).inputs.shape(), Shape({1, 0}));
}

TEST(Batches, RefuseWhatDoesNotFit) {
  expect_error(
      [] {
        nn::batches({zeros({3, 2}), zeros({4})});
      },
      "batches: each input needs a target, got 3 inputs and 4 targets");
  expect_error([] { nn::batches({zeros({3, 2}), Tensor()}); }, "got Float32 (3, 2) and a null Tensor");
  expect_error([] { nn::batches({zeros({}), zeros({})}); }, "a first axis that counts examples");
  expect_error([] { nn::batches(counted(3), {.size = 0}); }, "batches: the size must be at least 1, got 0");
  expect_error([] { nn::batches(counted(3)).batch(1); }, "batch 1 is not within 0 to 0");
}

TEST(Dataset, Slices) {
  const nn::Dataset middle = counted(10).slice(3, 5);
  EXPECT_EQ(middle.size(), 2);
  EXPECT_EQ(middle.targets.data<std::int64_t>()[0], 3);
  EXPECT_EQ(middle.inputs.data<float>()[3], 41);
  EXPECT_EQ(counted(10).slice(4, 4).size(), 0);
  expect_error([] { counted(10).slice(5, 11); }, "slice: examples 5 to 11 are not within 0 to 10");
  expect_error([] { counted(10).slice(-1, 2); }, "slice: examples -1 to 2");
  expect_error([] { counted(10).slice(3, 2); }, "slice: examples 3 to 2");
}

}  // namespace
}  // namespace cotangent
