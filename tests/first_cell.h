// The numbers of the first cell of "Convolutions in JAX": a noisy sine, smoothed by a window of ten.
#pragma once

#include <gtest/gtest.h>

#include <numeric>

namespace cotangent::testing {

// Expects the 500 noisy and smoothed Float32 values that key 1701 gives in the partitionable stream.
template <class Values>
void expect_first_cell(const Values& noisy, const Values& smooth) {
  ASSERT_EQ(noisy.size(), 500u);
  ASSERT_EQ(smooth.size(), 500u);
  EXPECT_NEAR(noisy[0], -0.12944822, 1e-6);
  EXPECT_NEAR(noisy[1], 0.08316696, 1e-6);
  EXPECT_NEAR(noisy[249], -0.93713224, 1e-6);
  EXPECT_NEAR(noisy[499], -0.78152442, 1e-6);
  EXPECT_NEAR(smooth[0], -0.02516865, 1e-6);
  EXPECT_NEAR(smooth[1], 0.01971048, 1e-6);
  EXPECT_NEAR(smooth[249], -0.94594674, 1e-6);
  EXPECT_NEAR(smooth[498], -0.41631351, 1e-6);
  EXPECT_NEAR(smooth[499], -0.38352918, 1e-6);
  EXPECT_NEAR(std::accumulate(smooth.begin(), smooth.end(), 0.0), 82.163624, 1e-4);
}

}  // namespace cotangent::testing
