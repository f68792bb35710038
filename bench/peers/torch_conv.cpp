// The list of convolutions on libtorch, in both of its memory formats.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <functional>
#include <string>

#include "harness.h"
#include "problems.h"

namespace {

using bench::Case, bench::ConvProblem, bench::Direction;

constexpr const char* kLayouts[] = {"contiguous", "channels_last"};

at::Tensor filled(const std::vector<std::int64_t>& shape, bool f64, std::uint32_t seed, at::MemoryFormat format) {
  at::Tensor result = at::empty(shape, f64 ? at::kDouble : at::kFloat);
  if (f64) bench::fill(result.data_ptr<double>(), result.numel(), seed);
  else bench::fill(result.data_ptr<float>(), result.numel(), seed);
  return result.contiguous(format);
}

double root_mean_square(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::kDouble).contiguous();
  return bench::root_mean_square(wide.data_ptr<double>(), wide.numel());
}

Case make_case(const ConvProblem& problem, Direction direction, bool channels_last) {
  const std::size_t axes = problem.spatial.size();
  const at::MemoryFormat format = !channels_last ? at::MemoryFormat::Contiguous
                                  : axes == 3    ? at::MemoryFormat::ChannelsLast3d
                                                 : at::MemoryFormat::ChannelsLast;
  const at::Tensor x = filled(problem.input_shape(), problem.f64, 0, format);
  const at::Tensor w = filled(problem.kernel_shape(), problem.f64, 1, format);
  const at::Tensor dy = filled(problem.output_shape(), problem.f64, 2, format);
  const std::vector<std::int64_t> stride(axes, problem.stride), pad(axes, problem.pad),
      dilation(axes, problem.dilation), none(axes, 0);
  const bool transposed = problem.transposed, input = direction == Direction::InputGradient;
  const std::int64_t groups = problem.groups;

  // What autograd's backward calls, without autograd.
  std::function<at::Tensor()> compute;
  if (direction == Direction::Forward)
    compute = [=] { return at::convolution(x, w, {}, stride, pad, dilation, transposed, none, groups); };
  else
    compute = [=] {
      const auto [dx, dw, db] = at::convolution_backward(dy, x, w, at::OptionalIntArrayRef(), stride, pad, dilation,
                                                         transposed, none, groups, {input, !input, false});
      return input ? dx : dw;
    };
  const double check = root_mean_square(compute());
  return {[=] { benchmark::DoNotOptimize(compute().data_ptr()); }, problem.flops(), check};
}

}  // namespace

int main(int argc, char** argv) {
  const c10::InferenceMode no_graph;
  for (const ConvProblem& problem : bench::conv_problems())
    for (const char* layout : kLayouts) {
      if (layout == kLayouts[1] && problem.spatial.size() == 1) continue;  // has no such format
      for (const Direction direction : bench::kDirections)
        bench::add_case(problem.path() + bench::name(direction) + "/" + layout,
                        [=, &problem] { return make_case(problem, direction, layout == kLayouts[1]); });
    }
  return bench::run_cases(argc, argv, {{"threads", std::to_string(at::get_num_threads())}});
}
