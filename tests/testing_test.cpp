// cotangent/testing.h as a user's tests see it, and the code and the reports that docs/testing.md shows.
#include "cotangent/testing.h"

#include <gtest/gtest-spi.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "expect_error.h"
#include "made_primitive.h"
#include "sample.h"

namespace ct = cotangent;

namespace {

using ct::testing::made;
using ct::testing::numbers;

const ct::Tensor x = ct::testing::sample({2, 3}, 0.5, 1.5);

TEST(ExpectGrads, TakesInputsAndOptions) {
  EXPECT_GRADS(ct::sin, x);
  EXPECT_GRADS(ct::matmul, x, ct::transpose(x));
  EXPECT_GRADS([](const ct::Tensor& a, const ct::Tensor& b) { return a * b; }, x, x);
  EXPECT_GRADS(ct::matmul, {x, ct::transpose(x)}, {.order = 1, .multilinear = true}) << "with more text";
  EXPECT_GRADS(ct::sin, {x}, {.order = 3, .modes = {ct::GradMode::Reverse, ct::GradMode::Forward}});
  if (x.size() > 0) EXPECT_GRADS(ct::sin, x);
  else FAIL() << "an else that belongs to the if above";
}

TEST(ExpectGrads, FailsWithTheReport) {
  const auto f = [](const ct::Tensor& a) { return ct::stop_gradient(a) * a; };
  EXPECT_NONFATAL_FAILURE(EXPECT_GRADS(f, x), "EXPECT_GRADS(f, x)\norder 1 (reverse), input 0 Float64 (2, 3), ");
  EXPECT_NONFATAL_FAILURE(EXPECT_GRADS(f, x) << "more text", "more text");
}

TEST(ExpectAdjoint, PassesAndFails) {
  EXPECT_ADJOINT([](const ct::Tensor& a) { return ct::sum(a); }, x);
  EXPECT_ADJOINT(ct::matmul, x, ct::transpose(x));
  EXPECT_NONFATAL_FAILURE(EXPECT_ADJOINT(ct::square, x), "the function is not linear in it");
}

TEST(ExpectTensorsNear, ComparesShapesDTypesAndElements) {
  EXPECT_TENSORS_NEAR(x, x + 1e-7, 1e-6);
  EXPECT_TENSORS_NEAR(x, x, 0);
  EXPECT_TENSORS_NEAR(ct::zeros({0, 3}), ct::ones({0, 3}), 0);
  EXPECT_NONFATAL_FAILURE(EXPECT_TENSORS_NEAR(x, x + 1, 0.5), "6 of 6 elements of Float64 (2, 3) differ by more than");
  EXPECT_EQ(ct::compare_tensors(ct::ones({2}), ct::ones({2, 1})), "the shapes differ: Float32 (2,) and Float32 (2, 1)");
  EXPECT_EQ(ct::compare_tensors(ct::ones({2}), numbers({1, 1})), "the dtypes differ: Float32 (2,) and Float64 (2,)");
  EXPECT_EQ(ct::compare_tensors(ct::ones({2}), ct::Tensor()), "the second tensor is null");
  EXPECT_EQ(ct::compare_tensors(numbers({1, 2, 3, 4}), numbers({1, 2.5, 3, 5}), 0.25),
            "2 of 4 elements of Float64 (4,) differ by more than 0.25\n"
            "the worst is element (3,): 4 and 5, apart by 1\n"
            "the first is element (1,): 2 and 2.5");
  ct::testing::expect_error([] { ct::compare_tensors(x, x, -1); }, "compare_tensors: the tolerance must be at least 0");
}

TEST(ExpectTensorsNear, HasNoToleranceForNanAndInfinity) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TENSORS_NEAR(numbers({nan, inf, -inf}), numbers({nan, inf, -inf}), 0);
  EXPECT_EQ(
      ct::compare_tensors(numbers({nan, 1}), numbers({1, 1}), 1e9),
      "1 of 2 elements of Float64 (2,) differ by more than 1e+09\nthe worst is element (0,): nan and 1, apart by inf");
  EXPECT_NE(ct::compare_tensors(numbers({inf}), numbers({-inf}), 1e9), "");
  EXPECT_NE(ct::compare_tensors(numbers({1}), numbers({inf}), 1e9), "");
}

TEST(ExpectTensorsNear, ComparesWholeNumbersExactly) {
  constexpr std::int64_t big = std::numeric_limits<std::int64_t>::max();
  const auto one = [](std::int64_t value) { return ct::Tensor::from_data<std::int64_t>({}, std::vector{value}); };
  EXPECT_EQ(ct::compare_tensors(one(big), one(big - 1)),
            "1 of 1 elements of Int64 () differ by more than 0\nthe worst is element (): 9223372036854775807 and "
            "9223372036854775806, apart by 1");
  EXPECT_TENSORS_NEAR(one(big), one(big - 1), 1);
  EXPECT_NE(ct::compare_tensors(one(big), one(-big), 1e18), "");
  EXPECT_NE(ct::compare_tensors(ct::zeros({2}, ct::DType::Bool), ct::ones({2}, ct::DType::Bool)), "");
}

// ---- docs/testing.md

std::string read(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(COTANGENT_SOURCE_DIR "/" + path).rdbuf();
  return text.str();
}

// The blocks of the page that begin with ```language.
std::vector<std::string> blocks(const std::string& language) {
  const std::string page = read("docs/testing.md"), fence = "```" + language + "\n";
  std::vector<std::string> result;
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    at += fence.size();
    result.push_back(page.substr(at, page.find("\n```", at) - at));
  }
  return result;
}

// A row of squares, and the reports on its mistakes that the page quotes.
std::string report_on(const ct::testing::Rule& vjp, const ct::Tensor& at = numbers({1, 2, 3})) {
  return ct::check_grads(made(ct::square, vjp), {at});
}

TEST(Page, QuotesReports) {
  const std::vector<std::string> reports = blocks("text");
  ASSERT_EQ(reports.size(), 4u);
  EXPECT_EQ(reports[0], report_on([](const ct::Tensor& a, const ct::Tensor& g) { return g * a; }));
  EXPECT_EQ(reports[1],
            report_on([](const ct::Tensor& a, const ct::Tensor& g) { return 2 * g * ct::stop_gradient(a); }));
  EXPECT_EQ(reports[2],
            ct::check_grads(made([](const ct::Tensor& a) { return ct::transpose(a); },
                                 [](const ct::Tensor& a, const ct::Tensor& g) { return ct::reshape(g, a.shape()); }),
                            {x}));
  EXPECT_EQ(reports[3], ct::check_grads(ct::relu, {numbers({1, 0, -1})}));
}

TEST(Page, ShowsCodeThatIsTested) {
  const std::string tested = read("examples/07_own_primitive_test.cpp") + read("tests/testing_test.cpp");
  for (const std::string& block : blocks("cpp")) EXPECT_NE(tested.find(block), std::string::npos) << block;
}

}  // namespace
