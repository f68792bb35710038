// Masks of vectors, of which some lanes count as zeros, whatever they hold. For the level compiled for.
#pragma once

#include "cotangent/ops/kernels/isa/lane_bits.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
inline __attribute__((always_inline)) Packet<T> kept(const Packet<T>& value, const LaneBits<T>* bits) {
  Packet<T> mask;
  __builtin_memcpy(&mask, bits, sizeof mask);
  return Eigen::internal::pand(value, mask);
}

template <class T>
class EdgeMasks {
 public:
  constexpr EdgeMasks() {
    for (int i = L; i < 2 * L; ++i) bits_[i] = ~LaneBits<T>{0};
  }
  constexpr const LaneBits<T>* without_first(std::int64_t count) const { return bits_ + L - count; }
  constexpr const LaneBits<T>* without_last(std::int64_t count) const { return bits_ + L + count; }

 private:
  static constexpr int L = kLanes<T>;
  LaneBits<T> bits_[3 * L] = {};  // none, all, none
};
template <class T>
inline constexpr EdgeMasks<T> kEdgeMasks;

}  // namespace cotangent::kernels::COTANGENT_ISA
