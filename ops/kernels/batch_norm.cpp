// Batch normalization on tensors: each pass goes over the elements once, in pieces that threads share.
#include "cotangent/ops/kernels/batch_norm.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/feature_pieces.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/features.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kShiftRows = 16;  // their mean is near enough to that of a piece
constexpr std::int64_t kRowsInT = 32;    // sums of T over at most so many are kept in T, longer ones in double

template <class T>
const FeatureKernels<T>& loops() {
  return table<FeatureKernels<T>>();
}

// One number of T for each lane of a piece.
template <class T>
struct LaneValues {
  T values[kMostLanes];

  // value(feature) for each lane.
  template <class F>
  LaneValues(const FeaturePiece& piece, F value) {
    for (std::int64_t i = 0; i < piece.features; ++i) values[i] = value(piece.feature + i);
    if (piece.features == 1) std::fill_n(values + 1, piece.width - 1, values[0]);
    else
      for (std::int64_t i = piece.features; i < piece.width; ++i) values[i] = values[i - piece.features];
  }
};

// Adds the lanes of each feature.
void fold(double* lanes, const FeaturePiece& piece) {
  if (piece.features == 1) {
    lanes[0] = Eigen::Map<const Eigen::ArrayXd>(lanes, piece.width).sum();
    return;
  }
  for (std::int64_t lane = piece.features; lane < piece.width; lane += piece.features)
    for (std::int64_t i = 0; i < piece.features; ++i) lanes[i] += lanes[lane + i];
}

// Two sums over a piece for each of its features.
struct PieceSums {
  double first[kMostLanes], second[kMostLanes];

  template <class T>
  PieceSums(typename FeatureKernels<T>::Sums sums, const FeaturePiece& piece, const T* x, const T* g,
            const Normalization<T>& lanes) {
    T a[kMostLanes], b[kMostLanes];
    std::fill_n(first, piece.width, 0.0);
    std::fill_n(second, piece.width, 0.0);
    const auto add = [&](std::int64_t row, std::int64_t rows, std::int64_t width) {
      const std::int64_t at = row * piece.stride;
      sums(x + at, g + at, rows, width, piece.stride, lanes, a, b);
      for (std::int64_t i = 0; i < width; ++i) first[i] += static_cast<double>(a[i]);
      for (std::int64_t i = 0; i < width; ++i) second[i] += static_cast<double>(b[i]);
    };
    for (std::int64_t row = 0; row < piece.rows; row += kRowsInT)
      add(row, std::min(kRowsInT, piece.rows - row), piece.width);
    if (piece.tail > 0) add(piece.rows, 1, piece.tail);
    fold(first, piece);
    fold(second, piece);
  }
};

// Calls make(piece, first, second), which writes two numbers for each feature of a piece, for all pieces in parallel,
// then combine(piece, first, second) one after the other.
template <class Make, class Combine>
void over_pieces(const FeaturePieces& pieces, Make make, Combine combine) {
  const std::int64_t features = pieces.most_features();
  const auto partial = std::make_unique<double[]>(static_cast<std::size_t>(2 * features * pieces.count()));
  const auto of = [&](std::int64_t i) { return partial.get() + 2 * features * i; };
  parallel_for(pieces.count(), pieces.block(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) make(pieces[i], of(i), of(i) + features);
  });
  for (std::int64_t i = 0; i < pieces.count(); ++i) combine(pieces[i], of(i), of(i) + features);
}

template <class T>
double inverse_deviation(const T* moments, std::int64_t features, std::int64_t feature, double eps) {
  return 1 / std::sqrt(static_cast<double>(moments[features + feature]) + eps);
}

// What normalized values are multiplied by.
template <class T>
double scale_of(const T* weight, const T* moments, std::int64_t features, std::int64_t feature, double eps) {
  return static_cast<double>(weight[feature]) * inverse_deviation(moments, features, feature, eps);
}

// How the lanes of a piece are normalized.
template <class T>
struct PieceLanes {
  LaneValues<T> mean, scale, bias;

  PieceLanes(const FeaturePiece& piece, std::int64_t features, const T* moments, const T* weight, const T* biases,
             double eps)
      : mean(piece, [&](std::int64_t i) { return moments[i]; }),
        scale(piece, [&](std::int64_t i) { return static_cast<T>(scale_of(weight, moments, features, i, eps)); }),
        bias(piece, [&](std::int64_t i) { return biases[i]; }) {}

  operator Normalization<T>() const { return {mean.values, scale.values, bias.values}; }
};

}  // namespace

// Sums of squares about a shift near the mean of each piece: nothing cancels, as it would in E[x^2] - E[x]^2. The
// pieces are combined as in Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.
void feature_moments(const Tensor& x, int axis, Tensor& moments) {
  const FeaturePieces pieces(x.shape(), axis);
  const auto features = static_cast<std::size_t>(pieces.features());
  visit_floating(x.dtype(), [&]<class T>() {
    const T* const in = x.data<T>().data();
    std::vector<double> mean(features, 0), squares(features, 0), counts(features, 0);
    over_pieces(
        pieces,
        [&](const FeaturePiece& piece, double* means, double* about_mean) {
          FeaturePiece start = piece;  // its mean is the shift
          start.rows = std::min(kShiftRows, piece.rows);
          start.tail = piece.rows == 0 ? piece.tail : 0;
          const LaneValues<T> zero(piece, [](std::int64_t) { return T{0}; });
          const PieceSums near(loops<T>().products, start, in + piece.begin, in + piece.begin,
                               Normalization<T>{zero.values, nullptr, nullptr});
          const LaneValues<T> shift(piece, [&](std::int64_t feature) {
            return static_cast<T>(near.first[feature - piece.feature] / static_cast<double>(start.count()));
          });
          const PieceSums sums(loops<T>().squares, piece, in + piece.begin, in + piece.begin,
                               Normalization<T>{shift.values, nullptr, nullptr});
          const auto count = static_cast<double>(piece.count());
          for (std::int64_t i = 0; i < piece.features; ++i) {
            means[i] = static_cast<double>(shift.values[i]) + sums.first[i] / count;
            const double about = sums.second[i] - sums.first[i] * sums.first[i] / count;
            about_mean[i] = about < 0 ? 0 : about;
          }
        },
        [&](const FeaturePiece& piece, const double* means, const double* about_mean) {
          const auto count = static_cast<double>(piece.count());
          const auto first = static_cast<std::size_t>(piece.feature);
          const double before = counts[first], share = count / (before + count);
          for (std::size_t i = 0; i < static_cast<std::size_t>(piece.features); ++i) {
            const double distance = means[i] - mean[first + i];
            mean[first + i] += distance * share;
            squares[first + i] += about_mean[i] + distance * distance * before * share;
            counts[first + i] += count;
          }
        });
    T* const out = moments.mutable_data<T>().data();
    for (std::size_t i = 0; i < features; ++i) {
      const bool any = counts[i] > 0;
      out[i] = static_cast<T>(any ? mean[i] : std::nan(""));
      out[features + i] = static_cast<T>(any ? squares[i] / counts[i] : std::nan(""));
    }
  });
}

void normalize_features(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias, int axis,
                        double eps, bool relu, Tensor& y) {
  const FeaturePieces pieces(x.shape(), axis);
  visit_floating(x.dtype(), [&]<class T>() {
    const T *const in = x.data<T>().data(), *const m = moments.data<T>().data(), *const w = weight.data<T>().data(),
                   *const b = bias.data<T>().data();
    T* const out = y.mutable_data<T>().data();
    parallel_for(pieces.count(), pieces.block(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const FeaturePiece p = pieces[k];
        const PieceLanes<T> lanes(p, pieces.features(), m, w, b, eps);
        const std::int64_t last = p.begin + p.rows * p.stride;
        loops<T>().normalize(in + p.begin, out + p.begin, p.rows, p.width, p.stride, lanes, relu);
        if (p.tail > 0) loops<T>().normalize(in + last, out + last, 1, p.tail, p.stride, lanes, relu);
      }
    });
  });
}

void batch_norm_sums(const Tensor& x, const Tensor& moments, const Tensor& g, const Tensor& weight, const Tensor& bias,
                     int axis, double eps, bool relu, Tensor& sums) {
  const FeaturePieces pieces(x.shape(), axis);
  const auto features = static_cast<std::size_t>(pieces.features());
  visit_floating(x.dtype(), [&]<class T>() {
    const T *const in = x.data<T>().data(), *const m = moments.data<T>().data(), *const from = g.data<T>().data(),
                   *const w = weight.data<T>().data(), *const b = bias.data<T>().data();
    const auto add = relu ? loops<T>().rectified_products : loops<T>().products;
    std::vector<double> plain(features, 0), weighted(features, 0);
    over_pieces(
        pieces,
        [&](const FeaturePiece& piece, double* first, double* second) {
          const PieceLanes<T> lanes(piece, pieces.features(), m, w, b, eps);
          const PieceSums part(add, piece, in + piece.begin, from + piece.begin, Normalization<T>(lanes));
          std::copy_n(part.first, piece.features, first);
          std::copy_n(part.second, piece.features, second);
        },
        [&](const FeaturePiece& piece, const double* first, const double* second) {
          for (std::int64_t i = 0; i < piece.features; ++i) {
            plain[static_cast<std::size_t>(piece.feature + i)] += first[i];
            weighted[static_cast<std::size_t>(piece.feature + i)] += second[i];
          }
        });
    T* const out = sums.mutable_data<T>().data();
    for (std::size_t i = 0; i < features; ++i) {
      out[i] = static_cast<T>(weighted[i] * inverse_deviation(m, pieces.features(), static_cast<std::int64_t>(i), eps));
      out[features + i] = static_cast<T>(plain[i]);
    }
  });
}

void batch_norm_input_grad(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& g,
                           const Tensor& sums, const Tensor& bias, int axis, double eps, bool relu, Tensor& dx) {
  const FeaturePieces pieces(x.shape(), axis);
  const std::int64_t features = pieces.features();
  visit_floating(x.dtype(), [&]<class T>() {
    const T *const in = x.data<T>().data(), *const m = moments.data<T>().data(), *const w = weight.data<T>().data(),
                   *const from = g.data<T>().data(), *const s = sums.data<T>().data(), *const b = bias.data<T>().data();
    T* const out = dx.mutable_data<T>().data();
    const auto count = static_cast<double>(pieces.per_feature());
    parallel_for(pieces.count(), pieces.block(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const FeaturePiece p = pieces[k];
        const PieceLanes<T> lanes(p, features, m, w, b, eps);
        const LaneValues<T> constant(p, [&](std::int64_t i) {
          return static_cast<T>(scale_of(w, m, features, i, eps) * static_cast<double>(s[features + i]) / count);
        });
        const LaneValues<T> slope(p, [&](std::int64_t i) {
          return static_cast<T>(scale_of(w, m, features, i, eps) * inverse_deviation(m, features, i, eps) *
                                static_cast<double>(s[i]) / count);
        });
        const auto rows = [&](std::int64_t at, std::int64_t n, std::int64_t width) {
          loops<T>().input_gradient(in + at, from + at, out + at, n, width, p.stride, lanes, constant.values,
                                    slope.values, relu);
        };
        rows(p.begin, p.rows, p.width);
        if (p.tail > 0) rows(p.begin + p.rows * p.stride, 1, p.tail);
      }
    });
  });
}

}  // namespace cotangent::kernels
