// Elementwise functions of one tensor: activations, computed so that nothing overflows or cancels on the way.
#include "cotangent/ops/kernels/activations.h"

#include <cmath>
#include <numbers>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/binary.h"
#include "cotangent/ops/compare.h"
#include "cotangent/ops/kernels/derivative.h"
#include "cotangent/ops/kernels/unary.h"
#include "cotangent/ops/unary.h"
#include "cotangent/ops/where.h"

namespace cotangent {
namespace {

using kernels::times_derivative;
using kernels::Unary;

template <class X>
using ScalarOf = typename std::decay_t<X>::Scalar;

// 1 / (1 + e^-x)
auto logistic(const auto& x) { return kernels::by_lanes(x, kernels::Logistic()); }

// max(x, 0)
auto positive_part(const auto& x) { return kernels::larger(x, kernels::Array<ScalarOf<decltype(x)>>::Zero(x.size())); }

Tensor relu_grad(const Tensor& y, const Tensor& g);

// g where y > 0, 0 elsewhere, also where g is not finite.
struct ReluGrad {
  static constexpr std::string_view name = "relu_grad";
  static constexpr Saves saves = Saves::Inputs;
  static constexpr bool floating_only = true;
  static auto elements(const auto& y, const auto& g) { return kernels::by_lanes(y, g, kernels::PassWherePositive()); }
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& u, std::size_t which) {
    return which == 0 ? Tensor() : relu_grad(inputs[0], u);
  }
};

Tensor relu_grad(const Tensor& y, const Tensor& g) { return run<kernels::Binary<ReluGrad>>({y, g}); }

struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return positive_part(x); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return relu_grad(y, g); }
};

struct LeakyReluGrad {
  static constexpr std::string_view name = "leaky_relu_grad";
  double alpha;
  auto slope(const auto& x) const { return kernels::by_lanes(x, kernels::OneWherePositive{alpha}); }
  static Tensor curvature(const Tensor&) { return Tensor(); }
};

struct LeakyRelu {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr Saves saves = Saves::Inputs;
  double slope;

  auto elements(const auto& x) const { return kernels::by_lanes(x, kernels::ScaledWhereNegative{slope}); }
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const {
    return times_derivative(x, g, LeakyReluGrad{slope});
  }
};

struct EluGrad {
  static constexpr std::string_view name = "elu_grad";
  double alpha;
  auto slope(const auto& x) const { return kernels::by_lanes(x, kernels::EluSlope{alpha}); }
  Tensor curvature(const Tensor& x) const { return where(greater(x, 0), 0, alpha * exp(minimum(x, 0))); }
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
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const { return times_derivative(x, g, EluGrad{alpha}); }
};

struct SigmoidGrad {
  static constexpr std::string_view name = "sigmoid_grad";
  static auto slope(const auto& y) { return y * (ScalarOf<decltype(y)>{1} - y); }
  static Tensor curvature(const Tensor& y) { return 1.0 - 2.0 * y; }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr Saves saves = Saves::Output;
  static auto elements(const auto& x) { return logistic(x); }
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return times_derivative<SigmoidGrad>(y, g); }
};

struct SiluGrad {
  static constexpr std::string_view name = "silu_grad";
  static auto slope(const auto& x) { return kernels::by_lanes(x, kernels::SiluSlope()); }
  static Tensor curvature(const Tensor& x) {
    const Tensor s = sigmoid(x);
    return s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s));
  }
};

struct Silu {
  static constexpr std::string_view name = "silu";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) { return x * logistic(x); }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return times_derivative<SiluGrad>(x, g); }
};

struct SoftplusGrad {
  static constexpr std::string_view name = "softplus_grad";
  static auto slope(const auto& x) { return logistic(x); }
  static Tensor curvature(const Tensor& x) {
    const Tensor s = sigmoid(x);
    return s * (1.0 - s);
  }
};

struct Softplus {
  static constexpr std::string_view name = "softplus";
  static constexpr Saves saves = Saves::Inputs;
  static auto elements(const auto& x) {  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
    return positive_part(x) + kernels::exponential(-x.abs()).log1p();
  }
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return times_derivative<SoftplusGrad>(x, g); }
};

struct GeluGrad {
  static constexpr std::string_view name = "gelu_grad";
  static constexpr double kDensity = std::numbers::sqrt2 / 2 * std::numbers::inv_sqrtpi;  // of a standard normal at 0
  static auto slope(const auto& x) {
    using T = ScalarOf<decltype(x)>;
    const auto probability = x.unaryExpr([](T element) { return std::erfc(-element / std::numbers::sqrt2_v<T>) / 2; });
    return probability + x * T(kDensity) * kernels::exponential(T(-0.5) * x.square());
  }
  static Tensor curvature(const Tensor& x) {
    const Tensor squared = square(x);
    return kDensity * exp(-0.5 * squared) * (2.0 - squared);
  }
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
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return times_derivative<GeluGrad>(x, g); }
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
