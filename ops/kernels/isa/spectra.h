// Spectra of lines: copies between them and complex vectors, and their products. For the level compiled for.
#pragma once

#include <Eigen/Core>

#include "cotangent/ops/kernels/isa/fft.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
void to_spectra(const SpectrumCopy<T>& c) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  for (std::int64_t chunk = 0; chunk < c.chunks; ++chunk)
    for (int part = 0; part < 2; ++part) {
      const T* const from = c.vectors + chunk * L * 2 * L + part * L;
      T* const to = c.spectra + chunk * c.chunk_step + part * L;
      PacketBlock<Packet<T>, L> block;
      for (int k = 0; k < L; ++k) block.packet[k] = pload<Packet<T>>(from + k * 2 * L);
      ptranspose(block);
      if (c.lines == L) {
        for (int k = 0; k < L; ++k) pstore(to + k * c.line_step, block.packet[k]);
      } else {
        for (std::int64_t k = 0; k < c.lines; ++k) pstore(to + k * c.line_step, block.packet[k]);
      }
    }
}

template <class T>
void from_spectra(const SpectrumCopy<T>& c) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  for (std::int64_t chunk = 0; chunk < c.chunks; ++chunk)
    for (int part = 0; part < 2; ++part) {
      const T* const from = c.spectra + chunk * c.chunk_step + part * L;
      T* const to = c.vectors + chunk * L * 2 * L + part * L;
      PacketBlock<Packet<T>, L> block;
      if (c.lines == L) {
        for (int k = 0; k < L; ++k) block.packet[k] = pload<Packet<T>>(from + k * c.line_step);
      } else {
        for (int k = 0; k < L; ++k)
          block.packet[k] = k < c.lines ? pload<Packet<T>>(from + k * c.line_step) : pset1<Packet<T>>(T{0});
      }
      ptranspose(block);
      for (int k = 0; k < L; ++k) pstore(to + k * 2 * L, block.packet[k]);
    }
}

// The sums of a block fill the registers beside the rows' factors and one of rhs.
constexpr int kSpectrumRows = kRegisters == 32 ? 4 : 2, kSpectrumFeatures = 2;

template <class T, int Rows, int Features>
void multiply_spectra(const SpectrumProduct<T>& product, std::int64_t row, std::int64_t feature) {
  using namespace Eigen::internal;
  using P = Packet<T>;
  constexpr int L = kLanes<T>;
  P re[Rows][Features], im[Rows][Features];
  const T* lhs[Rows];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    lhs[r] = product.lhs + product.rows[row + r];
#pragma GCC unroll 4
    for (int f = 0; f < Features; ++f) re[r][f] = im[r][f] = pset1<P>(T{0});
  }
  const T* rhs = product.rhs + feature * product.rhs_feature;
  for (std::int64_t t = 0; t < product.term_count; ++t, rhs += 2 * L) {
    P x_re[Rows], x_im[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      x_re[r] = pload<P>(lhs[r] + product.terms[t]);
      x_im[r] = pload<P>(lhs[r] + product.terms[t] + L);
    }
#pragma GCC unroll 4
    for (int f = 0; f < Features; ++f) {
      const P h_re = pload<P>(rhs + f * product.rhs_feature), h_im = pload<P>(rhs + f * product.rhs_feature + L);
      const P minus_h_im = pnegate(h_im);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        re[r][f] = pmadd(x_re[r], h_re, re[r][f]);
        im[r][f] = pmadd(x_im[r], h_re, im[r][f]);
        re[r][f] = pmadd(x_im[r], h_im, re[r][f]);
        im[r][f] = pmadd(x_re[r], minus_h_im, im[r][f]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    T* const out = product.out + product.out_rows[row + r] + feature * 2 * L;
#pragma GCC unroll 4
    for (int f = 0; f < Features; ++f) {
      T* const at = out + f * 2 * L;
      pstore(at, product.add ? padd(pload<P>(at), re[r][f]) : re[r][f]);
      pstore(at + L, product.add ? padd(pload<P>(at + L), im[r][f]) : im[r][f]);
    }
  }
}

template <class T, int Rows>
void multiply_features(const SpectrumProduct<T>& product, std::int64_t row) {
  std::int64_t feature = 0;
  for (; feature + kSpectrumFeatures <= product.features; feature += kSpectrumFeatures)
    multiply_spectra<T, Rows, kSpectrumFeatures>(product, row, feature);
  for (; feature < product.features; ++feature) multiply_spectra<T, Rows, 1>(product, row, feature);
}

template <class T>
void multiply_all(const SpectrumProduct<T>& product) {
  std::int64_t row = 0;
  for (; row + kSpectrumRows <= product.row_count; row += kSpectrumRows)
    multiply_features<T, kSpectrumRows>(product, row);
  for (; row < product.row_count; ++row) multiply_features<T, 1>(product, row);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
