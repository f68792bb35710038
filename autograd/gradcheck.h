// Gradient checking: derivatives against finite differences, for any function, in both modes, to any order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cotangent/autograd/function.h"
#include "cotangent/core/tensor.h"

namespace cotangent {

enum class GradMode {
  Reverse,  // the vjp, element by element of the inputs
  Forward,  // the jvp along random tangents, one for each input: cheaper, and it sees the elements of the result
};

struct GradCheckOptions {
  // 1: derivatives of f in each mode; 2: also, in each mode, derivatives of these derivatives as functions of f's
  // inputs and of their own cotangents or tangents; and so on. {Reverse, Forward} to order 2 is reverse, reverse over
  // reverse, forward over reverse, forward, reverse over forward and forward over forward.
  int order = 2;
  // There are no forward rules that could be wrong alone: a jvp is the transpose of the pullback, which reverse over
  // reverse checks too. So Reverse to order 2 is the default.
  std::vector<GradMode> modes = {GradMode::Reverse};
  // f is linear in each input while the others are fixed, as products and convolutions are: the step is 1 and has no
  // error, and where inputs and results are whole numbers the derivatives must agree exactly. If f is not what is
  // claimed, the report says so. (check_grads_bilinear in JAX's tests)
  bool multilinear = false;
  double step = 0;         // of the differences; 0: 6e-6 (5e-3 if these are in Float32); times max(1, |x|)
  double tolerance = 0;    // of the largest derivative; 0: 1e-6; 2e-5 for Float32 inputs (5e-3 without `shadow`)
  std::uint64_t seed = 0;  // of the random cotangents and tangents
  // Float32 inputs: differences are taken in Float64, of f at Float64 copies of the inputs, and only the derivatives in
  // Float32. For a function that takes nothing but Float32: false.
  bool shadow = true;
};

// "" if the derivatives of f at `inputs` agree with central finite differences; else a report of a few lines: which
// derivative, the worst element, its index, both values, and the likely kind of error. Points where f has no derivative
// (kinks, jumps, nan) are reported as such. Every element of every input is moved twice in reverse mode, so keep the
// inputs small. Finite differences cannot see a wrong forward: test that against an independent definition. Error if
// f itself throws at `inputs`. (jax.test_util.check_grads, torch.autograd.gradcheck and gradgradcheck)
std::string check_grads(const Function& f, const Tensors& inputs, const GradCheckOptions& options = {});

// "" if <f(x), y> = <x, f^T(y)> for a random y, where f^T is the vjp of f, which must be linear in each input while the
// others are fixed; else a report. Whole numbers must agree exactly, others to rounding in their dtype. Costs a
// pullback and a call for each input, so large ones are welcome. (The "dot-product test" of Claerbout, Earth Soundings
// Analysis, 1992)
std::string check_adjoint(const Function& f, const Tensors& inputs, std::uint64_t seed = 0);

}  // namespace cotangent
