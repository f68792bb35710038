// Random numbers: what each element is, as a function of the key and its own index.
#include "cotangent/core/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>
#include <limits>
#include <numbers>
#include <utility>

#include "cotangent/core/erfinv.h"
#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"
#include "cotangent/core/threefry.h"

namespace cotangent::random {
namespace {

constexpr std::int64_t kBlock = 1 << 12;  // elements a thread takes at once

// A vector of `count` elements, or an Error if there is no such number or no such memory.
template <class T>
std::vector<T> make_vector(const char* operation, std::int64_t count, const T& value = {}) {
  if (count < 0) fail(operation, fmt::format("the count must not be negative, got {}", count));
  try {
    return std::vector<T>(static_cast<std::size_t>(count), value);
  } catch (const std::exception&) {  // bad_alloc or length_error
    fail(operation, fmt::format("out of memory for {} elements of {} bytes", count, sizeof(T)));
  }
}

// The random word that belongs to element e. Words of up to 32 bits fold the block's two halves together; 64-bit words
// are the whole block.
template <class Word>
Word word_at(const Key& key, std::int64_t e) {
  const Words block = threefry2x32(key.words(), split_words(static_cast<std::uint64_t>(e)));
  if constexpr (sizeof(Word) == 8) return static_cast<Word>(block[0]) << 32 | block[1];
  else return static_cast<Word>(block[0] ^ block[1]);
}

// Uniform on [0, 1): the leading bits of a word become the mantissa of a number in [1, 2).
template <class T>
T unit_at(const Key& key, std::int64_t e) {
  if constexpr (sizeof(T) == 4) return std::bit_cast<float>(word_at<std::uint32_t>(key, e) >> 9 | 0x3F800000u) - 1.0f;
  else return std::bit_cast<double>(word_at<std::uint64_t>(key, e) >> 12 | 0x3FF0000000000000u) - 1.0;
}

template <class T>
T uniform_at(const Key& key, std::int64_t e, T minval, T maxval) {
  return std::max(minval, unit_at<T>(key, e) * (maxval - minval) + minval);
}

// Writes out[e] = element(e) for every e, in parallel.
template <class T, class Element>
void fill(T* out, std::int64_t count, Element element) {
  parallel_for(count, kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) out[e] = element(e);
  });
}

template <class T, class Element>
void fill(Tensor& tensor, Element element) {
  fill(tensor.mutable_data<T>().data(), tensor.size(), element);
}

}  // namespace

Key::Key(std::int64_t seed) : words_(split_words(static_cast<std::uint64_t>(seed))) {}

Key Key::from_words(const std::array<std::uint32_t, 2>& words) {
  return Key(std::bit_cast<std::int64_t>(static_cast<std::uint64_t>(words[0]) << 32 | words[1]));
}

std::vector<Key> split(const Key& key, std::int64_t count) {
  std::vector<Key> keys = make_vector("split", count, key);
  fill(keys.data(), count, [&](std::int64_t j) {
    return Key::from_words(threefry2x32(key.words(), split_words(static_cast<std::uint64_t>(j))));
  });
  return keys;
}

Key fold_in(const Key& key, std::uint32_t data) { return Key::from_words(threefry2x32(key.words(), {0, data})); }

template <class Word>
std::vector<Word> bits(const Key& key, std::int64_t count) {
  std::vector<Word> words = make_vector<Word>("bits", count);
  fill(words.data(), count, [&](std::int64_t e) { return word_at<Word>(key, e); });
  return words;
}

template std::vector<std::uint8_t> bits(const Key&, std::int64_t);
template std::vector<std::uint16_t> bits(const Key&, std::int64_t);
template std::vector<std::uint32_t> bits(const Key&, std::int64_t);
template std::vector<std::uint64_t> bits(const Key&, std::int64_t);

Tensor uniform(const Key& key, const Shape& shape, DType dtype, double minval, double maxval) {
  require_floating("uniform", dtype);
  return visit_floating(dtype, [&]<class T>() {
    const T low = static_cast<T>(minval), high = static_cast<T>(maxval);
    if (!std::isfinite(low) || !std::isfinite(high) || !std::isfinite(high - low) || low > high)
      fail("uniform", fmt::format("the limits must be finite in {}, as must their distance, and minval <= maxval, "
                                  "got {} and {}",
                                  name(dtype), minval, maxval));
    Tensor result = Tensor::uninitialized(shape, dtype);
    fill<T>(result, [&](std::int64_t e) { return uniform_at(key, e, low, high); });
    return result;
  });
}

Tensor normal(const Key& key, const Shape& shape, DType dtype) {
  require_floating("normal", dtype);
  Tensor result = Tensor::uninitialized(shape, dtype);
  visit_floating(dtype, [&]<class T>() {
    const T low = std::nextafter(T{-1}, T{0});  // erfinv(-1) is infinite
    fill<T>(result, [&](std::int64_t e) { return std::numbers::sqrt2_v<T> * erfinv(uniform_at(key, e, low, T{1})); });
  });
  return result;
}

Tensor bernoulli(const Key& key, double p, const Shape& shape) {
  if (!(p >= 0 && p <= 1)) fail("bernoulli", fmt::format("p must be from 0 to 1, got {}", p));
  Tensor result = Tensor::uninitialized(shape, DType::Bool);
  fill<bool>(result, [&](std::int64_t e) { return unit_at<float>(key, e) < static_cast<float>(p); });
  return result;
}

// Stable sorts by random 32-bit words, as JAX does them. Items whose words collide keep their order; the sort is
// repeated until the words of all rounds together could tell n^3 items apart, so that this hardly happens.
Tensor permutation(const Key& key, std::int64_t n) {
  using Item = std::pair<std::uint32_t, std::int64_t>;
  std::vector<Item> items = make_vector<Item>("permutation", n);
  const double rounds = std::ceil(3 * std::log(static_cast<double>(std::max<std::int64_t>(1, n))) /
                                  std::log(static_cast<double>(std::numeric_limits<std::uint32_t>::max())));
  for (std::int64_t e = 0; e < n; ++e) items[static_cast<std::size_t>(e)].second = e;
  Key current = key;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<Key> keys = split(current);
    current = keys[0];
    parallel_for(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t e = begin; e < end; ++e)
        items[static_cast<std::size_t>(e)].first = word_at<std::uint32_t>(keys[1], e);
    });
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.first < b.first; });
  }
  Tensor result = Tensor::uninitialized({n}, DType::Int64);
  fill<std::int64_t>(result, [&](std::int64_t e) { return items[static_cast<std::size_t>(e)].second; });
  return result;
}

}  // namespace cotangent::random
