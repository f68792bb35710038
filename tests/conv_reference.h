// An independent definition of convolution and of its derivatives, over the arguments as users give them: slow loops
// with nothing in common with the kernels.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/cotangent.h"
#include "cotangent/ops/kernels/convolve.h"
#include "sample.h"

namespace cotangent::testing {

// One convolution: shapes and all options, explicit.
struct ConvCase {
  Shape lhs, rhs;
  std::vector<std::int64_t> strides;
  Pads pads;
  std::vector<std::int64_t> lhs_dilation, rhs_dilation;
  ConvDimensionNumbers numbers;
  std::int64_t feature_groups = 1, batch_groups = 1;

  ConvOptions options() const {
    return {.window_strides = strides,
            .padding = pads,
            .lhs_dilation = lhs_dilation,
            .rhs_dilation = rhs_dilation,
            .dimension_numbers = numbers,
            .feature_group_count = feature_groups,
            .batch_group_count = batch_groups};
  }

  Tensor operator()(const Tensor& l, const Tensor& r) const { return conv_general_dilated(l, r, options()); }
};

// Everything that is needed to run the case again.
inline std::string to_string(const ConvCase& c) {
  return fmt::format(
      "lhs {} rhs {} strides {} pads {} lhs_dilation {} rhs_dilation {} {} feature_groups {} batch_groups {}",
      cotangent::to_string(c.lhs), cotangent::to_string(c.rhs), c.strides, c.pads, c.lhs_dilation, c.rhs_dilation,
      cotangent::to_string(c.numbers), c.feature_groups, c.batch_groups);
}
inline void PrintTo(const ConvCase& c, std::ostream* out) { *out << to_string(c); }

// Which letters the axes have, as in dimension_numbers.
struct Letters {
  std::string_view lhs, rhs, out;
};

// A case without padding, strides, dilation or groups.
inline ConvCase plain(const Shape& lhs, const Shape& rhs, const Letters& letters) {
  const std::size_t n = lhs.size() - 2;
  const std::vector<std::int64_t> one(n, 1);
  return {lhs, rhs, one, Pads(n), one, one, conv_dimension_numbers(lhs, rhs, {letters.lhs, letters.rhs, letters.out})};
}

inline ConvCase padded(ConvCase c, const Pads& pads) {
  c.pads = pads;
  return c;
}
inline ConvCase strided(ConvCase c, const std::vector<std::int64_t>& strides) {
  c.strides = strides;
  return c;
}
inline ConvCase spread(ConvCase c, const std::vector<std::int64_t>& lhs, const std::vector<std::int64_t>& rhs) {
  c.lhs_dilation = lhs;
  c.rhs_dilation = rhs;
  return c;
}
inline ConvCase feature_groups(ConvCase c, std::int64_t groups) {
  c.feature_groups = groups;
  return c;
}
inline ConvCase batch_groups(ConvCase c, std::int64_t groups) {
  c.batch_groups = groups;
  return c;
}

// A spec whose first two entries have changed places.
inline std::vector<int> swapped(std::vector<int> spec) {
  std::swap(spec[0], spec[1]);
  return spec;
}

// Calls visitor(position) for every position inside `extents`, row-major.
template <class Visitor>
void for_each_position(const std::vector<std::int64_t>& extents, Visitor visitor) {
  for (std::int64_t extent : extents)
    if (extent <= 0) return;
  std::vector<std::int64_t> position(extents.size(), 0);
  for (;;) {
    visitor(position);
    std::size_t d = extents.size();
    while (d > 0 && ++position[d - 1] == extents[d - 1]) position[--d] = 0;
    if (d == 0) return;
  }
}

// The output's shape, by the formula.
inline Shape reference_shape(const ConvCase& c) {
  Shape out = c.lhs;
  const auto& [lhs_spec, rhs_spec, out_spec] = c.numbers;
  out[static_cast<std::size_t>(out_spec[0])] = c.lhs[static_cast<std::size_t>(lhs_spec[0])] / c.batch_groups;
  out[static_cast<std::size_t>(out_spec[1])] = c.rhs[static_cast<std::size_t>(rhs_spec[0])];
  for (std::size_t d = 0; d < c.strides.size(); ++d) {
    const std::int64_t in = c.lhs[static_cast<std::size_t>(lhs_spec[d + 2])];
    const std::int64_t k = c.rhs[static_cast<std::size_t>(rhs_spec[d + 2])];
    const std::int64_t padded = (in == 0 ? 0 : (in - 1) * c.lhs_dilation[d] + 1) + c.pads[d].first + c.pads[d].second;
    std::int64_t windows = 0;
    while (windows * c.strides[d] + (k - 1) * c.rhs_dilation[d] + 1 <= padded) ++windows;
    out[static_cast<std::size_t>(out_spec[d + 2])] = windows;
  }
  return out;
}

// The convolution that computes the gradient of `c` with respect to rhs, from lhs and the cotangent: as in
// ops/conv.cpp.
inline ConvCase weight_gradient(const ConvCase& c) {
  const auto& [lhs_spec, rhs_spec, out_spec] = c.numbers;
  ConvCase g = c;
  g.rhs = reference_shape(c);
  std::swap(g.strides, g.rhs_dilation);
  g.numbers = {swapped(lhs_spec), swapped(out_spec), swapped(rhs_spec)};
  std::swap(g.feature_groups, g.batch_groups);
  for (std::size_t d = 0; d < g.pads.size(); ++d) {
    const std::int64_t lhs = dilated_extent(c.lhs[static_cast<std::size_t>(lhs_spec[d + 2])], c.lhs_dilation[d]);
    const std::int64_t rhs = dilated_extent(c.rhs[static_cast<std::size_t>(rhs_spec[d + 2])], c.rhs_dilation[d]);
    const std::int64_t out = dilated_extent(g.rhs[static_cast<std::size_t>(out_spec[d + 2])], c.strides[d]);
    g.pads[d].second = out + rhs - 1 - lhs - c.pads[d].first;
  }
  return g;
}

// And with respect to lhs, from the cotangent and a rearranged kernel.
inline ConvCase input_gradient(const ConvCase& c) {
  const auto& [lhs_spec, rhs_spec, out_spec] = c.numbers;
  const std::int64_t groups = c.feature_groups * c.batch_groups;
  ConvCase g = c;
  g.lhs = reference_shape(c);
  g.rhs[static_cast<std::size_t>(rhs_spec[0])] /= groups;
  g.rhs[static_cast<std::size_t>(rhs_spec[1])] *= groups;
  std::swap(g.strides, g.lhs_dilation);
  g.numbers = {out_spec, swapped(rhs_spec), lhs_spec};
  g.feature_groups = groups;
  g.batch_groups = 1;
  for (std::size_t d = 0; d < g.pads.size(); ++d) {
    const std::int64_t lhs = dilated_extent(c.lhs[static_cast<std::size_t>(lhs_spec[d + 2])], c.lhs_dilation[d]);
    const std::int64_t rhs = dilated_extent(c.rhs[static_cast<std::size_t>(rhs_spec[d + 2])], c.rhs_dilation[d]);
    const std::int64_t out = dilated_extent(g.lhs[static_cast<std::size_t>(out_spec[d + 2])], c.strides[d]);
    g.pads[d] = {rhs - 1 - c.pads[d].first, lhs + c.pads[d].first - out};
  }
  return g;
}

// Calls visitor(lhs index, rhs index, output index) for every product in the sum that defines the convolution; indices
// count elements, row-major.
template <class Visitor>
void for_each_product(const ConvCase& c, Visitor visitor) {
  const Shape out = reference_shape(c);
  const std::vector<int>&lhs_spec = c.numbers.lhs_spec, &rhs_spec = c.numbers.rhs_spec, &out_spec = c.numbers.out_spec;
  const auto axis = [](int index) { return static_cast<std::size_t>(index); };
  const auto index = [](const Shape& shape, const std::vector<std::int64_t>& position) {
    std::int64_t result = 0;
    for (std::size_t a = 0; a < shape.size(); ++a) result = result * shape[a] + position[a];
    return static_cast<std::size_t>(result);
  };
  const auto step = [](const Shape& shape, std::size_t of) {
    std::size_t result = 1;
    for (std::size_t a = of + 1; a < shape.size(); ++a) result *= static_cast<std::size_t>(shape[a]);
    return result;
  };
  const std::size_t lhs_feature = axis(lhs_spec[1]), rhs_feature = axis(rhs_spec[1]), rhs_output = axis(rhs_spec[0]);
  const std::size_t lhs_step = step(c.lhs, lhs_feature), rhs_step = step(c.rhs, rhs_feature);
  const std::int64_t out_features = c.rhs[rhs_output], in_features = c.rhs[rhs_feature];
  const std::int64_t out_batch = out[axis(out_spec[0])];
  std::vector<std::int64_t> window(c.rhs.begin(), c.rhs.end()), kernel, from(c.lhs.size());
  window[rhs_output] = window[rhs_feature] = 1;
  for_each_position({out.begin(), out.end()}, [&](const std::vector<std::int64_t>& at) {
    const std::int64_t m = at[axis(out_spec[0])], o = at[axis(out_spec[1])];
    const std::size_t to = index(out, at);
    for_each_position(window, [&](const std::vector<std::int64_t>& tap) {
      kernel = tap;
      kernel[rhs_output] = o;
      from[axis(lhs_spec[0])] = o * c.batch_groups / out_features * out_batch + m;
      from[lhs_feature] = o * c.feature_groups / out_features * in_features;
      for (std::size_t d = 0; d < c.strides.size(); ++d) {
        const std::int64_t p = at[axis(out_spec[d + 2])] * c.strides[d] +
                               kernel[axis(rhs_spec[d + 2])] * c.rhs_dilation[d] - c.pads[d].first;
        if (p < 0 || p % c.lhs_dilation[d] != 0 || p / c.lhs_dilation[d] >= c.lhs[axis(lhs_spec[d + 2])]) return;
        from[axis(lhs_spec[d + 2])] = p / c.lhs_dilation[d];
      }
      std::size_t l = index(c.lhs, from), r = index(c.rhs, kernel);
      for (std::int64_t i = 0; i < in_features; ++i, l += lhs_step, r += rhs_step) visitor(l, r, to);
    });
  });
}

// Whole numbers from -4 to 4, with which sums of products are exact in any order.
inline Tensor whole_numbers(const Shape& shape, DType dtype, std::uint64_t seed) {
  Tensor result = sample(shape, -4, 5, seed);
  for (double& value : result.mutable_data<double>()) value = std::floor(value);
  return result.to(dtype);
}

using Values = std::vector<double>;

inline Values values(const Tensor& tensor) {
  const Tensor wide = tensor.to(DType::Float64);
  const auto data = wide.data<double>();
  return {data.begin(), data.end()};
}

// The largest error of any element over the root mean square of all.
inline double relative_error(const Values& values, const Values& expected) {
  double largest = 0, squares = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(values[i] - expected[i]);
    largest = std::isnan(difference) ? difference : std::max(largest, difference);
    squares += expected[i] * expected[i];
  }
  return largest == 0 ? 0 : largest / std::sqrt(squares / static_cast<double>(expected.size()));
}

inline Values reference_conv(const ConvCase& c, const Values& lhs, const Values& rhs) {
  Values out(static_cast<std::size_t>(reference_shape(c).elements()));
  for_each_product(c, [&](std::size_t l, std::size_t r, std::size_t o) { out[o] += lhs[l] * rhs[r]; });
  return out;
}

// The case solved by one of the algorithms of the library.
template <class T>
using Algorithm = void (*)(const kernels::ConvProblem&, const T*, const T*, T*);

inline kernels::ConvProblem problem_of(const ConvCase& c) {
  const kernels::ConvAttributes attributes{c.strides, c.pads,           c.lhs_dilation, c.rhs_dilation,
                                           c.numbers, c.feature_groups, c.batch_groups};
  return kernels::make_conv_problem(c.lhs, c.rhs, reference_shape(c), attributes);
}

template <class T>
Tensor solve(const ConvCase& c, Algorithm<T> algorithm, const Tensor& lhs, const Tensor& rhs) {
  Tensor out = full(reference_shape(c), 777, dtype_of<T>());
  algorithm(problem_of(c), lhs.data<T>().data(), rhs.data<T>().data(), out.mutable_data<T>().data());
  return out;
}

// The same by an algorithm that may refuse: each phase of the problem that it serves.
template <class T, Algorithm<T> algorithm, kernels::ConvCost (*cost)(const kernels::ConvProblem&, std::int64_t)>
void solve_phases(const kernels::ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  for (const kernels::ConvProblem& phase : kernels::split_phases(problem)) {
    const bool served = cost(phase, sizeof(T)).refusal.empty();
    (served ? algorithm : kernels::convolve_by_im2col<T>)(phase, lhs, rhs, out);
  }
}

// All algorithms but the definition, as solving any problem.
template <class T>
std::vector<Algorithm<T>> algorithms() {
  return {kernels::convolve_by_im2col<T>, kernels::convolve_depthwise<T>,
          solve_phases<T, kernels::convolve_direct<T>, kernels::direct_cost>,
          solve_phases<T, kernels::convolve_long_sum<T>, kernels::long_sum_cost>,
          solve_phases<T, kernels::convolve_few_features<T>, kernels::few_features_cost>};
}

struct ReferenceVjps {
  Values lhs, rhs;
};

inline ReferenceVjps reference_vjps(const ConvCase& c, const Values& lhs, const Values& rhs, const Values& g) {
  ReferenceVjps result{Values(lhs.size()), Values(rhs.size())};
  for_each_product(c, [&](std::size_t l, std::size_t r, std::size_t o) {
    result.lhs[l] += g[o] * rhs[r];
    result.rhs[r] += g[o] * lhs[l];
  });
  return result;
}

}  // namespace cotangent::testing
