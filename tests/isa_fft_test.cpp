// Tests of the Fourier transforms of every instruction set that this processor has, each against its definition.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "cotangent/ops/kernels/isa/fft.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using kernels::FftKernels;
using testing::Aligned;
using testing::expect_sum;
using testing::for_each_level;
using testing::samples;

using Numbers = std::vector<std::complex<double>>;

Numbers transform(const Numbers& x, bool inverse = false) {
  Numbers y(x.size());
  const std::size_t n = x.size();
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t m = 0; m < n; ++m) {
      const double turn = static_cast<double>(k * m % n) / static_cast<double>(n);
      y[k] += x[m] * std::polar(1.0, (inverse ? 2 : -2) * std::numbers::pi * turn);
    }
  return y;
}

// exp(-2 pi i j / extent) for j < count, as pairs.
template <class T>
std::vector<T> roots(std::int64_t extent, std::int64_t count) {
  std::vector<T> pairs;
  for (std::int64_t j = 0; j < count; ++j) {
    const auto root = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(extent));
    pairs.push_back(static_cast<T>(root.real()));
    pairs.push_back(static_cast<T>(root.imag()));
  }
  return pairs;
}

// A lane of some complex vectors that lie `step` of them apart.
template <class T>
Numbers lane_of(const T* data, std::int64_t count, std::int64_t step, int lanes, int lane) {
  Numbers x;
  for (std::int64_t i = 0; i < count; ++i)
    x.emplace_back(data[2 * i * step * lanes + lane], data[(2 * i * step + 1) * lanes + lane]);
  return x;
}

template <class T>
void expect_numbers(const Numbers& actual, const Numbers& expected, int roundings) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    expect_sum(static_cast<T>(actual[i].real()), expected[i].real(), roundings);
    expect_sum(static_cast<T>(actual[i].imag()), expected[i].imag(), roundings);
  }
}

template <class T>
void check_transform(const FftKernels<T>& table) {
  const int lanes = table.lanes;
  for (std::int64_t extent : {1, 2, 3, 4, 6, 8, 9, 12, 16, 24, 27, 32, 36, 64, 96})
    for (std::int64_t run : {1, 3})
      for (bool inverse : {false, true}) {
        SCOPED_TRACE(::testing::Message() << "extent " << extent << ", run " << run << ", inverse " << inverse);
        const std::vector<T> before = samples<T>(2 * extent * run * lanes, -1, 1, 1), pairs = roots<T>(extent, extent);
        Aligned<T> data(before), scratch(2 * extent * run * lanes);
        const T* const result = table.transform({.extent = extent,
                                                 .run = run,
                                                 .roots = pairs.data(),
                                                 .data = data.data(),
                                                 .scratch = scratch.data(),
                                                 .inverse = inverse});
        ASSERT_TRUE(result == data.data() || result == scratch.data());
        for (std::int64_t q = 0; q < run; ++q)
          for (int lane = 0; lane < lanes; ++lane)
            expect_numbers<T>(lane_of(result + 2 * q * lanes, extent, run, lanes, lane),
                              transform(lane_of(before.data() + 2 * q * lanes, extent, run, lanes, lane), inverse),
                              static_cast<int>(8 + 2 * extent));
      }
}

// Real numbers as complex ones, the even with the odd. `split` makes of the transform of these that of the real ones,
// `join` goes back.
template <class T>
void check_split(const FftKernels<T>& table) {
  const int lanes = table.lanes;
  for (std::int64_t extent : {2, 4, 6, 8, 12, 18, 32, 54})
    for (bool in_place : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "extent " << extent << ", in place " << in_place);
      const std::int64_t half = extent / 2, size = 2 * (half + 1) * lanes;
      const std::vector<T> x = samples<T>(extent * lanes, -1, 1, 1), pairs = roots<T>(extent, extent / 4 + 1);
      Aligned<T> halves(size), whole(size);
      std::vector<Numbers> of_halves, of_whole;
      for (int lane = 0; lane < lanes; ++lane) {
        Numbers all;
        for (std::int64_t i = 0; i < extent; ++i) all.emplace_back(x[i * lanes + lane]);
        of_halves.push_back(transform(lane_of(x.data(), half, 1, lanes, lane)));
        of_whole.push_back(transform(all));
        of_whole.back().resize(half + 1);
        for (std::int64_t k = 0; k <= half; ++k) {
          if (k < half) {
            halves.data()[2 * k * lanes + lane] = static_cast<T>(of_halves[lane][k].real());
            halves.data()[(2 * k + 1) * lanes + lane] = static_cast<T>(of_halves[lane][k].imag());
          }
          whole.data()[2 * k * lanes + lane] = static_cast<T>(of_whole[lane][k].real());
          whole.data()[(2 * k + 1) * lanes + lane] = static_cast<T>(of_whole[lane][k].imag());
        }
      }
      Aligned<T> other(size);
      T* to = in_place ? halves.data() : other.data();
      table.split({.extent = extent, .roots = pairs.data(), .from = halves.data(), .to = to, .scale = T(0.25)});
      for (int lane = 0; lane < lanes; ++lane) {
        Numbers expected = of_whole[lane];
        for (auto& value : expected) value *= 0.25;
        expect_numbers<T>(lane_of(to, half + 1, 1, lanes, lane), expected, static_cast<int>(8 + extent));
      }
      to = in_place ? whole.data() : other.data();
      table.join({.extent = extent, .roots = pairs.data(), .from = whole.data(), .to = to, .scale = T(0.25)});
      for (int lane = 0; lane < lanes; ++lane) {
        Numbers expected = of_halves[lane];
        for (auto& value : expected) value *= 2 * 0.25;
        expect_numbers<T>(lane_of(to, half, 1, lanes, lane), expected, static_cast<int>(8 + extent));
      }
    }
}

// Lines that follow each other, and every other one.
template <class T>
void check_spectra(const FftKernels<T>& table) {
  const std::int64_t lanes = table.lanes, chunks = 3, chunk_step = 2 * lanes * (2 * lanes + 1);
  const std::vector<T> filled = samples<T>(chunks * 2 * lanes * lanes, -1, 1, 1), other(chunks * chunk_step, T(77));
  for (std::int64_t lines = 1; lines <= lanes; ++lines)
    for (const std::int64_t distance : {1, 2}) {
      Aligned<T> vectors(filled), spectra(other), back(other);
      table.to_spectra({chunks, chunk_step, lines, distance * 2 * lanes, spectra.data(), vectors.data()});
      table.from_spectra({chunks, chunk_step, lines, distance * 2 * lanes, spectra.data(), back.data()});
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
        for (std::int64_t at = 0; at < chunk_step; ++at) {
          const std::int64_t f = at % lanes, part = at / lanes % 2, place = at / (2 * lanes), line = place / distance;
          const std::int64_t vector = (2 * (chunk * lanes + f) + part) * lanes + line;
          const bool used = place % distance == 0 && line < lines;
          ASSERT_EQ(spectra.data()[chunk * chunk_step + at], used ? filled[vector] : T(77))
              << line << " of " << lines << " lines, " << f;
          if (place % distance == 0 && line < lanes) {
            ASSERT_EQ(back.data()[vector], used ? filled[vector] : T(0)) << line << " of " << lines << " lines, " << f;
          }
        }
    }
}

template <class T>
void check_multiply(const FftKernels<T>& table) {
  const std::int64_t lanes = table.lanes, pair = 2 * lanes, term_count = 4;
  const std::int64_t terms[] = {3 * pair, 0, 7 * pair, pair};
  for (std::int64_t row_count : {1, 2, 3, 4, 5, 9})
    for (std::int64_t features : {1, 2, 3, 5})
      for (bool add : {false, true}) {
        SCOPED_TRACE(::testing::Message() << row_count << " rows, " << features << " features, add " << add);
        const std::int64_t rhs_feature = (term_count + 1) * pair, out_row = (features + 1) * pair;
        const std::vector<T> before = samples<T>(row_count * out_row, -1, 1, 3);
        const Aligned<T> lhs(samples<T>((row_count + 8) * pair, -1, 1, 1)),
            rhs(samples<T>(features * rhs_feature, -1, 1, 2));
        Aligned<T> out(before);
        std::vector<std::int64_t> rows, out_rows;
        for (std::int64_t i = 0; i < row_count; ++i)
          rows.push_back((row_count - 1 - i) * pair), out_rows.push_back(i * out_row);
        table.multiply({.lhs = lhs.data(),
                        .rows = rows.data(),
                        .row_count = row_count,
                        .terms = terms,
                        .term_count = term_count,
                        .rhs = rhs.data(),
                        .rhs_feature = rhs_feature,
                        .features = features,
                        .out = out.data(),
                        .out_rows = out_rows.data(),
                        .add = add});
        const auto number = [&](const T* at) { return std::complex<double>(at[0], at[lanes]); };
        for (std::int64_t r = 0; r < row_count; ++r)
          for (std::int64_t f = 0; f <= features; ++f)
            for (std::int64_t lane = 0; lane < lanes; ++lane) {
              const std::int64_t at = r * out_row + f * pair + lane;
              std::complex<double> sum = add || f == features ? number(before.data() + at) : 0;
              for (std::int64_t t = 0; t < term_count && f < features; ++t)
                sum += number(lhs.data() + rows[r] + terms[t] + lane) *
                       std::conj(number(rhs.data() + f * rhs_feature + t * pair + lane));
              expect_numbers<T>({number(out.data() + at)}, {sum}, f < features ? 32 : 0);
            }
      }
}

template <class T>
void check() {
  for_each_level<FftKernels<T>>([](const FftKernels<T>& table) {
    check_transform(table);
    check_split(table);
    check_spectra(table);
    check_multiply(table);
  });
}

TEST(IsaFft, Float32IsItsDefinition) { check<float>(); }
TEST(IsaFft, Float64IsItsDefinition) { check<double>(); }

}  // namespace
}  // namespace cotangent
