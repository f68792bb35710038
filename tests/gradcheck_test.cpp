// Gradient checking: right derivatives pass, and reports name what is wrong with the others.
#include <gtest/gtest.h>

#include "expect_error.h"
#include "made_primitive.h"
#include "sample.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::made;
using testing::numbers;
using testing::sample;

const std::vector<GradMode> kBoth = {GradMode::Reverse, GradMode::Forward};
const Tensor x = sample({2, 3}, 0.5, 1.5);

void expect_part(const std::string& report, std::string_view part) {
  EXPECT_NE(report.find(part), std::string::npos) << "report: " << report << "\nlacks:  " << part;
}

std::string first_order(const Function& f, const Tensors& inputs = {x}) { return check_grads(f, inputs, {.order = 1}); }

// Wrong by the same kind of error in both modes.
void expect_likely(const Function& f, std::string_view likely, const Tensor& input = x) {
  for (const GradMode mode : kBoth) {
    const std::string report = check_grads(f, {input}, {.order = 1, .modes = {mode}});
    expect_part(report, mode == GradMode::Reverse ? "order 1 (reverse), input 0 Float64" : "order 1 (forward)");
    expect_part(report, "finite differences");
    expect_part(report, std::string("\nlikely: ").append(likely));
  }
}

TEST(CheckGrads, AcceptsRightDerivativesInAllModes) {
  const auto f = [](const Tensor& a, const Tensor& b) { return sin(a * b) / (exp(a) + 1); };
  EXPECT_EQ(check_grads(f, {x, sample({3}, -1, 1, 2)}, {.order = 3, .modes = kBoth}), "");
  EXPECT_EQ(check_grads(f, {x, sample({3}, -1, 1, 2)}, {.order = 3, .modes = {GradMode::Forward}}), "");
  EXPECT_EQ(check_grads([](const Tensor& a) { return sum(a * a, {0}); }, {zeros({2, 0}, DType::Float64)}), "");
}

TEST(CheckGrads, SaysWhichElementIsWorstAndBothValues) {
  const Function f = made(square, [](const Tensor& a, const Tensor& g) {
    return g * (2 * a + numbers({0, 1e-3, 0}) * numbers({0, 1, 0}));
  });
  const std::string report = first_order(f, {numbers({1, 2, 3})});
  const Tensor slope = vjp(f, {numbers({1, 2, 3})}).pullback(ones({3}, DType::Float64))[0];
  EXPECT_DOUBLE_EQ(slope.data<double>()[1], 4.001);
  expect_part(report, "order 1 (reverse), input 0 Float64 (3,), element (1,): the vjp gives ");
  expect_part(report, "\nwrong at 1 of 3 elements; the worst is off by ");
  expect_part(report, "\nlikely: an error at some elements only: (1,); right at the others");
}

TEST(CheckGrads, NamesTheSign) {
  expect_likely(made(cos, [](const Tensor& a, const Tensor& g) { return g * sin(a); }),
                "the sign: every element is minus what differences give");
}

TEST(CheckGrads, NamesConstantFactors) {
  const auto times = [](double factor) {
    return made(square, [=](const Tensor& a, const Tensor& g) { return g * a * (2 * factor); });
  };
  const std::string_view tail = " times what differences give";
  expect_likely(times(0.5), std::string("a constant factor: every element is 0.5 (1/2)").append(tail));
  expect_likely(times(2), std::string("a constant factor: every element is 2").append(tail));
  expect_likely(times(-0.25), std::string("a constant factor: every element is -0.25 (-1/4)").append(tail));
  expect_likely(times(0.7), std::string("a constant factor: every element is 0.7").append(tail));
  expect_part(first_order(made([](const Tensor& a) { return square(sum(a)); },
                               [](const Tensor& a, const Tensor& g) { return g * mean(a) * 2 * ones_like(a); })),
              "is 0.166667 (1/6) times what differences give; it has that many elements: a mean or a sum?");
}

TEST(CheckGrads, NamesMissingFactors) {
  expect_part(first_order(made(sin, [](const Tensor& a, const Tensor&) { return cos(a); })),
              "\nlikely: the cotangent g is missing");
  const auto cube = [](const Tensor& a) { return a * a * a; };
  expect_part(first_order(made(cube, [](const Tensor& a, const Tensor& g) { return 3 * g * a; })),
              "\nlikely: a factor is missing: the elements of the input");
  expect_part(first_order(made(square, [](const Tensor& a, const Tensor& g) { return g * a * a; })),
              "\nlikely: one factor too many: the elements of the input");
}

TEST(CheckGrads, NamesAxes) {
  const auto turned = [](const Tensor& a) { return transpose(a); };
  expect_likely(made(turned, [](const Tensor& a, const Tensor& g) { return reshape(g, a.shape()); }),
                "the axes: the elements are right, but in the order of transpose(..., {1, 0})");
  const auto flip = [](const Tensor& a) { return reverse(a, {1}); };
  expect_likely(made(flip, [](const Tensor&, const Tensor& g) { return g + 0; }),
                "the axes: the elements are right, but reversed along axis 1");
  const auto cycle = [](const Tensor& a) { return transpose(a, {2, 0, 1}); };
  const Tensor cube = sample({2, 2, 2});
  for (const GradMode mode : kBoth)
    expect_part(check_grads(made(cycle,
                                 [](const Tensor&, const Tensor& g) {
                                   return transpose(g, {2, 0, 1});
                                 }),
                            {cube}, {.order = 1, .modes = {mode}}),
                "likely: the axes: the elements are right, but in the order of transpose(..., {");
}

TEST(CheckGrads, NamesConstantZeros) {
  expect_likely(made(square, [](const Tensor&, const Tensor&) { return Tensor(); }), "a constant zero: ");
  expect_likely([](const Tensor& a) { return square(stop_gradient(a)); }, "a constant zero: ");
  expect_likely(made([](const Tensor& a) { return ones_like(a); }, [](const Tensor&, const Tensor& g) { return g; }),
                "the function does not depend on this, as differences are zero");
}

TEST(CheckGrads, NamesElementsThatAreMissing) {
  const Tensor mask = Tensor::from_data<double>({2, 3}, std::vector<double>{1, 0, 1, 1, 1, 0});
  expect_likely(made(square, [=](const Tensor& a, const Tensor& g) { return 2 * g * a * mask; }),
                "zero at some elements only: (0, 1), (1, 2); right at the others");
}

TEST(CheckGrads, ReportsWrongShapes) {
  const Function f = made(square, [](const Tensor&, const Tensor& g) { return sum(g); });
  EXPECT_EQ(first_order(f),
            "order 1 (reverse): the vjp throws an Error: made: its vjp returned Float64 () as the cotangent of input "
            "0, which is Float64 (2, 3)");
  expect_part(check_grads(f, {x}, {.order = 1, .modes = {GradMode::Forward}}),
              "order 1 (forward): the jvp throws an Error: made: its vjp returned ");
}

TEST(CheckGrads, FindsWhatOnlyHigherOrdersShow) {
  const Function f = made(sin, [](const Tensor& a, const Tensor& g) { return g * stop_gradient(cos(a)); });
  EXPECT_EQ(check_grads(f, {x}, {.order = 1, .modes = kBoth}), "");
  expect_part(check_grads(f, {x}), "order 2 (reverse over reverse), input 0 Float64 (2, 3), element (");
  expect_part(check_grads(f, {x}, {.modes = {GradMode::Forward}}),
              "order 2 (forward over forward), along a tangent of input 0, the tangent of the result Float64 (2, 3)");
  // Not linear in its cotangent, which is one more input of the second derivative.
  const Function g = made(sin, [](const Tensor& a, const Tensor& c) { return stop_gradient(c) * cos(a); });
  EXPECT_EQ(check_grads(g, {x}, {.order = 1}), "");
  expect_part(check_grads(g, {x}), "order 2 (reverse over reverse), the cotangent of the result Float64 (2, 3)");
  const Function third = made(exp, [](const Tensor& a, const Tensor& c) {
    return c * run<testing::Made>({a}, Function(exp),
                                  [](const Tensor& b, const Tensor& d) { return d * stop_gradient(exp(b)); });
  });
  EXPECT_EQ(check_grads(third, {x}, {.order = 2, .modes = kBoth}), "");
  expect_part(check_grads(third, {x}, {.order = 3}), "order 3 (reverse over reverse over reverse), input 0");
}

TEST(CheckGrads, TellsKinksFromErrors) {
  const std::string_view kink = "not differentiable at this point: the slope is ";
  expect_part(first_order(relu, {numbers({1, 0, -1})}),
              "order 1 (reverse), input 0 Float64 (3,), element (1,): not differentiable at this point: the slope is ");
  for (const GradMode mode : kBoth) {
    const GradCheckOptions options{.order = 1, .modes = {mode}};
    expect_part(check_grads(relu, {numbers({1, 0, -1})}, options), kink);
    expect_part(check_grads(abs, {numbers({1, 0, -1})}, options), kink);  // though sign(0) = 0 is the mean slope
    const auto pool = [](const Tensor& a) { return max_pool(reshape(a, {1, 4, 1}), 2); };
    expect_part(check_grads(pool, {numbers({1, 1, 2, 3})}, options), kink);
    const auto peak = [](const Tensor& a) { return max(a); };
    expect_part(check_grads(peak, {numbers({2, 1, 2})}, options), kink);
    // Nearer to the kink than the step, so that the differences cross it.
    for (const double distance : {5e-6, 6e-7, 1e-7, 6e-8, 2e-8, 1e-9}) {
      const std::string report = check_grads(relu, {numbers({1, distance})}, options);
      EXPECT_EQ(report.find("wrong at"), std::string::npos) << report;
      expect_part(report, "kink");
    }
  }
}

TEST(CheckGrads, TellsJumpsFromErrors) {
  for (const GradMode mode : kBoth) {
    const GradCheckOptions options{.order = 1, .modes = {mode}};
    expect_part(check_grads(floor, {numbers({0.5, 2})}, options), "element (1,): not continuous at this point: ");
    expect_part(check_grads(sign, {numbers({0, 2})}, options), "element (0,): not continuous at this point: ");
  }
  EXPECT_EQ(check_grads(floor, {numbers({0.5, 2.5})}, {.modes = kBoth}), "");
}

TEST(CheckGrads, CallsNoErrorAtASmoothPointAKink) {
  struct Smooth {
    Function f;
    double at;
  };
  const std::vector<Smooth> points = {{exp, 20},    {sqrt, 1e-3},  {log, 1e-3},    {reciprocal, 1e-2}, {square, 1e-9},
                                      {square, 0},  {rsqrt, 1e-2}, {softplus, 0},  {sigmoid, 1e-7},    {tanh, -1e-8},
                                      {relu, 1e-4}, {abs, -1e-4},  {floor, 0.999}, {sin, 1e5}};
  for (const Smooth& point : points)
    for (const double factor : {-1.0, 0.0, 0.5, 1.001, 3.0}) {
      const auto slope = [&](const Tensor& a) { return grad([&](const Tensor& b) { return sum(point.f({b})); })(a); };
      const Function wrong = made([&](const Tensor& a) { return point.f({a}) + 3 * a; },
                                  [&](const Tensor& a, const Tensor& g) { return g * (slope(a) + 3) * factor; });
      for (const GradMode mode : kBoth)
        expect_part(check_grads(wrong, {full({}, point.at, DType::Float64)}, {.order = 1, .modes = {mode}}),
                    "wrong at");
    }
}

TEST(CheckGrads, SaysWhereTheStepIsTooLarge) {
  for (const Tensor& at : {numbers({1, 1e-3}), numbers({1e5})}) {
    const std::string report = first_order([](const Tensor& a) { return sin(log(a) * 1e3); }, {at});
    expect_part(report, "and so do finite differences by small steps, but those by ");
  }
}

TEST(CheckGrads, KinksDoNotExcuseErrorsElsewhere) {
  const Function f = made(relu, [](const Tensor& a, const Tensor& g) { return g * -sign(a); });
  expect_part(first_order(f, {numbers({0, 1, 2})}), "wrong at 2 of 3 elements");
}

TEST(CheckGrads, NamesWhatIsNotFinite) {
  expect_part(first_order(log, {numbers({1, 0})}),
              "order 1 (reverse), the result Float64 (2,), element (1,): is -inf at these inputs");
  expect_part(first_order(sqrt, {numbers({1, 1e-7})}), "not finite at a distance of 6e-06");
  expect_part(first_order(made(square, [](const Tensor& a, const Tensor& g) { return g * log(-a); })),
              "the vjp gives nan, finite differences ");
}

TEST(CheckGrads, IsExactForMultilinearFunctions) {
  const Tensor a = round(sample({3, 4}, -5, 5, 1)), b = round(sample({4, 2}, -5, 5, 2));
  const GradCheckOptions options{.order = 3, .modes = kBoth, .multilinear = true};
  EXPECT_EQ(check_grads(matmul, {a, b}, options), "");
  EXPECT_EQ(check_grads(matmul, {a.to(DType::Float32), b.to(DType::Float32)}, options), "");
  const auto triple = [](const Tensor& p, const Tensor& q, const Tensor& r) { return p * q * r; };
  EXPECT_EQ(check_grads(triple, {a, a + 1, a - 3}, options), "");
  EXPECT_EQ(check_grads(triple, {a * 0.1, a + 0.3, a - 3}, options), "");
  // An error of 1e-12 is far below any tolerance.
  const auto twice = [](const Tensor& p) { return 2 * p; };
  const Function f = made(twice, [](const Tensor&, const Tensor& g) { return 2 * (1 + 1e-12) * g; });
  EXPECT_EQ(check_grads(f, {a}), "");
  const std::string report = check_grads(f, {a}, {.multilinear = true});
  expect_part(report, "where whole numbers must agree exactly\nlikely: rounding");
  EXPECT_EQ(check_grads(f, {a}, {.multilinear = true, .tolerance = 1e-9}), "");
  expect_part(check_grads(square, {a}, {.multilinear = true}),
              "not linear, as multilinear = true claims: the slope is ");
}

TEST(CheckGrads, ChecksFloat32AgainstFloat64) {
  const auto f = [](const Tensor& a, const Tensor& b) { return tanh(matmul(a, b)) * exp(-a); };
  const Tensor a = sample({2, 3}).to(DType::Float32), b = sample({3, 3}).to(DType::Float32);
  EXPECT_EQ(check_grads(f, {a, b}, {.order = 3, .modes = kBoth}), "");
  // An error of 0.01% is seen, which differences in Float32 cannot.
  const Function g = made(square, [](const Tensor& p, const Tensor& c) { return 2.0002 * p * c; });
  expect_part(check_grads(g, {a}), "order 1 (reverse), input 0 Float32 (2, 3)");
  EXPECT_EQ(check_grads(g, {a}, {.order = 1, .shadow = false}), "");
}

TEST(CheckGrads, SaysWhatCannotBeCheckedInFloat64) {
  const Tensor a = sample({2, 3}).to(DType::Float32), captured = a + 1;
  const auto f = [=](const Tensor& p) { return p * captured; };
  const std::string report = check_grads(f, {a});
  expect_part(report, "order 1 (reverse): differences for Float32 inputs are taken in Float64");
  expect_part(report, "does not compute in Float64: multiply: ");
  expect_part(report, "pass tensors that it captures as inputs");
  EXPECT_EQ(check_grads(f, {a}, {.shadow = false}), "");
  expect_part(check_grads([](const Tensor& p) { return sin(p.to(DType::Float32)); }, {a}),
              "the result is Float32 for Float64 inputs");
  expect_error([&] { check_grads([](const Tensor& p) { return matmul(p, p); }, {a}); }, "matmul: ");
}

TEST(CheckGrads, NamesFunctionsThatAreNotRepeatable) {
  std::uint64_t calls = 0;
  const auto f = [&](const Tensor& a) { return a * random::uniform(random::Key(++calls), a.shape(), DType::Float64); };
  expect_part(check_grads(f, {x}), "two calls with the same inputs give ");
}

TEST(CheckGrads, RefusesWhatItCannotCheck) {
  expect_error([] { check_grads(sin, {x}, {.order = 0}); }, "check_grads: the order must be at least 1, got 0");
  expect_error([] { check_grads(sin, {x}, {.modes = {}}); }, "check_grads: needs at least one mode");
  expect_error([] { check_grads(sin, {Tensor()}); }, "check_grads: input 0 is a null Tensor");
  expect_error([] { check_grads(sin, {arange(3)}); }, "check_grads: input 0 is Int64 (3,)");
}

TEST(CheckAdjoint, IsTheDotProductTest) {
  const Tensor image = round(sample({1, 2, 5, 4}, -9, 9, 1)), kernel = round(sample({3, 2, 3, 2}, -9, 9, 2));
  const auto f = [](const Tensor& l, const Tensor& r) {
    return conv_general_dilated(l, r, {.window_strides = 2, .padding = Padding::Same});
  };
  EXPECT_EQ(check_adjoint(f, {image, kernel}), "");
  EXPECT_EQ(check_adjoint(f, {image.to(DType::Float32), kernel.to(DType::Float32)}), "");
  EXPECT_EQ(check_adjoint(f, {image * 0.1, kernel / 3.0}), "");
  EXPECT_EQ(check_adjoint(f, {(image * 0.1).to(DType::Float32), (kernel / 3.0).to(DType::Float32)}), "");
}

TEST(CheckAdjoint, FindsWrongAdjoints) {
  const auto flip = [](const Tensor& a) { return reverse(a, {0}); };
  const Function wrong = made(flip, [](const Tensor&, const Tensor& g) { return g + 0; });
  const Tensor whole = numbers({1, 2, 4, 8});
  expect_part(check_adjoint(wrong, {whole}), "input 0 Float64 (4,): <f(x), y> is ");
  expect_part(check_adjoint(wrong, {whole}), "where whole numbers must agree exactly");
  expect_part(check_adjoint(wrong, {whole * 0.1}), "times the error allowed");
  expect_part(check_adjoint(made(flip, [](const Tensor&, const Tensor& g) { return reverse(g, {0}) * (1 + 1e-11); }),
                            {whole * 0.1}),
              "times the error allowed");
  expect_part(check_adjoint([](const Tensor& a) { return a + 1; }, {whole}),
              "input 0 Float64 (4,): the function is not linear in it: f(x) is 2 and f(2 x) is 3 at element (0,)");
}

}  // namespace
}  // namespace cotangent
