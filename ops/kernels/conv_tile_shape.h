// TileShape: what the matrix kernels of an instruction set multiply at once. Internal.
#pragma once

#include <cstdint>

#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"

namespace cotangent::kernels {

// MatrixKernels without its functions, for plans, which are the same for every type of such a shape.
struct TileShape {
  std::int64_t lanes, panel_width, few_rows, tile_rows;
};

template <class T>
TileShape tile_shape() {
  const MatrixKernels<T>& kernels = table<MatrixKernels<T>>();
  return {kernels.lanes, kernels.panel_width, kernels.few_rows, kernels.tile_rows};
}

}  // namespace cotangent::kernels
