// Pooling's kernels for one instruction set.
#include "cotangent/ops/kernels/isa/pool.h"

#include "cotangent/ops/kernels/isa/pool_cells.h"
#include "cotangent/ops/kernels/isa/pool_columns.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T>
constexpr PoolKernels<T> kPoolKernels{
    {fold_cell<LargestOf, T>, fold_cell<SumOfBoth, T>, scatter_to_winners<false, T>, scatter_to_winners<true, T>,
     gather_from_winners<T>, spread_cell<false, T>, spread_cell<true, T>},
    {fold_columns<LargestOf, T>, fold_columns<SumOfBoth, T>, scatter_to_column_winners<false, T>,
     scatter_to_column_winners<true, T>, gather_from_column_winners<T>, spread_columns<false, T>,
     spread_columns<true, T>}};

}  // namespace

template <>
const PoolKernels<float>& table<PoolKernels<float>>() {
  return kPoolKernels<float>;
}
template <>
const PoolKernels<double>& table<PoolKernels<double>>() {
  return kPoolKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
