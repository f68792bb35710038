// What gradient checking says about one derivative. Internal to it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cotangent/autograd/gradcheck_difference.h"
#include "cotangent/core/shape.h"

namespace cotangent::autograd {

// One derivative as the library has it and as differences have it.
struct Comparison {
  std::string where;         // "order 1 (reverse), input 0 Float64 (2, 3)"
  std::string derivative;    // "vjp" or "jvp"
  Shape shape;               // of the derivative, row-major in:
  std::vector<double> ours;  // what the library says
  std::vector<Slope> theirs;

  double tolerance;  // of the largest derivative; 0: not even rounding is allowed
  bool multilinear;  // the claim that there is nothing but a slope
  // The same slope by another fraction of the step.
  std::function<Slope(std::size_t i, double fraction)> again;

  // What the derivative of each element may have been multiplied with, if there is such a thing, or empty.
  std::vector<double> input, cotangent;
};

// "" if both agree and the function is smooth; else a report.
std::string judge(const Comparison& comparison);

// The kind of error that explains `ours` by `theirs`, both finite, or "". Elements differ by less than `allowed` if
// they agree.
std::string likely_error(const Comparison& comparison, const std::vector<double>& allowed);

}  // namespace cotangent::autograd
