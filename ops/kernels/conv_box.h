// Boxes: positions on all spatial axes of some images, cut along images and the last two axes. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {

struct Box {
  Range images, rows, columns;         // rows and columns: positions on the last two axes
  std::vector<std::int64_t> position;  // on the others

  // The positions on axis d.
  Range range(std::size_t d) const {
    if (d < position.size()) return {position[d], position[d] + 1};
    return d == position.size() ? rows : columns;
  }
};

// Columns change first from one box to the next, images last.
struct Boxes {
  Blocks images, rows, columns;
  std::vector<std::int64_t> others;  // extents of the axes before the last two

  std::int64_t most() const { return images.block * rows.block * columns.block; }  // positions of a box

  std::int64_t count() const {
    std::int64_t count = images.count() * rows.count() * columns.count();
    for (std::int64_t extent : others) count *= extent;
    return count;
  }

  Box at(std::int64_t index) const {
    Box box;
    box.columns = columns.range(index % columns.count());
    index /= columns.count();
    box.rows = rows.range(index % rows.count());
    index /= rows.count();
    box.position.resize(others.size());
    for (std::size_t d = others.size(); d-- > 0; index /= others[d]) box.position[d] = index % others[d];
    box.images = images.range(index);
    return box;
  }
};

}  // namespace cotangent::kernels
