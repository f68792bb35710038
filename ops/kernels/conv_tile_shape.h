// TileShape: what the matrix kernels of an instruction set multiply at once. Internal.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {

// MatrixKernels without its functions, for plans, which are the same for every type of such a shape.
struct TileShape {
  std::int64_t lanes, panel_width, tile_rows, few_rows, flat_rows, flat_width;
};

// For products of so many columns: panels are no wider than these need.
template <class T>
TileShape tile_shape(std::int64_t columns) {
  const MatrixKernels<T>& kernels = table<MatrixKernels<T>>();
  const std::int64_t most = kernels.panel_width / kernels.lanes,
                     vectors = std::clamp<std::int64_t>((columns + kernels.lanes - 1) / kernels.lanes, 1, most);
  return {kernels.lanes,    vectors * kernels.lanes, kernels.tile_rows[vectors],
          kernels.few_rows, kernels.flat_rows,       kernels.flat_width};
}
inline TileShape tile_shape(std::int64_t element_size, std::int64_t columns) {
  return element_size == sizeof(float) ? tile_shape<float>(columns) : tile_shape<double>(columns);
}

}  // namespace cotangent::kernels
