// exp and tanh of Eigen arrays, vectorised, where Eigen's own are not right or not accurate enough. Internal.
#pragma once

#include <Eigen/Core>
#include <cmath>

namespace cotangent::kernels {

// Eigen's vectorised exp never falls below the smallest numbers of its type: exp(-inf) would not be 0, and masked
// entries of a softmax would keep some weight. Here results below the smallest normal number are 0.
template <class T>
struct Exponential {
  static constexpr T kLowest = std::is_same_v<T, float> ? T(-87.3365447) : T(-708.396418532264);  // log of that number

  T operator()(T x) const { return x < kLowest ? T{0} : std::exp(x); }

  template <class Packet>
  Packet packetOp(const Packet& x) const {
    namespace simd = Eigen::internal;
    return simd::pandnot(simd::pexp(x), simd::pcmp_lt(x, simd::pset1<Packet>(kLowest)));
  }
};

// Eigen's vectorised tanh is 6 units in the last place off. Here 2: below 5/8 the odd polynomial of Cephes' tanhf
// (Moshier), above it (1 - t) / (1 + t) with t = e^-2|x|.
struct HyperbolicTangent {
  float operator()(float x) const { return std::tanh(x); }

  template <class Packet>
  Packet packetOp(const Packet& x) const {
    namespace simd = Eigen::internal;
    const Packet one = simd::pset1<Packet>(1.0f), size = simd::pabs(x), z = simd::pmul(x, x);
    Packet p = simd::pset1<Packet>(-5.70498872745e-3f);
    for (const float coefficient : {2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f})
      p = simd::pmadd(p, z, simd::pset1<Packet>(coefficient));
    const Packet small = simd::pmadd(simd::pmul(p, z), x, x);
    const Packet t = simd::pexp(simd::pmul(size, simd::pset1<Packet>(-2.0f)));
    const Packet large = simd::pdiv(simd::psub(one, t), simd::padd(one, t));
    const Packet sign = simd::pand(x, simd::pset1<Packet>(-0.0f));
    return simd::pselect(simd::pcmp_lt(size, simd::pset1<Packet>(0.625f)), small, simd::por(large, sign));
  }
};

// exp of an array expression of float or double.
auto exponential(const auto& x) {
  using T = typename std::decay_t<decltype(x)>::Scalar;
  return x.unaryExpr(Exponential<T>());
}

// tanh of an array expression of float or double.
auto hyperbolic_tangent(const auto& x) {
  using T = typename std::decay_t<decltype(x)>::Scalar;
  if constexpr (std::is_same_v<T, float>) return x.unaryExpr(HyperbolicTangent());
  else return x.unaryExpr([](double element) { return std::tanh(element); });
}

}  // namespace cotangent::kernels

// How Eigen learns that these functors work on packets.
template <class T>
struct Eigen::internal::functor_traits<cotangent::kernels::Exponential<T>>
    : Eigen::internal::functor_traits<Eigen::internal::scalar_exp_op<T>> {};
template <>
struct Eigen::internal::functor_traits<cotangent::kernels::HyperbolicTangent>
    : Eigen::internal::functor_traits<Eigen::internal::scalar_tanh_op<float>> {};
