// Gradient checking: the derivatives of each mode and order, one after the other.
#include "cotangent/autograd/gradcheck.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "cotangent/autograd/gradcheck_difference.h"
#include "cotangent/autograd/gradcheck_report.h"
#include "cotangent/autograd/transforms.h"
#include "cotangent/core/error.h"
#include "cotangent/core/near.h"

namespace cotangent {
namespace {

using autograd::Comparison;
using autograd::Line;
using autograd::Reading;
using autograd::Slope;

constexpr double kWideUnit = std::numeric_limits<double>::epsilon();
constexpr double kNarrowUnit = std::numeric_limits<float>::epsilon();

bool all_wide(const Tensors& tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [](const Tensor& x) { return x.dtype() == DType::Float64; });
}

Tensors widened(const Tensors& tensors) {
  Tensors result;
  for (const Tensor& tensor : tensors) result.push_back(autograd::widened(tensor));
  return result;
}

// A function to check, at its inputs: f itself, or one of its derivatives as a function of more inputs.
struct Stage {
  ManyFunction f;
  Tensors inputs;
  std::vector<std::string> inputs_are, results_are;  // "input 0", "the cotangent of result 0"
  std::string chain;                                 // " over reverse": what f is a derivative of
  int order;
  Tensors at{}, results{};  // where differences are taken: at `inputs` or at copies in Float64; and f there
};

std::vector<std::string> named(std::string_view what, const std::vector<std::string>& of) {
  std::vector<std::string> result;
  for (const std::string& name : of) result.push_back(fmt::format("{} of {}", what, name));
  return result;
}

template <class T>
std::vector<T> joined(std::vector<T> first, const std::vector<T>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// The first `count` of these, and the others.
std::pair<Tensors, Tensors> divided(const Tensors& all, std::size_t count) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(count);
  return {Tensors(all.begin(), middle), Tensors(middle, all.end())};
}

class Checker {
 public:
  explicit Checker(const GradCheckOptions& options) : options_(options), generator_(options.seed) {}

  std::string check(Stage stage) {
    const bool shadowed = options_.shadow && !all_wide(stage.inputs);
    stage.at = shadowed ? widened(stage.inputs) : stage.inputs;
    try {
      stage.results = stage.f(stage.at);
      if (shadowed && !all_wide(stage.results)) fail("check_grads", "the result is Float32 for Float64 inputs");
    } catch (const Error& error) {
      if (!shadowed) throw;
      static_cast<void>(stage.f(stage.inputs));  // what fails there too is not about the shadow
      return fmt::format(
          "{}: differences for Float32 inputs are taken in Float64, at Float64 copies of the inputs, but the function "
          "does not compute in Float64: {}\npass tensors that it captures as inputs, or convert them to the dtype of "
          "an input; or set shadow = false for differences in Float32, which see errors of 0.5% only",
          where(stage, options_.modes.front()), error.what());
    }
    for (const Tensor& result : stage.results) require_floating("check_grads", result.dtype());
    std::string report = examine(stage);
    for (std::size_t i = 0; i < options_.modes.size() && report.empty(); ++i)
      report = options_.modes[i] == GradMode::Reverse ? reverse(stage) : forward(stage);
    return report;
  }

 private:
  static std::string where(const Stage& stage, GradMode mode) {
    return fmt::format("order {} ({}{})", stage.order, mode == GradMode::Reverse ? "reverse" : "forward", stage.chain);
  }

  // What differences need: numbers, and the same ones in every call.
  std::string examine(const Stage& stage) const {
    const Reading once = autograd::listed(stage.results);
    const Reading again = stage.order == 1 ? autograd::listed(stage.f(stage.at)) : once;
    std::size_t next = 0;
    for (std::size_t k = 0; k < stage.results.size(); ++k)
      for (std::int64_t i = 0; i < stage.results[k].size(); ++i, ++next) {
        const double value = once.values[next], other = again.values[next];
        const auto report = [&](const std::string& text) {
          return fmt::format("{}, {} {}, element {}: {}", where(stage, options_.modes.front()), stage.results_are[k],
                             describe(stage.results[k]), index_text(i, stage.results[k].shape()), text);
        };
        if (!std::isfinite(value))
          return report(fmt::format("is {} at these inputs, so that there are no differences", value));
        if (std::abs(value - other) > 1e-3 * once.magnitudes[next])
          return report(
              fmt::format("two calls with the same inputs give {:.10g} and {:.10g}; draw random numbers from "
                          "a key that is fixed outside the function",
                          value, other));
      }
    return "";
  }

  // The vjp: every element of an input moves, and the results are seen through their cotangents.
  std::string reverse(const Stage& stage) {
    const ManyVjp derivative = vjp_many(stage.f, stage.inputs);
    Tensors cotangents, claimed;
    for (const Tensor& value : derivative.values)
      cotangents.push_back(autograd::random_like(value, options_.multilinear, generator_));
    const std::string here = where(stage, GradMode::Reverse);
    try {
      claimed = derivative.pullback(cotangents);
    } catch (const Error& error) {
      return fmt::format("{}: the vjp throws an Error: {}", here, error.what());
    }
    const Reading middle = autograd::weighed(stage.results, cotangents);
    for (std::size_t which = 0; which < stage.at.size(); ++which) {
      const Tensor& input = stage.at[which];
      const auto slope = [&](std::int64_t i, double fraction) {
        const double x = autograd::element(input, i);
        return autograd::slopes(autograd::element_line(stage.f, stage.at, which, i, cotangents), middle,
                                fraction * step(stage, std::abs(x)), unit(stage))[0];
      };
      Comparison comparison = compare(here, "vjp", stage.inputs_are[which], claimed[which]);
      for (std::int64_t i = 0; i < input.size(); ++i) {
        comparison.theirs.push_back(slope(i, 1));
        comparison.input.push_back(autograd::element(input, i));
      }
      comparison.again = [&](std::size_t i, double fraction) { return slope(static_cast<std::int64_t>(i), fraction); };
      if (cotangents.size() == 1 && cotangents[0].shape() == input.shape())
        for (std::int64_t i = 0; i < input.size(); ++i)
          comparison.cotangent.push_back(autograd::element(cotangents[0], i));
      comparison.tolerance = tolerance(stage, middle);
      if (std::string report = judge(comparison); !report.empty()) return report;
    }
    if (stage.order == options_.order) return "";
    const ManyFunction pullback = [&f = stage.f, count = stage.at.size()](const Tensors& all) {
      const auto [inputs, weights] = divided(all, count);
      return vjp_many(f, inputs).pullback(weights);
    };
    return check({pullback, joined(stage.inputs, cotangents),
                  joined(stage.inputs_are, named("the cotangent", stage.results_are)),
                  named("the cotangent", stage.inputs_are), " over reverse" + stage.chain, stage.order + 1});
  }

  // The jvp: one input moves along a tangent, and every element of the results is seen.
  std::string forward(const Stage& stage) {
    const std::string here = where(stage, GradMode::Forward);
    Tensors tangents, still;
    for (const Tensor& input : stage.inputs) {
      tangents.push_back(autograd::random_like(input, options_.multilinear, generator_));
      still.push_back(zeros_like(input));
    }
    const Reading middle = autograd::listed(stage.results);
    for (std::size_t which = 0; which < stage.at.size(); ++which) {
      Tensors one = still;
      one[which] = tangents[which];
      Tensors claimed;
      try {
        claimed = jvp_many(stage.f, stage.inputs, one).tangents;
      } catch (const Error& error) {
        return fmt::format("{}: the jvp throws an Error: {}", here, error.what());
      }
      const Line line = autograd::tangent_line(stage.f, stage.at, which, tangents[which]);
      const auto all = [&](double fraction) {
        return autograd::slopes(line, middle, fraction * step(stage, autograd::largest(stage.at[which])), unit(stage));
      };
      const std::vector<Slope> slopes = all(1);
      std::size_t offset = 0;
      for (std::size_t k = 0; k < stage.results.size(); ++k) {
        Comparison comparison = compare(fmt::format("{}, along a tangent of {}", here, stage.inputs_are[which]), "jvp",
                                        stage.results_are[k], claimed[k]);
        const auto begin = slopes.begin() + static_cast<std::ptrdiff_t>(offset);
        comparison.theirs.assign(begin, begin + claimed[k].size());
        comparison.again = [&](std::size_t i, double fraction) { return all(fraction)[offset + i]; };
        comparison.tolerance = tolerance(stage, middle);
        if (std::string report = judge(comparison); !report.empty()) return report;
        offset += comparison.theirs.size();
      }
    }
    if (stage.order == options_.order) return "";
    const ManyFunction derivative = [&f = stage.f, count = stage.at.size()](const Tensors& both) {
      const auto [inputs, directions] = divided(both, count);
      return jvp_many(f, inputs, directions).tangents;
    };
    return check({derivative, joined(stage.inputs, tangents),
                  joined(stage.inputs_are, named("the tangent", stage.inputs_are)),
                  named("the tangent", stage.results_are), " over forward" + stage.chain, stage.order + 1});
  }

  Comparison compare(const std::string& here, const std::string& derivative, const std::string& of,
                     const Tensor& claimed) const {
    Comparison result;
    result.where = fmt::format("{}, {} {}", here, of, describe(claimed));
    result.derivative = derivative;
    result.shape = claimed.shape();
    for (std::int64_t i = 0; i < claimed.size(); ++i) result.ours.push_back(autograd::element(claimed, i));
    result.multilinear = options_.multilinear;
    return result;
  }

  static bool is_wide(const Stage& stage) { return all_wide(stage.at) && all_wide(stage.results); }
  static double unit(const Stage& stage) { return is_wide(stage) ? kWideUnit : kNarrowUnit; }

  // The step of an input whose magnitude is this.
  double step(const Stage& stage, double magnitude) const {
    if (options_.multilinear) return options_.step > 0 ? options_.step : 1;
    const double relative = options_.step > 0 ? options_.step : (is_wide(stage) ? 6e-6 : 5e-3);
    return relative * std::max(1.0, magnitude);
  }

  // 0 where every number is whole and so has no rounding error.
  double tolerance(const Stage& stage, const Reading& middle) const {
    if (options_.tolerance > 0) return options_.tolerance;
    const auto whole = [](const Tensors& tensors) {
      return std::all_of(tensors.begin(), tensors.end(), autograd::is_whole);
    };
    if (options_.multilinear && whole(stage.at) && whole(stage.results) &&
        std::all_of(middle.magnitudes.begin(), middle.magnitudes.end(), [](double x) { return x < 1 / kNarrowUnit; }))
      return 0;
    if (!is_wide(stage)) return 5e-3;
    return all_wide(stage.inputs) ? 1e-6 : 2e-5;
  }

  const GradCheckOptions options_;
  std::mt19937_64 generator_;
};

std::vector<std::string> numbered(std::string_view what, std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(fmt::format("{} {}", what, i));
  return result;
}

}  // namespace

std::string check_grads(const Function& f, const Tensors& inputs, const GradCheckOptions& options) {
  if (options.order < 1) fail("check_grads", fmt::format("the order must be at least 1, got {}", options.order));
  if (options.modes.empty()) fail("check_grads", "needs at least one mode: GradMode::Reverse or Forward");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].is_null()) fail("check_grads", fmt::format("input {} is a null Tensor", i));
    if (!is_floating(inputs[i].dtype()))
      fail("check_grads",
           fmt::format("input {} is {}: only Float32 and Float64 have derivatives; capture it in the function instead",
                       i, describe(inputs[i])));
  }
  const ManyFunction many = [&f](const Tensors& x) { return Tensors{f(x)}; };
  return Checker(options).check({many, inputs, numbered("input", inputs.size()), {"the result"}, "", 1});
}

}  // namespace cotangent
