// The table of fast Fourier transforms of several lines at once. Internal; plain data, so that code compiled for
// different instruction sets can share it.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// A complex number of each of as many lines as a vector has lanes is two adjacent vectors, of real and of imaginary
// parts: a complex vector. A transform of `extent` complex vectors, which lie `run` complex vectors apart, for each of
// the `run` that are adjacent there.
template <class T>
struct FftLines {
  std::int64_t extent, run;  // extent has no prime factor above 3
  const T* roots;            // exp(-2 pi i j / extent) for j < extent, as pairs
  T *data, *scratch;         // extent * run complex vectors each; data is overwritten
  bool inverse;              // not divided by the extent
};

// What the transform of extent / 2 complex numbers says about that of `extent` real ones, of which the even were the
// real parts and the odd the imaginary ones.
template <class T>
struct FftSplit {
  std::int64_t extent;  // even
  const T* roots;       // exp(-2 pi i j / extent) for j <= extent / 4, as pairs
  const T* from;        // extent / 2 complex vectors; extent / 2 + 1 if it is inverse
  T* to;                // extent / 2 + 1; extent / 2 if it is inverse; may be `from`
  T scale;              // of the result; the inverse multiplies by 2 besides
};

// Spectra of lines: frequencies fall into chunks of a vector; a line has two vectors in each, of real and of imaginary
// parts, and all lines of a chunk are adjacent.
template <class T>
struct SpectrumCopy {
  std::int64_t chunks, chunk_step;  // elements from one chunk to the next
  std::int64_t lines, line_step;    // no more than lanes, and elements from one to the next
  T* spectra;                       // of the first line
  T* vectors;                       // lanes * chunks complex vectors
};

// In one chunk, for every row and feature: out = sum over terms of lhs * the conjugate of rhs. Lists count elements.
template <class T>
struct SpectrumProduct {
  const T* lhs;
  const std::int64_t* rows;  // where each one begins
  std::int64_t row_count;
  const std::int64_t* terms;  // where each one lies in a row
  std::int64_t term_count;
  const T* rhs;  // terms are adjacent
  std::int64_t rhs_feature, features;
  T* out;                        // features are adjacent
  const std::int64_t* out_rows;  // where each one begins
  bool add;                      // to what is there
};

template <class T>
struct FftKernels {
  int lanes;
  T* (*transform)(const FftLines<T>&);  // returns where the result is, data or scratch
  void (*split)(const FftSplit<T>&);
  void (*join)(const FftSplit<T>&);              // the inverse
  void (*to_spectra)(const SpectrumCopy<T>&);    // from vectors
  void (*from_spectra)(const SpectrumCopy<T>&);  // to vectors; lanes without a line are zero
  void (*multiply)(const SpectrumProduct<T>&);
};

}  // namespace cotangent::kernels
