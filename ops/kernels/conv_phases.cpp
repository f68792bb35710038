// The phases of a convolution whose input is dilated.
//
// On an axis with stride s and dilations ld > 1 and rd, output x and kernel position k meet an input element, and not
// an inserted zero, where ld divides x * s + k * rd - low. That depends on x modulo L = ld / gcd(s, ld) and on k modulo
// K = ld / gcd(rd, ld) alone. With x = x0 + x' * L, at most one residue k0 of k fits, and with k = k0 + k' * K the
// input position is
//   ((x0 * s + k0 * rd - low) + x' * L * s + k' * K * rd) / ld,
// three exact quotients: an ordinary convolution with stride L * s / ld = s / gcd(s, ld) and so on.
#include <algorithm>
#include <numeric>

#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {
namespace {

// How many of offset, offset + step, ... lie below extent.
std::int64_t count_from(std::int64_t offset, std::int64_t step, std::int64_t extent) {
  return offset < extent ? (extent - offset + step - 1) / step : 0;
}

// The phases of one axis, appended to `result` as whole problems.
void split_axis(const ConvProblem& problem, std::size_t d, std::vector<ConvProblem>& result) {
  const ConvAxis axis = problem.axes[d];
  const std::int64_t out_phases = axis.lhs_dilation / std::gcd(axis.stride, axis.lhs_dilation);
  const std::int64_t kernel_phases = axis.lhs_dilation / std::gcd(axis.rhs_dilation, axis.lhs_dilation);
  for (std::int64_t x0 = 0; x0 < std::min(out_phases, axis.out); ++x0) {
    ConvProblem phase = problem;
    ConvAxis& to = phase.axes[d];
    to.out = count_from(x0, out_phases, axis.out);
    to.out_step = axis.out_step * out_phases;
    phase.out_offset += x0 * axis.out_step;
    to.stride = axis.stride * out_phases / axis.lhs_dilation;
    to.rhs_dilation = axis.rhs_dilation * kernel_phases / axis.lhs_dilation;
    to.rhs_step = axis.rhs_step * kernel_phases;
    to.lhs_dilation = 1;
    to.kernel = to.low = 0;
    for (std::int64_t k0 = 0; k0 < std::min(kernel_phases, axis.kernel); ++k0) {
      const std::int64_t position = x0 * axis.stride + k0 * axis.rhs_dilation - axis.low;
      if (position % axis.lhs_dilation != 0) continue;
      to.kernel = count_from(k0, kernel_phases, axis.kernel);
      to.low = -(position / axis.lhs_dilation);
      phase.rhs_offset += k0 * axis.rhs_step;
      break;
    }
    result.push_back(std::move(phase));
  }
}

}  // namespace

std::vector<ConvProblem> split_phases(const ConvProblem& problem) {
  std::vector<ConvProblem> phases{problem};
  for (std::size_t d = 0; d < problem.axes.size(); ++d) {
    if (problem.axes[d].lhs_dilation == 1) continue;
    std::vector<ConvProblem> finer;
    for (const ConvProblem& phase : phases) split_axis(phase, d, finer);
    phases = std::move(finer);
  }
  return phases;
}

}  // namespace cotangent::kernels
