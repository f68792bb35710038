// Random numbers: explicit keys and pure functions of them, with the same bits as jax.random.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cotangent/core/tensor.h"

// Every function is pure: the same key and arguments give the same numbers, on any machine and with any number of
// threads. Never use one key twice: split() it. The generator is Threefry-2x32 in JAX's partitionable mode
// (jax_threefry_partitionable, the default since JAX 0.5): element e of a draw depends on the key and e alone, so that
// a longer draw extends a shorter one.
namespace cotangent::random {

// The state of the generator: two 32-bit words.
class Key {
 public:
  // The high and the low half of `seed` (jax.random.key in 64-bit mode).
  explicit Key(std::int64_t seed);

  static Key from_words(const std::array<std::uint32_t, 2>& words);
  const std::array<std::uint32_t, 2>& words() const { return words_; }

  friend bool operator==(const Key&, const Key&) = default;

 private:
  std::array<std::uint32_t, 2> words_;
};

// `count` new keys, independent of each other and of `key`. Error if count < 0. (jax.random.split)
std::vector<Key> split(const Key& key, std::int64_t count = 2);

// A new key for item `data`: of a step, a layer, a sample. (jax.random.fold_in)
Key fold_in(const Key& key, std::uint32_t data);

// `count` words of random bits; Word is std::uint8_t, uint16_t, uint32_t or uint64_t. Error if count < 0.
// (jax.random.bits)
template <class Word>
std::vector<Word> bits(const Key& key, std::int64_t count);

// Numbers spread evenly over [minval, maxval): multiples of 2^-23 (Float32) or 2^-52 (Float64) of its width, which
// rounding may carry up to maxval unless the limits are 0 and 1. Float32 and Float64 draws of one key are unrelated.
// Error unless both limits and their distance are finite in `dtype` and minval <= maxval. (jax.random.uniform)
Tensor uniform(const Key& key, const Shape& shape, DType dtype = DType::Float32, double minval = 0, double maxval = 1);

// Numbers of mean 0 and variance 1, as sqrt(2) erfinv(u) with u uniform on (-1, 1). (jax.random.normal; its last bits
// vary with JAX's compiler.)
Tensor normal(const Key& key, const Shape& shape, DType dtype = DType::Float32);

// Bool: each true with probability p, rounded up to a multiple of 2^-23. Error unless 0 <= p <= 1.
// (jax.random.bernoulli)
Tensor bernoulli(const Key& key, double p, const Shape& shape);

// The numbers 0, ..., n - 1 in random order, Int64 of shape (n,). Error if n < 0. (jax.random.permutation)
Tensor permutation(const Key& key, std::int64_t n);

}  // namespace cotangent::random
