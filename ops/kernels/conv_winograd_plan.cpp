// Winograd convolution: which problems it serves, and how they become planes of tiles.
#include <fmt/format.h>

#include <algorithm>

#include "cotangent/ops/kernels/conv_tile_shape.h"
#include "cotangent/ops/kernels/conv_winograd.h"
#include "cotangent/ops/kernels/isa/winograd.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kLeastFolded = 4;  // taps

constexpr std::int64_t ceiling(std::int64_t a, std::int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
constexpr std::int64_t modulo(std::int64_t a, std::int64_t b) { return (a % b + b) % b; }

// The least fold in which so many taps are a square, or part of one.
std::int64_t fold_of(std::int64_t taps) {
  std::int64_t fold = 1;
  while (fold * fold < taps) ++fold;
  return fold;
}

LargeSmallAxis large_small(const ConvAxis& axis, bool gradient) {
  return gradient ? LargeSmallAxis{axis.in,           axis.kernel, axis.out,      axis.rhs_dilation, axis.stride,
                                   axis.lhs_dilation, axis.low,    axis.lhs_step, axis.rhs_step,     axis.out_step}
                  : LargeSmallAxis{axis.in,           axis.out, axis.kernel,   axis.stride,   axis.rhs_dilation,
                                   axis.lhs_dilation, axis.low, axis.lhs_step, axis.out_step, axis.rhs_step};
}

}  // namespace

Range Progression::inside(std::int64_t extent) const {
  return {ceiling(-origin, scale), ceiling(extent - origin, scale)};
}

TiledAxis::TiledAxis(const LargeSmallAxis& axis) : LargeSmallAxis(axis), first_(-low) {
  const std::int64_t phases = std::max(stride, lhs_dilation);
  if ((stride > 1) + (dilation > 1) + (lhs_dilation > 1) > 1 || phases > kMostPhases) return;  // taps stay 0
  if (large == 0 || small < phases) return;
  residues = std::min(dilation, large);
  lhs_blocks = stride;
  large_blocks = lhs_dilation;
  taps = ceiling(small, phases);
  windows = ceiling(large, dilation);
  if (large_blocks == 1) return;
  for (std::int64_t c = 0; c < large_blocks; ++c) {
    const auto at = static_cast<std::size_t>(c);
    tap_[at] = modulo(low - c, lhs_dilation);
    shift_[at] = (c + tap_[at] - low) / lhs_dilation;
    first_ = c == 0 ? shift_[at] : std::min(first_, shift_[at]);
  }
  for (std::int64_t c = 0; c < large_blocks; ++c) {
    std::int64_t& shift = shift_[static_cast<std::size_t>(c)];
    shift -= first_;
    windows = c == 0 ? 0 : windows;
    windows = std::max(windows, shift + ceiling(large - c, lhs_dilation));
  }
}

Progression TiledAxis::lhs_at(std::int64_t residue, std::int64_t lhs_block) const {
  return {first_ + residue + lhs_block, stride * dilation};
}

Range TiledAxis::seen(Range positions) const {
  const std::int64_t end = std::min(positions.second, windows + taps - 1);
  return {std::max<std::int64_t>(positions.first, 0), std::max<std::int64_t>(end, 0)};
}

Progression TiledAxis::large_at(std::int64_t residue, std::int64_t large_block) const {
  const std::int64_t scale = dilation * lhs_dilation;
  return {residue + large_block - scale * shift_[static_cast<std::size_t>(large_block)], scale};
}

Progression TiledAxis::small_at(std::int64_t lhs_block, std::int64_t large_block) const {
  return {lhs_block + tap_[static_cast<std::size_t>(large_block)], stride * lhs_dilation};
}

bool WinogradProblem::arrange(const ConvProblem& problem, bool gradient, Tiled tiled, std::size_t first,
                              std::size_t second) {
  weight_gradient = gradient;
  groups = problem.groups;
  large_features = problem.out_features;
  images = gradient ? problem.in_features : problem.batch;
  in_features = gradient ? problem.batch : problem.in_features;
  lhs = {problem.lhs_offset, problem.lhs_group, gradient ? problem.lhs_feature : problem.lhs_batch,
         gradient ? problem.lhs_batch : problem.lhs_feature};
  const FeatureSteps rhs{problem.rhs_offset, problem.rhs_group, problem.rhs_in_feature, problem.rhs_out_feature},
      out{problem.out_offset, problem.out_group, problem.out_batch, problem.out_feature};
  large = gradient ? rhs : out;
  const FeatureSteps& few = gradient ? out : rhs;
  small_offset = few.offset;
  small_group = few.group;
  small_in = few.image;
  small_large = few.feature;

  outer_.clear();
  for (std::size_t d = 0; d < problem.axes.size(); ++d) {
    const LargeSmallAxis axis = large_small(problem.axes[d], gradient);
    if (d == second) axes_[1] = TiledAxis(axis);
    else if (d == first) axes_[0] = TiledAxis(axis);
    else outer_.push_back(axis);
  }
  if (tiled != Tiled::Square) axes_[0] = TiledAxis(kPoint);
  choose_slide();
  outer_taps_ = 1;
  planes_ = images * axes_[0].residues * axes_[1].residues;
  for (const LargeSmallAxis& axis : outer_) {
    outer_taps_ *= axis.small;
    planes_ *= axis.large;
  }
  taps = axes_[1].taps;
  line = tiled == Tiled::Line;
  if (tiled == Tiled::Square && taps != axes_[0].taps) return false;
  if (tiled != Tiled::Square && axes_[1].windows < taps) return false;
  if (tiled == Tiled::Fold && taps < kLeastFolded) return false;
  fold = tiled == Tiled::Fold ? fold_of(taps) : 0;
  if (fold > 0) taps = fold;
  return taps >= 2 && taps <= kWinogradMostTaps && planes_ > 0 && outer_taps_ > 0 && in_features > 0;
}

// The axis whose windows share most.
void WinogradProblem::choose_slide() {
  slide_ = kPoint;
  const auto sharing = [](const LargeSmallAxis& axis) {  // window positions to a slice
    if (axis.lhs_dilation > 1 || axis.dilation > 1 || axis.stride >= axis.small) return 0.0;
    const std::int64_t seen = (axis.large - 1) * axis.stride + axis.small;
    return static_cast<double>(axis.large * axis.small) / static_cast<double>(seen);
  };
  const auto most = std::max_element(outer_.begin(), outer_.end(),
                                     [&](const auto& a, const auto& b) { return sharing(a) < sharing(b); });
  if (most == outer_.end() || sharing(*most) <= 1) return;
  slide_ = *most;
  outer_.erase(most);
}

double WinogradProblem::multiply_adds() const {
  return static_cast<double>(groups) * static_cast<double>(tiles() * slices() * positions()) *
         static_cast<double>(small_blocks() * in_features) * static_cast<double>(large_blocks() * large_features);
}

// Of the time, in multiply-adds: products, and transforms of both operands and the result, an element of which takes
// as long as some products.
double WinogradProblem::estimate() const {
  constexpr double kTransformed = 6, kWeights = 12;
  return multiply_adds() + kTransformed * transformed() + kWeights * expanded();
}

double WinogradProblem::transformed() const {
  const auto lhs_elements = static_cast<double>(lhs_slices(slices()) * whole_lines(lhs_blocks() * in_features)),
             large_elements = static_cast<double>(slices() * large_blocks() * whole_lines(large_features));
  return static_cast<double>(groups * positions()) * static_cast<double>(tiles()) * (lhs_elements + large_elements);
}

double WinogradProblem::expanded() const {
  return static_cast<double>(groups * positions()) * static_cast<double>(small_blocks() * in_features) *
         static_cast<double>(large_blocks() * large_features);
}

WinogradProblem::WinogradProblem(const ConvProblem& problem) : lanes_(tile_shape<float>(1).lanes) {
  WinogradProblem best = *this, candidate = *this;
  double least = -1;
  const auto compare = [&](const ConvProblem& given, bool gradient, Tiled tiled, std::size_t first,
                           std::size_t second) {
    if (!candidate.arrange(given, gradient, tiled, first, second)) return;
    for (candidate.family = 0; candidate.family < kWinogradFamilies; ++candidate.family) {
      if (!candidate.cut_tiles()) continue;
      const double estimate = candidate.estimate();
      if (least >= 0 && estimate >= least) continue;
      least = estimate;
      best = candidate;
    }
  };
  const auto compare_all = [&](const ConvProblem& given, bool gradient) {
    for (std::size_t second = given.axes.size(); second-- > 0;) {
      for (std::size_t first = second; first-- > 0;) compare(given, gradient, Tiled::Square, first, second);
      compare(given, gradient, Tiled::Fold, second, second);
      compare(given, gradient, Tiled::Line, second, second);
    }
  };
  compare_all(problem, false);
  compare_all(problem, true);
  if (is_dilated(problem)) {  // phases of the other operand need no shift
    candidate.swapped = true;
    compare_all(swap_operands(problem), true);
  }
  if (least < 0)
    best.refusal =
        "needs an axis with a window of 2 to 25 positions in each phase, no more than outputs, or two with 2 to 5, and "
        "at most one of stride, dilation and input dilation on each of them";
  *this = std::move(best);
}

// For a family of points; false if it does not serve.
bool WinogradProblem::cut_tiles() {
  points = winograd_points(family);
  tile = points - taps + 1;
  if (tile < 2 || tile > kWinogradMostTaps) return false;
  const std::int64_t rows = fold > 0 ? fold : axes_[0].windows,
                     columns = ceiling(axes_[1].windows, std::max<std::int64_t>(fold, 1));
  tile_rows_ = ceiling(rows, rows_of(tile));
  tile_columns_ = ceiling(columns, tile);
  return true;
}

Plane WinogradProblem::lhs_plane(std::int64_t plane, std::int64_t block, std::int64_t slice) const {
  const std::int64_t residue1 = plane % axes_[1].residues, rest = plane / axes_[1].residues;
  const std::int64_t residue0 = rest % axes_[0].residues;
  std::int64_t outer = rest / axes_[0].residues;
  const std::int64_t block1 = block % axes_[1].lhs_blocks, blocks = block / axes_[1].lhs_blocks;
  std::int64_t outer_tap = blocks / axes_[0].lhs_blocks;
  const Progression at0 = axes_[0].lhs_at(residue0, blocks % axes_[0].lhs_blocks),
                    at1 = axes_[1].lhs_at(residue1, block1);
  Plane result{at0.origin * axes_[0].lhs_step + at1.origin * axes_[1].lhs_step,
               {at0.scale * axes_[0].lhs_step, at1.scale * axes_[1].lhs_step},
               {axes_[0].seen(at0.inside(axes_[0].lhs)), axes_[1].seen(at1.inside(axes_[1].lhs))}};
  const std::int64_t slid = slice - slide_.low;
  if (slid < 0 || slid >= slide_.lhs) result.valid = {};
  else result.offset += slid * slide_.lhs_step;
  for (std::size_t d = outer_.size(); d-- > 0;) {
    const LargeSmallAxis& axis = outer_[d];
    const std::int64_t p = outer % axis.large * axis.stride + outer_tap % axis.small * axis.dilation - axis.low;
    outer /= axis.large;
    outer_tap /= axis.small;
    if (p < 0 || p % axis.lhs_dilation != 0 || p / axis.lhs_dilation >= axis.lhs) result.valid = {};
    else result.offset += p / axis.lhs_dilation * axis.lhs_step;
  }
  result.offset += outer * lhs.image;
  return result;
}

Plane WinogradProblem::large_plane(std::int64_t plane, std::int64_t block, std::int64_t slice) const {
  const std::int64_t residue1 = plane % axes_[1].residues, rest = plane / axes_[1].residues;
  std::int64_t outer = rest / axes_[0].residues;
  const Progression at0 = axes_[0].large_at(rest % axes_[0].residues, block / axes_[1].large_blocks),
                    at1 = axes_[1].large_at(residue1, block % axes_[1].large_blocks);
  Plane result{at0.origin * axes_[0].large_step + at1.origin * axes_[1].large_step,
               {at0.scale * axes_[0].large_step, at1.scale * axes_[1].large_step},
               {at0.inside(axes_[0].large), at1.inside(axes_[1].large)}};
  for (std::size_t d = outer_.size(); d-- > 0; outer /= outer_[d].large)
    result.offset += outer % outer_[d].large * outer_[d].large_step;
  result.offset += outer * large.image + slice * slide_.large_step;
  return result;
}

Plane WinogradProblem::small_plane(std::int64_t small_block, std::int64_t large_block) const {
  const std::int64_t lhs_block = small_block % lhs_blocks();
  const std::int64_t blocks = lhs_block / axes_[1].lhs_blocks;
  std::int64_t outer_tap = blocks / axes_[0].lhs_blocks;
  const Progression at0 = axes_[0].small_at(blocks % axes_[0].lhs_blocks, large_block / axes_[1].large_blocks),
                    at1 = axes_[1].small_at(lhs_block % axes_[1].lhs_blocks, large_block % axes_[1].large_blocks);
  Plane result{at0.origin * axes_[0].small_step + at1.origin * axes_[1].small_step,
               {at0.scale * axes_[0].small_step, at1.scale * axes_[1].small_step},
               {at0.inside(axes_[0].small), at1.inside(axes_[1].small)}};
  for (std::size_t d = outer_.size(); d-- > 0; outer_tap /= outer_[d].small)
    result.offset += outer_tap % outer_[d].small * outer_[d].small_step;
  result.offset += small_block / lhs_blocks() * slide_.small_step;
  return result;
}

}  // namespace cotangent::kernels
