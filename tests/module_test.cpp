// Tests of modules: what the visitor collects, and gradients with respect to a module's parameters.
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

Tensor number(double value) { return full({}, value, DType::Float64); }

struct Line {
  Tensor slope = number(2), offset = number(1), calls = zeros({}, DType::Int64), nothing;
  bool training = true;
  Tensor operator()(const Tensor& x) const { return slope * x + offset; }
  void visit(nn::Visitor& v) {
    v("slope", slope);
    v("offset", offset);
    v("nothing", nothing);
    v.buffer("calls", calls);
    v.mode(training);
  }
};

struct Tower {
  Line first;
  std::vector<Line> rest{2};
  Tensor operator()(const Tensor& x) const { return rest[1](rest[0](first(x))); }
  void visit(nn::Visitor& v) {
    v("first", first);
    v("rest", rest);
  }
};

TEST(Visitor, CollectsParametersAndBuffersWithTheirPaths) {
  Tower tower;
  const auto parameters = nn::named_parameters(tower);
  std::vector<std::string> paths;
  for (const auto& [path, tensor] : parameters) paths.push_back(path);
  EXPECT_EQ(paths, (std::vector<std::string>{"first.slope", "first.offset", "rest.0.slope", "rest.0.offset",
                                             "rest.1.slope", "rest.1.offset"}));
  EXPECT_EQ(parameters[2].second, &tower.rest[0].slope);
  EXPECT_EQ(nn::parameters(tower)[5], &tower.rest[1].offset);
  EXPECT_EQ(nn::named_buffers(tower).size(), 3u);
  EXPECT_EQ(nn::named_buffers(tower)[1].first, "rest.0.calls");
  EXPECT_EQ(nn::parameter_count(tower), 6);
}

TEST(Visitor, FindsTheInnermostModuleAtAnAddress) {
  Tower tower;
  const nn::Visitor visitor = nn::visit_all(tower);
  EXPECT_EQ(visitor.path_of(&tower.rest[1]), "rest.1");
  EXPECT_EQ(visitor.path_of(&tower.first), "first");
  const int elsewhere = 0;
  EXPECT_EQ(visitor.path_of(&elsewhere), std::nullopt);
}

TEST(Visitor, RefusesOneNameTwiceAndOneTensorTwice) {
  struct SameName {
    Tensor a = number(1), b = number(2);
    void visit(nn::Visitor& v) { v("w", a), v("w", b); }
  } same_name;
  expect_error([&] { nn::parameters(same_name); }, "visit: two tensors are named 'w'");
  struct SameTensor {
    Line line;
    void visit(nn::Visitor& v) { v("a", line), v("b", line); }
  } same_tensor;
  expect_error([&] { nn::parameters(same_tensor); }, "'b.slope' was visited before under another name");
}

TEST(Module, TrainAndEvalSetEveryFlag) {
  Tower tower;
  nn::eval(tower);
  EXPECT_FALSE(tower.first.training || tower.rest[0].training || tower.rest[1].training);
  nn::train(tower);
  EXPECT_TRUE(tower.first.training && tower.rest[0].training && tower.rest[1].training);
}

TEST(Module, ConvertsFloatingTensorsOnly) {
  Tower tower;
  nn::convert(tower, DType::Float32);
  EXPECT_EQ(tower.rest[1].slope.dtype(), DType::Float32);
  EXPECT_EQ(tower.first.calls.dtype(), DType::Int64);
  expect_error([&] { nn::convert(tower, DType::Int32); }, "convert: ");
}

TEST(ModuleValueAndGrad, DifferentiatesAndRestores) {
  Tower tower;
  const auto [value, grads] = nn::value_and_grad(tower, [&] {
    EXPECT_NE(tower.first.slope.history(), nullptr);
    return tower(number(3));
  });
  EXPECT_DOUBLE_EQ(value.item<double>(), 2 * (2 * (2 * 3 + 1) + 1) + 1);
  const double expected[] = {4 * 3, 4, 2 * 7, 2, 15, 1};
  ASSERT_EQ(grads.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_DOUBLE_EQ(grads[i].item<double>(), expected[i]) << i;
  EXPECT_EQ(tower.first.slope.history(), nullptr);
  EXPECT_EQ(value.history(), nullptr);
  EXPECT_DOUBLE_EQ(tower.first.slope.item<double>(), 2);
}

TEST(ModuleValueAndGrad, RestoresWhenTheLossThrows) {
  Tower tower;
  expect_error([&] { nn::value_and_grad(tower, [&]() -> Tensor { fail("loss", "no luck"); }); }, "loss: no luck");
  for (const Tensor* parameter : nn::parameters(tower)) EXPECT_EQ(parameter->history(), nullptr);
  expect_error([&] { nn::value_and_grad(tower, [&] { return tower(ones({2}, DType::Float64)); }); },
               "must return a single Float32 or Float64 number, got Float64 (2,)");
}

// d/d(slope, offset) of (d/dx line(x)^2)^2 at x = 3: dx = 2 slope (slope x + offset), penalty = dx^2.
TEST(ModuleValueAndGrad, DifferentiatesAGradientPenalty) {
  Line line;
  const auto [value, grads] = nn::value_and_grad(line, [&] {
    const Tensor dx = grad([&](const Tensor& x) { return line(x) * line(x); })(number(3));
    return dx * dx;
  });
  EXPECT_DOUBLE_EQ(value.item<double>(), 28 * 28);
  EXPECT_DOUBLE_EQ(grads[0].item<double>(), 2 * 28 * (2 * 7 + 2 * 2 * 3));
  EXPECT_DOUBLE_EQ(grads[1].item<double>(), 2 * 28 * 2 * 2);
}

// The inner training step x - 0.1 d loss / d slope, differentiated by the outer transforms.
TEST(ModuleValueAndGrad, NestsInsideOtherTransformsAndItself) {
  Line line;
  const auto inner = [&](const Tensor& x) {
    return nn::value_and_grad(line, [&] { return line(x) * line(x); }).grads[0];
  };
  // d loss / d slope = 2 (slope x + offset) x; its derivative by x is 4 slope x + 2 offset.
  EXPECT_DOUBLE_EQ(grad(inner)(number(3)).item<double>(), 4 * 2 * 3 + 2);
  // and by slope 2 x^2, by offset 2 x.
  const auto outer = nn::value_and_grad(line, [&] { return inner(number(3)); });
  EXPECT_DOUBLE_EQ(outer.grads[0].item<double>(), 18);
  EXPECT_DOUBLE_EQ(outer.grads[1].item<double>(), 6);
  EXPECT_EQ(line.slope.history(), nullptr);
}

TEST(ModuleValueAndGrad, NamesTheParameterThatHasNoDerivative) {
  struct Counter {
    Tensor count = arange(3);
    void visit(nn::Visitor& v) { v("count", count); }
  } counter;
  expect_error([&] { nn::value_and_grad(counter, [] { return ones({}); }); }, "parameter 'count' is Int64 (3,)");
  struct Nothing {
    void visit(nn::Visitor&) {}
  } nothing;
  expect_error([&] { nn::value_and_grad(nothing, [] { return ones({}); }); }, "the module has no parameters");
}

}  // namespace
}  // namespace cotangent
