// Where the lines that a convolution by Fourier transforms transforms lie. Internal.
#pragma once

#include <array>

#include "cotangent/ops/kernels/conv_fft.h"

namespace cotangent::kernels {

// Where a line of a transform lies in a tensor: its element (0, 0), which may be outside, and those that exist.
struct FftLine {
  std::int64_t offset = 0;
  std::array<Range, 2> inside{};

  bool empty() const { return length(inside[0]) <= 0 || length(inside[1]) <= 0; }
};

// A part of [0, count).
struct FftPart {
  std::int64_t begin = 0, end = 0;
  std::int64_t count() const { return end - begin; }
};

// What one round works on. Blocks and parts have a range on both axes.
struct FftPiece {
  FftPart groups, images, features;
  std::array<FftPart, 2> blocks, parts, segments;

  std::int64_t block_count() const { return blocks[0].count() * blocks[1].count(); }
  std::int64_t part_count() const { return parts[0].count() * parts[1].count(); }
  std::int64_t segment_count() const { return segments[0].count() * segments[1].count(); }
};

FftPiece make_piece(const FftPlan& plan, FftPart groups, FftPart images, FftPart features, FftPart blocks,
                    FftPart parts);

// Terms of a sum in one segment or part: residues of the kernel and input features.
std::int64_t inner_terms(const FftPlan& plan, const FftPiece& piece);

// Lines are counted as group, image, segment, residue of the kernel, input feature.
FftLine lhs_line(const FftPlan& plan, const FftPiece& piece, std::int64_t index);

// Lines are counted as group, output feature, part, residue of the kernel, input feature.
FftLine rhs_line(const FftPlan& plan, const FftPiece& piece, std::int64_t index);

// Lines are counted as group, image, block, output feature.
FftLine out_line(const FftPlan& plan, const FftPiece& piece, std::int64_t index);

}  // namespace cotangent::kernels
