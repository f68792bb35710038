// Copies of blocks between layouts, transposed in registers where rows and columns change places. For one level.
#pragma once

#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/isa/micro_kernel.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class T>
inline void copy_row(const T* from, std::int64_t count, T* to) {
  constexpr int L = kLanes<T>;
  using namespace Eigen::internal;
  std::int64_t j = 0;
  for (; j + L <= count; j += L) pstoreu(to + j, ploadu<Packet<T>>(from + j));
  for (; j < count; ++j) to[j] = from[j];
}

// Rows of adjacent elements, which may all be one.
template <class T>
void copy_rows(BlockCopy<T> c) {
  if (c.blocks == 1 && c.from_row == c.columns && c.to_row == c.columns) {
    c.columns *= c.rows;
    c.rows = 1;
  }
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t b = 0; b < c.blocks; ++b)
      copy_row(c.from + i * c.from_row + b * c.from_block, c.columns, c.to + i * c.to_row + b * c.to_block);
}

template <class T>
void copy_elements(const BlockCopy<T>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j)
      c.to[i * c.to_row + j * c.to_column] = c.from[i * c.from_row + j * c.from_column];
}

// Adjacent along columns in `from`, along rows in `to`: squares of vectors are transposed in registers.
template <class T>
void copy_transposed(const BlockCopy<T>& c) {
  using namespace Eigen::internal;
  constexpr int L = kLanes<T>;
  const std::int64_t rows = c.rows / L * L, columns = c.columns / L * L;
  for (std::int64_t i = 0; i < rows; i += L)
    for (std::int64_t j = 0; j < columns; j += L) {
      PacketBlock<Packet<T>, L> block;
      for (int k = 0; k < L; ++k) block.packet[k] = ploadu<Packet<T>>(c.from + (i + k) * c.from_row + j);
      ptranspose(block);
      for (int k = 0; k < L; ++k) pstoreu(c.to + i + (j + k) * c.to_column, block.packet[k]);
    }
  BlockCopy<T> right = c, below = c;
  right.columns -= columns;
  right.from += columns;
  right.to += columns * c.to_column;
  copy_elements(right);
  below.rows -= rows;
  below.columns = columns;
  below.from += rows * c.from_row;
  below.to += rows;
  copy_elements(below);
}

template <class T>
void copy_block(BlockCopy<T> c) {
  if (c.from_column == 1 && c.to_column == 1) return copy_rows(c);
  for (std::int64_t b = 1; b < c.blocks; ++b) {
    BlockCopy<T> block = c;
    block.from += b * c.from_block;
    block.to += b * c.to_block;
    block.blocks = 1;
    copy_block(block);
  }
  c.blocks = 1;
  const BlockCopy<T> swapped{c.columns, c.rows, c.from, c.from_column, c.from_row, c.to, c.to_column, c.to_row};
  if (c.from_row == 1 && c.to_row == 1) copy_rows(swapped);
  else if (c.from_column == 1 && c.to_row == 1) copy_transposed(c);
  else if (c.from_row == 1 && c.to_column == 1) copy_transposed(swapped);
  else copy_elements(c);
}

}  // namespace cotangent::kernels::COTANGENT_ISA
