// Elementwise functions of one tensor: activations, computed so that nothing overflows or cancels on the way.
#include <cmath>
#include <numbers>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/binary.h"
#include "cotangent/ops/compare.h"
#include "cotangent/ops/kernels/exponential.h"
#include "cotangent/ops/kernels/unary.h"
#include "cotangent/ops/unary.h"
#include "cotangent/ops/where.h"

namespace cotangent {
namespace {

using kernels::Unary;

template <class X>
using ScalarOf = typename std::decay_t<X>::Scalar;

// 1 / (1 + e^-x): where e^-x overflows, its reciprocal is the right 0.
auto logistic(const auto& x) { return (ScalarOf<decltype(x)>{1} + kernels::exponential(-x)).inverse(); }

// max(x, 0)
auto positive_part(const auto& x) { return kernels::larger(x, kernels::Array<ScalarOf<decltype(x)>>::Zero(x.size())); }

struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return positive_part(x); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return where(greater(y, 0), g, 0); }
};

struct LeakyRelu {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr Saves saves = Saves::Inputs;
  double slope;

  auto elements(const auto& x) const {
    return x.unaryExpr([slope_ = slope](auto element) {
      return element > 0 ? element : static_cast<decltype(element)>(slope_) * element;
    });
  }
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const { return where(greater(x, 0), g, slope * g); }
};

struct Elu {
  static constexpr std::string_view name = "elu";
  static constexpr Saves saves = Saves::Inputs;
  double alpha;

  auto elements(const auto& x) const {
    return x.unaryExpr([alpha_ = alpha](auto element) {
      return element > 0 ? element : static_cast<decltype(element)>(alpha_) * std::expm1(element);
    });
  }
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const {
    return g * where(greater(x, 0), 1, alpha * exp(minimum(x, 0)));
  }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return logistic(x); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return g * (y * (1.0 - y)); }
};

struct Silu {
  static constexpr std::string_view name = "silu";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) { return x * logistic(x); }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) {
    const Tensor s = sigmoid(x);
    return g * (s * (1.0 + x * (1.0 - s)));
  }
};

struct Softplus {
  static constexpr std::string_view name = "softplus";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) {  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
    return positive_part(x) + kernels::exponential(-x.abs()).log1p();
  }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return g * sigmoid(x); }
};

struct Gelu {
  static constexpr std::string_view name = "gelu";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) {  // erfc keeps the digits of the left tail, which 1 + erf would lose
    return x.unaryExpr([](auto element) {
      using T = decltype(element);
      return element / 2 * std::erfc(-element / std::numbers::sqrt2_v<T>);
    });
  }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) {
    constexpr double kInvSqrt2 = std::numbers::sqrt2 / 2;
    const Tensor probability = 0.5 * erfc(-kInvSqrt2 * x);
    const Tensor density = kInvSqrt2 * std::numbers::inv_sqrtpi * exp(-0.5 * square(x));
    return g * (probability + x * density);
  }
};

struct GeluTanh {
  static constexpr std::string_view name = "gelu_tanh";
  static constexpr Saves saves = Saves::Inputs;
  static constexpr double kCubic = 0.044715;
  static constexpr double kTwice = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // 2 sqrt(2 / pi)

  static auto elements(const auto& x) {  // (1 + tanh(u)) / 2 = sigmoid(2 u)
    using T = ScalarOf<decltype(x)>;
    return x * logistic(T(kTwice) * (x + T(kCubic) * x.cube()));
  }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) {
    const Tensor s = sigmoid(kTwice * x * (1.0 + kCubic * square(x)));
    return g * (s * (1.0 + kTwice * x * (1.0 - s) * (1.0 + 3 * kCubic * square(x))));
  }
};

}  // namespace

Tensor relu(const Tensor& x) { return run<Unary<Relu>>({x}); }
Tensor leaky_relu(const Tensor& x, double slope) { return run<Unary<LeakyRelu>>({x}, LeakyRelu{slope}); }
Tensor elu(const Tensor& x, double alpha) { return run<Unary<Elu>>({x}, Elu{alpha}); }
Tensor sigmoid(const Tensor& x) { return run<Unary<Sigmoid>>({x}); }
Tensor log_sigmoid(const Tensor& x) { return -softplus(-x); }
Tensor silu(const Tensor& x) { return run<Unary<Silu>>({x}); }
Tensor softplus(const Tensor& x) { return run<Unary<Softplus>>({x}); }
Tensor gelu(const Tensor& x) { return run<Unary<Gelu>>({x}); }
Tensor gelu_tanh(const Tensor& x) { return run<Unary<GeluTanh>>({x}); }

}  // namespace cotangent
