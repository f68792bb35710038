// Lanes: functions of one or two numbers written once, for a number and for a packet of them. Internal.
#pragma once

#include <Eigen/Core>

#include "cotangent/ops/kernels/exponential.h"

namespace cotangent::kernels {

namespace simd = Eigen::internal;

// An Eigen functor of F, whose static `of` takes and returns packets or plain numbers alike: in it, only functions of
// simd:: do arithmetic.
template <class T, class F>
struct Lanes {
  F f;

  T operator()(T a) const { return f.of(a); }
  T operator()(T a, T b) const { return f.of(a, b); }
  template <class Packet>
  Packet packetOp(const Packet& a) const {
    return f.of(a);
  }
  template <class Packet>
  Packet packetOp(const Packet& a, const Packet& b) const {
    return f.of(a, b);
  }
};

// f of every element of one array expression, or of every pair of elements of two.
template <class F>
auto by_lanes(const auto& a, F f) {
  using T = typename std::decay_t<decltype(a)>::Scalar;
  return a.unaryExpr(Lanes<T, F>{f});
}
template <class F>
auto by_lanes(const auto& a, const auto& b, F f) {
  using T = typename std::decay_t<decltype(a)>::Scalar;
  return a.binaryExpr(b, Lanes<T, F>{f});
}

// The same number in every lane.
template <class P>
P all_lanes(double value) {
  using T = typename simd::unpacket_traits<P>::type;
  return simd::pset1<P>(static_cast<T>(value));
}

// x > 0 as a mask; false for NaN.
template <class P>
P positive(const P& x) {
  return simd::pcmp_lt(simd::pzero(x), x);
}

// e^x, 0 where it is below the smallest normal number.
template <class P>
P exp_lanes(const P& x) {
  using T = typename simd::unpacket_traits<P>::type;
  if constexpr (std::is_same_v<P, T>) return Exponential<T>()(x);
  else return Exponential<T>().packetOp(x);
}

// 1 / (1 + e^-x): where e^-x overflows, its reciprocal is the right 0.
template <class P>
P logistic_lanes(const P& x) {
  const P one = all_lanes<P>(1);
  return simd::pdiv(one, simd::padd(one, exp_lanes(simd::pnegate(x))));
}

}  // namespace cotangent::kernels

template <class T, class F>
struct Eigen::internal::functor_traits<cotangent::kernels::Lanes<T, F>> {
  enum { Cost = 20, PacketAccess = packet_traits<T>::Vectorizable };
};
