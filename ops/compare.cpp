// Comparisons and logic: primitives without a derivative, whose results are Bool.
#include "cotangent/ops/compare.h"

#include <cmath>

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/elementwise.h"
#include "cotangent/ops/kernels/operands.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/unary.h"

namespace cotangent {
namespace {

namespace functions = kernels::functions;

using kernels::number_like;

// What all of them share. The result is not of a floating dtype, so that vjp() is never asked for.
class Predicate : public Primitive {
 public:
  DType dtype(const Tensors&) const final { return DType::Bool; }
  Saves saves() const final { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor&, std::size_t) const final { return Tensor(); }
};

// Relation is one row: a function of kernels::functions and a name.
template <class Relation>
class Compare final : public Predicate {
 public:
  std::string_view name() const override { return Relation::name; }
  Shape shape(const Tensors& inputs) const override {
    kernels::require_same_dtype(name(), inputs[0], inputs[1]);
    return broadcast_shapes(name(), inputs[0].shape(), inputs[1].shape());
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    visit(inputs[0].dtype(), [&]<class T>() {
      const auto kernel =
          kernels::table<kernels::ElementwiseKernels<T>>().relation[functions::Relations::index<Relation>()];
      kernels::map_broadcast<bool, T, T>(inputs, output, kernel);
    });
  }
};

struct Equal : functions::Equal {
  static constexpr std::string_view name = "equal";
};
struct NotEqual : functions::NotEqual {
  static constexpr std::string_view name = "not_equal";
};
struct Less : functions::Less {
  static constexpr std::string_view name = "less";
};
struct LessEqual : functions::LessEqual {
  static constexpr std::string_view name = "less_equal";
};

// Connective is one row: name and of(operands...) on bools.
template <class Connective, class... Operands>
class Logic final : public Predicate {
 public:
  std::string_view name() const override { return Connective::name; }
  Shape shape(const Tensors& inputs) const override {
    for (const Tensor& input : inputs) kernels::require_bool(name(), "every operand", input);
    return broadcast_shapes(name(), inputs.front().shape(), inputs.back().shape());
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::map_broadcast<bool, Operands...>(inputs, output, [](const Operands*... operands, bool* y, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) y[i] = Connective::of(operands[i]...);
    });
  }
};

struct LogicalAnd {
  static constexpr std::string_view name = "logical_and";
  static bool of(bool a, bool b) { return a && b; }
};
struct LogicalOr {
  static constexpr std::string_view name = "logical_or";
  static bool of(bool a, bool b) { return a || b; }
};
struct LogicalNot {
  static constexpr std::string_view name = "logical_not";
  static bool of(bool x) { return !x; }
};

// Kind is one row: name and holds(number) for a float or double; integers are as the number 0.
template <class Kind>
class Classify final : public Predicate {
 public:
  std::string_view name() const override { return Kind::name; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override {
    visit(inputs[0].dtype(), [&]<class T>() {
      kernels::map_elements<T, bool>(inputs[0], output, [](const T* x, bool* y, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) {
          if constexpr (std::is_floating_point_v<T>) y[i] = Kind::holds(x[i]);
          else y[i] = Kind::holds(0.0);
        }
      });
    });
  }
};

struct IsNan {
  static constexpr std::string_view name = "is_nan";
  static bool holds(auto number) { return std::isnan(number); }
};
struct IsFinite {
  static constexpr std::string_view name = "is_finite";
  static bool holds(auto number) { return std::isfinite(number); }
};

}  // namespace

Tensor equal(const Tensor& a, const Tensor& b) { return run<Compare<Equal>>({a, b}); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return run<Compare<NotEqual>>({a, b}); }
Tensor less(const Tensor& a, const Tensor& b) { return run<Compare<Less>>({a, b}); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return run<Compare<LessEqual>>({a, b}); }
Tensor greater(const Tensor& a, const Tensor& b) { return less(b, a); }
Tensor greater_equal(const Tensor& a, const Tensor& b) { return less_equal(b, a); }

Tensor equal(const Tensor& a, double b) { return equal(a, number_like(a, b)); }
Tensor not_equal(const Tensor& a, double b) { return not_equal(a, number_like(a, b)); }
Tensor less(const Tensor& a, double b) { return less(a, number_like(a, b)); }
Tensor less_equal(const Tensor& a, double b) { return less_equal(a, number_like(a, b)); }
Tensor greater(const Tensor& a, double b) { return greater(a, number_like(a, b)); }
Tensor greater_equal(const Tensor& a, double b) { return greater_equal(a, number_like(a, b)); }

Tensor logical_and(const Tensor& a, const Tensor& b) { return run<Logic<LogicalAnd, bool, bool>>({a, b}); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return run<Logic<LogicalOr, bool, bool>>({a, b}); }
Tensor logical_not(const Tensor& x) { return run<Logic<LogicalNot, bool>>({x}); }

Tensor is_nan(const Tensor& x) { return run<Classify<IsNan>>({x}); }
Tensor is_finite(const Tensor& x) { return run<Classify<IsFinite>>({x}); }

bool all_close(const Tensor& a, const Tensor& b, double rtol, double atol) {
  const Tensor x = a.to(DType::Float64), y = b.to(DType::Float64);
  const Tensor near = logical_and(is_finite(y), less_equal(abs(x - y), atol + rtol * abs(y)));
  return all(logical_or(equal(x, y), near)).item<bool>();
}

}  // namespace cotangent
