// FftPlan: a convolution as products of spectra. Internal.
//
// On an axis with stride s and dilation d, let g = gcd(s, d), x = x0 + d/g X and k = k0 + s/g K. Then output x and
// kernel position k meet input x0 s + k0 d - low + lcm(s, d) (X + K): for each residue x0 of outputs a sum over the
// residues k0 of the kernel of convolutions of stride 1, no two of which read the same input. The residues of outputs
// become images and those of the kernel input features.
//
// What is left is cut into blocks of outputs and parts of the kernel. A block and a part meet in a segment of the input
// that is as long as both, less 1. Spectra of segments and of parts, of an extent of at least that, are multiplied and
// summed over input features and parts; one transform back gives a block of one output feature (overlap-save, with the
// kernel partitioned: T. Stockham, "High-speed convolution and correlation", 1966). Segments begin at multiples of a
// hop, so that the blocks and the parts share them.
#pragma once

#include <string>

#include "cotangent/ops/kernels/conv_cost.h"
#include "cotangent/ops/kernels/conv_matrix.h"

namespace cotangent::kernels {

// How an axis is cut.
struct FftCut {
  std::int64_t extent = 1;                     // of the transform
  std::int64_t block = 1, part = 1;            // most outputs and kernel positions of each
  std::int64_t blocks = 1, parts = 1;          // how many there are
  std::int64_t hop = 1;                        // from one segment to the next
  std::int64_t block_hops = 1, part_hops = 1;  // a block and a part in hops, where there are several

  std::int64_t segments() const { return (blocks - 1) * block_hops + (parts - 1) * part_hops + 1; }
};

struct FftAxis {
  ConvAxis axis;
  std::int64_t out_residues, kernel_residues;
  std::int64_t step;        // from one input position that is read to the next: lcm(s, d)
  std::int64_t outs, taps;  // the most that a residue has
  FftCut cut = {};

  explicit FftAxis(const ConvAxis& axis);
  std::int64_t outs_of(std::int64_t residue) const;
  std::int64_t taps_of(std::int64_t residue) const;
};

// What is transformed and multiplied at a time. Blocks and parts are counted along one axis; of the other, all.
struct FftChunks {
  std::size_t axis = 1;
  std::int64_t groups = 1, images = 1, features = 1, blocks = 1, parts = 1;
};

struct FftPlan {
  // For elements of that many bytes, `lanes` of which are a vector.
  FftPlan(const ConvProblem& problem, std::int64_t element_size, std::int64_t lanes);

  ConvCost cost(std::int64_t element_size) const;

  // Of the time, in multiply-adds at the best rate.
  double estimate() const { return estimate(axes[0].cut, axes[1].cut); }

  std::int64_t images() const { return problem.batch * axes[0].out_residues * axes[1].out_residues; }
  // True if the lines of a vector are the same one of as many groups, which lie closest to each other in a depthwise
  // convolution with channels last.
  bool groups_adjacent() const { return problem.lhs_group == 1 && problem.groups >= lanes; }
  std::int64_t kernel_residues() const { return axes[0].kernel_residues * axes[1].kernel_residues; }

  // Complex vectors of a transform in memory, of which each row of the first axis has that many.
  std::int64_t row_vectors() const { return axes[1].cut.extent / 2 + 1; }
  std::int64_t vectors() const { return chunks() * lanes; }
  std::int64_t chunks() const { return ceiling_quotient(axes[0].cut.extent * row_vectors(), lanes); }

  // Lines of lhs, rhs and the output whose spectra are in memory at once.
  std::int64_t lhs_lines() const;
  std::int64_t rhs_lines() const;
  std::int64_t out_lines() const;

  std::string refusal = {};  // why it cannot serve
  ConvProblem problem;       // but for its axes
  std::vector<FftAxis> axes;
  std::int64_t lanes;
  FftChunks chunk;

 private:
  double estimate(const FftCut& first, const FftCut& second) const;
  void choose_cuts();
  void choose_chunks(std::int64_t element_size);
};

}  // namespace cotangent::kernels
