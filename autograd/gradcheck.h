// Gradient checking: derivatives against central finite differences, for any function and any order.
#pragma once

#include <cstdint>
#include <string>

#include "cotangent/autograd/function.h"
#include "cotangent/core/tensor.h"

namespace cotangent {

struct GradCheckOptions {
  int order = 2;           // 1: the vjp of f; 2: also the vjp of that vjp; and so on
  double step = 0;         // of the differences; 0: by dtype (6e-6 in Float64, 5e-3 in Float32), times max(1, |x|)
  double tolerance = 0;    // relative to the largest derivative of the input; 0: by dtype (1e-6, 5e-3)
  std::uint64_t seed = 0;  // of the random cotangents
};

// "" if every derivative of f at `inputs`, up to the order asked, agrees with finite differences; else the worst
// element, its index and both values. Every element of every input is perturbed, so keep the inputs small, in Float64,
// and away from kinks. Finite differences cannot see a wrong forward: test that against an independent definition.
// (jax.test_util.check_grads, torch.autograd.gradgradcheck)
std::string check_grads(const Function& f, const Tensors& inputs, const GradCheckOptions& options = {});

}  // namespace cotangent
