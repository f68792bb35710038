// The choice of algorithms for a convolution. Internal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cotangent/ops/conv_algorithm.h"
#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// What `algorithm` would do to `problem`, whose elements have that many bytes: its cost has a refusal if it cannot
// serve. Not for Auto.
ConvCost cost_of(ConvAlgorithm algorithm, const ConvProblem& problem, std::int64_t element_size);

// What `algorithm` would solve if it were asked for: the whole problem, or its phases if it does not take lhs dilation.
std::vector<ConvProblem> parts_for(ConvAlgorithm algorithm, const ConvProblem& problem, std::int64_t element_size);

// A problem, whole or a phase of one, and how it is solved.
struct ConvStep {
  ConvAlgorithm algorithm;
  ConvProblem problem;
  const char* reason;
};

// The steps that solve a problem; none if there is no output. Throws Error, in the name of `operation`, if the limits
// forbid every algorithm.
std::vector<ConvStep> choose(std::string_view operation, const ConvProblem& problem, std::int64_t element_size,
                             const ConvLimits& limits);

// The same from a memory of the latest choices, since a call asks twice and a training loop asks at every step.
std::shared_ptr<const std::vector<ConvStep>> remembered_choice(std::string_view operation, const ConvProblem& problem,
                                                               std::int64_t element_size, const ConvLimits& limits);

}  // namespace cotangent::kernels
