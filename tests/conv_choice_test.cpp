// The choice of an algorithm for a convolution.
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <stdexcept>

#include "cotangent/core/isa.h"
#include "cotangent/ops/kernels/product.h"
#include "named_convs.h"
#include "temporary_folder.h"

namespace cotangent::testing {
namespace {

using enum ConvAlgorithm;

const Letters kLast{"NHWC", "HWIO", "NHWC"};

// True if small matrices are multiplied where they lie.
bool unpacked_products() { return isa() == Isa::V4 && kernels::product_library() == kernels::ProductLibrary::OpenBlas; }

// A named problem, and what computes it and its gradients with respect to the input and the weight.
struct Choice {
  const char* name;
  std::array<ConvAlgorithm, 3> last, first;  // channels last, channels first

  Choice(const char* problem, const std::array<ConvAlgorithm, 3>& both) : Choice(problem, both, both) {}
  Choice(const char* problem, const std::array<ConvAlgorithm, 3>& channels_last,
         const std::array<ConvAlgorithm, 3>& channels_first)
      : name(problem), last(channels_last), first(channels_first) {}
};
void PrintTo(const Choice& choice, std::ostream* out) { *out << choice.name; }

class ConvChoice : public ::testing::TestWithParam<Choice> {};

TEST_P(ConvChoice, IsTheExpectedOne) {
  for (const bool last : {true, false}) {
    const std::vector<ConvCase> cases = directions(case_of(named_problem(GetParam().name), last));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const ConvExplanation e = explain_case(cases[i]);
      EXPECT_EQ(name(e.algorithm), name((last ? GetParam().last : GetParam().first)[i])) << to_string(cases[i]) << "\n"
                                                                                         << to_string(e);
      EXPECT_NE(e.products, "");
      EXPECT_NE(e.reason, "");
      EXPECT_GE(e.phases, 1);
      EXPECT_GT(e.useful_multiply_adds, 0);
      EXPECT_GT(e.executed_multiply_adds, 0);
      EXPECT_GT(e.seconds, 0);
      EXPECT_EQ(e.alternatives.size(), std::size(kAllAlgorithms) - 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Named, ConvChoice,
    ::testing::Values(
        Choice{"r64_56", {Winograd, Winograd, Winograd}}, Choice{"r64_32_b32", {Winograd, Winograd, Winograd}},
        Choice{"r128_28", {Winograd, Winograd, Winograd}}, Choice{"p1x1_64_256", {Direct, Direct, LongSum}},
        Choice{"p1x1_1024_256", {Direct, Direct, LongSum}}, Choice{"c1d_64_k9", {Winograd, Winograd, Winograd}},
        Choice{"c1d_128_k3", {Winograd, Winograd, Winograd}},
        Choice{"c1d_64_k2_d8", {Winograd, Winograd, Winograd}, {Direct, Direct, LongSum}},
        Choice{"c1d_1_32_k7", {Direct, Direct, LongSum}, {FewFeatures, FewFeatures, LongSum}},
        Choice{"stem7x7", {Winograd, FewFeatures, Winograd}},
        Choice{"cifar_first", {Direct, FewFeatures, LongSum}, {FewFeatures, FewFeatures, LongSum}},
        Choice{"mnist5x5", {Direct, Direct, LongSum}, {FewFeatures, Direct, LongSum}},
        Choice{"t64_3_32", {FewFeatures, Direct, LongSum}, {FewFeatures, FewFeatures, LongSum}},
        Choice{"t256_128_8", {Winograd, Winograd, Winograd}},
        Choice{"r512_7_b1", {Direct, Direct, Direct}, {Direct, Direct, LongSum}},
        Choice{"dec_100_256", {LongSum, Direct, LongSum}}, Choice{"c3d_32_16", {Winograd, Winograd, Winograd}},
        Choice{"dw128_28", {Depthwise, Depthwise, Depthwise}}, Choice{"long_1_64k_k1025", {Fft, Fft, Fft}},
        Choice{"long_8_16k_k255", {Fft, Fft, Fft}}, Choice{"long_64_4k_k65", {Fft, Fft, Fft}},
        Choice{"long_dw64_4k_k511", {Fft, Fft, Fft}}, Choice{"long_1_256_k31", {Fft, Fft, Fft}},
        Choice{"long_8_256_k15", {Fft, Fft, Fft}}),
    [](const auto& choice) { return std::string(choice.param.name); });

TEST(ConvChoiceRules, ALongDepthwiseKernelMustBeLongerThanOthersToBeTransformed) {
  const auto choice = [](std::int64_t kernel) {
    const Letters letters{"NWC", "WIO", "NWC"};
    return explain_case(feature_groups(plain({4, 4096, 64}, {kernel, 1, 64}, letters), 64)).algorithm;
  };
  EXPECT_EQ(choice(127), Depthwise);
  EXPECT_EQ(choice(511), Fft);
}

// With planes, depthwise kernels pass over a row once for each pair of features.
TEST(ConvChoiceRules, DepthwiseKernelsForRowsServeFewPairsOfFeatures) {
  EXPECT_EQ(explain_case(same({8, 32, 28, 28}, {64, 1, 3, 3}, 32)).algorithm, Depthwise);
  EXPECT_EQ(explain_case(same({1, 128, 28, 28}, {8, 32, 3, 3}, 4)).algorithm, FewFeatures);
  const ConvOptions exact{.precision = Precision::Highest};
  EXPECT_EQ(explain_case(same({1, 128, 28, 28}, {48, 32, 3, 3}, 4), DType::Float32, exact).algorithm, Direct);
  EXPECT_EQ(explain_case(directions(same({8, 128, 28, 28}, {16, 32, 3, 3}, 4))[2]).algorithm, LongSum);
}

// As in ResNeXt, whose groups have four or eight features: vectors of channels are full of groups.
TEST(ConvChoiceRules, ManyGroupsOfFewFeaturesAreDepthwise) {
  const auto choice = [](const char* problem, bool last, std::size_t direction = 0) {
    const bench::ConvProblem p = bench::parse_problem("groups", "", problem);
    return explain_case(directions(case_of(p, last))[direction]).algorithm;
  };
  for (const char* problem : {"n8 c128 o128 i28x28 k3 p1 g32", "n8 c128 o128 i28x28 k3 s2 p1 g32",
                              "n8 c256 o256 i14x14 k3 p1 g32", "n8 c64 o64 i28x28 k3 p1 g16"})
    for (const bool last : {true, false})
      for (const std::size_t direction : {0, 1}) EXPECT_EQ(choice(problem, last, direction), Depthwise) << problem;
  for (const bool last : {true, false}) {
    EXPECT_NE(choice("n8 c512 o512 i14x14 k3 p1 g32", last), Depthwise);  // too many features
    EXPECT_NE(choice("n8 c60 o60 i28x28 k3 p1 g15", last), Depthwise);    // too few groups
  }
  EXPECT_NE(choice("n8 c128 o128 i28x28 k3 p1 g16", false), Depthwise);
  EXPECT_EQ(choice("n8 c128 o128 i28x28 k3 p1 g16", true), Depthwise);
  EXPECT_NE(choice("n8 c72 o72 i28x28 k3 p1 g18", false), Depthwise);     // which leave vectors empty ...
  EXPECT_EQ(choice("n8 c72 o72 i28x28 k3 s2 p1 g18", false), Depthwise);  // ... as pixels with a stride do, too
}

TEST(ConvChoiceRules, AFilterOfOneChannelIsDepthwise) {
  for (const ConvCase& c : directions(same({8, 1, 64, 64}, {1, 1, 5, 5}, 1)))
    EXPECT_EQ(explain_case(c).algorithm, Depthwise) << to_string(c);
  EXPECT_EQ(explain_case(same({8, 1, 64, 64}, {16, 1, 5, 5}, 1)).algorithm, FewFeatures);
}

TEST(ConvChoiceRules, APictureSmallerThanItsKernelIsALongSum) {
  EXPECT_EQ(explain_case(same({64, 4, 4, 4}, {4, 1, 9, 9}, 4)).algorithm, LongSum);
  EXPECT_EQ(explain_case(same({8, 1, 4, 4}, {1, 1, 9, 9}, 1)).algorithm, LongSum);
  const std::vector<ConvCase> as_large = directions(same({32, 16, 7, 7}, {16, 1, 7, 7}, 16));
  EXPECT_EQ(explain_case(as_large[0]).algorithm, LongSum);
  EXPECT_EQ(explain_case(as_large[1]).algorithm, LongSum);
}

TEST(ConvChoiceRules, FewPositionsFillNoVectors) {
  const bench::ConvProblem signals = bench::parse_problem("signals", "", "n64 c4 o12 i12 k5 s2 p2");
  EXPECT_EQ(name(explain_case(directions(case_of(signals))[1]).algorithm), "Direct");
}

TEST(ConvChoiceRules, TheKernelGradientOfASinglePictureIsALongSumIfItsSumsAreFew) {
  const auto choice = [](std::int64_t in, std::int64_t out) {
    const ConvCase c = padded(plain({1, 7, 7, in}, {3, 3, in, out}, kLast), {{1, 1}, {1, 1}});
    return explain_case(directions(c)[2], DType::Float32, {.precision = Precision::Highest}).algorithm;
  };
  EXPECT_EQ(choice(64, 64), LongSum);
  EXPECT_EQ(choice(256, 128), Direct);
}

// OpenBLAS multiplies few rows and columns without packing them, where it has kernels of AVX-512.
TEST(ConvChoiceRules, ThinMatricesAreMultipliedWhereTheyLie) {
  const bool wide = unpacked_products();
  const auto expect = [](const ConvCase& c, ConvAlgorithm algorithm) {
    EXPECT_EQ(name(explain_case(c).algorithm), name(algorithm)) << to_string(c);
  };
  for (const bool last : {true, false}) {
    const std::vector<ConvCase> bottleneck = directions(case_of(named_problem("p1x1_16_24"), last));
    expect(bottleneck[0], wide || !last ? Im2col : Direct);
    expect(bottleneck[1], wide || !last ? Im2col : Direct);
    expect(bottleneck[2], wide ? Im2col : LongSum);
    expect(directions(case_of(named_problem("head_64_1"), last))[0], Im2col);
    expect(directions(case_of(named_problem("head_64_3"), last))[2], wide && !last ? Im2col : LongSum);
    expect(directions(case_of(named_problem("p1x1_1_32"), last))[2], wide && last ? Im2col : LongSum);
    const std::vector<ConvCase> critic = directions(case_of(named_problem("critic_256_1"), last));
    expect(critic[0], Im2col);
    expect(critic[2], Im2col);
  }
  EXPECT_EQ(explain_case(directions(same({8, 64, 56, 56}, {64, 64, 1, 1}, 1))[2]).algorithm, LongSum);
  EXPECT_EQ(explain_case(plain({8, 28, 28, 64}, {1, 1, 64, 64}, kLast)).algorithm, Direct);
  EXPECT_EQ(explain_case(plain({8, 28, 28, 128}, {1, 1, 128, 32}, kLast)).algorithm, Direct);
  EXPECT_EQ(explain_case(same({8, 128, 28, 28}, {32, 128, 1, 1}, 1)).algorithm, Direct);
}

// Of kernels nearly as large as the picture, of which no product is in place.
TEST(ConvChoiceRules, TheGradientOfALargeKernelIsALongSumOrWinograds) {
  const auto choice = [](const char* text, bool last = true) {
    return name(explain_case(directions(case_of(bench::parse_problem("large", "", text), last))[2]).algorithm);
  };
  EXPECT_EQ(choice("n8 c128 o1 i8x8 k5"), "LongSum");
  EXPECT_EQ(choice("n64 c128 o1 i8x8 k5"), "LongSum");
  EXPECT_EQ(choice("n8 c128 o1 i8x8 k5", false), "LongSum");
  EXPECT_EQ(choice("n64 c128 o1 i8x8 k5", false), "Direct");
  EXPECT_EQ(choice("n8 c128 o32 i8x8 k5"), "Winograd");
  EXPECT_EQ(choice("n8 c32 o32 i16x16 k4"), "Winograd");
  const ConvCase exact = directions(case_of(bench::parse_problem("large", "", "n8 c128 o32 i8x8 k5")))[2];
  EXPECT_EQ(explain_case(exact, DType::Float32, {.precision = Precision::Highest}).algorithm, LongSum);
}

TEST(ConvChoiceRules, LayersOfTheListAreProblems) {
  const std::vector<bench::ConvProblem> layers = bench::read_problems(COTANGENT_SOURCE_DIR "/bench/layers.txt");
  EXPECT_GE(layers.size(), 50u);
  for (const bench::ConvProblem& layer : layers)
    for (const bool last : {true, false})
      for (const ConvCase& c : directions(case_of(layer, last)))
        EXPECT_NE(explain_case(c).algorithm, Definition) << layer.name << " " << to_string(c);

  const TemporaryFolder folder;
  const auto message = [&](const std::string& text) -> std::string {
    std::ofstream(folder / "list") << text;
    try {
      bench::read_problems(folder / "list");
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(message("# a list\n\nfirst n2 c3 o4 i5 k3\n"), "none");
  for (const char* text :
       {"# a list\nbad q7", "# a list\nbad n2 i8 kx", "# a list\nbad n2", "# a list\nbad i8x8 k3 p0x1"})
    EXPECT_NE(message(text).find("list:2: 'bad "), std::string::npos) << message(text);
  EXPECT_THROW(bench::read_problems(folder / "none"), std::invalid_argument);
}

TEST(ConvChoiceRules, AKernelGradientOfFewFeaturesIsNotSplitIntoPhases) {
  for (const bool last : {true, false})
    EXPECT_EQ(explain_case(directions(case_of(named_problem("t64_3_32"), last))[2]).phases, 1);
}

// Of pictures of 16 x 16 and of 4 x 4: tiles of 4 x 4 pixels, each with 25 products for every phase of 2 x 2.
TEST(ConvChoiceRules, KernelGradientsOfDecodersSeePhasesOfTheCotangent) {
  const ConvExplanation large = explain_case(directions(case_of(named_problem("t128_64_16")))[2]);
  EXPECT_EQ(name(large.algorithm), "Winograd");
  EXPECT_EQ(large.executed_multiply_adds, 32 * 16 * 25 * 4 * 128 * 64);
  const ConvExplanation small = explain_case(directions(case_of(named_problem("dec_256_128")))[2]);
  EXPECT_EQ(name(small.algorithm), "Winograd");
  EXPECT_EQ(small.executed_multiply_adds, 64 * 1 * 25 * 4 * 256 * 128);
}

TEST(ConvChoiceRules, PhasesAreWinogradsOneByOneIfTilesDivideThem) {
  for (const bool last : {true, false}) {
    const ConvExplanation e = explain_case(case_of(named_problem("dec_128_64"), last));
    EXPECT_EQ(name(e.algorithm), "Winograd");
    EXPECT_EQ(e.phases, 4);
    EXPECT_EQ(e.executed_multiply_adds, 4 * 64 * 4 * 25 * 128 * 64);
  }
  // 11 x 11 outputs of each phase are, shifted, 12 x 12, which tiles divide too: phases share them.
  bench::ConvProblem shared = named_problem("dec_128_64");
  shared.spatial = {11, 11};
  EXPECT_EQ(explain_case(case_of(shared)).phases, 1);
}

TEST(ConvChoiceRules, PhasesAreDirectTogetherUnlessMemoryIsShort) {
  for (const bool last : {true, false}) {
    const ConvCase c = directions(case_of(named_problem("r64_56_s2_128"), last))[1];
    const ConvExplanation together = explain_case(c, DType::Float64);
    EXPECT_EQ(cotangent::name(together.algorithm), "Direct");
    EXPECT_EQ(together.phases, 4);
    EXPECT_EQ(together.executed_multiply_adds, together.useful_multiply_adds);
    for (const char* product : {" x 128) x (128 x 64)", " + ", " x 256) x (256 x 64)", " x 512) x (512 x 64)"})
      EXPECT_NE(together.products.find(product), std::string::npos) << together.products;
    const ConvExplanation apart = explain_case(c, DType::Float64, {.max_workspace = together.workspace - 1});
    EXPECT_EQ(apart.phases, 4);
    EXPECT_LT(apart.workspace, together.workspace);
  }
}

TEST(ConvChoiceRules, StridedConvolutionsAreDirect) {
  for (const char* name : {"resnet8_32_s2", "c3d_16_32_s2"})
    EXPECT_EQ(cotangent::name(explain_case(case_of(named_problem(name))).algorithm), "Direct") << name;
}

// Few features of a stride's phases are as many together. Without a stride, or with small windows, they are too few.
TEST(ConvChoiceRules, FirstLayersWithStridesAreWinograds) {
  for (const bool last : {true, false})
    for (const std::size_t direction : {0, 2}) {
      const ConvExplanation e = explain_case(directions(case_of(named_problem("stem7x7"), last))[direction]);
      EXPECT_EQ(name(e.algorithm), "Winograd");
      EXPECT_EQ(e.executed_multiply_adds, 8 * 38 * 38 * 36 * (4 * 3) * 64);  // tiles of 3 x 3, phases of 4 x 4 taps
    }
  EXPECT_EQ(name(explain_case(directions(case_of(named_problem("critic_3_64"), true))[0]).algorithm), "Direct");
  EXPECT_EQ(name(explain_case(directions(case_of(named_problem("critic_3_64"), true))[2]).algorithm), "LongSum");
  EXPECT_EQ(name(explain_case(directions(case_of(named_problem("critic_3_64"), false))[0]).algorithm), "FewFeatures");
}

TEST(ConvChoiceRules, FewFeaturesAreNotMultipliedByTheBorder) {
  const ConvExplanation e = explain_case(directions(case_of(named_problem("lenet5_6_16")))[1]);
  EXPECT_EQ(name(e.algorithm), "FewFeatures");
  EXPECT_EQ(e.executed_multiply_adds, 64 * 10 * 10 * 16 * 5 * 5 * 6);  // every pixel of the cotangent by all weights
  EXPECT_EQ(e.useful_multiply_adds, 64 * 14 * 14 * 16 * 5 * 5 * 6);
}

TEST(ConvChoiceRules, FewFeaturesOnBothSidesAreAnAlgorithmOfTheirOwn) {
  for (const Letters& letters : {kLast, Letters{"NCHW", "HWIO", "NCHW"}}) {
    const Shape lhs = letters.lhs == kLast.lhs ? Shape{32, 32, 32, 12} : Shape{32, 12, 32, 32};
    EXPECT_EQ(name(explain_case(padded(plain(lhs, {3, 3, 12, 2}, letters), {{1, 1}, {1, 1}})).algorithm),
              "FewFeatures");
  }
}

TEST(ConvChoiceRules, FewOutputsWithoutAWindowFillNoVectors) {
  EXPECT_EQ(explain_case(plain({8, 28, 28, 64}, {1, 1, 64, 4}, kLast)).algorithm,
            unpacked_products() ? Im2col : Direct);
  EXPECT_EQ(explain_case(plain({8, 28, 28, 64}, {3, 3, 64, 4}, kLast)).algorithm, FewFeatures);
}

TEST(ConvChoiceRules, TinyProblemsAreLeftToTheDefinition) {
  const ConvCase tiny = plain({2, 20}, {20, 12}, {"NC", "IO", "NC"});
  for (const ConvCase& c : directions(tiny)) EXPECT_EQ(name(explain_case(c).algorithm), "Definition");
}

// Direct fills no vectors with 9 features, and Winograd's way multiplies less. Windows of 9 are squares of 3 x 3, and
// 8 rows of windows of a picture without colours are 8 terms.
TEST(ConvChoiceRules, FewFeaturesMayBeWinograds) {
  const auto choice = [](const char* text, std::size_t direction) {
    return name(explain_case(directions(case_of(bench::parse_problem("few", "", text)))[direction]).algorithm);
  };
  for (const std::size_t direction : {0, 2}) {
    EXPECT_EQ(choice("n8 c32 o9 i33x33 k3 p1", direction), "Winograd");
    EXPECT_EQ(choice("n16 c1 o64 i98x40 k8x20", direction), "Winograd");  // rather than Fft
  }
  EXPECT_EQ(choice("n2 c64 o3 i96x96 k9 p4", 0), "Fft");
  EXPECT_EQ(choice("n32 c64 o3 i28x28 k5 p2", 2), "LongSum");
}

// Float64, and the highest precision, get no products but those of the definition.
TEST(ConvChoiceRules, WinogradIsForDefaultPrecisionInFloat32) {
  for (const bench::ConvProblem& problem : bench::conv_problems())
    for (const ConvCase& c : directions(case_of(problem))) {
      EXPECT_NE(explain_case(c, DType::Float64).algorithm, Winograd) << problem.name;
      EXPECT_NE(explain_case(c, DType::Float32, {.precision = Precision::Highest}).algorithm, Winograd) << problem.name;
    }
  const ConvCase c = case_of(named_problem("r64_56"));
  EXPECT_EQ(explain_case(c, DType::Float32, {.precision = Precision::High}).algorithm, Winograd);
}

// As Winograd, and where windows and outputs both are large, or where few features leave vectors empty.
TEST(ConvChoiceRules, FftIsForLargeWindows) {
  for (const bench::ConvProblem& problem : bench::conv_problems())
    for (const bool last : {true, false})
      for (std::size_t i = 0; i < 3; ++i) {
        const ConvCase c = directions(case_of(problem, last))[i];
        const bool few = i == 1 && problem.name == "lenet_8_16";
        EXPECT_EQ(explain_case(c).algorithm == Fft, few || problem.family == "long") << to_string(c);
        EXPECT_NE(explain_case(c, DType::Float64).algorithm, Fft) << to_string(c);
        EXPECT_NE(explain_case(c, DType::Float32, {.precision = Precision::Highest}).algorithm, Fft) << to_string(c);
      }
  // Windows are as many sums as their residues are.
  const ConvCase c = case_of(named_problem("long_64_4k_k65"));
  EXPECT_EQ(explain_case(spread(c, {1}, {3})).algorithm, Fft);
  EXPECT_EQ(explain_case(strided(c, {2})).algorithm, Fft);
  EXPECT_EQ(explain_case(spread(c, {2}, {1})).algorithm, Fft);
  EXPECT_NE(explain_case(strided(c, {8})).algorithm, Fft);
}

// Products of spectra, and butterflies of transforms.
TEST(ConvChoiceRules, FarWindowsAreLeftToIm2col) {
  constexpr std::int64_t kFar = std::int64_t{1} << 47;
  const Tensor lhs = whole_numbers({40, 1, 1, 64}, DType::Float32, 1),
               rhs = whole_numbers({1, 1, 64, 64}, DType::Float32, 2);
  const ConvOptions near{.dimension_numbers = {"NHWC", "HWIO", "NHWC"}};
  ConvOptions far = near;
  far.window_strides = {kFar, kFar};
  far.rhs_dilation = {kFar, kFar};
  EXPECT_EQ(explain(lhs, rhs, far).algorithm, Im2col);
  EXPECT_EQ(values(conv_general_dilated(lhs, rhs, far)), values(conv_general_dilated(lhs, rhs, near)));
}

}  // namespace
}  // namespace cotangent::testing
