// Convolution by fast Fourier transforms: both arrays are transformed, multiplied and transformed back.
//
// The transform of an n-dimensional real array is made of complex transforms along one axis after the other; only the
// first one, along the last axis, is of real numbers, and yields half of the spectrum, which determines the rest. Lines
// of zeros are not transformed, and back only those that the result needs. Cyclic convolution of extent L adds elements
// of the full convolution that are L apart; L is chosen so that none of them meet inside the window.
#include "cotangent/ops/kernels/fft_convolve.h"

#include <algorithm>
#include <complex>
#include <unsupported/Eigen/FFT>
#include <utility>

#include "cotangent/core/memory.h"
#include "cotangent/core/parallel.h"

namespace cotangent::kernels {
namespace {

using Complex = std::complex<double>;
using Extents = std::vector<std::int64_t>;
using Range = std::pair<std::int64_t, std::int64_t>;

constexpr std::int64_t kChunkBytes = 64 << 20;  // of spectra at a time
constexpr std::int64_t kBlock = 1 << 14;        // complex numbers that one thread transforms at a time
constexpr std::int64_t kColumns = 4;            // adjacent lines that are read together: a cache line of numbers

// The next number with no prime factor above 5.
std::int64_t fast_extent(std::int64_t least) {
  for (std::int64_t extent = std::max<std::int64_t>(1, least);; ++extent) {
    std::int64_t rest = extent;
    for (std::int64_t factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return extent;
  }
}

// The part of the window that lies inside the full convolution.
Range inside(const FftConvolution& convolution, std::size_t axis) {
  const std::int64_t full = convolution.in1[axis] + convolution.in2[axis] - 1, start = convolution.starts[axis];
  return {std::max<std::int64_t>(0, start), std::min(full, start + convolution.counts[axis])};
}

std::int64_t product(const Extents& extents, std::size_t first = 0) {
  std::int64_t result = 1;
  for (std::size_t axis = first; axis < extents.size(); ++axis) result *= extents[axis];
  return result;
}

// Transforms of single lines. Plans are kept for as long as the object lives; each thread needs its own.
class Lines {
 public:
  Lines() {
    fft_.SetFlag(Eigen::FFT<double>::Unscaled);
    fft_.SetFlag(Eigen::FFT<double>::HalfSpectrum);
  }
  void forward(Complex* to, const double* from, std::int64_t extent) { fft_.fwd(to, from, extent); }
  void forward(Complex* to, const Complex* from, std::int64_t extent) { fft_.fwd(to, from, extent); }
  void inverse(Complex* to, const Complex* from, std::int64_t extent) { fft_.inv(to, from, extent); }
  void inverse(double* to, const Complex* from, std::int64_t extent) { fft_.inv(to, from, extent); }

 private:
  Eigen::FFT<double> fft_;
};

enum class Direction { Forward, Inverse };

// Spectra of several arrays of `extents` real numbers, one after the other.
class Spectra {
 public:
  Spectra(Extents extents, std::int64_t arrays)
      : extents_(std::move(extents)), half_(extents_), last_(extents_.size() - 1), arrays_(arrays) {
    half_[last_] = extents_[last_] / 2 + 1;
    memory_ = allocate(static_cast<std::size_t>(arrays_ * product(half_)) * sizeof(Complex));
    elements_ = reinterpret_cast<Complex*>(memory_.get());
  }

  // The spectra of arrays that fill the corner of `extents` and are zero elsewhere.
  template <class T>
  void transform(const T* from, const Extents& extents) {
    std::vector<Range> corner;
    for (std::int64_t extent : extents) corner.emplace_back(0, extent);
    for_each_line(corner, last_, 1, [&](Lines& lines, std::vector<Complex>& buffer, const Line& line) {
      double* const row = reinterpret_cast<double*>(buffer.data());
      const T* const source = from + line.index * extents[last_];
      std::fill(std::copy(source, source + extents[last_], row), row + extents_[last_], 0.0);
      lines.forward(elements_ + line.offset, row, extents_[last_]);
    });
    for (std::size_t axis = last_; axis-- > 0;) transform_axis(corner, axis, Direction::Forward);
  }

  // The arrays again: the elements in `window`, which go to `first` and so on in an array of `counts`.
  template <class T>
  void transform_back(const std::vector<Range>& window, const Extents& starts, const Extents& counts, T* to) {
    for (std::size_t axis = 0; axis < last_; ++axis) transform_axis(window, axis, Direction::Inverse);
    const double scale = 1.0 / static_cast<double>(product(extents_));
    for_each_line(window, last_, 1, [&](Lines& lines, std::vector<Complex>& buffer, const Line& line) {
      double* const row = reinterpret_cast<double*>(buffer.data());
      lines.inverse(row, elements_ + line.offset, extents_[last_]);
      std::int64_t target = line.array;
      for (std::size_t axis = 0; axis < last_; ++axis)
        target = target * counts[axis] + line.position[axis] - starts[axis];
      T* const out = to + target * counts[last_] - starts[last_];
      for (std::int64_t x = window[last_].first; x < window[last_].second; ++x) out[x] = static_cast<T>(row[x] * scale);
    });
  }

  void multiply_by(const Spectra& other) {
    parallel_for(arrays_ * product(half_), kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) elements_[i] *= other.elements_[i];
    });
  }

 private:
  // Adjacent lines along one axis: which they are, and where the first one begins.
  struct Line {
    std::int64_t index;     // of all that are visited, in row-major order
    std::int64_t array;     // that it belongs to
    Extents position;       // on the axes before
    std::int64_t offset;    // of its first element
    std::int64_t adjacent;  // how many there are
  };

  // Calls body(lines, buffer, line) for the lines along `axis` whose positions on the axes before lie in `ranges`,
  // `columns` adjacent ones at a time. The buffer holds twice as many complex numbers.
  template <class Body>
  void for_each_line(const std::vector<Range>& ranges, std::size_t axis, std::int64_t columns, Body body) const {
    const std::int64_t inner = axis == last_ ? 1 : product(half_, axis + 1), groups = (inner + columns - 1) / columns;
    std::int64_t before = 1;
    for (std::size_t d = 0; d < axis; ++d) before *= ranges[d].second - ranges[d].first;
    const std::int64_t extent = extents_[axis], block = std::max<std::int64_t>(1, kBlock / (extent * columns));
    parallel_for(arrays_ * before * groups, block, [&](std::int64_t begin, std::int64_t end) {
      Lines lines;
      std::vector<Complex> buffer(static_cast<std::size_t>(2 * columns * extent));
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t column = task % groups * columns;
        Line line{task / groups, 0, Extents(axis), 0, std::min(columns, inner - column)};
        std::int64_t rest = line.index, stride = half_[axis] * inner;
        line.offset = column;
        for (std::size_t d = axis; d-- > 0;) {
          const std::int64_t count = ranges[d].second - ranges[d].first;
          line.position[d] = ranges[d].first + rest % count;
          line.offset += line.position[d] * stride;
          stride *= half_[d];
          rest /= count;
        }
        line.array = rest;
        line.offset += line.array * stride;
        body(lines, buffer, line);
      }
    });
  }

  // Transforms along one axis but the last. Forwards, what lies outside the range on the axis is taken to be zero;
  // backwards, it is not written.
  void transform_axis(const std::vector<Range>& ranges, std::size_t axis, Direction direction) {
    const std::int64_t extent = extents_[axis], stride = product(half_, axis + 1);
    if (extent == 1) return;
    const Range all{0, extent};
    const Range read = direction == Direction::Forward ? ranges[axis] : all;
    const Range written = direction == Direction::Forward ? all : ranges[axis];
    for_each_line(ranges, axis, kColumns, [&](Lines& lines, std::vector<Complex>& buffer, const Line& line) {
      Complex *const source = buffer.data(), *const result = source + kColumns * extent;
      std::fill(source, source + line.adjacent * extent, Complex());
      for (std::int64_t x = read.first; x < read.second; ++x)
        for (std::int64_t c = 0; c < line.adjacent; ++c)
          source[c * extent + x] = elements_[line.offset + x * stride + c];
      for (std::int64_t c = 0; c < line.adjacent; ++c) {
        if (direction == Direction::Forward) lines.forward(result + c * extent, source + c * extent, extent);
        else lines.inverse(result + c * extent, source + c * extent, extent);
      }
      for (std::int64_t x = written.first; x < written.second; ++x)
        for (std::int64_t c = 0; c < line.adjacent; ++c)
          elements_[line.offset + x * stride + c] = result[c * extent + x];
    });
  }

  const Extents extents_;
  Extents half_;  // extents of a spectrum
  const std::size_t last_;
  const std::int64_t arrays_;
  std::shared_ptr<std::byte> memory_;
  Complex* elements_ = nullptr;
};

}  // namespace

Extents transform_extents(const FftConvolution& convolution) {
  Extents result;
  for (std::size_t axis = 0; axis < convolution.in1.size(); ++axis) {
    // Elements of the full convolution that are `least` or more apart from one in the window lie outside of it.
    const auto [first, last] = inside(convolution, axis);
    const std::int64_t full = convolution.in1[axis] + convolution.in2[axis] - 1;
    const std::int64_t least = std::max({full - first, last, convolution.in1[axis], convolution.in2[axis]});
    // Real transforms are faster for multiples of 4.
    result.push_back(axis + 1 == convolution.in1.size() ? 4 * fast_extent((least + 3) / 4) : fast_extent(least));
  }
  return result;
}

template <class T>
void convolve_by_fft(const FftConvolution& convolution, const T* in1, const T* in2, T* out) {
  const std::int64_t results = product(convolution.counts);
  std::vector<Range> window;
  bool whole = true, empty = false;
  for (std::size_t axis = 0; axis < convolution.in1.size(); ++axis) {
    window.push_back(inside(convolution, axis));
    whole = whole && window[axis].second - window[axis].first == convolution.counts[axis];
    empty = empty || window[axis].second <= window[axis].first;
  }
  if (!whole) std::fill(out, out + convolution.batch * results, T{0});
  if (empty) return;

  const Extents extents = transform_extents(convolution);
  const std::int64_t bytes = product(extents) * static_cast<std::int64_t>(sizeof(Complex));
  const std::int64_t chunk = std::clamp<std::int64_t>(kChunkBytes / bytes, 1, convolution.batch);
  for (std::int64_t first = 0; first < convolution.batch; first += chunk) {
    const std::int64_t arrays = std::min(chunk, convolution.batch - first);
    Spectra spectra(extents, arrays), factors(extents, arrays);
    spectra.transform(in1 + first * product(convolution.in1), convolution.in1);
    factors.transform(in2 + first * product(convolution.in2), convolution.in2);
    spectra.multiply_by(factors);
    spectra.transform_back(window, convolution.starts, convolution.counts, out + first * results);
  }
}

template void convolve_by_fft(const FftConvolution&, const float*, const float*, float*);
template void convolve_by_fft(const FftConvolution&, const double*, const double*, double*);

}  // namespace cotangent::kernels
