// Times conv_general_dilated and its gradients on the list of convolutions, through the public interface.
#include <algorithm>
#include <functional>
#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/ops/kernels/product.h"
#include "fma_peak.h"
#include "harness.h"
#include "problems.h"

namespace {

namespace ct = cotangent;
using bench::Case, bench::ConvProblem, bench::Direction;

constexpr const char* kLayouts[] = {"nhwc", "nchw"};  // the default, channels last, and channels first

// A tensor of the list's numbers; `shape` is in PyTorch's order of axes.
ct::Tensor filled(const std::vector<std::int64_t>& shape, bool f64, std::uint32_t seed) {
  ct::Tensor result = ct::Tensor::uninitialized(ct::Shape(shape), f64 ? ct::DType::Float64 : ct::DType::Float32);
  if (f64) bench::fill(result.mutable_data<double>().data(), result.size(), seed);
  else bench::fill(result.mutable_data<float>().data(), result.size(), seed);
  return result;
}

double root_mean_square(const ct::Tensor& x) {
  if (x.dtype() == ct::DType::Float64) return bench::root_mean_square(x.data<double>().data(), x.size());
  return bench::root_mean_square(x.data<float>().data(), x.size());
}

// (batch, channels, spatial...) as (batch, spatial..., channels).
ct::Tensor channels_last(const ct::Tensor& x) {
  std::vector<int> axes{0};
  for (int axis = 2; axis < x.ndim(); ++axis) axes.push_back(axis);
  axes.push_back(1);
  return ct::transpose(x, axes);
}

// PyTorch's kernel as (spatial..., in / groups, out) or, channels first, (out, in / groups, spatial...); that of a
// transposed convolution is also reversed, so that the convolution of the dilated input is a plain one.
ct::Tensor kernel_of(const ConvProblem& problem, bool last) {
  ct::Tensor kernel = filled(problem.kernel_shape(), problem.f64, 1);
  int out = 0, in = 1;
  std::vector<int> spatial;
  for (int axis = 2; axis < kernel.ndim(); ++axis) spatial.push_back(axis);
  if (problem.transposed) kernel = ct::reverse(kernel, spatial), std::swap(out, in);
  std::vector<int> axes = spatial;
  if (last) axes.insert(axes.end(), {in, out});
  else axes.insert(axes.begin(), {out, in});
  return ct::transpose(kernel, axes);
}

ct::ConvOptions options_of(const ConvProblem& problem, bool last) {
  const std::string axes = std::string("DHW").substr(3 - problem.spatial.size());
  ct::ConvOptions options{.dimension_numbers = std::vector<std::string>{last ? "N" + axes + "C" : "NC" + axes,
                                                                        last ? axes + "IO" : "OI" + axes,
                                                                        last ? "N" + axes + "C" : "NC" + axes}};
  options.rhs_dilation = problem.dilation;
  options.feature_group_count = problem.groups;
  ct::Pads pads;
  for (const std::int64_t extent : problem.kernel) {
    const std::int64_t pad = problem.transposed ? problem.dilation * (extent - 1) - problem.pad : problem.pad;
    pads.emplace_back(pad, pad);
  }
  options.padding = pads;
  (problem.transposed ? options.lhs_dilation : options.window_strides) = problem.stride;
  return options;
}

// One direction of a problem. A gradient is the pullback alone, of a function of the one argument: what the forward
// pass computes is not part of it.
Case make_case(const ConvProblem& problem, Direction direction, bool last) {
  ct::Tensor x = filled(problem.input_shape(), problem.f64, 0);
  ct::Tensor cotangent = filled(problem.output_shape(), problem.f64, 2);
  if (last) x = channels_last(x), cotangent = channels_last(cotangent);
  const ct::Tensor kernel = kernel_of(problem, last);
  const ct::ConvOptions options = options_of(problem, last);

  std::function<ct::Tensor()> compute;
  if (direction == Direction::Forward) {
    compute = [=] { return ct::conv_general_dilated(x, kernel, options); };
  } else {
    const bool input = direction == Direction::InputGradient;
    const ct::Vjp vjp = ct::vjp(
        [=](const ct::Tensor& argument) {
          return ct::conv_general_dilated(input ? argument : x, input ? kernel : argument, options);
        },
        ct::Tensors{input ? x : kernel});
    compute = [pullback = vjp.pullback, cotangent] { return pullback(cotangent)[0]; };
  }
  const double check = root_mean_square(compute());
  return {[=] { benchmark::DoNotOptimize(compute()); }, problem.flops(), check};
}

// The peak of the whole team: a block of chains for each thread.
Case fma_peak() {
  constexpr std::int64_t kRounds = 1 << 20;
  const int threads = ct::num_threads();
  const auto run = [threads] {
    ct::parallel_for(threads, 1, [](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) benchmark::DoNotOptimize(bench::run_fma_chains(kRounds));
    });
  };
  return {run, threads * bench::run_fma_chains(kRounds), 1.0};
}

}  // namespace

int main(int argc, char** argv) {
  bench::add_case("fma_peak", fma_peak);
  for (const ConvProblem& problem : bench::conv_problems())
    for (const char* layout : kLayouts)
      for (const Direction direction : bench::kDirections)
        bench::add_case(problem.path() + bench::name(direction) + "/" + layout,
                        [=, &problem] { return make_case(problem, direction, layout == kLayouts[0]); });
  return bench::run_cases(argc, argv,
                          {{"openblas_core", ct::gemm_core_name()},
                           {"products", std::string(ct::kernels::name(ct::kernels::product_library()))},
                           {"fma_instructions", bench::fma_instructions()},
                           {"threads", std::to_string(ct::num_threads())}});
}
