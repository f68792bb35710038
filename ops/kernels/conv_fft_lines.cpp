// Where the lines that a convolution by Fourier transforms transforms lie.
#include "cotangent/ops/kernels/conv_fft_lines.h"

#include <algorithm>

namespace cotangent::kernels {

FftPiece make_piece(const FftPlan& plan, FftPart groups, FftPart images, FftPart features, FftPart blocks,
                    FftPart parts) {
  FftPiece piece{groups, images, features, {}, {}, {}};
  for (std::size_t d = 0; d < 2; ++d) {
    const FftCut& cut = plan.axes[d].cut;
    piece.blocks[d] = d == plan.chunk.axis ? blocks : FftPart{0, cut.blocks};
    piece.parts[d] = d == plan.chunk.axis ? parts : FftPart{0, cut.parts};
    piece.segments[d] = {piece.blocks[d].begin * cut.block_hops + piece.parts[d].begin * cut.part_hops,
                         (piece.blocks[d].end - 1) * cut.block_hops + (piece.parts[d].end - 1) * cut.part_hops + 1};
  }
  return piece;
}

std::int64_t inner_terms(const FftPlan& plan, const FftPiece& piece) {
  return plan.kernel_residues() * piece.features.count();
}

FftLine lhs_line(const FftPlan& plan, const FftPiece& piece, std::int64_t index) {
  const ConvProblem& problem = plan.problem;
  FftLine line;
  line.offset = problem.lhs_offset;
  line.offset += (piece.features.begin + index % piece.features.count()) * problem.lhs_feature;
  index /= piece.features.count();
  std::int64_t residue = index % plan.kernel_residues();
  index /= plan.kernel_residues();
  std::int64_t segment = index % piece.segment_count();
  index /= piece.segment_count();
  std::int64_t image = piece.images.begin + index % piece.images.count();
  line.offset += (piece.groups.begin + index / piece.images.count()) * problem.lhs_group;
  for (std::size_t d = 2; d-- > 0;) {
    const FftAxis& axis = plan.axes[d];
    const std::int64_t from =
        image % axis.out_residues * axis.axis.stride + residue % axis.kernel_residues * axis.axis.rhs_dilation -
        axis.axis.low + axis.step * axis.cut.hop * (piece.segments[d].begin + segment % piece.segments[d].count());
    image /= axis.out_residues;
    residue /= axis.kernel_residues;
    segment /= piece.segments[d].count();
    line.offset += from * axis.axis.lhs_step;
    const std::int64_t most = axis.cut.block + axis.cut.part - 1;
    const auto first_at = [&](std::int64_t position) {  // the first element at that position or beyond
      return std::clamp<std::int64_t>(position > from ? ceiling_quotient(position - from, axis.step) : 0, 0, most);
    };
    line.inside[d] = {first_at(0), first_at(axis.axis.in)};
  }
  line.offset += image * problem.lhs_batch;
  return line;
}

FftLine rhs_line(const FftPlan& plan, const FftPiece& piece, std::int64_t index) {
  const ConvProblem& problem = plan.problem;
  FftLine line;
  line.offset = problem.rhs_offset;
  line.offset += (piece.features.begin + index % piece.features.count()) * problem.rhs_in_feature;
  index /= piece.features.count();
  std::int64_t residue = index % plan.kernel_residues();
  index /= plan.kernel_residues();
  std::int64_t part = index % piece.part_count();
  index /= piece.part_count();
  line.offset += index % problem.out_features * problem.rhs_out_feature;
  line.offset += (piece.groups.begin + index / problem.out_features) * problem.rhs_group;
  for (std::size_t d = 2; d-- > 0;) {
    const FftAxis& axis = plan.axes[d];
    const std::int64_t k0 = residue % axis.kernel_residues,
                       from = axis.cut.part * (piece.parts[d].begin + part % piece.parts[d].count());
    residue /= axis.kernel_residues;
    part /= piece.parts[d].count();
    line.offset += (k0 + axis.kernel_residues * from) * axis.axis.rhs_step;
    line.inside[d] = {0, std::clamp<std::int64_t>(axis.taps_of(k0) - from, 0, axis.cut.part)};
  }
  return line;
}

FftLine out_line(const FftPlan& plan, const FftPiece& piece, std::int64_t index) {
  const ConvProblem& problem = plan.problem;
  FftLine line;
  line.offset = problem.out_offset + index % problem.out_features * problem.out_feature;
  index /= problem.out_features;
  std::int64_t block = index % piece.block_count();
  index /= piece.block_count();
  std::int64_t image = piece.images.begin + index % piece.images.count();
  line.offset += (piece.groups.begin + index / piece.images.count()) * problem.out_group;
  for (std::size_t d = 2; d-- > 0;) {
    const FftAxis& axis = plan.axes[d];
    const std::int64_t x0 = image % axis.out_residues,
                       from = axis.cut.block * (piece.blocks[d].begin + block % piece.blocks[d].count());
    image /= axis.out_residues;
    block /= piece.blocks[d].count();
    line.offset += (x0 + axis.out_residues * from) * axis.axis.out_step;
    line.inside[d] = {0, std::clamp<std::int64_t>(axis.outs_of(x0) - from, 0, axis.cut.block)};
  }
  line.offset += image * problem.out_batch;
  return line;
}

}  // namespace cotangent::kernels
