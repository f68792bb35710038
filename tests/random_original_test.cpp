// Tests of the original stream of random numbers: the answers that JAX gave before it counted in partitionable order.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "cotangent/core/parallel.h"
#include "cotangent/core/random.h"
#include "expect_error.h"

namespace cotangent::random {
namespace {

using testing::expect_error;
using Words = std::array<std::uint32_t, 2>;

Key original(std::int64_t seed) { return Key(seed, Stream::Original); }

template <class T>
void expect_near(const Tensor& tensor, const std::vector<T>& expected, double tolerance) {
  ASSERT_LE(expected.size(), tensor.data<T>().size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(tensor.data<T>()[i], expected[i], tolerance) << "element " << i;
}

TEST(OriginalStream, BitsKnownAnswersOfJax) {
  EXPECT_EQ(bits<std::uint32_t>(original(1701), 3), (std::vector<std::uint32_t>{56197195u, 4200222568u, 961309823u}));
  EXPECT_EQ(bits<std::uint8_t>(original(1701), 3), (std::vector<std::uint8_t>{216, 115, 43}));
  EXPECT_EQ(bits<std::uint16_t>(original(1701), 3), (std::vector<std::uint16_t>{41682, 1300, 55017}));
  EXPECT_EQ(bits<std::uint64_t>(original(1701), 3),
            (std::vector<std::uint64_t>{3982329540505020460u, 16822122385914693683u, 7882654074788531506u}));

  const Key key = original(942802475);
  EXPECT_EQ(bits<std::uint8_t>(key, 5), (std::vector<std::uint8_t>{10, 158, 82, 54, 158}));
  EXPECT_EQ(bits<std::uint16_t>(key, 5), (std::vector<std::uint16_t>{6738, 38161, 50695, 57337, 61600}));
  EXPECT_EQ(bits<std::uint32_t>(key, 5),
            (std::vector<std::uint32_t>{1978747883u, 4134381225u, 3628107870u, 689687174u, 2788938207u}));
  EXPECT_EQ(bits<std::uint64_t>(key, 5),
            (std::vector<std::uint64_t>{17649965731882839947u, 1415307058040849897u, 8282622628079774249u,
                                        14024425113645909402u, 2012979996110532418u}));
}

TEST(OriginalStream, KeysKnownAnswersOfJax) {
  const auto words = [](const std::vector<Key>& keys) {
    std::vector<Words> all;
    for (const Key& key : keys) all.push_back(key.words());
    return all;
  };
  EXPECT_EQ(words(split(original(0), 4)), (std::vector<Words>{{2285895361u, 1501764800u},
                                                              {1518642379u, 4090693311u},
                                                              {433833334u, 4221794875u},
                                                              {839183663u, 3740430601u}}));
  EXPECT_EQ(words(split(original(42))), (std::vector<Words>{{2465931498u, 3679230171u}, {255383827u, 267815257u}}));
  EXPECT_EQ(words(split(original(1701))), (std::vector<Words>{{56197195u, 1801093307u}, {961309823u, 1704866707u}}));
  EXPECT_EQ(fold_in(original(0), 4).words(), (Words{2285895361u, 433833334u}));
}

TEST(OriginalStream, UniformAndNormalKnownAnswersOfJax) {
  expect_near<float>(uniform(original(0), {}), {0.41845703f}, 1e-8);
  expect_near<float>(uniform(split(original(0))[1], {}), {0.10536897f}, 1e-8);
  expect_near<float>(uniform(original(42), {2, 3}, DType::Float32, 0, 10),
                     {7.298188f, 8.691938f, 8.7230015f, 2.0818567f, 1.8662417f, 5.5022564f}, 1e-6);
  expect_near<double>(uniform(original(42), {5, 4}, DType::Float64),
                      {0.52286734638827848, 0.63809277992222024, 0.48479882418789, 0.76266020446279748}, 1e-15);
  expect_near<float>(uniform(original(1338574713), {5}), {0.298671f, 0.073213f, 0.873356f, 0.260549f, 0.412797f}, 6e-7);
  expect_near<float>(normal(original(1193674498), {5}), {-1.173234f, -1.511662f, 0.070593f, -0.099764f, 1.052845f},
                     6e-7);
  expect_near<float>(normal(original(1701), {5}), {-0.7861751f, 1.35273f, 1.1185759f, -1.004359f, 0.63316554f}, 2e-6);

  const Tensor draw = normal(original(42), {2, 3});
  const std::vector<float> five_times{3.0613258f, 5.6129413f, 5.6866574f, -4.063663f, -4.4520254f, 0.63115686f};
  for (std::size_t i = 0; i < five_times.size(); ++i)
    EXPECT_NEAR(5 * draw.data<float>()[i], five_times[i], 8e-7 * std::fabs(five_times[i]));
}

TEST(OriginalStream, IsInheritedByDerivedKeys) {
  for (const Key& key : split(original(5), 3)) EXPECT_EQ(key.stream(), Stream::Original);
  EXPECT_EQ(fold_in(original(5), 1).stream(), Stream::Original);
  EXPECT_EQ(Key(5).stream(), Stream::Partitionable);
  EXPECT_NE(Key(5), original(5));
  EXPECT_EQ(Key::from_words({0, 5}, Stream::Original), original(5));
  EXPECT_EQ(key(5), PRNGKey(5));
}

TEST(OriginalStream, IsTheSameForAnyNumberOfThreads) {
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = bits<std::uint16_t>(original(1), 50'001);
  set_num_threads(4);
  EXPECT_EQ(bits<std::uint16_t>(original(1), 50'001), alone);
  set_num_threads(before);
}

TEST(OriginalStream, DrawsFromEverySampler) {
  const Key key = original(3);
  const Tensor order = permutation(key, 100);
  EXPECT_EQ(std::set<std::int64_t>(order.data<std::int64_t>().begin(), order.data<std::int64_t>().end()).size(), 100u);
  EXPECT_EQ(bernoulli(key, 1, {7}).size(), 7);
  EXPECT_EQ(uniform(key, {0}).size(), 0);
  EXPECT_TRUE(split(key, 0).empty());
  EXPECT_TRUE(bits<std::uint64_t>(key, 0).empty());
}

TEST(OriginalStream, RefusesToCountBeyond32Bits) {
  expect_error([] { bits<std::uint8_t>(original(0), (std::int64_t{1} << 34) - 3); },
               "bits: the original stream has at most 17179869180 words of 8 bits, got 17179869181");
}

}  // namespace
}  // namespace cotangent::random
