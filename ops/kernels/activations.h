// Activations and their slopes, one lane at a time. Internal.
#pragma once

#include "cotangent/ops/kernels/lanes.h"

namespace cotangent::kernels {

struct Logistic {
  template <class P>
  static P of(const P& x) {
    return logistic_lanes(x);
  }
};

// g where y > 0, 0 elsewhere.
struct PassWherePositive {
  template <class P>
  static P of(const P& y, const P& g) {
    return simd::pselect(positive(y), g, simd::pzero(g));
  }
};

// x where x > 0, scale * x elsewhere.
struct ScaledWhereNegative {
  double scale;

  template <class P>
  P of(const P& x) const {
    return simd::pselect(positive(x), x, simd::pmul(all_lanes<P>(scale), x));
  }
};

// 1 where x > 0, `otherwise` elsewhere.
struct OneWherePositive {
  double otherwise;

  template <class P>
  P of(const P& x) const {
    return simd::pselect(positive(x), all_lanes<P>(1), all_lanes<P>(otherwise));
  }
};

// 1 where x > 0, alpha * e^x elsewhere.
struct EluSlope {
  double alpha;

  template <class P>
  P of(const P& x) const {
    return simd::pselect(positive(x), all_lanes<P>(1), simd::pmul(all_lanes<P>(alpha), exp_lanes(x)));
  }
};

// s * (1 + x * (1 - s)) with s = 1 / (1 + e^-x).
struct SiluSlope {
  template <class P>
  static P of(const P& x) {
    const P s = logistic_lanes(x), one = all_lanes<P>(1);
    return simd::pmul(s, simd::pmadd(x, simd::psub(one, s), one));
  }
};

}  // namespace cotangent::kernels
