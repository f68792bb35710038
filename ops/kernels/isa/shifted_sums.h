// Sums of shifted products: what a convolution that scatters comes down to once its products are there. For one level.
#pragma once

#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

// Features are adjacent, at most eight of them: a vector of four or eight is read for each term, and what is beyond is
// dropped.
template <class T, int Features>
void sum_pixels(const ShiftedSums<T>& s) {
  typedef T Some __attribute__((vector_size((Features > 4 ? 8 : 4) * sizeof(T))));
  Some start{};
  if (s.bias != nullptr)
    for (int f = 0; f < Features; ++f) start[f] = s.bias[f];
  const auto add = [](Some& total, const T* from) {
    Some value;
    __builtin_memcpy(&value, from, sizeof(value));
    total += value;
  };
  std::int64_t j = 0;
  for (; j + 4 <= s.positions; j += 4) {
    Some total[4] = {start, start, start, start};
    const T* const from = s.from + j * s.from_step;
    for (std::int64_t t = 0; t < s.terms; ++t)
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) add(total[i], from + s.offsets[t] + i * s.from_step);
    if (s.relu) {
      for (Some& sum : total)
        for (int f = 0; f < Features; ++f) sum[f] = rectified_element(sum[f]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      if (s.out_feature == 1) {
        __builtin_memcpy(s.out + (j + i) * s.out_step, &total[i], Features * sizeof(T));
      } else {
        for (int f = 0; f < Features; ++f) s.out[(j + i) * s.out_step + f * s.out_feature] = total[i][f];
      }
  }
  for (; j < s.positions; ++j) {
    Some total = start;
    for (std::int64_t t = 0; t < s.terms; ++t) add(total, s.from + j * s.from_step + s.offsets[t]);
    for (int f = 0; f < Features; ++f)
      s.out[j * s.out_step + f * s.out_feature] = s.relu ? rectified_element(T{total[f]}) : total[f];
  }
}

template <class T>
void sum_shifted(const ShiftedSums<T>& s) {
  switch (s.features) {
    case 1: return sum_pixels<T, 1>(s);
    case 2: return sum_pixels<T, 2>(s);
    case 3: return sum_pixels<T, 3>(s);
    case 4: return sum_pixels<T, 4>(s);
    case 5: return sum_pixels<T, 5>(s);
    case 6: return sum_pixels<T, 6>(s);
    case 7: return sum_pixels<T, 7>(s);
    default: return sum_pixels<T, 8>(s);
  }
}

}  // namespace cotangent::kernels::COTANGENT_ISA
