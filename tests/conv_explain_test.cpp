// What explain() says of the algorithm of a convolution, and what users may demand: algorithms, and less workspace.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "expect_error.h"
#include "named_convs.h"

namespace cotangent::testing {
namespace {

using enum ConvAlgorithm;

const Letters kLast{"NHWC", "HWIO", "NHWC"};

TEST(ConvExplain, FftCountsItsTransforms) {
  const ConvExplanation e =
      explain_case(plain({1, 1, 13}, {1, 1, 4}, {"NCW", "OIW", "NCW"}), DType::Float32, {.algorithm = Fft});
  SCOPED_TRACE(to_string(e));
  EXPECT_EQ(e.useful_multiply_adds, 10 * 4);
  std::int64_t lines = 0, extent = 0, frequencies = 0, rows = 0, terms = 0;
  ASSERT_EQ(std::sscanf(e.products.c_str(), "%ld transforms of 1 x %ld, %ld complex x (%ld x %ld)", &lines, &extent,
                        &frequencies, &rows, &terms),
            5);
  EXPECT_EQ(frequencies, extent / 2 + 1);
  EXPECT_NEAR(static_cast<double>(e.executed_multiply_adds),
              static_cast<double>(4 * frequencies * rows * terms) +
                  1.25 * static_cast<double>(lines * extent) * std::log2(static_cast<double>(extent)),
              1);
}

TEST(ConvExplain, CountsNoInsertedZero) {
  for (const char* name : {"t256_128_8", "t128_64_16", "t64_3_32", "t64_32_8_f64", "dec_256_128", "dec_64_3"}) {
    const ConvCase c = case_of(named_problem(name), true, 2), many = case_of(named_problem(name), true, 16);
    // With windows of 4 and stride 2, each output meets 2 of the 4 positions on each axis.
    const std::int64_t products = reference_shape(c).elements() * c.rhs[2] * 2 * 2;
    const ConvExplanation wide = explain_case(many, DType::Float64);  // enough images to be cut into nothing smaller
    EXPECT_EQ(wide.useful_multiply_adds, 8 * products) << name;
    EXPECT_EQ(wide.executed_multiply_adds, 8 * products) << name << "\n" << to_string(wide);
    for (const ConvAlgorithm algorithm : {Definition, Im2col, Direct, LongSum}) {
      const ConvExplanation forced = explain_case(c, DType::Float32, {.algorithm = algorithm});
      EXPECT_EQ(forced.executed_multiply_adds, products) << name << "\n" << to_string(forced);
      EXPECT_EQ(forced.useful_multiply_adds, products) << name;
    }
  }
}

TEST(ConvExplain, WinogradExecutesFewer) {
  const ConvExplanation e = explain_case(case_of(named_problem("r64_56")));
  EXPECT_EQ(e.useful_multiply_adds, std::int64_t{32} * 56 * 56 * 64 * 64 * 9);
  EXPECT_LT(2 * e.executed_multiply_adds, e.useful_multiply_adds);
}

TEST(ConvExplain, AlternativesAreWhatIsDoneWhenTheyAreAskedFor) {
  for (const char* problem : {"t256_128_8", "t64_3_32", "r64_56_s2_128", "dw128_28"})
    for (const ConvCase& c : directions(case_of(named_problem(problem))))
      for (const ConvAlternative& other : explain_case(c).alternatives) {
        if (!other.refusal.empty()) continue;
        const ConvExplanation asked = explain_case(c, DType::Float32, {.algorithm = other.algorithm});
        EXPECT_EQ(asked.executed_multiply_adds, other.executed_multiply_adds)
            << problem << " by " << name(other.algorithm);
        EXPECT_EQ(asked.workspace, other.workspace) << problem << " by " << name(other.algorithm);
      }
}

TEST(ConvExplain, AnEmptyOutputNeedsNothing) {
  const ConvExplanation e = explain_case(plain({1, 2, 2, 1}, {3, 3, 1, 1}, kLast));
  EXPECT_EQ(e.algorithm, Auto);
  EXPECT_EQ(e.reason, "the output has no elements");
  EXPECT_EQ(e.phases, 0);
  EXPECT_EQ(e.executed_multiply_adds, 0);
  EXPECT_EQ(e.workspace, 0);
}

TEST(ConvExplain, RefusesWhatTheCallRefuses) {
  expect_error([] { explain(ones({1, 3, 8, 8}), ones({4, 2, 3, 3})); }, "conv_general_dilated: rhs has 2 input");
  expect_error([] { explain(ones({1, 3, 8, 8}), ones({4, 3, 3, 3}, DType::Float64)); }, "same dtype");
}

TEST(ConvExplain, ReadsAsText) {
  const ConvExplanation e{.algorithm = Direct,
                          .reason = "why",
                          .products = "2 x (3 x 4) x (4 x 5)",
                          .phases = 2,
                          .useful_multiply_adds = 100,
                          .executed_multiply_adds = 150,
                          .workspace = 64,
                          .seconds = 0.25,
                          .alternatives = {{Im2col, "", 200, 128}, {Winograd, "for a reason", 0, 0}}};
  EXPECT_EQ(to_string(e),
            "Direct: why\n"
            "  2 x (3 x 4) x (4 x 5)\n"
            "  150 multiply-adds executed, 100 useful (1.50), in 2 phases; workspace 64 bytes; about 250 ms\n"
            "  Im2col would execute 200 multiply-adds in 128 bytes\n"
            "  Winograd cannot serve: for a reason\n");
  const std::string text = to_string(explain_case(case_of(named_problem("r64_56"))));
  EXPECT_EQ(text.find("Winograd: "), 0u) << text;
  EXPECT_NE(text.find("\n  Direct would execute "), std::string::npos) << text;
  EXPECT_NE(text.find("\n  FewFeatures cannot serve: 64 output features of a group"), std::string::npos) << text;
  EXPECT_NE(text.find(", in 1 phase; workspace"), std::string::npos) << text;
}

// Both explain() and the call itself.
void expect_refused(const ConvCase& c, DType dtype, const ConvOptions& more, std::string_view part) {
  SCOPED_TRACE(part);
  expect_error([&] { explain_case(c, dtype, more); }, part);
  ConvOptions options = c.options();
  options.precision = more.precision;
  options.algorithm = more.algorithm;
  options.max_workspace = more.max_workspace;
  expect_error([&] { conv_general_dilated(ones(c.lhs, dtype), ones(c.rhs, dtype), options); }, part);
}

TEST(ConvWorkspace, PhasesAreDirectTogetherIfThatNeedsLessOfIt) {
  const ConvCase c = directions(case_of(bench::parse_problem("strided", "", "n64 c16 o32 i28x28 k4 s2 p2")))[1];
  const ConvExplanation best = explain_case(c, DType::Float64);
  EXPECT_EQ(name(best.algorithm), "Direct");
  EXPECT_EQ(explain_case(c, DType::Float64, {.max_workspace = best.workspace}).products, best.products);
  expect_refused(c, DType::Float64, {.max_workspace = best.workspace - 1},
                 "the least that an algorithm needs is " + std::to_string(best.workspace));
}

// 965 x 32 x 32 multiply-adds are below a million, from which on OpenBLAS packs.
TEST(ConvExplain, TilesOfThinProductsAreSmall) {
  const ConvCase c = case_of(bench::parse_problem("thin", "", "n16 c32 o32 i56x56 k1"));
  EXPECT_EQ(explain_case(c, DType::Float32, {.algorithm = Im2col}).products, "52 x (965 x 32) x (32 x 32)");
  EXPECT_EQ(explain_case(directions(c)[2], DType::Float32, {.algorithm = Im2col}).products,
            "52 x (32 x 965) x (965 x 32)");
}

TEST(ConvForced, SaysWhyItCannotServe) {
  const ConvCase pointwise = plain({2, 9, 9, 16}, {1, 1, 16, 32}, kLast),
                 window = plain({2, 9, 9, 16}, {3, 3, 16, 32}, kLast);
  expect_refused(pointwise, DType::Float32, {.algorithm = Winograd},
                 "conv_general_dilated: algorithm Winograd cannot serve here: needs an axis with a window of 2 to 25 "
                 "positions");
  expect_refused(pointwise, DType::Float32, {.algorithm = Winograd}, "; leave the choice to ConvAlgorithm::Auto");
  expect_refused(window, DType::Float64, {.algorithm = Winograd},
                 "algorithm Winograd cannot serve here: Float64 is computed exactly");
  expect_refused(window, DType::Float32, {.precision = Precision::Highest, .algorithm = Winograd},
                 "algorithm Winograd adds other products than the definition; ask for Precision::Default");
  const ConvCase volume = plain({1, 9, 9, 9, 2}, {3, 3, 3, 2, 2}, {"NDHWC", "DHWIO", "NDHWC"});
  expect_refused(volume, DType::Float32, {.algorithm = Fft},
                 "algorithm Fft cannot serve here: it transforms along two spatial axes at most, and 3 have more than "
                 "one position; leave the choice to ConvAlgorithm::Auto");
  expect_refused(window, DType::Float64, {.precision = Precision::Highest, .algorithm = Fft},
                 "algorithm Fft adds other products than the definition; ask for Precision::Default");
  expect_refused(window, DType::Float32, {.algorithm = Fft, .max_workspace = 1000},
                 "max_workspace is 1000 bytes and algorithm Fft needs ");
  expect_refused(plain({8, 9, 9, 64}, {3, 3, 64, 64}, kLast), DType::Float32, {.algorithm = Depthwise},
                 "algorithm Depthwise cannot serve here: groups have 64 x 8 features");
  expect_refused(plain({2, 9, 9, 16}, {3, 3, 16, 64}, kLast), DType::Float32, {.algorithm = FewFeatures},
                 "algorithm FewFeatures cannot serve here: 64 output features of a group are more than");
  expect_refused(strided(plain({2, 9, 9, 16}, {3, 3, 16, 1}, kLast), {2, 2}), DType::Float32,
                 {.algorithm = FewFeatures}, "the stride along lhs's innermost spatial axis is not 1");
  constexpr std::int64_t kFar = std::int64_t{1} << 47;
  for (const ConvAlgorithm algorithm : {Direct, LongSum, FewFeatures, Depthwise, Winograd, Fft})
    expect_refused(strided(spread(plain({2, 1, 1, 9}, {1, 1, 9, 5}, kLast), {1, 1}, {kFar, kFar}), {kFar, kFar}),
                   DType::Float32, {.algorithm = algorithm}, "spread windows over more than memory holds");
}

// A window of one position reads what it would without strides and dilations, however large these are.
TEST(ConvWorkspace, StaysBelowItsCap) {
  std::vector<ConvCase> layers{same({8, 128, 28, 28}, {16, 32, 3, 3}, 4), same({8, 8, 28, 28}, {16, 2, 3, 3}, 4),
                               same({64, 4, 4, 4}, {4, 1, 9, 9}, 4), same({64, 6, 4, 4}, {2, 6, 9, 9}, 1)};
  for (const char* name :
       {"r64_56", "r128_28_b1", "p1x1_1024_256", "dw128_28", "t128_64_16", "cifar_first", "long_8_256_k15"})
    layers.push_back(case_of(named_problem(name)));
  for (const ConvCase& layer : layers)
    for (const ConvCase& c : directions(layer)) {
      SCOPED_TRACE(to_string(c));
      std::int64_t cap = explain_case(c).workspace;
      int steps = 0;
      for (; cap > 0; --cap, ++steps) {
        std::int64_t least = -1;
        try {
          const ConvExplanation e = explain_case(c, DType::Float32, {.max_workspace = cap});
          ASSERT_LE(e.workspace, cap) << to_string(e);
          cap = e.workspace;
        } catch (const Error& error) {  // what it says is the least, is
          const std::string text = error.what(), lead = "and the least that an algorithm needs is ";
          ASSERT_NE(text.find(lead), std::string::npos) << text;
          least = std::stoll(text.substr(text.find(lead) + lead.size()));
          EXPECT_GT(least, cap);
        }
        if (least < 0) continue;
        EXPECT_EQ(explain_case(c, DType::Float32, {.max_workspace = least}).workspace, least);
        expect_error([&] { explain_case(c, DType::Float32, {.max_workspace = least - 1}); }, "the least");
        break;
      }
      EXPECT_LE(steps, 8);
    }
}

TEST(ConvWorkspace, SaysWhatIsTooLittle) {
  const ConvCase c = case_of(named_problem("r64_56"), true, 1);
  expect_refused(c, DType::Float32, {.max_workspace = 100}, "max_workspace is 100 bytes and the least that an");
  expect_refused(c, DType::Float32, {.max_workspace = 100},
                 "allow that, or ask for ConvAlgorithm::Definition, which needs none and is slow");
  expect_refused(c, DType::Float32, {.algorithm = Direct, .max_workspace = 100},
                 "max_workspace is 100 bytes and algorithm Direct needs ");
  expect_refused(c, DType::Float32, {.max_workspace = -1}, "max_workspace must not be negative, got -1");
  const ConvExplanation none = explain_case(c, DType::Float32, {.algorithm = Definition, .max_workspace = 0});
  EXPECT_EQ(none.workspace, 0);
  EXPECT_EQ(none.algorithm, Definition);
}

// A derivative keeps the cap of its call.
TEST(ConvWorkspace, BindsDerivatives) {
  const ConvCase c = case_of(named_problem("r64_56"), true, 1);
  ConvOptions options = c.options();
  options.algorithm = Definition;
  options.max_workspace = 0;
  options.window_strides = 7;  // so that the definition does not take long
  const Vjp vjp = cotangent::vjp([&](const Tensor& r) { return conv_general_dilated(ones(c.lhs), r, options); },
                                 Tensors{ones(c.rhs)});
  expect_error([&] { vjp.pullback(vjp.value); }, "max_workspace is 0 bytes and the least that an algorithm needs is ");
}

}  // namespace
}  // namespace cotangent::testing
