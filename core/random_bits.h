// Random bits: what each element of a draw is, as a function of the key and its own index. Internal.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <exception>
#include <limits>
#include <vector>

#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"
#include "cotangent/core/random.h"
#include "cotangent/core/threefry.h"

namespace cotangent::random {

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

// Word e of the `count` words that the original stream makes at once: it hashes the numbers below `count`, the first
// half of them as the counters' first words and the second half as their second ones.
inline std::uint32_t original_word(const Key& key, std::uint64_t e, std::uint64_t count) {
  const std::uint64_t half = (count + 1) / 2, row = e % half, partner = row + half;
  const Words counter{static_cast<std::uint32_t>(row), partner < count ? static_cast<std::uint32_t>(partner) : 0};
  return threefry2x32(key.words(), counter)[e / half];
}

// A draw of `count` words, element by element.
template <class Word>
class Draw {
 public:
  // Error if the key's stream cannot count so far.
  Draw(const char* operation, const Key& key, std::int64_t count)
      : key_(key), count_(static_cast<std::uint64_t>(count)) {
    constexpr std::int64_t kMost = std::int64_t{std::numeric_limits<std::uint32_t>::max()} * 4 / sizeof(Word);
    if (key.stream() == Stream::Original && count > kMost)
      fail(operation, fmt::format("the original stream has at most {} words of {} bits, got {}: use the partitionable",
                                  kMost, 8 * sizeof(Word), count));
  }

  // The word that belongs to element e. In the partitionable stream, words of up to 32 bits fold the two halves of the
  // block of counter e together and 64-bit words are the whole block. In the original one, small words are cut from
  // 32-bit words, lowest bits first, and large ones put together from two.
  Word operator()(std::int64_t element) const {
    const auto e = static_cast<std::uint64_t>(element);
    if (key_.stream() == Stream::Original) {
      if constexpr (sizeof(Word) == 8) {
        return static_cast<Word>(original_word(key_, e, 2 * count_)) << 32 |
               original_word(key_, count_ + e, 2 * count_);
      } else {
        constexpr std::uint64_t kFields = 4 / sizeof(Word);
        const std::uint32_t word = original_word(key_, e / kFields, (count_ + kFields - 1) / kFields);
        return static_cast<Word>(word >> (8 * sizeof(Word) * (e % kFields)));
      }
    }
    const Words block = threefry2x32(key_.words(), split_words(e));
    if constexpr (sizeof(Word) == 8) return static_cast<Word>(block[0]) << 32 | block[1];
    else return static_cast<Word>(block[0] ^ block[1]);
  }

 private:
  Key key_;
  std::uint64_t count_;
};

// A draw of numbers that are uniform on [0, 1): the leading bits of a word become the mantissa of a number in [1, 2).
template <class T>
class Unit {
 public:
  Unit(const char* operation, const Key& key, std::int64_t count) : words_(operation, key, count) {}

  T operator()(std::int64_t e) const {
    if constexpr (sizeof(T) == 4) return std::bit_cast<float>(words_(e) >> 9 | 0x3F800000u) - 1.0f;
    else return std::bit_cast<double>(words_(e) >> 12 | 0x3FF0000000000000u) - 1.0;
  }

  // The same, stretched to [minval, maxval).
  T within(T minval, T maxval, std::int64_t e) const {
    return std::max(minval, (*this)(e) * (maxval - minval) + minval);
  }

 private:
  Draw<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>> words_;
};

// Writes out[e] = element(e) for every e, in parallel.
template <class T, class Element>
void fill(T* out, std::int64_t count, Element element) {
  constexpr std::int64_t kBlock = 1 << 12;  // elements a thread takes at once
  parallel_for(count, kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) out[e] = static_cast<T>(element(e));
  });
}

template <class T, class Element>
void fill(Tensor& tensor, Element element) {
  if (tensor.has_elements()) fill(tensor.mutable_data<T>().data(), tensor.size(), element);
}

}  // namespace cotangent::random
