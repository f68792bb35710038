// FeaturePieces: a tensor cut into pieces for sums over all axes but that of its features, in any layout. Internal.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cotangent/core/shape.h"

namespace cotangent::kernels {

// Rows of lanes: lane i belongs to feature `feature + i % features`. Few features repeat along the lanes, so that
// vectors are full, and the last row may then have only `tail` of them.
struct FeaturePiece {
  std::int64_t begin;              // element of the tensor
  std::int64_t feature, features;  // the first, and how many
  std::int64_t rows, width, stride, tail;

  std::int64_t count() const { return (rows * width + tail) / features; }  // elements of each feature
};

constexpr std::int64_t kMostLanes = 1024;

// The pieces depend on the shape alone.
class FeaturePieces {
 public:
  FeaturePieces(const Shape& shape, int axis) {
    for (int k = 0; k < shape.ndim(); ++k)
      (k < axis ? outer_ : k > axis ? inner_ : features_) *= shape[static_cast<std::size_t>(k)];
    elements_ = outer_ * features_ * inner_;
    if (inner_ > 1) {
      width_ = inner_ < 512 ? 16 : 64;
      per_run_ = (inner_ + kPiece - 1) / kPiece;
      count_ = outer_ * features_ * per_run_;
    } else if (features_ <= kMostLanes) {
      width_ = features_ * (features_ < 64 ? (63 + features_) / std::max<std::int64_t>(1, features_) : 1);
      piece_ = std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(1, width_)) * width_;
      count_ = elements_ == 0 ? 0 : (elements_ + piece_ - 1) / piece_;
    } else {
      per_run_ = (features_ + kMostLanes - 1) / kMostLanes;
      count_ = (outer_ + kRows - 1) / kRows * per_run_;
    }
    if (elements_ == 0) count_ = 0;
  }

  std::int64_t count() const { return count_; }
  std::int64_t features() const { return features_; }
  std::int64_t per_feature() const { return outer_ * inner_; }  // elements
  // Features of a piece at most.
  std::int64_t most_features() const { return inner_ > 1 ? 1 : std::min(features_, kMostLanes); }
  // Pieces that a thread takes at once.
  std::int64_t block() const { return inner_ > 1 ? std::max<std::int64_t>(1, kPiece / 2 / inner_) : 1; }

  FeaturePiece operator[](std::int64_t i) const {
    if (inner_ > 1) {  // runs of one feature
      const std::int64_t run = i / per_run_, begin = i % per_run_ * kPiece, n = std::min(kPiece, inner_ - begin);
      return {run * inner_ + begin, run % features_, 1, n / width_, width_, width_, n % width_};
    }
    if (features_ <= kMostLanes) {  // rows of all features
      const std::int64_t begin = i * piece_, n = std::min(piece_, elements_ - begin);
      return {begin, 0, features_, n / width_, width_, width_, n % width_};
    }
    const std::int64_t row = i / per_run_ * kRows, first = i % per_run_ * kMostLanes;
    const std::int64_t width = std::min(kMostLanes, features_ - first);
    return {row * features_ + first, first, width, std::min(kRows, outer_ - row), width, features_, 0};
  }

 private:
  static constexpr std::int64_t kPiece = 1 << 16;  // elements
  static constexpr std::int64_t kRows = 64;        // of a piece that has only some of the features

  std::int64_t outer_ = 1, features_ = 1, inner_ = 1, elements_, width_ = 0, piece_ = 0, per_run_ = 1, count_;
};

}  // namespace cotangent::kernels
