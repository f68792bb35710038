// Matrix kernels for one instruction set.
#include "cotangent/ops/kernels/isa/matrix.h"

#include "cotangent/ops/kernels/isa/block_copy.h"
#include "cotangent/ops/kernels/isa/dot_product.h"
#include "cotangent/ops/kernels/isa/line_sums.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"
#include "cotangent/ops/kernels/isa/plane_dots.h"
#include "cotangent/ops/kernels/isa/plane_product.h"
#include "cotangent/ops/kernels/isa/resident_product.h"
#include "cotangent/ops/kernels/isa/shifted_sums.h"
#include "cotangent/ops/kernels/isa/weight_rows.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T>
void multiply_any(const TileProduct<T>& product) {
  if constexpr (kRegisters >= 32)
    if (fits_registers(product)) return multiply_resident(product);
  multiply(product);
}

template <class T>
constexpr MatrixKernels<T> kMatrixKernels{
    kLanes<T>,         kPanelWidth<T>,         kTileRows,       kFewRows<T>,   kFewWidth<T>,
    multiply_any<T>,   multiply_few<T>,        dot_products<T>, copy_block<T>, kFlatVectors* kLanes<T>,
    multiply_flat<T>,  sum_shifted<T>,         sum_lines<T>,    kFlatRows,     multiply_planes<T>,
    add_plane_dots<T>, multiply_weight_rows<T>};

}  // namespace

template <>
const MatrixKernels<float>& table<MatrixKernels<float>>() {
  return kMatrixKernels<float>;
}
template <>
const MatrixKernels<double>& table<MatrixKernels<double>>() {
  return kMatrixKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
