// Gradient checking: guesses at the kind of error, from a wrong derivative and the right one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cotangent/autograd/gradcheck_report.h"
#include "cotangent/core/near.h"

namespace cotangent::autograd {
namespace {

using Numbers = std::vector<double>;

class Guess {
 public:
  Guess(const Comparison& comparison, const Numbers& allowed) : c_(comparison), allowed_(allowed) {
    for (const Slope& slope : c_.theirs) theirs_.push_back(slope.central);
    double scale = 0;
    for (std::size_t i = 0; i < size(); ++i) scale = std::max({scale, std::abs(c_.ours[i]), std::abs(theirs_[i])});
    for (double& error : allowed_) error = std::max(error, 1e-9 * scale);
  }

  std::string text() const {
    for (const auto guess : {&Guess::rounding, &Guess::constant_zero, &Guess::no_dependence, &Guess::sign,
                             &Guess::constant_factor, &Guess::missing_factor, &Guess::axes, &Guess::some_elements}) {
      std::string result = (this->*guess)();
      if (!result.empty()) return result;
    }
    return "";
  }

 private:
  std::size_t size() const { return theirs_.size(); }
  bool near(double a, double b, std::size_t i) const { return std::abs(a - b) <= allowed_[i]; }
  bool is_zero(const Numbers& numbers) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (!near(numbers[i], 0, i)) return false;
    return true;
  }

  // Whether `ours` is `factor` times `theirs`, which may have been multiplied by something before.
  bool is_multiple(double factor, const Numbers& theirs) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (!(std::abs(c_.ours[i] - factor * theirs[i]) <= allowed_[i] * std::max(1.0, std::abs(factor)))) return false;
    return true;
  }

  // The factor by the element that tells it best; 0 if fewer than two elements do.
  double factor(const Numbers& theirs) const {
    std::size_t best = 0;
    int telling = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      if (std::abs(theirs[i]) > std::abs(theirs[best])) best = i;
      if (!near(theirs[i], 0, i)) ++telling;
    }
    return telling < 2 ? 0 : c_.ours[best] / theirs[best];
  }

  std::string rounding() const {
    return is_multiple(1, theirs_) ? "rounding; if it is meant to be, set `tolerance`" : "";
  }

  std::string constant_zero() const {
    return std::all_of(c_.ours.begin(), c_.ours.end(), [](double x) { return x == 0; })
               ? "a constant zero: vjp() returned a null tensor, or the function uses stop_gradient or elements that "
                 "it "
                 "read out of the input"
               : "";
  }

  std::string no_dependence() const {
    return is_zero(theirs_) ? "the function does not depend on this, as differences are zero" : "";
  }

  std::string sign() const {
    return is_multiple(-1, theirs_) ? "the sign: every element is minus what differences give" : "";
  }

  std::string constant_factor() const {
    const double f = factor(theirs_);
    if (f == 0 || !is_multiple(f, theirs_)) return "";
    const auto is_count = [](double number) {
      const double whole = std::abs(std::rint(number));
      return whole >= 2 && std::abs(std::abs(number) - whole) <= 1e-4 * whole;
    };
    std::string result = fmt::format("a constant factor: every element is {:.6g}", f);
    if (is_count(1 / f)) result += fmt::format(" ({}1/{})", f < 0 ? "-" : "", std::abs(std::rint(1 / f)));
    result += " times what differences give";
    for (const double number : {f, 1 / f})
      if (is_count(number) && std::abs(std::rint(number)) == static_cast<double>(size()))
        result += "; it has that many elements: a mean or a sum?";
    return result;
  }

  // A factor that is not the same everywhere but known: x in d(x^2), or the cotangent itself.
  std::string missing_factor() const {
    const auto with = [&](const Numbers& factors, double power) {
      Numbers result = theirs_;
      for (std::size_t i = 0; i < size(); ++i) result[i] *= std::pow(factors[i], power);
      const double f = factor(result);
      return f != 0 && is_multiple(f, result);
    };
    if (c_.cotangent.size() == size() && with(c_.cotangent, -1))
      return "the cotangent g is missing: what vjp() returns must be multiplied by it";
    if (c_.input.size() == size() && with(c_.input, -1)) return "a factor is missing: the elements of the input";
    if (c_.input.size() == size() && with(c_.input, 1)) return "one factor too many: the elements of the input";
    return "";
  }

  // The right elements in the order of other axes, or from the end to the beginning.
  std::string axes() const {
    const std::size_t ndim = c_.shape.size();
    if (ndim == 0 || ndim > 5) return "";
    const std::vector<std::int64_t> extents(c_.shape.begin(), c_.shape.end());
    std::vector<std::size_t> order(ndim);
    std::iota(order.begin(), order.end(), 0);
    do {
      for (unsigned reversed = 0; reversed < 1U << ndim; ++reversed) {
        if (reversed == 0 && std::is_sorted(order.begin(), order.end())) continue;
        if (!is_rearranged(extents, order, reversed)) continue;
        std::vector<std::size_t> flipped;
        for (std::size_t axis = 0; axis < ndim; ++axis)
          if (reversed >> axis & 1U) flipped.push_back(axis);
        std::string result = "the axes: the elements are right, but";
        if (!std::is_sorted(order.begin(), order.end()))
          result += fmt::format(" in the order of transpose(..., {{{}}})", fmt::join(order, ", "));
        if (!flipped.empty())
          result +=
              fmt::format("{} reversed along axis {}", result.back() == ')' ? " and" : "", fmt::join(flipped, ", "));
        return result;
      }
    } while (std::next_permutation(order.begin(), order.end()));
    return "";
  }

  bool is_rearranged(const std::vector<std::int64_t>& extents, const std::vector<std::size_t>& order,
                     unsigned reversed) const {
    for (std::size_t i = 0; i < size(); ++i) {
      std::vector<std::int64_t> index(order.size());  // in the axes of `theirs`
      std::size_t rest = i;
      for (std::size_t k = order.size(); k-- > 0;) {
        const std::size_t axis = order[k], extent = static_cast<std::size_t>(extents[axis]);
        const std::size_t at = rest % extent;
        index[axis] = static_cast<std::int64_t>(reversed >> axis & 1U ? extent - 1 - at : at);
        rest /= extent;
      }
      std::int64_t source = 0;
      for (std::size_t axis = 0; axis < order.size(); ++axis) source = source * extents[axis] + index[axis];
      if (!near(c_.ours[i], theirs_[static_cast<std::size_t>(source)], i)) return false;
    }
    return true;
  }

  std::string some_elements() const {
    std::vector<std::string> wrong;
    bool zero = true;
    for (std::size_t i = 0; i < size(); ++i) {
      if (near(c_.ours[i], theirs_[i], i)) continue;
      wrong.push_back(index_text(static_cast<std::int64_t>(i), c_.shape));
      zero = zero && near(c_.ours[i], 0, i);
    }
    const std::size_t count = wrong.size();
    if (count == size()) return "";
    if (count > 4) wrong.resize(4), wrong.emplace_back("...");
    return fmt::format("{} at some elements only: {}; right at the others", zero ? "zero" : "an error",
                       fmt::join(wrong, ", "));
  }

  const Comparison& c_;
  Numbers allowed_, theirs_;
};

}  // namespace

std::string likely_error(const Comparison& comparison, const std::vector<double>& allowed) {
  return Guess(comparison, allowed).text();
}

}  // namespace cotangent::autograd
