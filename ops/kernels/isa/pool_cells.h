// The loops of pooling over cells, for the level compiled for. Internal.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <utility>

#include "cotangent/ops/kernels/isa/pool.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
void fill_all(T* out, std::int64_t n, T value) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = value;
}

// Calls f.template operator()<P>(i) for packets P of T, then for smaller ones and single elements, until n are done.
template <class T, class P = typename Eigen::internal::packet_traits<T>::type, class F>
void for_each_packet(std::int64_t n, F f, std::int64_t i = 0) {
  using Half = typename Eigen::internal::unpacket_traits<P>::half;
  constexpr std::int64_t kSize = Eigen::internal::unpacket_traits<P>::size;
  for (; i + kSize <= n; i += kSize) f.template operator()<P>(i);
  if constexpr (Eigen::internal::unpacket_traits<Half>::size < kSize) for_each_packet<T, Half>(n, f, i);
  else
    for (; i < n; ++i) f.template operator()<T>(i);
}

// Calls f.template operator()<P>(in, out) for packets of all outputs of a cell: the packet's first output is number
// `out`, and sees input elements offsets[k] + `in`.
template <class T, class F>
void for_each_packet_of(const Cell& cell, F f) {
  for (std::int64_t column = 0; column < cell.columns; ++column) {
    const std::int64_t in = column * cell.step, out = column * cell.n;
    for_each_packet<T>(cell.n, [&]<class P>(std::int64_t i) { f.template operator()<P>(in + i, out + i); });
  }
}

// Calls f.template operator()<K>() with K = cell.count for the usual windows, so that their loops are unrolled, else 0.
template <class F>
void with_count(const Cell& cell, F f) {
  if (cell.count == 4) f.template operator()<4>();
  else if (cell.count == 9) f.template operator()<9>();
  else f.template operator()<0>();
}

struct LargestOf {
  template <class P>
  static P of(const P& a, const P& b) {  // NaN if either is
    return Eigen::internal::pmax<Eigen::PropagateNaN>(a, b);
  }
};

struct SumOfBoth {
  template <class P>
  static P of(const P& a, const P& b) {
    return Eigen::internal::padd(a, b);
  }
};

// out[i] = the fold of all elements that output i sees, `nothing` if there are none.
template <class Fold, class T>
void fold_cell(const Cell& cell, const T* x, T nothing, T* out) {
  namespace simd = Eigen::internal;
  if (cell.count == 0) {
    fill_all(out, cell.n * cell.columns, nothing);
    return;
  }
  with_count(cell, [&]<int K>() {
    const std::int64_t count = K > 0 ? K : cell.count;
    for_each_packet_of<T>(cell, [&]<class P>(std::int64_t from, std::int64_t to) {
      P result = simd::ploadu<P>(x + cell.offsets[0] + from);
      for (std::int64_t k = 1; k < count; ++k) result = Fold::of(result, simd::ploadu<P>(x + cell.offsets[k] + from));
      simd::pstoreu(out + to, result);
    });
  });
}

// For a packet of outputs that sees input elements offsets[k] + i, calls f(k, mask) for all k: the mask is set for the
// first that is the largest, or the first NaN if there is one.
template <class P, class T, class F>
void with_winner(const Cell& cell, std::int64_t count, const T* x, std::int64_t i, F f) {
  namespace simd = Eigen::internal;
  P best = simd::ploadu<P>(x + cell.offsets[0] + i);
  for (std::int64_t k = 1; k < count; ++k) best = LargestOf::of(best, simd::ploadu<P>(x + cell.offsets[k] + i));
  P taken = simd::pzero(best);
  for (std::int64_t k = 0; k < count; ++k) {
    const P value = simd::ploadu<P>(x + cell.offsets[k] + i);
    const P number = simd::pcmp_eq(value, value);
    const P wins = simd::por(simd::pcmp_eq(value, best), simd::pandnot(simd::ptrue(number), number));
    f(k, simd::pandnot(wins, taken));
    taken = simd::por(taken, wins);
  }
}

// dx at the winner of output i = u[i], 0 at the others that it sees; or, if kAdds, added to what is there.
template <bool kAdds, class T>
void scatter_to_winners(const Cell& cell, const T* x, const T* u, T* dx) {
  namespace simd = Eigen::internal;
  if (cell.count == 0) return;
  with_count(cell, [&]<int K>() {
    const std::int64_t count = K > 0 ? K : cell.count;
    for_each_packet_of<T>(cell, [&]<class P>(std::int64_t in, std::int64_t out) {
      const P given = simd::ploadu<P>(u + out);
      with_winner<P>(cell, count, x, in, [&](std::int64_t k, const P& winner) {
        T* const to = dx + cell.offsets[k] + in;
        const P share = simd::pand(winner, given);
        if constexpr (kAdds) simd::pstoreu(to, simd::padd(simd::ploadu<P>(to), share));
        else simd::pstoreu(to, share);
      });
    });
  });
}

// out[i] = u at the winner of output i, 0 if it sees nothing.
template <class T>
void gather_from_winners(const Cell& cell, const T* x, const T* u, T* out) {
  namespace simd = Eigen::internal;
  if (cell.count == 0) {
    fill_all(out, cell.n * cell.columns, T{0});
    return;
  }
  with_count(cell, [&]<int K>() {
    const std::int64_t count = K > 0 ? K : cell.count;
    for_each_packet_of<T>(cell, [&]<class P>(std::int64_t from, std::int64_t to) {
      P result = simd::pset1<P>(T{0});
      with_winner<P>(cell, count, x, from, [&](std::int64_t k, const P& winner) {
        result = simd::por(result, simd::pand(winner, simd::ploadu<P>(u + cell.offsets[k] + from)));
      });
      simd::pstoreu(out + to, result);
    });
  });
}

// Writes u[i], or adds it if kAdds, to all elements that output i sees: one run of memory after the other.
template <bool kAdds, class T>
void spread_cell(const Cell& cell, const T* u, T* dx) {
  namespace simd = Eigen::internal;
  for (std::int64_t k = 0; k < cell.count; ++k) {
    T* const to = dx + cell.offsets[k];
    for_each_packet_of<T>(cell, [&]<class P>(std::int64_t in, std::int64_t out) {
      const P given = simd::ploadu<P>(u + out);
      if constexpr (kAdds) simd::pstoreu(to + in, simd::padd(simd::ploadu<P>(to + in), given));
      else simd::pstoreu(to + in, given);
    });
  }
}

// to[I] = from[2 * I] for a vector of elements, reading nothing beyond the last of them.
template <class T, int... I>
void copy_every_second(const T* from, T* to, std::integer_sequence<int, I...>) {
  constexpr int kSize = sizeof...(I);
  typedef T Vector __attribute__((vector_size(kSize * sizeof(T))));
  Vector first, second;
  __builtin_memcpy(&first, from, sizeof first);
  __builtin_memcpy(&second, from + kSize - 1, sizeof second);
  const Vector result = __builtin_shufflevector(first, second, (I < kSize / 2 ? 2 * I : 2 * I + 1)...);
  __builtin_memcpy(to, &result, sizeof result);
}

// to[i] = from[i * stride]
template <class T>
void copy_every(const T* __restrict from, std::int64_t stride, std::int64_t n, T* __restrict to) {
  // Vectors of the size that they are read with next: smaller ones would have to reach memory first.
  constexpr int kSize = Eigen::internal::packet_traits<T>::size;
  constexpr std::make_integer_sequence<int, kSize> kAll;
  if (stride == 2 && n >= kSize) {
    // The last ones first, since some come again: what was written last is then read in one piece.
    if (n % kSize != 0) copy_every_second(from + 2 * (n - kSize), to + n - kSize, kAll);
    for (std::int64_t i = 0; i + kSize <= n; i += kSize) copy_every_second(from + 2 * i, to + i, kAll);
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[stride * i];
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
