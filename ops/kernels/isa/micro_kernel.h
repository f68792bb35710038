// The micro-kernel of TileProduct: some rows times some vectors, accumulated in registers. For the level compiled for.
#pragma once

#include <Eigen/Core>

#include "cotangent/ops/kernels/isa/tile_product.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;
template <class T>
constexpr int kLanes = Eigen::internal::unpacket_traits<Packet<T>>::size;

// The shape of a tile fills the registers: accumulators, the vectors of a panel, and one broadcast. kTileRows has the
// rows for panels of 0, 1, 2 ... vectors: a single vector needs many to have as many sums under way as multiplications
// take cycles, times two, and few rows are few pointers and broadcasts, which compete for units with vectors of 512
// bits. A flat tile has the other proportions: for rows that are features, whose number is often a power of two.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32, kTileRows[] = {0, 10, 10, 8, 6}, kFlatRows = 8, kFlatVectors = 3;
#else
constexpr int kRegisters = 16, kTileRows[] = {0, 12, 6}, kFlatRows = 4, kFlatVectors = 3;
#endif
constexpr int kEvenRows = 8;      // of tiles that leave no rest where others do,
constexpr int kFewEvenTiles = 8;  // if they are no more than this, or sums are added to
constexpr int kTileVectors = sizeof(kTileRows) / sizeof(kTileRows[0]) - 1;  // the most of a panel
template <class T>
constexpr int kPanelWidth = kTileVectors* kLanes<T>;

// 0 in place of what is negative; not a number stays so.
template <class T>
inline Packet<T> rectified(const Packet<T>& x) {
  return Eigen::internal::pmax(x, Eigen::internal::pset1<Packet<T>>(T{0}));
}
template <class T>
inline T rectified_element(T x) {
  return x < 0 ? T{0} : x;
}

// How a row finds its terms: by segments, whose lhs_step may be 1, or each from a list. Fetching ones are stepped, and
// fetch what is read next.
enum class Terms { Adjacent, Stepped, Fetching, Listed };

// Adds one term to Rows x Vectors sums.
template <class T, int Rows, int Vectors>
inline __attribute__((always_inline)) void add_term(Packet<T> (&total)[Rows][Vectors], const T* const (&row)[Rows],
                                                    std::int64_t at, const T* rhs) {
  using namespace Eigen::internal;
  Packet<T> factor[Vectors];
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) factor[v] = ploadu<Packet<T>>(rhs + v * kLanes<T>);
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    const Packet<T> value = pset1<Packet<T>>(row[r][at]);
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) total[r][v] = pmadd(value, factor[v], total[r][v]);
  }
}

// Stores some elements: what is less than a vector by one store of each power of two, so that the branches are the same
// for every row.
template <class T>
inline void store_some(const T* from, std::int64_t count, T* to) {
  using namespace Eigen::internal;
  for (; count >= kLanes<T>; count -= kLanes<T>, from += kLanes<T>, to += kLanes<T>)
    pstoreu(to, ploadu<Packet<T>>(from));
#pragma GCC unroll 8
  for (int size = kLanes<T> / 2; size > 0; size /= 2)
    if ((count & size) != 0) {
      __builtin_memcpy(to, from, static_cast<std::size_t>(size) * sizeof(T));
      from += size;
      to += size;
    }
}

// Stores the first `width` sums of each row, less than there are, or adds them to what is there.
template <class T, int Rows, int Vectors>
__attribute__((noinline)) void store_rows(const T* sums, std::int64_t width, bool add, bool relu, T* out,
                                          const std::int64_t* out_rows) {
  constexpr int L = kLanes<T>;
  for (int r = 0; r < Rows; ++r, sums += Vectors * L) {
    T* const to = out + out_rows[r];
    if (add)
      for (std::int64_t j = 0; j < width; ++j) to[j] = relu ? rectified_element<T>(to[j] + sums[j]) : to[j] + sums[j];
    else store_some(sums, width, to);
  }
}

// Accumulates Rows rows of `product` from `first` on, and stores them: of one panel or, if Wide, of panel after panel
// while the rows are in the cache.
template <class T, int Rows, int Vectors, Terms kTerms, bool Wide = false>
void multiply_rows(const TileProduct<T>& product, std::int64_t first) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  const T* row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) row[r] = product.lhs + product.rows[first + r];
  const std::int64_t lhs_step = kTerms == Terms::Adjacent ? 1 : product.lhs_step, rhs_step = product.rhs_step;
  const std::int64_t* const out_rows = product.out_rows + first;
  const T *panel = product.rhs, *bias = product.bias;
  const T* ahead = kTerms == Terms::Fetching ? product.ahead + first * product.ahead_row : nullptr;
  const std::int64_t ahead_term = product.ahead_term;
  T* out = product.out;
  for (std::int64_t width = product.width; width > 0; width -= Vectors * L, panel += product.panel_step) {
    P total[Rows][Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      const P start = bias != nullptr ? ploadu<P>(bias + v * L) : pset1<P>(T{0});
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) total[r][v] = start;
    }
    if (Wide || product.fetch_out) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) __builtin_prefetch(out + out_rows[r], 1);  // a store that misses holds up the next
    }
    if constexpr (kTerms == Terms::Listed) {
      const T* rhs = panel;
#pragma GCC unroll 4
      for (std::int64_t t = 0; t < product.segment_count; ++t, rhs += rhs_step)
        add_term<T, Rows, Vectors>(total, row, product.terms[t], rhs);
    } else {
      for (const Segment* segment = product.segments; segment != product.segments + product.segment_count; ++segment) {
        const T* rhs = panel + segment->rhs;
        std::int64_t at = segment->lhs;
        const std::int64_t end = at + segment->count * lhs_step;
#pragma GCC unroll 4
        for (; at != end; at += lhs_step, rhs += rhs_step) {
          add_term<T, Rows, Vectors>(total, row, at, rhs);
          if constexpr (kTerms == Terms::Fetching) {
            __builtin_prefetch(ahead, 0, 2);
            ahead += ahead_term;
          }
        }
      }
    }
    if (product.relu && !product.add) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) total[r][v] = rectified<T>(total[r][v]);
    }
    if (width >= Vectors * L) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        T* const to = out + out_rows[r];
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) {
          P value = total[r][v];
          if (product.add) {
            value = padd(value, ploadu<P>(to + v * L));
            if (product.relu) value = rectified<T>(value);
          }
          pstoreu(to + v * L, value);
        }
      }
    } else {
      alignas(64) T sums[Rows * Vectors * L];
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) pstore(sums + (r * Vectors + v) * L, total[r][v]);
      store_rows<T, Rows, Vectors>(sums, width, product.add, product.relu, out, out_rows);
    }
    if constexpr (!Wide) return;
    out += Vectors * L;
    if constexpr (kTerms == Terms::Fetching) ahead = product.ahead + first * product.ahead_row + (out - product.out);
    if (bias != nullptr) bias += Vectors * L;
  }
}

// The height of the next smaller tile: sums of four rows or more keep the multipliers busy.
constexpr int smaller(int rows) { return rows > 7 ? (rows + 1) / 2 : rows - 1; }

// The rows from `first` on, fewer than a tile has: by the highest tiles that they fill.
template <class T, int Rows, int Vectors, Terms kTerms, bool Wide>
void multiply_last(const TileProduct<T>& product, std::int64_t first) {
  if constexpr (Rows > 0) {
    while (product.row_count - first >= Rows) {
      multiply_rows<T, Rows, Vectors, kTerms, Wide>(product, first);
      first += Rows;
    }
    multiply_last<T, smaller(Rows), Vectors, kTerms, Wide>(product, first);
  }
}

template <class T, int Rows, int Vectors, Terms kTerms, bool Wide = false>
void multiply_all(const TileProduct<T>& product) {
  // Such rows are mostly channels, of which there are 16 or 32.
  if constexpr (Rows > kEvenRows)
    if (product.row_count % Rows != 0 && product.row_count % kEvenRows == 0 &&
        (product.add || product.row_count <= kFewEvenTiles * kEvenRows))
      return multiply_all<T, kEvenRows, Vectors, kTerms, Wide>(product);
  std::int64_t first = 0;
  for (; first + Rows <= product.row_count; first += Rows)
    multiply_rows<T, Rows, Vectors, kTerms, Wide>(product, first);
  if (first == product.row_count) return;
  // Computing some rows twice is cheaper than doing the last ones in small tiles.
  if (product.row_count >= Rows && !product.add)
    multiply_rows<T, Rows, Vectors, kTerms, Wide>(product, product.row_count - Rows);
  else multiply_last<T, smaller(Rows), Vectors, kTerms, Wide>(product, first);
}

// A product of one panel, with the narrowest tile that covers its width.
template <class T, Terms kTerms, int Vectors = 1>
void multiply_panel(const TileProduct<T>& product) {
  if constexpr (Vectors < kTileVectors)
    if (product.width > Vectors * kLanes<T>) return multiply_panel<T, kTerms, Vectors + 1>(product);
  multiply_all<T, kTileRows[Vectors], Vectors, kTerms>(product);
}

// The product with the widest tile; a last panel of fewer vectors is left to a product of its own.
template <class T, Terms kTerms>
void multiply_with(const TileProduct<T>& product) {
  if (product.width <= kPanelWidth<T>) return multiply_panel<T, kTerms>(product);
  const std::int64_t rest = product.width % kPanelWidth<T>;
  constexpr int kRows = kTileRows[kTileVectors];
  if (rest == 0 || rest > kPanelWidth<T> - kLanes<T>)
    return multiply_all<T, kRows, kTileVectors, kTerms, true>(product);
  TileProduct<T> part = product;
  part.width -= rest;
  multiply_all<T, kRows, kTileVectors, kTerms, true>(part);
  part.rhs += part.width / kPanelWidth<T> * product.panel_step;
  part.out += part.width;
  if (part.bias != nullptr) part.bias += part.width;
  part.width = rest;
  multiply_panel<T, kTerms>(part);
}

// The whole product, tile by tile.
template <class T>
void multiply(const TileProduct<T>& product) {
  if (product.segments == nullptr) multiply_with<T, Terms::Listed>(product);
  else if (product.ahead != nullptr) multiply_with<T, Terms::Fetching>(product);
  else if (product.lhs_step == 1) multiply_with<T, Terms::Adjacent>(product);
  else multiply_with<T, Terms::Stepped>(product);
}

// The same with flat tiles, whose panels have kFlatVectors vectors.
template <class T>
void multiply_flat(const TileProduct<T>& product) {
  if (product.ahead == nullptr) multiply_all<T, kFlatRows, kFlatVectors, Terms::Adjacent, true>(product);
  else multiply_all<T, kFlatRows, kFlatVectors, Terms::Fetching, true>(product);
}

// Few rows, at most kFewRows, of any width: the tile is as wide as registers allow. Reads at most
// kFewWidth columns beyond the last.
template <class T>
constexpr int kFewRows = kLanes<T> < 4 ? 2 : kLanes<T> / 2;
template <class T>
constexpr int kFewWidth = kRegisters / 2 * kLanes<T>;

template <class T, int Rows>
void multiply_few_rows(const TileProduct<T>& product) {
  if constexpr (Rows > 0) {
    if (product.row_count < Rows) return multiply_few_rows<T, Rows - 1>(product);
    constexpr int kVectors = (kRegisters - 1) / (Rows + 1);
    TileProduct<T> part = product;
    for (std::int64_t done = 0; done < product.width;
         done += part.width, part.rhs += kVectors * kLanes<T>, part.out += part.width) {
      part.width = product.width - done < kVectors * kLanes<T> ? product.width - done : kVectors * kLanes<T>;
      multiply_rows<T, Rows, kVectors, Terms::Adjacent>(part, 0);
      if (part.bias != nullptr) part.bias += part.width;
    }
  }
}

template <class T>
void multiply_few(const TileProduct<T>& product) {
  multiply_few_rows<T, kFewRows<T>>(product);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
