// The benchmarks' convolutions by name, as cases.
#pragma once

#include <stdexcept>
#include <string>

#include "../bench/problems.h"
#include "conv_reference.h"

namespace cotangent::testing {

inline const bench::ConvProblem& named_problem(const std::string& name) {
  for (const bench::ConvProblem& problem : bench::conv_problems())
    if (problem.name == name) return problem;
  throw std::invalid_argument("the benchmarks have no problem " + name);
}

// With channels last or first, and a batch of its own or that of the list.
inline ConvCase case_of(const bench::ConvProblem& p, bool last = true, std::int64_t batch = 0) {
  const std::string axes = std::string("DHW").substr(3 - p.spatial.size());
  std::vector<std::int64_t> lhs = p.spatial, rhs = p.kernel;
  const std::vector<std::int64_t> lhs_ends{batch > 0 ? batch : p.batch, p.in}, rhs_ends{p.out, p.in / p.groups};
  if (last) {
    lhs.insert(lhs.begin(), lhs_ends[0]);
    lhs.push_back(lhs_ends[1]);
    rhs.insert(rhs.end(), {rhs_ends[1], rhs_ends[0]});
  } else {
    lhs.insert(lhs.begin(), lhs_ends.begin(), lhs_ends.end());
    rhs.insert(rhs.begin(), rhs_ends.begin(), rhs_ends.end());
  }
  const std::string features = last ? "N" + axes + "C" : "NC" + axes, kernel = last ? axes + "IO" : "OI" + axes;
  ConvCase c = plain(Shape(lhs), Shape(rhs), {features, kernel, features});
  for (std::size_t d = 0; d < p.kernel.size(); ++d) {
    const std::int64_t pad = p.transposed ? p.dilation * (p.kernel[d] - 1) - p.pad : p.pad;
    c.pads[d] = {pad, pad};
    (p.transposed ? c.lhs_dilation : c.strides)[d] = p.stride;
    c.rhs_dilation[d] = p.dilation;
  }
  c.feature_groups = p.groups;
  return c;
}

// A convolution and its two gradient problems.
inline std::vector<ConvCase> directions(const ConvCase& c) { return {c, input_gradient(c), weight_gradient(c)}; }

// What explain() says of a case; operands have no values, which it does not read.
inline ConvExplanation explain_case(const ConvCase& c, DType dtype = DType::Float32, ConvOptions more = {}) {
  ConvOptions options = c.options();
  options.precision = more.precision;
  options.algorithm = more.algorithm;
  options.max_workspace = more.max_workspace;
  return explain(Tensor::uninitialized(c.lhs, dtype), Tensor::uninitialized(c.rhs, dtype), options);
}

// False if that algorithm cannot serve the case; any other error is thrown.
inline bool serves(ConvAlgorithm algorithm, const ConvCase& c, DType dtype) {
  try {
    explain_case(c, dtype, {.algorithm = algorithm});
    return true;
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("cannot serve here") == std::string_view::npos) throw;
    return false;
  }
}

// The algorithms that can be asked for.
inline constexpr ConvAlgorithm kAllAlgorithms[] = {
    ConvAlgorithm::Definition,  ConvAlgorithm::Im2col,    ConvAlgorithm::Direct,   ConvAlgorithm::LongSum,
    ConvAlgorithm::FewFeatures, ConvAlgorithm::Depthwise, ConvAlgorithm::Winograd, ConvAlgorithm::Fft};

inline constexpr Letters kPlanes{"NCHW", "OIHW", "NCHW"};

// Of planes, padded to outputs as large as the input.
inline ConvCase same(Shape lhs, Shape rhs, std::int64_t groups) {
  const std::int64_t pad = rhs[2] / 2;
  return feature_groups(padded(plain(std::move(lhs), std::move(rhs), kPlanes), {{pad, pad}, {pad, pad}}), groups);
}

}  // namespace cotangent::testing
