// An operation whose parts are given, so that tests can make it wrong.
#pragma once

#include <functional>

#include "cotangent/cotangent.h"

namespace cotangent::testing {

// What vjp() returns for an operation of one input, given the input and the cotangent.
using Rule = std::function<Tensor(const Tensor& x, const Tensor& g)>;

class Made final : public Primitive {
 public:
  Made(Function f, Rule rule) : f_(std::move(f)), rule_(std::move(rule)) {}

  std::string_view name() const override { return "made"; }
  Shape shape(const Tensors& inputs) const override { return f_(inputs).shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override { output = f_(inputs); }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return rule_(inputs[0], g);
  }

 private:
  Function f_;
  Rule rule_;
};

// f, with `rule` for its vjp.
inline Function made(const Function& f, const Rule& rule) {
  return [=](const Tensor& x) { return run<Made>({x}, f, rule); };
}

}  // namespace cotangent::testing
