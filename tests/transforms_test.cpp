// Tests of the transforms: values, nesting, and what must not go wrong.
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"

namespace cotangent {
namespace {

Tensor number(double value) { return full({}, value, DType::Float64); }

Tensor cube(const Tensor& x) { return x * x * x; }

TEST(Grad, NestsToAnyOrder) {
  const Tensor x = number(2);
  EXPECT_DOUBLE_EQ(grad(cube)(x).item<double>(), 12);
  EXPECT_DOUBLE_EQ(grad(grad(cube))(x).item<double>(), 12);
  EXPECT_DOUBLE_EQ(grad(grad(grad(cube)))(x).item<double>(), 6);
  EXPECT_DOUBLE_EQ(grad(grad(grad(grad(cube))))(x).item<double>(), 0);
}

TEST(Grad, ConfusesNoPerturbations) {
  const auto f = [](const Tensor& x) { return x * grad([&](const Tensor& y) { return x + y; })(x); };
  EXPECT_DOUBLE_EQ(grad(f)(number(3)).item<double>(), 1);
}

TEST(Grad, ReturnsOneForOneAPairForTwoATupleForMore) {
  const Tensor x = number(2), y = number(3), z = number(5);
  const auto [dx, dy] = grad([](const Tensor& a, const Tensor& b) { return a * b; })(x, y);
  EXPECT_DOUBLE_EQ(dx.item<double>(), 3);
  EXPECT_DOUBLE_EQ(dy.item<double>(), 2);
  const auto [gx, gy, gz] = grad([](const Tensor& a, const Tensor& b, const Tensor& c) { return a * b * c; })(x, y, z);
  EXPECT_DOUBLE_EQ(gx.item<double>(), 15);
  EXPECT_DOUBLE_EQ(gy.item<double>(), 10);
  EXPECT_DOUBLE_EQ(gz.item<double>(), 6);
  const Tensors many = grad([](const Tensors& all) { return all[0] * all[1]; })(Tensors{x, y});
  EXPECT_DOUBLE_EQ(many[1].item<double>(), 2);
}

TEST(Grad, IsZeroWhereNothingDepends) {
  const auto [dx, dy] = grad([](const Tensor& a, const Tensor&) { return a * 2; })(number(1), ones({2, 2}));
  EXPECT_DOUBLE_EQ(dx.item<double>(), 2);
  EXPECT_EQ(dy.shape(), Shape({2, 2}));
  for (float value : dy.data<float>()) EXPECT_EQ(value, 0);
}

TEST(Grad, AsksForOneNumberAndFloatingInputs) {
  EXPECT_THROW(
      try { grad(cube)(ones({3})); } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("grad: the function must return a single"), std::string::npos)
            << error.what();
        throw;
      },
      Error);
  EXPECT_THROW(grad(cube)(arange(1)), Error);
  EXPECT_THROW(grad(cube)(Tensor()), Error);
  EXPECT_THROW(grad(cube)(number(1), number(2)), Error);
}

TEST(StopGradient, IsConstantToEveryTransform) {
  const auto f = [](const Tensor& x) { return stop_gradient(x) * x; };
  EXPECT_DOUBLE_EQ(grad(f)(number(3)).item<double>(), 3);
  EXPECT_DOUBLE_EQ(grad(grad(f))(number(3)).item<double>(), 0);
}

TEST(Vjp, PullbackServesManyTimesAndInsideTransforms) {
  const auto [value, pullback] = vjp(cube, {number(2)});
  EXPECT_DOUBLE_EQ(value.item<double>(), 8);
  EXPECT_DOUBLE_EQ(pullback(number(1))[0].item<double>(), 12);
  EXPECT_DOUBLE_EQ(pullback(number(2))[0].item<double>(), 24);
  const std::function<Tensors(const Tensor&)> linear = pullback;
  EXPECT_DOUBLE_EQ(grad([&](const Tensor& g) { return linear(g)[0] * g; })(number(3)).item<double>(), 72);
  EXPECT_THROW(linear(ones({2}, DType::Float64)), Error);
}

TEST(Jvp, IsTheDirectionalDerivative) {
  const Jvp result =
      jvp([](const Tensor& a, const Tensor& b) { return a * a * b; }, {number(2), number(3)}, {number(1), number(10)});
  EXPECT_DOUBLE_EQ(result.value.item<double>(), 12);
  EXPECT_DOUBLE_EQ(result.tangent.item<double>(), 12 + 40);
  const auto f = [](const Tensor& x) { return jvp(cube, {x}, {number(1)}).tangent; };
  EXPECT_DOUBLE_EQ(grad(f)(number(5)).item<double>(), 30);
  EXPECT_DOUBLE_EQ(jvp([](const Tensor&) { return number(1); }, {number(2)}, {number(1)}).tangent.item<double>(), 0);
}

TEST(Jvp, OfSeveralResults) {
  const auto f = [](const Tensors& x) { return Tensors{x[0] * x[1], number(5), argmax(x[0]), x[1]}; };
  const ManyJvp result = jvp_many(f, {number(2), number(3)}, {number(1), number(10)});
  EXPECT_DOUBLE_EQ(result.values[0].item<double>(), 6);
  EXPECT_DOUBLE_EQ(result.tangents[0].item<double>(), 23);
  EXPECT_DOUBLE_EQ(result.tangents[1].item<double>(), 0);
  EXPECT_EQ(result.tangents[2].item<std::int64_t>(), 0);
  EXPECT_DOUBLE_EQ(result.tangents[3].item<double>(), 10);
}

TEST(Hvp, IsTheHessianTimesAVector) {
  const auto f = [](const Tensor& x) { return sum(x * x * x); };
  const std::vector<double> x{1, 2, 3}, v{1, 0, -1};
  const Tensor product = hvp(f, Tensor::from_data<double>({3}, x), Tensor::from_data<double>({3}, v));
  EXPECT_DOUBLE_EQ(product.data<double>()[0], 6);
  EXPECT_DOUBLE_EQ(product.data<double>()[1], 0);
  EXPECT_DOUBLE_EQ(product.data<double>()[2], -18);
}

TEST(Recording, RecordsNothingOutsideTransforms) {
  EXPECT_EQ((ones({2}) * 2).history(), nullptr);
  EXPECT_EQ(value_and_grad([](const Tensor& x) { return sum(x); }, {ones({2})}).value.history(), nullptr);
  EXPECT_EQ(grad(cube)(number(2)).history(), nullptr);
}

}  // namespace
}  // namespace cotangent
