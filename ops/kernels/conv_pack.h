// Packing: tiles of the three matrices of a convolution, copied to and from dense memory. Internal.
#pragma once

#include <cstdint>

#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {

// Copies columns(row, q), zero where the window hangs over the border, so that `inner` indices are adjacent: outer and
// inner are the rows and the reduction or the other way round. `lhs` is where the group starts.
template <class T>
void pack_columns(const ConvProblem& problem, const MatrixIndex& outer, Range outer_range, const MatrixIndex& inner,
                  Range inner_range, const T* lhs, T* tile);

// A tile of the other two matrices: `index` is the reduction (weights) or the rows (output), times features that lie
// feature_step apart. In the tile, features are adjacent if features_inner, indices otherwise.
struct FeatureTile {
  const MatrixIndex& index;
  Range range, features;
  std::int64_t feature_step;
  bool features_inner;
};

template <class T>
void pack_features(const FeatureTile& shape, const T* memory, T* tile);
template <class T>
void unpack_features(const FeatureTile& shape, const T* tile, T* memory);

// The weights of a group as PlaneProduct has them: terms are kernel positions, then input features, and the features of
// a tile lie side by side. `to` has room for whole tiles, whose rest becomes zero.
template <class T>
void pack_plane_weights(const ConvProblem& problem, const T* rhs, T* to);

}  // namespace cotangent::kernels
