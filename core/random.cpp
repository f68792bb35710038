// Random numbers: keys, bits and the distributions whose elements are drawn one by one.
#include "cotangent/core/random.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

#include "cotangent/core/erfinv.h"
#include "cotangent/core/error.h"
#include "cotangent/core/random_bits.h"

namespace cotangent::random {
namespace {

// A tensor of element(unit, e), where `unit` draws numbers of type T from [0, 1).
template <class T, class Element>
Tensor draw_as(const char* operation, const Key& key, const Shape& shape, Element element) {
  Tensor result = Tensor::uninitialized(shape, dtype_of<T>());
  const Unit<T> unit(operation, key, result.size());
  fill<T>(result, [&](std::int64_t e) { return element(unit, e); });
  return result;
}

// The same for the type T of `dtype`.
template <class Element>
Tensor draw(const char* operation, const Key& key, const Shape& shape, DType dtype, Element element) {
  require_floating(operation, dtype);
  return visit_floating(dtype, [&]<class T>() { return draw_as<T>(operation, key, shape, element); });
}

// The type that a Unit draws.
template <class U>
using Drawn = std::invoke_result_t<const U&, std::int64_t>;

// Integers of `shape` from [minval, minval + span), where a span of 0 stands for all 2^32 or 2^64 numbers. Two words
// make one number of twice the bits, whose remainder is taken; as in JAX the arithmetic wraps.
template <class Word, class T>
Tensor randint_words(const Key& key, const Shape& shape, Word minval, Word span, DType dtype) {
  const auto remainder = [span](Word word) { return span == 0 ? word : static_cast<Word>(word % span); };
  const Word root = remainder(Word{1} << (4 * sizeof(Word))), multiplier = remainder(root * root);
  Tensor result = Tensor::uninitialized(shape, dtype);
  const std::vector<Key> keys = split(key);
  const Draw<Word> high("randint", keys[0], result.size()), low("randint", keys[1], result.size());
  fill<T>(result,
          [&](std::int64_t e) { return minval + remainder(remainder(high(e)) * multiplier + remainder(low(e))); });
  return result;
}

}  // namespace

Key::Key(std::int64_t seed, Stream stream) : words_(split_words(static_cast<std::uint64_t>(seed))), stream_(stream) {}

Key Key::from_words(const std::array<std::uint32_t, 2>& words, Stream stream) {
  return Key(std::bit_cast<std::int64_t>(static_cast<std::uint64_t>(words[0]) << 32 | words[1]), stream);
}

std::vector<Key> split(const Key& key, std::int64_t count) {
  std::vector<Key> keys = make_vector("split", count, key);
  if (key.stream() == Stream::Original) {
    const Draw<std::uint32_t> words("split", key, 2 * count);
    fill(keys.data(), count, [&](std::int64_t j) {
      return Key::from_words({words(2 * j), words(2 * j + 1)}, Stream::Original);
    });
  } else {
    fill(keys.data(), count, [&](std::int64_t j) {
      return Key::from_words(threefry2x32(key.words(), split_words(static_cast<std::uint64_t>(j))));
    });
  }
  return keys;
}

Key fold_in(const Key& key, std::uint32_t data) {
  return Key::from_words(threefry2x32(key.words(), {0, data}), key.stream());
}

template <class Word>
std::vector<Word> bits(const Key& key, std::int64_t count) {
  const Draw<Word> draw("bits", key, count);
  std::vector<Word> words = make_vector<Word>("bits", count);
  fill(words.data(), count, draw);
  return words;
}

template std::vector<std::uint8_t> bits(const Key&, std::int64_t);
template std::vector<std::uint16_t> bits(const Key&, std::int64_t);
template std::vector<std::uint32_t> bits(const Key&, std::int64_t);
template std::vector<std::uint64_t> bits(const Key&, std::int64_t);

Tensor randint(const Key& key, const Shape& shape, std::int64_t minval, std::int64_t maxval, DType dtype) {
  const auto check = [&]<class T>(T) {
    const std::int64_t lowest = std::numeric_limits<T>::min(), highest = std::numeric_limits<T>::max();
    if (minval >= maxval || minval < lowest || maxval - 1 > highest)
      fail("randint",
           fmt::format("needs minval < maxval and numbers of {}, got {} and {}", name(dtype), minval, maxval));
  };
  const std::uint64_t span = static_cast<std::uint64_t>(maxval) - static_cast<std::uint64_t>(minval);
  const auto words32 = [&]<class T>(T) {
    check(T{});
    return randint_words<std::uint32_t, T>(key, shape, static_cast<std::uint32_t>(minval),
                                           static_cast<std::uint32_t>(span), dtype);
  };
  switch (dtype) {
    case DType::UInt8: return words32(std::uint8_t{});
    case DType::Int32: return words32(std::int32_t{});
    case DType::Int64:
      check(std::int64_t{});
      return randint_words<std::uint64_t, std::int64_t>(key, shape, static_cast<std::uint64_t>(minval), span, dtype);
    default: fail("randint", fmt::format("needs Int32, Int64 or UInt8, got {}", name(dtype)));
  }
}

Tensor uniform(const Key& key, const Shape& shape, DType dtype, double minval, double maxval) {
  require_floating("uniform", dtype);
  visit_floating(dtype, [&]<class T>() {
    const T low = static_cast<T>(minval), high = static_cast<T>(maxval);
    if (!std::isfinite(low) || !std::isfinite(high) || !std::isfinite(high - low) || low > high)
      fail("uniform", fmt::format("the limits must be finite in {}, as must their distance, and minval <= maxval, "
                                  "got {} and {}",
                                  name(dtype), minval, maxval));
  });
  return draw("uniform", key, shape, dtype, [&]<class U>(const U& unit, std::int64_t e) {
    using T = Drawn<U>;
    return unit.within(static_cast<T>(minval), static_cast<T>(maxval), e);
  });
}

Tensor normal(const Key& key, const Shape& shape, DType dtype) {
  return draw("normal", key, shape, dtype, []<class U>(const U& unit, std::int64_t e) {
    using T = Drawn<U>;
    const T low = std::nextafter(T{-1}, T{0});  // erfinv(-1) is infinite
    return std::numbers::sqrt2_v<T> * erfinv(unit.within(low, T{1}, e));
  });
}

Tensor truncated_normal(const Key& key, double lower, double upper, const Shape& shape, DType dtype) {
  require_floating("truncated_normal", dtype);
  return visit_floating(dtype, [&]<class T>() {
    constexpr T kRoot = std::numbers::sqrt2_v<T>, kInfinity = std::numeric_limits<T>::infinity();
    const T low = static_cast<T>(lower), high = static_cast<T>(upper);
    const T a = std::erf(low / kRoot), b = std::erf(high / kRoot);
    if (!(a < b))
      fail("truncated_normal", fmt::format("needs lower < upper, far enough from the tails for {} to tell erf(lower / "
                                           "sqrt 2) = {} from erf(upper / sqrt 2) = {}, got {} and {}",
                                           name(dtype), a, b, lower, upper));
    const T one = std::nextafter(T{1}, T{0});  // erfinv(1) is infinite
    const T least = std::nextafter(low, kInfinity), most = std::nextafter(high, -kInfinity);
    return draw_as<T>("truncated_normal", key, shape, [&](const Unit<T>& unit, std::int64_t e) {
      const T u = std::clamp(unit.within(a, b, e), -one, one);
      return std::min(std::max(kRoot * erfinv(u), least), most);  // rounding must not leave the interval
    });
  });
}

Tensor exponential(const Key& key, const Shape& shape, DType dtype) {
  return draw("exponential", key, shape, dtype, [](const auto& unit, std::int64_t e) { return -std::log1p(-unit(e)); });
}

Tensor gumbel(const Key& key, const Shape& shape, DType dtype) {
  return draw("gumbel", key, shape, dtype, []<class U>(const U& unit, std::int64_t e) {
    using T = Drawn<U>;
    return -std::log(-std::log(unit.within(std::numeric_limits<T>::min(), T{1}, e)));  // log(0) is infinite
  });
}

Tensor bernoulli(const Key& key, double p, const Shape& shape) {
  if (!(p >= 0 && p <= 1))
    fail("bernoulli", fmt::format("p must be from 0 to 1, got {}{}", p,
                                  p > 1 && p <= 100 ? fmt::format("; {} percent is {}", p, p / 100) : ""));
  Tensor result = Tensor::uninitialized(shape, DType::Bool);
  const Unit<float> unit("bernoulli", key, result.size());
  fill<bool>(result, [&](std::int64_t e) { return unit(e) < static_cast<float>(p); });
  return result;
}

}  // namespace cotangent::random
