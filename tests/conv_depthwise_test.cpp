// The depthwise algorithm against the definition: every window and layout that its loops tell apart. Data are small
// integers, so that results are exact whatever the order of summation.
#include <gtest/gtest.h>

#include <random>

#include "conv_reference.h"
#include "cotangent/ops/kernels/conv_depthwise_blocks.h"
#include "cotangent/ops/kernels/conv_depthwise_plan.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

using Generator = std::mt19937_64;

std::int64_t pick(Generator& generator, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(high - low + 1));
}

template <class... Choices>
std::int64_t one_of(Generator& generator, Choices... choices) {
  const std::vector<std::int64_t> all{static_cast<std::int64_t>(choices)...};
  return all[static_cast<std::size_t>(generator() % all.size())];
}

// Where batch (0), features (1) and the spatial axes lie.
std::vector<int> spec(Generator& generator, std::size_t rank, std::int64_t layout) {
  std::vector<int> result(rank);
  for (std::size_t j = 0; j < rank; ++j) result[j] = static_cast<int>(j);
  if (layout == 0) return result;  // channels first
  if (layout == 1) {               // channels last
    result[1] = static_cast<int>(rank) - 1;
    for (std::size_t j = 2; j < rank; ++j) result[j] = static_cast<int>(j) - 1;
    return result;
  }
  for (std::size_t i = rank; i > 1; --i)
    std::swap(result[i - 1], result[static_cast<std::size_t>(pick(generator, 0, static_cast<std::int64_t>(i) - 1))]);
  return result;
}

void set(Shape& shape, int axis, std::int64_t value) { shape[static_cast<std::size_t>(axis)] = value; }

// A layer as networks have it, but with every option: few features in many groups. `layout`: 0 first, 1 last, 2 any.
ConvCase random_layer(Generator& generator, std::int64_t layout) {
  ConvCase c;
  const auto n = static_cast<std::size_t>(one_of(generator, 0, 1, 2, 2, 2, 2, 2, 2, 3));
  const std::int64_t most = std::array{0, 70, 30, 8}[n];
  c.numbers = {spec(generator, n + 2, layout), spec(generator, n + 2, layout), spec(generator, n + 2, layout)};
  c.feature_groups = one_of(generator, 1, 3, 8, 9, 16, 17, 32, 40, 67, 128);
  const std::int64_t multiplier = one_of(generator, 1, 1, 1, 1, 2, 3), features = one_of(generator, 1, 1, 1, 1, 2, 3);
  c.lhs = Shape(std::vector<std::int64_t>(n + 2));
  c.rhs = c.lhs;
  set(c.lhs, c.numbers.lhs_spec[0], pick(generator, 1, 3));
  set(c.lhs, c.numbers.lhs_spec[1], c.feature_groups * features);
  set(c.rhs, c.numbers.rhs_spec[0], c.feature_groups * multiplier);
  set(c.rhs, c.numbers.rhs_spec[1], features);
  const bool common = pick(generator, 0, 1) == 0;  // 3 x 3, and only padding varies
  for (std::size_t d = 0; d < n; ++d) {
    const std::int64_t in = pick(generator, 1, most);
    const std::int64_t k = common ? 3 : one_of(generator, 1, 2, 3, 3, 4, 5, 7, 13);
    set(c.lhs, c.numbers.lhs_spec[d + 2], in);
    set(c.rhs, c.numbers.rhs_spec[d + 2], k);
    c.strides.push_back(common ? 1 : one_of(generator, 1, 1, 2, 3));
    c.rhs_dilation.push_back(common ? 1 : one_of(generator, 1, 1, 2, 3));
    c.lhs_dilation.push_back(common ? 1 : one_of(generator, 1, 1, 1, 2, 3));
    const std::int64_t low = pick(generator, -3, 4), reach = (k - 1) * c.rhs_dilation[d] + 1;
    const std::int64_t dilated = (in - 1) * c.lhs_dilation[d] + 1;
    c.pads.emplace_back(low, std::max(pick(generator, -3, 4), reach - dilated - low));  // at least one output
  }
  return c;
}

template <class T>
void expect_definition(const ConvCase& c, std::uint64_t seed) {
  SCOPED_TRACE(to_string(c));
  const Tensor lhs = whole_numbers(c.lhs, dtype_of<T>(), seed), rhs = whole_numbers(c.rhs, dtype_of<T>(), seed + 1);
  ASSERT_EQ(values(solve<T>(c, kernels::convolve_depthwise<T>, lhs, rhs)),
            values(solve<T>(c, kernels::convolve_by_definition<T>, lhs, rhs)));
}

class ConvDepthwise : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(ConvDepthwise, EqualsTheDefinition) {
  Generator generator(100 + static_cast<std::uint64_t>(GetParam()));
  for (int run = 0; run < 250; ++run) {
    const ConvCase c = random_layer(generator, GetParam());
    if (run % 2 == 0) ASSERT_NO_FATAL_FAILURE(expect_definition<float>(c, generator()));
    else ASSERT_NO_FATAL_FAILURE(expect_definition<double>(c, generator()));
  }
}

TEST_P(ConvDepthwise, EqualsTheDefinitionAsWeightGradient) {
  Generator generator(200 + static_cast<std::uint64_t>(GetParam()));
  for (int run = 0; run < 250; ++run) {
    const ConvCase c = weight_gradient(random_layer(generator, GetParam()));
    if (run % 2 == 0) ASSERT_NO_FATAL_FAILURE(expect_definition<float>(c, generator()));
    else ASSERT_NO_FATAL_FAILURE(expect_definition<double>(c, generator()));
  }
}

TEST_P(ConvDepthwise, HasTheSameBitsForAnyNumberOfThreads) {
  Generator generator(300 + static_cast<std::uint64_t>(GetParam()));
  const int threads = num_threads();
  for (int run = 0; run < 40; ++run) {
    ConvCase c = random_layer(generator, GetParam());
    if (run % 2 == 0) c = weight_gradient(c);
    SCOPED_TRACE(to_string(c));
    const Tensor lhs = sample(c.lhs, -1, 1, generator()).to(DType::Float32),
                 rhs = sample(c.rhs, -1, 1, generator()).to(DType::Float32);
    set_num_threads(1);
    const Values expected = values(solve<float>(c, kernels::convolve_depthwise<float>, lhs, rhs));
    for (int count : {2, 3}) {
      set_num_threads(count);
      EXPECT_EQ(values(solve<float>(c, kernels::convolve_depthwise<float>, lhs, rhs)), expected) << count;
    }
  }
  set_num_threads(threads);
}

// Batch entries that take turns in memory are written by several threads at the same time, next to each other.
TEST(ConvDepthwise, WritesNothingThatAnotherThreadMayBeWriting) {
  const ConvCase c = plain({1, 2, 40}, {3, 1, 5}, {"CNW", "OIW", "CWN"});
  const Tensor lhs = whole_numbers(c.lhs, DType::Float32, 1), rhs = whole_numbers(c.rhs, DType::Float32, 2);
  const Values expected = reference_conv(c, values(lhs), values(rhs));
  const int threads = num_threads();
  set_num_threads(2);
  int wrong = 0;
  for (int run = 0; run < 50000; ++run)
    wrong += values(solve<float>(c, kernels::convolve_depthwise<float>, lhs, rhs)) != expected;
  set_num_threads(threads);
  EXPECT_EQ(wrong, 0);
}

std::string layout_name(const ::testing::TestParamInfo<std::int64_t>& info) {
  return std::array{"ChannelsFirst", "ChannelsLast", "AnyLayout"}[static_cast<std::size_t>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Layouts, ConvDepthwise, ::testing::Values(0, 1, 2), layout_name);

// Operands above the size from which rows are fetched ahead, beyond the borders of an image too.
TEST(ConvDepthwise, LargeTensorsEqualTheDefinition) {
  const Letters last{"NHWC", "HWIO", "NHWC"};
  for (const std::int64_t k : {3, 5}) {
    ConvCase c = padded(feature_groups(plain({9, 31, 33, 128}, {k, k, 1, 128}, last), 128), {{1, 1}, {1, 1}});
    if (k == 5) c = strided(c, {2, 2});
    ASSERT_NO_FATAL_FAILURE(expect_definition<float>(c, 1));
    ASSERT_NO_FATAL_FAILURE(expect_definition<float>(weight_gradient(c), 2));
  }
}

// Groups whose features take turns in memory, or have planes of their own: with as many pairs of them as there may be.
TEST(ConvDepthwise, GroupsOfFewFeaturesEqualTheDefinition) {
  Generator generator(500);
  for (int run = 0; run < 48; ++run) {
    const std::int64_t groups = one_of(generator, 16, 19, 32, 40), in = one_of(generator, 2, 3, 4, 8),
                       out = one_of(generator, 1, 2, 4, 8), k = one_of(generator, 1, 3, 4);
    const bool last = run % 2 == 0;
    const std::int64_t rows = pick(generator, 4, 20), columns = pick(generator, 4, 20);
    ConvCase c = last ? plain({2, rows, columns, groups * in}, {k, k, in, groups * out}, {"NHWC", "HWIO", "NHWC"})
                      : plain({2, groups * in, rows, columns}, {groups * out, in, k, k}, {"NCHW", "OIHW", "NCHW"});
    c = feature_groups(c, groups);
    c.strides = {one_of(generator, 1, 2), one_of(generator, 1, 2)};
    c.lhs_dilation = {run % 3 == 0 ? 2 : 1, run % 4 == 0 ? 2 : 1};
    c.pads = {{pick(generator, -1, 3), pick(generator, 0, 3)}, {pick(generator, 0, 3), pick(generator, -1, 3)}};
    for (const ConvCase& direction : {c, weight_gradient(c)}) {
      ASSERT_NO_FATAL_FAILURE(expect_definition<float>(direction, generator()));
      ASSERT_NO_FATAL_FAILURE(expect_definition<double>(direction, generator()));
    }
  }
}

// Planes so large that pieces of their channels are cut into bands of rows.
TEST(ConvDepthwise, BandsOfPlanesEqualTheDefinition) {
  Generator generator(400);
  for (int run = 0; run < 12; ++run) {
    const std::int64_t groups = one_of(generator, 16, 20, 37), k = one_of(generator, 2, 3, 4, 5);
    const Shape lhs({1, groups, pick(generator, 80, 100), pick(generator, 80, 100)}), rhs({groups, 1, k, k});
    ConvCase c = feature_groups(plain(lhs, rhs, {"NCHW", "OIHW", "NCHW"}), groups);
    c.strides = {one_of(generator, 1, 2, 3), one_of(generator, 1, 2)};
    c.rhs_dilation = {one_of(generator, 1, 2, 5), one_of(generator, 1, 3)};
    c.lhs_dilation = {run % 3 == 0 ? 2 : 1, run % 4 == 0 ? 3 : 1};
    c.pads = {{pick(generator, -3, 9), pick(generator, -3, 9)}, {pick(generator, -3, 4), pick(generator, -3, 4)}};
    for (const ConvCase& direction : {c, weight_gradient(c)}) {
      EXPECT_GT(kernels::DepthwiseBlocks(problem_of(direction), 4).band_count(), 1) << to_string(direction);
      ASSERT_NO_FATAL_FAILURE(expect_definition<float>(direction, generator()));
      ASSERT_NO_FATAL_FAILURE(expect_definition<double>(direction, generator()));
    }
  }
}

// Windows around the pixels of planes, with all of their padding, some or more than it, and pictures of few channels.
TEST(ConvDepthwise, PlanesEqualTheDefinition) {
  Generator generator(500);
  int served = 0;
  for (int run = 0; run < 120; ++run) {
    const bool last = run % 4 == 3;
    const std::int64_t groups = last ? one_of(generator, 2, 3) : one_of(generator, 1, 3, 20, 40),
                       k = one_of(generator, 3, 5, run % 2 == 0 ? 7 : 3), most = run % 10 == 0 ? 120 : 30,
                       h = pick(generator, k, most), w = pick(generator, k, most), n = one_of(generator, 1, 2, 5);
    ConvCase c =
        last ? plain({n, h, w, groups}, {k, k, 1, groups}, {"NHWC", "HWIO", "NHWC"})
             : plain({n, groups, h, w}, {groups * one_of(generator, 1, 1, 2), 1, k, k}, {"NCHW", "OIHW", "NCHW"});
    c.feature_groups = groups;
    if (run % 3 == 0) c.pads = {{k / 2, k / 2}, {k / 2, k / 2}};
    else
      c.pads = {{pick(generator, 0, k - 1), pick(generator, 0, k - 1)},
                {pick(generator, 0, k - 1), pick(generator, 0, k - 1)}};
    for (const ConvCase& direction : {c, weight_gradient(c)}) {
      served += kernels::planes_serve(problem_of(direction), 4);
      ASSERT_NO_FATAL_FAILURE(expect_definition<float>(direction, generator()));
      ASSERT_NO_FATAL_FAILURE(expect_definition<double>(direction, generator()));
    }
  }
  EXPECT_GT(served, 200);  // the sums of some gradients are not long
}

kernels::ConvCost cost_of(const ConvCase& c) { return kernels::depthwise_cost(problem_of(c), 4); }

TEST(ConvDepthwise, CostCountsProducts) {
  const ConvCase c = feature_groups(plain({2, 10, 12, 32}, {3, 3, 1, 32}, {"NHWC", "HWIO", "NHWC"}), 32);
  EXPECT_EQ(cost_of(c).refusal, "");
  EXPECT_EQ(cost_of(c).multiply_adds, 2 * 8 * 10 * 32 * 9);
  EXPECT_EQ(cost_of(c).workspace, 32 * 4);  // a pixel of zeros, for the border
}

// Of whole vectors, and of pixels of a row that have no window: lines of 12 have 10.
TEST(ConvDepthwise, CostCountsPixelsBesideWindowsOfPlanes) {
  const kernels::ConvCost cost =
      cost_of(feature_groups(plain({2, 3, 10, 12}, {3, 1, 3, 3}, {"NCHW", "OIHW", "NCHW"}), 3));
  const std::int64_t lanes = kernels::depthwise_lanes(4), pixels = (8 * 12 + lanes - 1) / lanes * lanes;
  EXPECT_EQ(cost.multiply_adds, 2 * 3 * 9 * pixels) << cost.products;
}

TEST(ConvDepthwise, CostRefusesWhatOthersDoBetter) {
  const Letters last{"NHWC", "HWIO", "NHWC"};
  EXPECT_EQ(cost_of(plain({32, 10, 12, 16}, {3, 3, 16, 8}, last)).refusal,
            "groups have 8 x 16 features, more than 64 products");
  EXPECT_EQ(cost_of(feature_groups(plain({2, 10, 12, 4}, {4, 4, 1, 4}, last), 4)).refusal,
            "4 groups fill no vector, and rows of pixels are not adjacent");
}

}  // namespace
}  // namespace cotangent::testing
