// Sums of products along lines, whose terms end where the input does: vectors hold adjacent sums. For one level.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "cotangent/ops/kernels/isa/lane_masks.h"

namespace cotangent::kernels::COTANGENT_ISA {

// The sums of a line from sum j on; lanes beyond the last one hold anything.
template <class T>
inline Packet<T> sum_terms(const LineTerm* terms, std::int64_t count, const T* from, std::int64_t j, T start) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  Packet<T> total = pset1<Packet<T>>(start);
  for (const LineTerm* term = terms; term != terms + count; ++term) {
    const std::int64_t before = term->first - j, after = j + L - term->last;
    if (before >= L || after >= L) continue;
    Packet<T> value = ploadu<Packet<T>>(from + term->from + j);
    if (before > 0) value = kept<T>(value, kEdgeMasks<T>.without_first(before));
    if (after > 0) value = kept<T>(value, kEdgeMasks<T>.without_last(after));
    total = padd(total, value);
  }
  return total;
}

// Two vectors as one of twice the length, whose elements they give in turn.
template <class T, class Lanes>
struct Interleaved;
template <class T, std::size_t... I>
struct Interleaved<T, std::index_sequence<I...>> {
  static constexpr int L = sizeof...(I);
  static inline __attribute__((always_inline)) void store(const Packet<T>& a, const Packet<T>& b, T* to) {
    if constexpr (L == 1) {
      to[0] = a;
      to[1] = b;
    } else {
      Eigen::internal::pstoreu(to, Packet<T>(__builtin_shufflevector(a, b, (I / 2 + I % 2 * L)...)));
      Eigen::internal::pstoreu(to + L, Packet<T>(__builtin_shufflevector(a, b, (L / 2 + I / 2 + I % 2 * L)...)));
    }
  }
};

template <class T, int kLines>
void sum_some_lines(const LineSums<T>& s) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  const std::int64_t count = s.sums[0] + (kLines == 2 ? s.sums[1] : 0);
  for (std::int64_t f = 0; f < s.features; ++f) {
    const T* const from = s.from + f * s.from_feature;
    T* const out = s.out + f * s.out_feature;
    const T start = s.bias != nullptr ? s.bias[f] : T{0};
    for (std::int64_t j = 0; j < s.sums[0]; j += L) {
      P total[kLines];
      for (int i = 0; i < kLines; ++i) {
        total[i] = sum_terms<T>(s.terms[i], s.term_count[i], from, j, start);
        if (s.relu) total[i] = rectified<T>(total[i]);
      }
      const std::int64_t first = j * kLines, some = std::min<std::int64_t>(count - first, kLines * L);
      alignas(P) T sums[kLines * L];
      const bool whole = some == kLines * L && s.out_step == 1;
      T* const to = whole ? out + first : sums;
      if constexpr (kLines == 1) pstoreu(to, total[0]);
      else Interleaved<T, std::make_index_sequence<L>>::store(total[0], total[1], to);
      if (whole) continue;
      if (s.out_step == 1) store_some(sums, some, out + first);
      else
        for (std::int64_t i = 0; i < some; ++i) out[(first + i) * s.out_step] = sums[i];
    }
  }
}

template <class T>
void sum_lines(const LineSums<T>& s) {
  if (s.lines == 1) sum_some_lines<T, 1>(s);
  else sum_some_lines<T, 2>(s);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
