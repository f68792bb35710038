// Gradient checking by central finite differences.
#include "cotangent/autograd/gradcheck.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "cotangent/autograd/transforms.h"
#include "cotangent/core/error.h"

namespace cotangent {
namespace {

double element(const Tensor& tensor, std::int64_t i) {
  return visit_floating(tensor.dtype(),
                        [&]<class T>() { return static_cast<double>(tensor.data<T>()[static_cast<std::size_t>(i)]); });
}

// `tensor` with element i replaced by `value`, and the value as it was rounded.
Tensor replaced(const Tensor& tensor, std::int64_t i, double& value) {
  return visit_floating(tensor.dtype(), [&]<class T>() {
    Tensor copy = Tensor::from_data<T>(tensor.shape(), tensor.data<T>());
    T& target = copy.mutable_data<T>()[static_cast<std::size_t>(i)];
    target = static_cast<T>(value);
    value = static_cast<double>(target);
    return copy;
  });
}

// Numbers in [-1, 1), away from 0 so that no output is left unseen.
Tensor random_like(const Tensor& tensor, std::mt19937_64& generator) {
  Tensor result = Tensor::uninitialized(tensor.shape(), tensor.dtype());
  visit_floating(tensor.dtype(), [&]<class T>() {
    for (T& out : result.mutable_data<T>()) {
      const double u = static_cast<double>(generator() >> 11) * 0x1p-53;
      out = static_cast<T>(u < 0.5 ? u - 1 : u);
    }
  });
  return result;
}

// sum over all outputs of output * weight, and the sum of the magnitudes, which bounds the rounding error.
struct Weighted {
  double sum = 0, magnitude = 0;
};

Weighted weigh(const Tensors& outputs, const Tensors& weights) {
  Weighted result;
  for (std::size_t k = 0; k < outputs.size(); ++k)
    for (std::int64_t i = 0; i < outputs[k].size(); ++i) {
      const double term = element(outputs[k], i) * element(weights[k], i);
      result.sum += term;
      result.magnitude += std::abs(term);
    }
  return result;
}

std::string index_text(std::int64_t i, const Shape& shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = i % shape[axis];
    i /= shape[axis];
  }
  return to_string(Shape(index));
}

class Checker {
 public:
  explicit Checker(const GradCheckOptions& options) : options_(options), generator_(options.seed) {}

  std::string check(const ManyFunction& f, const Tensors& inputs, int order) {
    const ManyVjp derivative = vjp_many(f, inputs);
    Tensors weights;
    for (const Tensor& value : derivative.values) {
      require_floating("check_grads", value.dtype());
      weights.push_back(random_like(value, generator_));
    }
    const Tensors analytic = derivative.pullback(weights);
    for (std::size_t which = 0; which < inputs.size(); ++which) {
      std::string report = compare(f, inputs, which, analytic[which], weights, order);
      if (!report.empty()) return report;
    }
    if (order >= options_.order) return "";

    // The next order: the pullback as a function of the inputs and of its cotangents.
    const std::size_t count = inputs.size();
    Tensors next = inputs;
    next.insert(next.end(), weights.begin(), weights.end());
    const ManyFunction pullback = [&f, count](const Tensors& both) {
      const auto middle = both.begin() + static_cast<std::ptrdiff_t>(count);
      return vjp_many(f, Tensors(both.begin(), middle)).pullback(Tensors(middle, both.end()));
    };
    return check(pullback, next, order + 1);
  }

 private:
  std::string compare(const ManyFunction& f, const Tensors& inputs, std::size_t which, const Tensor& analytic,
                      const Tensors& weights, int order) {
    const Tensor& input = inputs[which];
    const bool wide = input.dtype() == DType::Float64;
    const double unit = wide ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
    const double step = options_.step > 0 ? options_.step : (wide ? 6e-6 : 5e-3);
    const double tolerance = options_.tolerance > 0 ? options_.tolerance : (wide ? 1e-6 : 5e-3);

    std::vector<double> numeric, noise;
    double scale = 0;
    for (std::int64_t i = 0; i < input.size(); ++i) {
      const double x = element(input, i), h = step * std::max(1.0, std::abs(x));
      double high = x + h, low = x - h;
      Tensors moved = inputs;
      moved[which] = replaced(input, i, high);
      const Weighted above = weigh(f(moved), weights);
      moved[which] = replaced(input, i, low);
      const Weighted below = weigh(f(moved), weights);
      numeric.push_back((above.sum - below.sum) / (high - low));
      noise.push_back(8 * unit * (above.magnitude + below.magnitude) / (high - low));
      scale = std::max({scale, std::abs(numeric.back()), std::abs(element(analytic, i))});
    }
    std::int64_t worst = -1;
    double excess = 1;  // error over what is allowed
    for (std::int64_t i = 0; i < input.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double ratio = std::abs(element(analytic, i) - numeric[at]) /
                           (tolerance * scale + noise[at] + std::numeric_limits<double>::min());
      if (ratio > excess || std::isnan(ratio))
        worst = i, excess = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    }
    if (worst < 0) return "";
    return fmt::format(
        "order {}, input {} {}, element {}: the vjp gives {:.10g}, finite differences {:.10g} ({:.3g} times the error "
        "allowed)",
        order, which, describe(input), index_text(worst, input.shape()), element(analytic, worst),
        numeric[static_cast<std::size_t>(worst)], excess);
  }

  const GradCheckOptions options_;
  std::mt19937_64 generator_;
};

}  // namespace

std::string check_grads(const Function& f, const Tensors& inputs, const GradCheckOptions& options) {
  if (options.order < 1) fail("check_grads", fmt::format("the order must be at least 1, got {}", options.order));
  return Checker(options).check([&f](const Tensors& x) { return Tensors{f(x)}; }, inputs, 1);
}

}  // namespace cotangent
