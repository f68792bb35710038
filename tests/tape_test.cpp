// Tests of the tape: what is recorded, kept, computed and freed.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;

// The product of two tensors of one shape, which counts how often each cotangent is asked for.
class CountingProduct final : public Primitive {
 public:
  static inline int asked[2] = {0, 0};
  std::string_view name() const override { return "counting_product"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override { output = inputs[0] * inputs[1]; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    ++asked[which];
    return g * inputs[1 - which];
  }
};

Tensor product(const Tensor& a, const Tensor& b) { return run<CountingProduct>({a, b}); }

class Tape : public ::testing::Test {
 protected:
  void SetUp() override { CountingProduct::asked[0] = CountingProduct::asked[1] = 0; }
  const Tensor x = full({2}, 3.0), w = full({2}, 5.0);
};

TEST_F(Tape, AsksOnlyForCotangentsThatMatter) {
  const Tensor dw = grad([&](const Tensor& v) { return sum(product(x, v)); })(w);
  EXPECT_EQ(dw.data<float>()[0], 3);
  EXPECT_EQ(CountingProduct::asked[0], 0);
  EXPECT_EQ(CountingProduct::asked[1], 1);
}

// The gradient with respect to w of a slope with respect to a constant x: the backward pass of the outer transform
// must not run down to x once more.
TEST_F(Tape, ForgetsTheNamesOfFinishedTransforms) {
  const auto penalty = [&](const Tensor& v) {
    const Tensor slope = grad([&](const Tensor& u) { return sum(product(u, v * v)); })(x);
    return sum(slope * slope);
  };
  const Tensor dw = grad(penalty)(w);
  EXPECT_EQ(dw.data<float>()[0], 4 * 5 * 5 * 5);
  EXPECT_EQ(CountingProduct::asked[0], 1);
  EXPECT_EQ(CountingProduct::asked[1], 0);
}

// Of the two cotangents of v one is a constant to the outer transform, and the other is not: whichever comes first.
TEST_F(Tape, KeepsTheHistoryOfEitherCotangent) {
  const auto constant_first = [](const Tensor& v) {
    const Tensor square = v * v;
    return sum(square + 3.0 * v);
  };
  const auto constant_last = [](const Tensor& v) {
    const Tensor triple = 3.0 * v;
    return sum(triple + v * v);
  };
  const auto slopes = [&](const auto& f) { return grad([&](const Tensor& v) { return sum(grad(f)(v)); })(w); };
  EXPECT_EQ(sum(slopes(constant_first)).item<float>(), 2 * 2);
  EXPECT_EQ(sum(slopes(constant_last)).item<float>(), 2 * 2);
}

TEST_F(Tape, SkipsWhatDoesNotReachTheResult) {
  const auto f = [&](const Tensor& v) {
    product(v, v);
    return sum(v);
  };
  grad(f)(w);
  EXPECT_EQ(CountingProduct::asked[0] + CountingProduct::asked[1], 0);
}

class BadRule final : public Primitive {
 public:
  std::string_view name() const override { return "bad_rule"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override { output = inputs[0]; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override { return reshape(g, {2, 1}); }
};

TEST_F(Tape, NamesThePrimitiveWhoseRuleIsWrong) {
  expect_error([&] { grad([](const Tensor& v) { return sum(run<BadRule>({v})); })(x); },
               "bad_rule: its vjp returned Float32 (2, 1) as the cotangent of input 0, which is Float32 (2,)");
}

class Forgetful final : public Primitive {
 public:
  std::string_view name() const override { return "forgetful"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override { output = inputs[0]; }
  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return g * inputs[0];
  }
};

TEST_F(Tape, SaysSoWhenARuleReadsWhatWasNotSaved) {
  expect_error([&] { grad([](const Tensor& v) { return sum(run<Forgetful>({v})); })(x); }, "saves()");
}

TEST_F(Tape, DifferentiatesAndFreesALongChainWithoutRecursion) {
  const std::size_t before = memory_use().live;
  Tensor kept;
  const Function negations = [&](Tensor v) {
    for (int i = 0; i < 1'000'000; ++i) v = -v;
    kept = v;
    return sum(v);
  };
  {
    const Tensor gradient = grad(negations)(x);
    EXPECT_EQ(gradient.data<float>()[0], 1);
  }
  std::thread([&] { kept = Tensor(); }).join();  // also by a thread that made none of it
  EXPECT_EQ(memory_use().live, before);
}

// Inputs of every age, of which each node is found again: the sums of all earlier values double from step to step.
TEST_F(Tape, FindsTheNodesOfInputsOfAnyAge) {
  const auto f = [](const Tensor& v) {
    Tensors all{v};
    for (int i = 0; i < 12; ++i) {
      Tensor next = all[0];
      for (std::size_t k = 1; k < all.size(); ++k) next = next + all[k];
      all.push_back(i % 2 == 0 ? next : next.to(DType::Float64).to(DType::Float32));
    }
    return sum(all.back());
  };
  const Tensor gradient = grad(f)(x);
  EXPECT_EQ(gradient.data<float>()[0], 1 << 11);
}

// A pullback may be called by several threads at once: a sweep keeps nothing in the nodes.
TEST_F(Tape, IsSweptByManyThreads) {
  const Vjp recorded = vjp(
      [](Tensor v) {
        for (int i = 0; i < 1000; ++i) v = i % 2 == 0 ? v + v : 0.5 * v;
        return v;
      },
      {x});
  std::vector<Tensors> cotangents(4);
  std::vector<std::thread> threads;
  for (std::size_t id = 0; id < cotangents.size(); ++id)
    threads.emplace_back([&, id] { cotangents[id] = recorded.pullback(full({2}, static_cast<double>(id))); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t id = 0; id < cotangents.size(); ++id)
    EXPECT_EQ(cotangents[id][0].data<float>()[1], static_cast<float>(id));
}

// Additions keep no activation, and the outermost backward pass lets go of each one when it has been used.
TEST_F(Tape, KeepsNoMoreMemoryThanDerivativesNeed) {
  constexpr std::int64_t kCount = 1 << 18;
  const Tensor big = ones({kCount});
  const auto peak_in_tensors = [&](const Function& f) {
    const std::size_t before = memory_use().live;
    reset_peak_memory();
    grad(f)(big);
    return static_cast<double>(memory_use().peak - before) / (kCount * sizeof(float));
  };
  EXPECT_LT(peak_in_tensors([](Tensor v) {
              for (int i = 0; i < 20; ++i) v = v + v;
              return sum(v);
            }),
            5);
  const auto multiplications = [](Tensor v) {
    for (int i = 0; i < 20; ++i) v = tanh(v);
    return sum(v);
  };
  EXPECT_GT(peak_in_tensors(multiplications), 19);
  EXPECT_LT(peak_in_tensors(multiplications), 25);
}

}  // namespace
}  // namespace cotangent
