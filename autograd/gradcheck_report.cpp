// Gradient checking: which element is wrong, or not differentiable, and the report about it.
#include "cotangent/autograd/gradcheck_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotangent/core/near.h"

namespace cotangent::autograd {
namespace {

// What differences say of one element, from what excuses nothing to what proves nothing.
enum class Finding { Right, Wrong, NotFinite, NotLinear, Kink, Jump, DependsOnStep, OutOfDomain };

class Judge {
 public:
  explicit Judge(const Comparison& comparison) : c_(comparison) {
    for (std::size_t i = 0; i < c_.ours.size(); ++i)
      for (const double value : {c_.ours[i], c_.theirs[i].central})
        if (std::isfinite(value)) scale_ = std::max(scale_, std::abs(value));
    for (const Slope& slope : c_.theirs) allowed_.push_back(allowed(slope));
  }

  std::string report() const {
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < c_.ours.size(); ++i) findings.push_back(find(i));
    // A derivative that is wrong where the function is smooth is wrong, whatever there is elsewhere.
    for (const Finding kind : {Finding::NotFinite, Finding::Wrong, Finding::NotLinear, Finding::Jump, Finding::Kink,
                               Finding::DependsOnStep, Finding::OutOfDomain}) {
      std::size_t worst = findings.size();
      for (std::size_t i = 0; i < findings.size(); ++i)
        if (findings[i] == kind && (worst == findings.size() || excess(i) > excess(worst))) worst = i;
      if (worst < findings.size())
        return fmt::format("{}, element {}: {}", c_.where, index_text(static_cast<std::int64_t>(worst), c_.shape),
                           text(kind, worst, std::count(findings.begin(), findings.end(), kind)));
    }
    return "";
  }

 private:
  double allowed(const Slope& slope) const {
    if (c_.tolerance == 0) return 0;
    return c_.tolerance * scale_ + slope.noise + std::numeric_limits<double>::min();
  }

  double error(std::size_t i) const { return std::abs(c_.ours[i] - c_.theirs[i].central); }

  // For the worst element: the error over what is allowed, or the error itself where nothing is.
  double excess(std::size_t i) const { return allowed_[i] > 0 ? error(i) / allowed_[i] : error(i); }

  Finding find(std::size_t i) const {
    const Slope& slope = c_.theirs[i];
    if (!std::isfinite(c_.ours[i])) return Finding::NotFinite;
    if (!std::isfinite(slope.left) || !std::isfinite(slope.right)) return Finding::OutOfDomain;
    const bool agrees = error(i) <= allowed_[i];
    if (c_.multilinear) {
      if (slope.gap() > 4 * allowed_[i]) return Finding::NotLinear;
      return agrees ? Finding::Right : Finding::Wrong;
    }
    const bool bends = slope.gap() > 1e-3 * scale_ + 100 * slope.noise;
    if (bends || !agrees) {
      const Slope fine = c_.again(i, 1.0 / 8), finest = c_.again(i, 1.0 / 64);
      const Smoothness smooth = smoothness(slope, fine);
      const bool is_sure = smooth == smoothness(fine, finest);
      if (is_sure && smooth == Smoothness::Jump) return Finding::Jump;
      if (is_sure && smooth == Smoothness::Kink && bends) return Finding::Kink;
      if (bends && !agrees && converges(i)) return Finding::DependsOnStep;
    }
    return agrees ? Finding::Right : Finding::Wrong;
  }

  // Whether smaller steps, as long as rounding allows them, give what the library gives.
  bool converges(std::size_t i) const {
    for (const double fraction : {1.0 / 64, 1.0 / 512, 1.0 / 4096}) {
      const Slope fine = c_.again(i, fraction);
      if (fine.noise < c_.tolerance * scale_ && std::abs(c_.ours[i] - fine.central) <= allowed(fine)) return true;
    }
    return false;
  }

  std::string text(Finding finding, std::size_t i, std::ptrdiff_t count) const {
    const Slope& slope = c_.theirs[i];
    switch (finding) {
      case Finding::NotFinite:
        return fmt::format("the {} gives {}, finite differences {:.10g}", c_.derivative, c_.ours[i], slope.central);
      case Finding::NotLinear:
        return fmt::format(
            "not linear, as multilinear = true claims: the slope is {:.10g} on the left and {:.10g} on the right, by a "
            "step of {:g}; leave `multilinear` out",
            slope.left, slope.right, slope.step);
      case Finding::Kink:
        return fmt::format(
            "not differentiable at this point: the slope is {:.10g} on the left and {:.10g} on the right (the {} gives "
            "{:.10g}); move the input away from the kink, which may be relu or abs at 0, or a tie of max",
            slope.left, slope.right, c_.derivative, c_.ours[i]);
      case Finding::Jump:
        return fmt::format(
            "not continuous at this point: the slope is {:.10g} on the left and {:.10g} on the right, and grows as the "
            "step of {:g} shrinks (the {} gives {:.10g}); move the input away from the jump, which may be floor, sign "
            "or a comparison",
            slope.left, slope.right, slope.step, c_.derivative, c_.ours[i]);
      case Finding::DependsOnStep:
        return fmt::format(
            "the {} gives {:.10g}, and so do finite differences by small steps, but those by {:.3g} give {:.10g}: a "
            "kink "
            "lies that near, or the function bends too much; move the input, or set `step`",
            c_.derivative, c_.ours[i], slope.step, slope.central);
      case Finding::OutOfDomain:
        return fmt::format(
            "the function is not finite at a distance of {:.3g}, so that there are no differences; move the input away "
            "from the edge of the domain",
            slope.step);
      default: break;
    }
    std::string result = fmt::format(
        "the {} gives {:.10g}, finite differences {:.10g}\nwrong at {} of {} elements; the worst is off by ",
        c_.derivative, c_.ours[i], slope.central, count, c_.ours.size());
    result += allowed_[i] > 0 ? fmt::format("{:.3g} times the error allowed", excess(i))
                              : fmt::format("{:.3g}, where whole numbers must agree exactly", error(i));
    const std::string likely = likely_error(c_, allowed_);
    return likely.empty() ? result : result + "\nlikely: " + likely;
  }

  const Comparison& c_;
  double scale_ = 0;
  std::vector<double> allowed_;
};

}  // namespace

std::string judge(const Comparison& comparison) { return Judge(comparison).report(); }

}  // namespace cotangent::autograd
