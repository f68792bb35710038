// Random numbers: explicit keys and pure functions of them, with the same bits as jax.random.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "cotangent/core/tensor.h"

// Every function is pure: the same key and arguments give the same numbers, on any machine and with any number of
// threads. Never use one key twice: split() it. The generator is Threefry-2x32. Bits, integers and uniform numbers are
// JAX's exactly; the last bits of what goes through a logarithm or an error function vary with JAX's compiler.
namespace cotangent::random {

// How draws take their numbers from the generator.
enum class Stream {
  Partitionable,  // element e of a draw depends on the key and e alone, so that a longer draw extends a shorter one
  Original,       // it also depends on how long the draw is: what JAX did before 0.5, to replay its numbers
};

// The state of the generator: two 32-bit words; and the stream, which derived keys inherit.
class Key {
 public:
  // The high and the low half of `seed` (jax.random.key in 64-bit mode). Stream::Original is what
  // jax_threefry_partitionable = False selects in JAX.
  explicit Key(std::int64_t seed, Stream stream = Stream::Partitionable);

  static Key from_words(const std::array<std::uint32_t, 2>& words, Stream stream = Stream::Partitionable);
  const std::array<std::uint32_t, 2>& words() const { return words_; }
  Stream stream() const { return stream_; }

  friend bool operator==(const Key&, const Key&) = default;

 private:
  std::array<std::uint32_t, 2> words_;
  Stream stream_;
};

// JAX's two names for making a key.
inline Key key(std::int64_t seed, Stream stream = Stream::Partitionable) { return Key(seed, stream); }
using PRNGKey = Key;

// `count` new keys, independent of each other and of `key`. Error if count < 0. (jax.random.split)
std::vector<Key> split(const Key& key, std::int64_t count = 2);

// A new key for item `data`: of a step, a layer, a sample. (jax.random.fold_in)
Key fold_in(const Key& key, std::uint32_t data);

// `count` words of random bits; Word is std::uint8_t, uint16_t, uint32_t or uint64_t. Error if count < 0.
// (jax.random.bits)
template <class Word>
std::vector<Word> bits(const Key& key, std::int64_t count);

// Integers spread evenly over [minval, maxval), in Int32, Int64 or UInt8. With n = maxval - minval, probabilities are
// off by less than n / 2^64 of themselves while n <= 2^16, and above that by up to n / 2^32; in Int64 n / 2^128 up to
// 2^32, and n / 2^64. Error unless minval < maxval and the integers are numbers of `dtype`. (jax.random.randint)
Tensor randint(const Key& key, const Shape& shape, std::int64_t minval, std::int64_t maxval,
               DType dtype = DType::Int32);

// Numbers spread evenly over [minval, maxval): multiples of 2^-23 (Float32) or 2^-52 (Float64) of its width, which
// rounding may carry up to maxval unless the limits are 0 and 1. Float32 and Float64 draws of one key are unrelated.
// Error unless both limits and their distance are finite in `dtype` and minval <= maxval. (jax.random.uniform)
Tensor uniform(const Key& key, const Shape& shape, DType dtype = DType::Float32, double minval = 0, double maxval = 1);

// Numbers of mean 0 and variance 1, as sqrt(2) erfinv(u) with u uniform on (-1, 1). (jax.random.normal)
Tensor normal(const Key& key, const Shape& shape, DType dtype = DType::Float32);

// Numbers of a normal distribution cut off outside (lower, upper), either of which may be infinite. Error unless lower
// < upper and the error function tells them apart in `dtype`: beyond about 5.5 (Float32) or 8.3 (Float64) it does not.
// (jax.random.truncated_normal)
Tensor truncated_normal(const Key& key, double lower, double upper, const Shape& shape, DType dtype = DType::Float32);

// Numbers of density e^-x for x >= 0; and of density e^-(x + e^-x), the standard Gumbel distribution.
// (jax.random.exponential, jax.random.gumbel)
Tensor exponential(const Key& key, const Shape& shape, DType dtype = DType::Float32);
Tensor gumbel(const Key& key, const Shape& shape, DType dtype = DType::Float32);

// Bool: each true with probability p, rounded up to a multiple of 2^-23. Error unless 0 <= p <= 1.
// (jax.random.bernoulli)
Tensor bernoulli(const Key& key, double p, const Shape& shape);

// The numbers 0, ..., n - 1 in random order, Int64 of shape (n,). Error if n < 0. (jax.random.permutation)
Tensor permutation(const Key& key, std::int64_t n);

// Numbers from 0, ..., n - 1, Int64: each independent of the others, or no number twice unless `replace`. With
// `probabilities` of shape (n,), Float32 or Float64, in proportion to them; they need not sum to 1. take(x,
// choice(...)) chooses elements of a tensor. Error if there are not enough numbers to choose from, or a probability is
// negative or not finite. (jax.random.choice)
Tensor choice(const Key& key, std::int64_t n, const Shape& shape, bool replace = true,
              const Tensor& probabilities = {});

// Categories drawn with the probabilities softmax(logits, axis), Int64: one for each line of logits along the axis, or
// of `shape`, which must end with the shape of these, as many for each line as its leading extents say. A logit of
// minus infinity excludes its category. Error if a line holds NaN, infinity or nothing that is possible.
// (jax.random.categorical)
Tensor categorical(const Key& key, const Tensor& logits, int axis = -1,
                   const std::optional<Shape>& shape = std::nullopt);

}  // namespace cotangent::random
