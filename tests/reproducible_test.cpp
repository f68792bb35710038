// The same seed gives the same bits: for every number of threads, and whatever OpenBLAS and OpenMP are told.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../bench/hash.h"
#include "named_convs.h"

namespace cotangent {
namespace {

// What `compute` returns must have one hash for all numbers of threads.
void expect_same_bits(const std::string& what, const std::function<Tensors()>& compute) {
  const int before = num_threads();
  set_num_threads(1);
  const std::uint64_t expected = bench::hash(compute());
  for (const int count : {2, 3, 8}) {
    set_num_threads(count);
    EXPECT_EQ(bench::hash(compute()), expected) << what << " with " << count << " threads";
  }
  set_num_threads(before);
}

// The same of f(x, w) and its derivatives, on normal numbers.
void expect_same_derivatives(const std::string& what, const Shape& x, const Shape& w,
                             const std::function<Tensor(const Tensor&, const Tensor&)>& f) {
  for (const DType dtype : {DType::Float32, DType::Float64}) {
    const Tensors inputs{random::normal(random::Key(1), x, dtype), random::normal(random::Key(2), w, dtype)};
    expect_same_bits(what, [&] {
      const auto [value, pullback] = vjp([&](const Tensors& in) { return f(in[0], in[1]); }, inputs);
      const Tensors grads = pullback(random::normal(random::Key(3), value.shape(), dtype));
      return Tensors{value, grads[0], grads[1]};
    });
  }
}

TEST(Reproducible, RandomNumbers) {
  using namespace random;
  const Shape shape{301, 257};
  for (const Stream stream : {Stream::Partitionable, Stream::Original}) {
    const Key k(7, stream);
    for (const DType dtype : {DType::Float32, DType::Float64})
      expect_same_bits("floating draws", [&] {
        return Tensors{uniform(k, shape, dtype),     normal(k, shape, dtype), truncated_normal(k, -1, 2, shape, dtype),
                       exponential(k, shape, dtype), gumbel(k, shape, dtype), nn::init::orthogonal(k, {96, 64}, dtype)};
      });
    expect_same_bits("whole draws", [&] {
      const Tensor logits = normal(k, {500, 40}), weights = uniform(k, {5000});
      return Tensors{randint(k, shape, -3, 1000),
                     bernoulli(k, 0.3, shape),
                     permutation(k, 70000),
                     choice(k, 5000, {999}, true),
                     choice(k, 5000, {999}, false),
                     categorical(k, logits),
                     choice(k, 5000, {99}, true, weights),
                     choice(k, 5000, {99}, false, weights)};
    });
    expect_same_bits("bits", [&] {
      return Tensors{Tensor::from_data<std::uint8_t>({100000}, bits<std::uint8_t>(k, 100000)),
                     Tensor::from_data<std::int64_t>({1}, std::vector<std::int64_t>{fold_in(k, 9).words()[0]})};
    });
  }
}

TEST(Reproducible, Reductions) {
  const Shape x{67, 41, 53}, w{1};
  for (const Axes& axes : {Axes(), Axes(0), Axes(1), Axes(2), Axes{0, 2}, Axes{1, 2}}) {
    const auto check = [&](const char* what, const std::function<Tensor(const Tensor&)>& f) {
      expect_same_derivatives(what, x, w, [&](const Tensor& a, const Tensor& b) { return f(a * b); });
    };
    check("sum", [&](const Tensor& a) { return sum(a, axes); });
    check("prod", [&](const Tensor& a) { return prod(a, axes); });
    check("mean", [&](const Tensor& a) { return mean(a, axes); });
    check("variance", [&](const Tensor& a) { return variance(a, axes); });
    check("max", [&](const Tensor& a) { return max(a, axes); });
    check("logsumexp", [&](const Tensor& a) { return logsumexp(a, axes); });
  }
  for (const int axis : {0, 1, 2})
    expect_same_derivatives("along an axis", x, w, [&](const Tensor& a, const Tensor& b) {
      return softmax(a * b, axis) + log_softmax(a, axis) + cumsum(a, axis) + argmax(a, axis, true).to(a.dtype());
    });
}

TEST(Reproducible, ProductsNormsAndPools) {
  expect_same_derivatives("matmul", {300, 257}, {257, 190}, matmul);
  expect_same_derivatives("matmul of a batch", {7, 65, 33}, {7, 33, 129}, matmul);
  expect_same_derivatives("dot", {100003}, {100003}, dot);
  expect_same_derivatives("outer", {300}, {211}, outer);
  for (const int axis : {1, -1})
    expect_same_derivatives("batch_norm", {16, 19, 17, 19}, {19}, [&](const Tensor& x, const Tensor& w) {
      return batch_norm(x, feature_moments(x, axis), w, w, axis);
    });
  expect_same_derivatives("layer norm", {300, 65}, {65}, [](const Tensor& x, const Tensor& w) {
    return (x - mean(x, 1, true)) * rsqrt(variance(x, 1, true) + 1e-5) * w;
  });
  for (const bool first : {false, true})
    expect_same_derivatives("pools", {8, 24, 24, 20}, {1}, [&](const Tensor& x, const Tensor& w) {
      const PoolOptions options{.window_strides = 2, .padding = Padding::Same, .channels_first = first};
      return max_pool(x * w, 3, options) + avg_pool(x, 3, options);
    });
  expect_same_derivatives("gather and scatter", {500, 40}, {500, 40}, [](const Tensor& x, const Tensor& w) {
    const Tensor rows = random::randint(random::Key(4), {500}, 0, 100);
    return scatter_add(take(x, rows), rows, w) *
           take_along_axis(w, random::randint(random::Key(6), {500, 40}, 0, 40), 1);
  });
  expect_same_derivatives("softmax_cross_entropy", {3000, 33}, {1}, [](const Tensor& x, const Tensor& w) {
    return softmax_cross_entropy(x * w, random::randint(random::Key(5), {3000}, 0, 33, DType::Int64), 0.1);
  });
}

// Each algorithm on every kind of layer that it serves; conv_forced_test.cpp has the choice on the benchmarks' list.
TEST(Reproducible, Convolutions) {
  std::set<ConvAlgorithm> served;
  for (const char* name : {"r64_32_b32", "c5_32x14_64", "r64_56_s2_128", "cifar_first", "mnist5x5", "dw128_28",
                           "grp4_128_28", "dil2_56", "c3d_1_16", "c1d_1_32_k7", "t64_3_32", "lenet_8_16"})
    for (testing::ConvCase c : testing::directions(testing::case_of(testing::named_problem(name), true, 1))) {
      const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs);
      for (const ConvAlgorithm algorithm : testing::kAllAlgorithms) {
        if (algorithm == ConvAlgorithm::Definition) continue;  // on these it takes seconds
        ConvOptions options = c.options();
        options.algorithm = algorithm;
        try {
          testing::explain_case(c, DType::Float32, options);
        } catch (const Error&) {
          continue;
        }
        served.insert(algorithm);
        expect_same_bits(name + (" by " + std::string(cotangent::name(algorithm))),
                         [&] { return Tensors{conv_general_dilated(lhs, rhs, options)}; });
      }
    }
  EXPECT_EQ(served.size(), std::size(testing::kAllAlgorithms) - 1);
  expect_same_derivatives("definition", {2, 6, 9, 9}, {8, 6, 3, 3}, [](const Tensor& x, const Tensor& w) {
    return conv_general_dilated(x, w, {.algorithm = ConvAlgorithm::Definition});
  });
  expect_same_derivatives("fftconvolve", {70, 90}, {41, 33}, [](const Tensor& x, const Tensor& w) {
    return signal::fftconvolve(x, w) + signal::convolve(x, w, "full", "direct");
  });
}

struct Net {
  nn::Conv2D conv1{1, 16, 3, {.padding = Padding::Same, .bias = false}};
  nn::Conv2D conv2{16, 32, 5, {.activation = Activation::Relu}};
  nn::BatchNorm norm{16};
  nn::Dropout dropout{0.3};
  nn::Linear hidden{4 * 4 * 32, 64}, head{64, 10};

  Tensor operator()(const Tensor& x) const {
    const Tensor h = max_pool(conv2(max_pool(relu(norm(conv1(x))), 2)), 2);
    return head(dropout(relu(hidden(nn::flatten(h)))));
  }
  void visit(nn::Visitor& v) {
    v("conv1", conv1), v("norm", norm), v("conv2", conv2), v("dropout", dropout), v("hidden", hidden), v("head", head);
  }
};

// Pictures shifted by up to two pixels, with a little noise.
Tensor augment(const Tensor& x, const random::Key& key) {
  const Tensor shift = random::randint(key, {2}, 0, 5, DType::Int64);
  const std::int64_t row = shift.data<std::int64_t>()[0], column = shift.data<std::int64_t>()[1];
  const Tensor moved = pad(x, {{}, {row - 2, 2 - row}, {column - 2, 2 - column}, {}});
  return moved + 0.1 * random::normal(random::fold_in(key, 1), x.shape());
}

// The hash of a network after an epoch on made-up pictures.
std::uint64_t train(std::int64_t seed = 3) {
  nn::seed(seed);
  const nn::Dataset data{random::uniform(nn::next_key(), {200, 24, 24, 1}),
                         random::randint(nn::next_key(), {200}, 0, 10, DType::Int64)};
  Net net;
  nn::Adam adam;
  for (const nn::Batch& batch : nn::batches(data, {.size = 32, .shuffle = true})) {
    const Tensor x = augment(batch.inputs, nn::next_key());
    const auto result = nn::value_and_grad(net, [&] { return nn::cross_entropy(net(x), batch.targets); });
    adam.step(net, result.grads);
  }
  return bench::hash_of_model(net);
}

TEST(Reproducible, Training) {
  const int before = num_threads();
  set_num_threads(1);
  const std::uint64_t expected = train();
  EXPECT_EQ(train(), expected);
  EXPECT_NE(train(4), expected);
  for (const int count : {2, 3, 8}) {
    set_num_threads(count);
    EXPECT_EQ(train(), expected) << count << " threads";
  }
  set_num_threads(before);
}

[[noreturn]] void train_and_exit() {
  std::fprintf(stderr, "hash %016llx\n", static_cast<unsigned long long>(train()));
  std::exit(0);
}

// OpenBLAS reads these when it is loaded, so every setting needs a process of its own.
TEST(ReproducibleDeathTest, TrainingInAnyEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // starts this program anew
  char expected[32];
  std::snprintf(expected, sizeof expected, "hash %016llx", static_cast<unsigned long long>(train()));
  using Settings = std::vector<std::pair<const char*, const char*>>;
  for (const Settings& settings :
       {Settings{}, Settings{{"COTANGENT_NUM_THREADS", "1"}}, Settings{{"COTANGENT_NUM_THREADS", "8"}},
        Settings{{"OMP_NUM_THREADS", "1"}}, Settings{{"OMP_NUM_THREADS", "8"}, {"OMP_PROC_BIND", "true"}},
        Settings{{"OPENBLAS_NUM_THREADS", "1"}}, Settings{{"OPENBLAS_NUM_THREADS", "7"}},
        Settings{{"GOTO_NUM_THREADS", "3"}, {"COTANGENT_NUM_THREADS", "3"}}}) {
    std::string text;
    for (const auto& [name, value] : settings) {
      text += std::string(name) + '=' + value + ' ';
      ::setenv(name, value, 1);
    }
    EXPECT_EXIT(train_and_exit(), ::testing::ExitedWithCode(0), expected) << text;
    for (const auto& [name, value] : settings) ::unsetenv(name);
  }
}

}  // namespace
}  // namespace cotangent
