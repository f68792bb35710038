// Threefry-2x32: the block function behind random keys. Internal.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace cotangent::random {

using Words = std::array<std::uint32_t, 2>;

// Twenty rounds of Threefry-2x32 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011).
inline Words threefry2x32(const Words& key, const Words& counter) {
  constexpr std::array<std::array<int, 4>, 2> kRotations{{{13, 15, 26, 6}, {17, 29, 16, 24}}};
  const std::array<std::uint32_t, 3> k{key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
  std::uint32_t x0 = counter[0] + k[0], x1 = counter[1] + k[1];
  for (std::uint32_t group = 0; group < 5; ++group) {
    for (const int rotation : kRotations[group % 2]) {
      x0 += x1;
      x1 = std::rotl(x1, rotation) ^ x0;
    }
    x0 += k[(group + 1) % 3];
    x1 += k[(group + 2) % 3] + group + 1;
  }
  return {x0, x1};
}

// The two words of a 64-bit counter, high word first.
constexpr Words split_words(std::uint64_t value) {
  return {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)};
}

}  // namespace cotangent::random
