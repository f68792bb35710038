// The museum of convolution bugs: what depends on the run. Memory, threads, sizes, depth, and work that is wasted.
#include <gtest/gtest.h>

#include <limits>

#include "named_convs.h"

namespace cotangent::testing {
namespace {

const Letters kLine{"NCH", "OIH", "NCH"}, kFirst{"NCHW", "OIHW", "NCHW"}, kVolume{"NCDHW", "OIDHW", "NCDHW"};

// Memory that is used next holds NaN.
void poison(std::int64_t elements) {
  for (int i = 0; i < 3; ++i) full({elements}, std::numeric_limits<double>::quiet_NaN(), DType::Float64);
}

// FluxML/NNlib.jl#44: some runs of a dilated convolution were full of NaN; its gradients too.
TEST(MuseumOfRuns, DilationReadsNoStrayMemory) {
  const ConvCase c = spread(plain({1, 1, 128}, {1, 1, 2}, kLine), {1}, {2});
  const Tensor x = reshape(arange(1, 129, 1, DType::Float64), c.lhs), w = ones(c.rhs, DType::Float64);
  Values expected, dx(128, 2);
  for (int i = 1; i <= 126; ++i) expected.push_back(2 * i + 2);
  dx[0] = dx[1] = dx[126] = dx[127] = 1;
  for (int run = 0; run < 10; ++run) {
    for (const std::int64_t elements : {126, 128, 256}) poison(elements);
    const auto [y, pullback] = vjp(c, {x, w});
    EXPECT_EQ(values(y), expected);
    const Tensors both = pullback(ones(y.shape(), DType::Float64));
    EXPECT_EQ(values(both[0]), dx);
    EXPECT_EQ(values(both[1]), Values({127. * 126 / 2, 127. * 126 / 2 + 2 * 126}));
  }
}

// FluxML/NNlib.jl#203: a convolution of zeros was not zero, or NaN.
TEST(MuseumOfRuns, ZerosGiveZeros) {
  for (const std::int64_t features : {10, 20, 30}) {
    const ConvCase c = plain({2, 10, 50, 50}, {features, 10, 4, 4}, kFirst);
    poison(c.lhs.elements() / 2);
    const Tensor y = c(zeros(c.lhs), ones(c.rhs));
    EXPECT_EQ(max(abs(y)).item<float>(), 0);
  }
}

// FluxML/NNlib.jl#763 and Theano/Theano#3715: an empty batch crashed, or left the kernel's gradient as memory was.
TEST(MuseumOfRuns, EmptyBatch) {
  const ConvCase c = plain({0, 5, 6, 8}, {3, 5, 5, 6}, kFirst);
  poison(c.rhs.elements());
  const auto [y, pullback] = vjp(c, {ones(c.lhs, DType::Float64), ones(c.rhs, DType::Float64)});
  EXPECT_EQ(y.shape(), Shape({0, 3, 2, 3}));
  const Tensors both = pullback(ones(y.shape(), DType::Float64));
  EXPECT_EQ(both[0].shape(), c.lhs);
  EXPECT_EQ(values(both[1]), Values(static_cast<std::size_t>(c.rhs.elements()), 0));
}

// pytorch/pytorch#34344 and FluxML/NNlib.jl#197: the kernel's gradient was another one in each run; pytorch#88718 and
// BVLC/caffe#3168: and with each number of threads.
TEST(MuseumOfRuns, SameBitsAlways) {
  const int threads = num_threads();
  for (const ConvCase& c :
       {strided(padded(plain({64, 1, 16, 16, 16}, {1, 1, 1, 1, 1}, kVolume), Pads(3, {1, 1})), {2, 2, 2}),
        plain({8, 3, 20, 20}, {5, 3, 3, 3}, kFirst)}) {
    const Tensor x = random::normal(random::Key(1), c.lhs), w = random::normal(random::Key(2), c.rhs),
                 g = random::normal(random::Key(3), reference_shape(c));
    std::vector<Values> expected;
    for (int run = 0; run < 12; ++run) {
      set_num_threads(1 + run % 3);
      const auto [y, pullback] = vjp(c, {x, w});
      const Tensors both = pullback(g);
      std::vector<Values> got{values(y), values(both[0]), values(both[1])};
      if (run == 0) expected = std::move(got);
      else EXPECT_TRUE(got == expected) << "run " << run;
    }
  }
  set_num_threads(threads);
}

// pytorch/pytorch#96225: wrong gradients from a batch of 65,536 on.
TEST(MuseumOfSizes, LargeBatch) {
  for (const std::int64_t batch : {65535, 65536, 65537}) {
    const Tensor x = ones({batch, 1, 1}), w = ones({1, 1, 1});
    const auto [dx, dw] = grad([](const Tensor& l, const Tensor& r) { return sum(conv(l, r)); })(x, w);
    EXPECT_EQ(min(dx).item<float>(), 1);
    EXPECT_EQ(max(dx).item<float>(), 1);
    EXPECT_EQ(dw.item<float>(), static_cast<float>(batch));
  }
}

// pytorch/pytorch#119677: a gradient that is a long sum drifted; here it is 1/2 for each element.
TEST(MuseumOfSizes, LongSum) {
  const Tensor x = ones({20000, 3, 100}), w = ones({2, 3, 1});
  const Tensor dw = grad([&](const Tensor& kernel) { return mean(conv(x, kernel)); })(w);
  EXPECT_LT(max(abs(dw - 0.5)).item<float>(), 1e-5f);
}

// autodiff/autodiff#314: a derivative of many operations overflowed the stack.
TEST(MuseumOfSizes, DeepChain) {
  const Tensor w = ones({1, 1, 1}, DType::Float64);
  const auto f = [&](Tensor x) {
    for (int i = 0; i < 50000; ++i) x = conv(x, w);
    return sum(x);
  };
  EXPECT_EQ(values(grad(f)(ones({1, 1, 2}, DType::Float64))), Values({1, 1}));
}

// Expects that a layer and its gradients execute the products of the definition alone, or fewer.
void expect_no_waste(const ConvCase& layer) {
  for (const ConvCase& c : directions(layer)) {
    const ConvExplanation e = explain_case(c);
    EXPECT_LE(e.executed_multiply_adds, e.useful_multiply_adds + e.useful_multiply_adds / 8) << to_string(c) << "\n"
                                                                                             << to_string(e);
    EXPECT_NE(e.algorithm, ConvAlgorithm::Definition) << to_string(c);
  }
}

// jax-ml/jax#23783: transposed convolutions multiplied the zeros between elements, in a naive loop.
TEST(MuseumOfWaste, TransposedConvolutions) {
  for (const std::int64_t stride : {2, 4, 8})
    expect_no_waste(spread(padded(plain({4, 32, 256}, {32, 32, 2 * stride}, kLine), {{2 * stride - 1, 2 * stride - 1}}),
                           {stride}, {1}));
}

// jax-ml/jax#31662, openxla/xla#34273 and patrick-kidger/equinox#1259: so did the gradients of their kernels.
TEST(MuseumOfWaste, TransposedConvolutionsInThreeDimensions) {
  expect_no_waste(
      spread(padded(plain({1, 32, 16, 16, 16}, {16, 32, 3, 3, 3}, kVolume), Pads(3, {1, 2})), {2, 2, 2}, {1, 1, 1}));
}

// jax-ml/jax#13800 and #26266: backward passes of grouped and depthwise convolutions were slow.
TEST(MuseumOfWaste, GroupedConvolutions) {
  expect_no_waste(feature_groups(padded(plain({4, 64, 32, 32}, {64, 1, 3, 3}, kFirst), {{1, 1}, {1, 1}}), 64));
  expect_no_waste(feature_groups(padded(plain({4, 64, 32, 32}, {64, 16, 3, 3}, kFirst), {{1, 1}, {1, 1}}), 4));
}

}  // namespace
}  // namespace cotangent::testing
