// Explain: what conv_general_dilated would do with given operands, and why.
#pragma once

#include <string>
#include <vector>

#include "cotangent/ops/conv.h"

namespace cotangent {

// One algorithm that was not chosen, and what it would do if it were asked for, with all phases together.
struct ConvAlternative {
  ConvAlgorithm algorithm;
  std::string refusal = {};                 // why it cannot serve; empty if it could
  std::int64_t executed_multiply_adds = 0;  // if it could
  std::int64_t workspace = 0;               // bytes, likewise
};

// What a convolution comes down to. A convolution with lhs_dilation may be solved as several, its phases.
struct ConvExplanation {
  ConvAlgorithm algorithm = ConvAlgorithm::Auto;  // of the largest phase; Auto if there is nothing to compute
  std::string reason;
  std::string products;  // what is multiplied, as "tasks x (rows x terms) x (terms x columns)", phases joined by +
  std::int64_t phases = 0;
  std::int64_t useful_multiply_adds = 0;    // those of the definition, of which none with an inserted zero; zeros of
                                            // padding count
  std::int64_t executed_multiply_adds = 0;  // those that will be executed: fewer with Winograd, or where zeros of
                                            // padding are left out, and more where vectors are not filled
  std::int64_t workspace = 0;               // bytes beside operands and output, at most
  double seconds = 0;                       // expected on this machine with num_threads() threads, operands in memory
  std::vector<ConvAlternative> alternatives;
};

// What conv_general_dilated(lhs, rhs, options) would do; it computes nothing of it. Error for what that would refuse.
ConvExplanation explain(const Tensor& lhs, const Tensor& rhs, const ConvOptions& options = {});

// As a few lines of text.
std::string to_string(const ConvExplanation& explanation);

}  // namespace cotangent
