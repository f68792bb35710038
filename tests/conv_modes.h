// A convolution and its derivatives to order three against the definition, exactly, on small whole numbers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "conv_form.h"

namespace cotangent::testing {

using Convolution = std::function<Tensor(const Tensor&, const Tensor&)>;

// "", or where the numbers first differ.
inline std::string difference(const std::string& what, const Tensor& got, const Values& expected) {
  const Values numbers = values(got);
  if (numbers.size() != expected.size())
    return fmt::format("{}: {} elements instead of {}", what, numbers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (numbers[i] != expected[i])
      return fmt::format("{}: element {} of {} is {} instead of {}", what, i, expected.size(), numbers[i], expected[i]);
  return "";
}

// The variables of the forms: operands x and w and the cotangent g; directions a, b and then p, q, r for these three.
class ConvModes {
 public:
  // `wide` is the type of the result.
  ConvModes(const ConvCase& c, Convolution conv, DType dtype, DType wide, Activation activation, std::uint64_t seed)
      : conv_(std::move(conv)), case_(c), reference_(case_) {
    for (const char variable : std::string("xap")) set(variable, case_.lhs, dtype, seed++);
    for (const char variable : std::string("wbq")) set(variable, case_.rhs, dtype, seed++);
    for (const char variable : std::string("gr")) set(variable, reference_shape(case_), wide, seed++);
    result_ = reference_.gradient(kForm, 'g');
    if (activation == Activation::Relu) {
      reference_.rectify(result_);
      for (double& value : result_) value = std::max(value, 0.0);
    }
  }

  // What differs from the definition: "" if nothing.
  std::string fault() {
    const auto r = [this](const Tensors& t) { return vjp(conv_, {t[0], t[1]}).pullback(t[2]); };
    const auto rr = [&](const Tensors& t) { return vjp_many(r, {t[0], t[1], t[2]}).pullback({t[3], t[4]}); };
    const auto f = [this](const Tensors& t) { return jvp(conv_, {t[0], t[1]}, {t[2], t[3]}).tangent; };

    const Tensor value = conv_(at('x'), at('w'));
    if (value.shape() != reference_shape(case_)) return "result: shape " + cotangent::to_string(value.shape());
    expect("result", value, result_);
    expect("r", r(all("xwg")), kForm, "xw");
    const ConvForm moved = kForm.along({{'x', 'a'}, {'w', 'b'}});
    expect("f", {f(all("xwab"))}, moved, "g");
    expect("rr", rr(all("xwgab")), moved, "xwg");
    expect("rf", vjp(f, all("xwab")).pullback(at('g')), moved, "xwab");
    const ConvForm moved_twice = kForm.along({{'x', 'p'}, {'w', 'q'}, {'g', 'r'}});
    for (const std::size_t i : {0, 1})
      expect("fr", {jvp([&](const Tensors& t) { return r(t)[i]; }, all("xwg"), all("pqr")).tangent}, moved_twice,
             i == 0 ? "x" : "w");
    expect("rrr", vjp_many(rr, all("xwgab")).pullback(all("pqr")), moved.along({{'x', 'p'}, {'w', 'q'}, {'g', 'r'}}),
           "xwgab");
    return fault_;
  }

 private:
  inline static const ConvForm kForm{{{'x', 'w', 'g'}}};

  void set(char variable, const Shape& shape, DType dtype, std::uint64_t seed) {
    tensors_[variable] = whole_numbers(shape, dtype, seed);
    reference_.set(variable, values(tensors_[variable]));
  }
  const Tensor& at(char variable) const { return tensors_.at(variable); }
  Tensors all(const std::string& variables) const {
    Tensors result;
    for (const char variable : variables) result.push_back(at(variable));
    return result;
  }

  void expect(const std::string& what, const Tensor& got, const Values& expected) {
    if (fault_.empty()) fault_ = difference(what, got, expected);
  }
  void expect(const std::string& mode, const Tensors& got, const ConvForm& form, const std::string& variables) {
    for (std::size_t i = 0; i < variables.size(); ++i)
      expect(mode + ", gradient of " + variables[i], got[i], reference_.gradient(form, variables[i]));
  }

  Convolution conv_;
  ConvCase case_;
  ConvDerivatives reference_;
  std::map<char, Tensor> tensors_;
  Values result_;
  std::string fault_;
};

// Expects all that of a case, in both types.
inline void expect_all_modes(const ConvCase& c) {
  ConvOptions options = c.options();
  options.precision = Precision::Highest;
  const auto conv = [&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, options); };
  for (const DType dtype : {DType::Float32, DType::Float64})
    EXPECT_EQ(ConvModes(c, conv, dtype, dtype, Activation::None, 1).fault(), "") << name(dtype) << " " << to_string(c);
}

}  // namespace cotangent::testing
