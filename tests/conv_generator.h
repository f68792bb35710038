// Random convolutions: every parameter at once, within what is legal; and the simpler ones that a failure is reduced
// to.
#pragma once

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "conv_reference.h"

namespace cotangent::testing {

// A convolution by its free parameters, so that any values from the ranges given make one that is legal.
struct ConvParameters {
  struct Axis {
    std::int64_t in = 1, window = 1, stride = 1, low = 0, high = 0, lhs_dilation = 1, rhs_dilation = 1;
  };
  std::int64_t batch = 1, in_features = 1, out_features = 1;  // of one group, at least 0
  std::int64_t feature_groups = 1, batch_groups = 1;          // at least 1, and one of them 1
  std::vector<Axis> axes;                                     // padded extents at least 0
  ConvDimensionNumbers numbers;

  ConvCase conv() const {
    ConvCase c;
    c.numbers = numbers;
    c.feature_groups = feature_groups;
    c.batch_groups = batch_groups;
    c.lhs = c.rhs = Shape(std::vector<std::int64_t>(axes.size() + 2));
    const auto set = [](Shape& shape, int axis, std::int64_t value) { shape[static_cast<std::size_t>(axis)] = value; };
    set(c.lhs, numbers.lhs_spec[0], batch * batch_groups);
    set(c.lhs, numbers.lhs_spec[1], in_features * feature_groups);
    set(c.rhs, numbers.rhs_spec[0], out_features * feature_groups * batch_groups);
    set(c.rhs, numbers.rhs_spec[1], in_features);
    for (std::size_t d = 0; d < axes.size(); ++d) {
      const Axis& axis = axes[d];
      set(c.lhs, numbers.lhs_spec[d + 2], axis.in);
      set(c.rhs, numbers.rhs_spec[d + 2], axis.window);
      c.strides.push_back(axis.stride);
      c.pads.emplace_back(axis.low, axis.high);
      c.lhs_dilation.push_back(axis.lhs_dilation);
      c.rhs_dilation.push_back(axis.rhs_dilation);
    }
    return c;
  }

  bool legal() const {
    return std::all_of(axes.begin(), axes.end(), [](const Axis& axis) {
      return dilated_extent(axis.in, axis.lhs_dilation) + axis.low + axis.high >= 0;
    });
  }
};

// A convolution as it is called: with types, an activation and data.
struct ConvTrial {
  ConvParameters parameters;
  DType dtype = DType::Float64;
  bool widens = false;  // preferred_element_type Float64
  Activation activation = Activation::None;
  std::uint64_t data = 0;  // the seed of the operands

  ConvOptions options() const {
    ConvOptions options = parameters.conv().options();
    options.precision = Precision::Highest;  // so that whole numbers stay whole
    if (widens) options.preferred_element_type = DType::Float64;
    options.activation = activation;
    return options;
  }

  Tensor operator()(const Tensor& l, const Tensor& r) const { return conv_general_dilated(l, r, options()); }
};

// The case as it is written in a test.
inline std::string source(const ConvCase& c) {
  const auto list = [](const auto& numbers) { return fmt::format("{{{}}}", fmt::join(numbers, ", ")); };
  std::vector<std::string> pads;
  for (const auto& [low, high] : c.pads) pads.push_back(fmt::format("{{{}, {}}}", low, high));
  return fmt::format("ConvCase{{{}, {}, {}, {}, {}, {}, {{{}, {}, {}}}, {}, {}}}", list(c.lhs), list(c.rhs),
                     list(c.strides), list(pads), list(c.lhs_dilation), list(c.rhs_dilation), list(c.numbers.lhs_spec),
                     list(c.numbers.rhs_spec), list(c.numbers.out_spec), c.feature_groups, c.batch_groups);
}

inline std::string to_string(const ConvTrial& t) {
  return fmt::format("{}\n    in {}{}{}, data {}", source(t.parameters.conv()), name(t.dtype),
                     t.widens ? ", preferred_element_type Float64" : "",
                     t.activation == Activation::Relu ? ", Relu" : "", t.data);
}

class ConvGenerator {
 public:
  // Trial `index` of a run is the same whatever came before it.
  ConvGenerator(std::uint64_t seed, std::uint64_t index) {
    std::seed_seq sequence{seed >> 32, seed & 0xffffffff, index >> 32, index & 0xffffffff};
    generator_.seed(sequence);
  }

  // At most 20,000 products, and seldom none.
  ConvTrial operator()() {
    ConvTrial t;
    const bool may_be_empty = one_in(8);
    std::int64_t count;
    do {
      t.parameters = parameters();
      count = products(t.parameters);
    } while (count > 20000 || (count == 0 && !may_be_empty));
    t.dtype = one_in(2) ? DType::Float32 : DType::Float64;
    t.widens = one_in(4);
    if (one_in(4)) t.activation = Activation::Relu;
    t.data = generator_();
    return t;
  }

 private:
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(std::int64_t n) { return pick(1, n) == 1; }

  std::vector<int> permutation(std::size_t n) {
    std::vector<int> result(n);
    std::iota(result.begin(), result.end(), 0);
    for (std::size_t i = n; i > 1; --i)
      std::swap(result[i - 1], result[static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(i) - 1))]);
    return result;
  }

  std::vector<int> spec(std::size_t rank, std::int64_t kind) {
    std::vector<int> result(rank);
    std::iota(result.begin(), result.end(), 0);
    if (kind == 0) return result;  // channels first
    if (kind > 2) return permutation(rank);
    result[1] = static_cast<int>(rank) - 1;  // channels last
    for (std::size_t j = 2; j < rank; ++j) result[j] = static_cast<int>(j) - 1;
    return result;
  }

  ConvParameters parameters() {
    ConvParameters p;
    const auto n = static_cast<std::size_t>(std::array{0, 1, 1, 2, 2, 2, 3, 4}[pick(0, 7)]);
    const std::int64_t most = std::array{0, 9, 6, 4, 3}[n];
    const std::int64_t layout = pick(0, 4);
    p.numbers = {spec(n + 2, layout), spec(n + 2, layout), spec(n + 2, layout)};
    if (layout == 2) p.numbers.rhs_spec = permutation(n + 2);
    const bool zeros = one_in(12), wide = one_in(5), far = one_in(5);  // wide: enough features for full vectors
    (one_in(2) ? p.feature_groups : p.batch_groups) = std::array{1, 1, 1, 1, 2, 3, 9, 16}[pick(0, wide ? 7 : 6)];
    const auto extent = [&](std::int64_t high) { return pick(zeros ? 0 : 1, high); };
    p.batch = extent(3);
    p.in_features = extent(wide && one_in(2) ? 20 : 3);
    p.out_features = extent(wide && one_in(2) ? 20 : 3);
    for (std::size_t d = 0; d < n; ++d) {
      ConvParameters::Axis axis{extent(far ? 5 * most : most), pick(1, far ? 7 : 3)};
      for (std::int64_t* spread : {&axis.stride, &axis.lhs_dilation, &axis.rhs_dilation})
        *spread = one_in(2) ? 1 : pick(2, 4);
      const std::int64_t dilated = dilated_extent(axis.in, axis.lhs_dilation);
      axis.low = pick(-3, 4);
      axis.high = pick(std::max<std::int64_t>(-3, -dilated - axis.low), 4 + std::max<std::int64_t>(0, -axis.low));
      p.axes.push_back(axis);
    }
    return p;
  }

  static std::int64_t products(const ConvParameters& p) {
    const ConvCase c = p.conv();
    return reference_shape(c).elements() * c.rhs.elements() / std::max<std::int64_t>(1, p.out_features) /
           p.feature_groups / p.batch_groups;
  }

  std::mt19937_64 generator_;
};

// Every trial that is one step simpler, the largest steps first.
inline std::vector<ConvTrial> simpler(const ConvTrial& t) {
  std::vector<ConvTrial> result;
  const auto offer = [&](auto change) {
    ConvTrial candidate = t;
    change(candidate);
    if (candidate.parameters.legal()) result.push_back(std::move(candidate));
  };
  const ConvParameters& p = t.parameters;
  for (std::size_t d = 0; d < p.axes.size(); ++d)
    offer([d](ConvTrial& c) {
      c.parameters.axes.erase(c.parameters.axes.begin() + static_cast<std::ptrdiff_t>(d));
      for (auto* spec :
           {&c.parameters.numbers.lhs_spec, &c.parameters.numbers.rhs_spec, &c.parameters.numbers.out_spec}) {
        const int removed = (*spec)[d + 2];
        spec->erase(spec->begin() + static_cast<std::ptrdiff_t>(d) + 2);
        for (int& axis : *spec) axis -= axis > removed;
      }
    });
  if (t.dtype != DType::Float64) offer([](ConvTrial& c) { c.dtype = DType::Float64; });
  if (t.widens) offer([](ConvTrial& c) { c.widens = false; });
  if (t.activation != Activation::None) offer([](ConvTrial& c) { c.activation = Activation::None; });
  for (auto spec : {&ConvDimensionNumbers::lhs_spec, &ConvDimensionNumbers::rhs_spec, &ConvDimensionNumbers::out_spec})
    if (!std::is_sorted((p.numbers.*spec).begin(), (p.numbers.*spec).end()))
      offer([spec](ConvTrial& c) {
        std::sort((c.parameters.numbers.*spec).begin(), (c.parameters.numbers.*spec).end());
      });

  // A number goes to its plainest value, half way there, or one step.
  const auto reduce = [&](std::int64_t value, std::int64_t plainest, auto field) {
    if (value == plainest) return;
    for (const std::int64_t next : {plainest, plainest + (value - plainest) / 2, value + (value < plainest ? 1 : -1)})
      if (next != value) offer([&](ConvTrial& c) { field(c.parameters) = next; });
  };
  using P = ConvParameters;
  for (auto member : {&P::batch_groups, &P::feature_groups, &P::batch, &P::in_features, &P::out_features})
    reduce(p.*member, 1, [member](P& c) -> std::int64_t& { return c.*member; });
  using Axis = P::Axis;
  for (std::size_t d = 0; d < p.axes.size(); ++d)
    for (auto member :
         {&Axis::in, &Axis::window, &Axis::stride, &Axis::lhs_dilation, &Axis::rhs_dilation, &Axis::low, &Axis::high})
      reduce(p.axes[d].*member, member == &Axis::low || member == &Axis::high ? 0 : 1,
             [member, d](P& c) -> std::int64_t& { return c.axes[d].*member; });
  return result;
}

// The trial reduced for as long as it still fails.
template <class Fails>
ConvTrial shrink(ConvTrial trial, Fails fails) {
  for (;;) {
    const std::vector<ConvTrial> candidates = simpler(trial);
    const auto next = std::find_if(candidates.begin(), candidates.end(), fails);
    if (next == candidates.end()) return trial;
    trial = *next;
  }
}

}  // namespace cotangent::testing
