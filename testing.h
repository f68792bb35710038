// cotangent/testing.h: GoogleTest assertions for derivatives and tensors. docs/testing.md explains them.
#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <string>

#include "cotangent/autograd/gradcheck.h"
#include "cotangent/core/near.h"

// The derivatives of a function agree with finite differences: check_grads(). The arguments are the function and its
// inputs, or those in braces and options:
//   EXPECT_GRADS(f, x, w);
//   EXPECT_GRADS(f, {x, w}, {.order = 3, .modes = {GradMode::Reverse, GradMode::Forward}});
#define EXPECT_GRADS(...) COTANGENT_EXPECT_EMPTY(check_grads, "EXPECT_GRADS", __VA_ARGS__)

// <f(x), y> = <x, f^T(y)>, for functions that are linear in each input: check_adjoint().
//   EXPECT_ADJOINT(f, x);
#define EXPECT_ADJOINT(...) COTANGENT_EXPECT_EMPTY(check_adjoint, "EXPECT_ADJOINT", __VA_ARGS__)

// Two tensors have one shape and dtype, and elements that differ by at most `tolerance`: compare_tensors().
//   EXPECT_TENSORS_NEAR(a, b, 1e-6);
#define EXPECT_TENSORS_NEAR(...) COTANGENT_EXPECT_EMPTY(compare_tensors, "EXPECT_TENSORS_NEAR", __VA_ARGS__)

// Fails, without leaving the test, with the report that a check returns. More text may follow with <<.
#define COTANGENT_EXPECT_EMPTY(check, name, ...)                                               \
  switch (0)                                                                                   \
  case 0:                                                                                      \
  default:                                                                                     \
    if (const std::string report_ = ::cotangent::testing::check(__VA_ARGS__); report_.empty()) \
      ;                                                                                        \
    else ADD_FAILURE() << name "(" #__VA_ARGS__ ")\n" << report_

namespace cotangent::testing {

using cotangent::check_adjoint;
using cotangent::check_grads;
using cotangent::compare_tensors;

template <std::same_as<Tensor>... Inputs>
std::string check_grads(const Function& f, const Tensor& first, const Inputs&... rest) {
  return cotangent::check_grads(f, Tensors{first, rest...});
}

template <std::same_as<Tensor>... Inputs>
std::string check_adjoint(const Function& f, const Tensor& first, const Inputs&... rest) {
  return cotangent::check_adjoint(f, Tensors{first, rest...});
}

}  // namespace cotangent::testing
