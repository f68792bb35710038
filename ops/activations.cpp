// Elementwise functions of one tensor: activations, computed so that nothing overflows or cancels on the way.
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

namespace functions = kernels::functions;

using kernels::times_derivative;
using kernels::Unary;

// g where y > 0, 0 elsewhere, also where g is not finite.
struct ReluGrad : functions::ReluGrad {
  static constexpr std::string_view name = "relu_grad";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& u, std::size_t which) {
    return which == 0 ? Tensor() : kernels::relu_grad(inputs[0], u);
  }
};

struct Relu : functions::Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return kernels::relu_grad(y, g); }
};

class Rectified final : public Primitive {
 public:
  std::string_view name() const override { return "relu"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors&, Tensor&) const override {}
  bool is_view() const override { return true; }
  Saves saves() const override { return Saves::Output; }
  Tensor vjp(const Tensors&, const Tensor& y, const Tensor& g, std::size_t) const override {
    return kernels::relu_grad(y, g);
  }
};

struct LeakyReluGrad : functions::LeakyReluGrad {
  static constexpr std::string_view name = "leaky_relu_grad";
  static Tensor curvature(const Tensor&) { return Tensor(); }
};

struct LeakyRelu : functions::LeakyRelu {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr Saves saves = Saves::Inputs;
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const {
    return times_derivative(x, g, LeakyReluGrad{{slope}});
  }
};

struct EluGrad : functions::EluGrad {
  static constexpr std::string_view name = "elu_grad";
  Tensor curvature(const Tensor& x) const { return where(greater(x, 0), 0, alpha * exp(minimum(x, 0))); }
};

struct Elu : functions::Elu {
  static constexpr std::string_view name = "elu";
  static constexpr Saves saves = Saves::Inputs;
  Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) const { return times_derivative(x, g, EluGrad{{alpha}}); }
};

struct SigmoidGrad : functions::SigmoidGrad {
  static constexpr std::string_view name = "sigmoid_grad";
  static Tensor curvature(const Tensor& y) { return 1.0 - 2.0 * y; }
};

struct Sigmoid : functions::Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr Saves saves = Saves::Output;
  static Tensor vjp(const Tensor&, const Tensor& y, const Tensor& g) { return times_derivative<SigmoidGrad>(y, g); }
};

struct SiluGrad : functions::SiluGrad {
  static constexpr std::string_view name = "silu_grad";
  static Tensor curvature(const Tensor& x) {
    const Tensor s = sigmoid(x);
    return s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s));
  }
};

struct Silu : functions::Silu {
  static constexpr std::string_view name = "silu";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return times_derivative<SiluGrad>(x, g); }
};

struct SoftplusGrad : functions::SoftplusGrad {
  static constexpr std::string_view name = "softplus_grad";
  static Tensor curvature(const Tensor& x) {
    const Tensor s = sigmoid(x);
    return s * (1.0 - s);
  }
};

struct Softplus : functions::Softplus {
  static constexpr std::string_view name = "softplus";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return times_derivative<SoftplusGrad>(x, g); }
};

struct GeluGrad : functions::GeluGrad {
  static constexpr std::string_view name = "gelu_grad";
  static Tensor curvature(const Tensor& x) {
    const Tensor squared = square(x);
    return kDensity * exp(-0.5 * squared) * (2.0 - squared);
  }
};

struct Gelu : functions::Gelu {
  static constexpr std::string_view name = "gelu";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) { return times_derivative<GeluGrad>(x, g); }
};

struct GeluTanh : functions::GeluTanh {
  static constexpr std::string_view name = "gelu_tanh";
  static constexpr Saves saves = Saves::Inputs;
  static Tensor vjp(const Tensor& x, const Tensor&, const Tensor& g) {
    const Tensor s = sigmoid(kTwice * x * (1.0 + kCubic * square(x)));
    return g * (s * (1.0 + kTwice * x * (1.0 - s) * (1.0 + 3 * kCubic * square(x))));
  }
};

}  // namespace

Tensor kernels::relu_grad(const Tensor& y, const Tensor& g) { return run<Binary<ReluGrad>>({y, g}); }
Tensor kernels::rectified(const Tensor& y) { return run<Rectified>({y}); }

Tensor relu(const Tensor& x) { return run<Unary<Relu>>({x}); }
Tensor leaky_relu(const Tensor& x, double slope) { return run<Unary<LeakyRelu>>({x}, LeakyRelu{{slope}}); }
Tensor elu(const Tensor& x, double alpha) { return run<Unary<Elu>>({x}, Elu{{alpha}}); }
Tensor sigmoid(const Tensor& x) { return run<Unary<Sigmoid>>({x}); }
Tensor log_sigmoid(const Tensor& x) { return -softplus(-x); }
Tensor silu(const Tensor& x) { return run<Unary<Silu>>({x}); }
Tensor softplus(const Tensor& x) { return run<Unary<Softplus>>({x}); }
Tensor gelu(const Tensor& x) { return run<Unary<Gelu>>({x}); }
Tensor gelu_tanh(const Tensor& x) { return run<Unary<GeluTanh>>({x}); }

}  // namespace cotangent
