// The list of convolutions on oneDNN's own interface, in the layouts that it likes best: reorders are not timed.
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness.h"
#include "problems.h"

namespace {

using bench::Case, bench::ConvProblem, bench::Direction;
using dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// Row-major strides: the plain layout, whatever the number of axes.
memory::dims row_major(const memory::dims& extents) {
  memory::dims strides(extents.size(), 1);
  for (std::size_t axis = extents.size() - 1; axis-- > 0;) strides[axis] = strides[axis + 1] * extents[axis + 1];
  return strides;
}

memory::desc any_layout(const memory::dims& extents) {
  return {extents, memory::data_type::f32, memory::format_tag::any};
}

// Numbers of the list, given in the row-major layout of `extents`, in the layout of `wanted`. `swapped`: the first two
// axes change places, as they do in the kernels of transposed convolutions.
memory filled(const memory::desc& wanted, memory::dims extents, std::uint32_t seed, bool swapped = false) {
  memory::dims strides = row_major(extents);
  if (swapped) std::swap(extents[0], extents[1]), std::swap(strides[0], strides[1]);
  memory plain({extents, memory::data_type::f32, strides}, engine()), result(wanted, engine());
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) count *= extent;
  bench::fill(static_cast<float*>(plain.get_data_handle()), count, seed);
  dnnl::stream stream(engine());
  dnnl::reorder(plain, result).execute(stream, plain, result);
  stream.wait();
  return result;
}

double root_mean_square(memory& x, const memory::dims& extents) {
  memory plain({extents, memory::data_type::f32, row_major(extents)}, engine());
  dnnl::stream stream(engine());
  dnnl::reorder(x, plain).execute(stream, x, plain);
  stream.wait();
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) count *= extent;
  return bench::root_mean_square(static_cast<const float*>(plain.get_data_handle()), count);
}

// The types of convolution or deconvolution, and their algorithm.
struct Convolution {
  using Forward = dnnl::convolution_forward;
  using BackwardData = dnnl::convolution_backward_data;
  using BackwardWeights = dnnl::convolution_backward_weights;
  static constexpr dnnl::algorithm kAlgorithm = dnnl::algorithm::convolution_auto;
};
struct Deconvolution {
  using Forward = dnnl::deconvolution_forward;
  using BackwardData = dnnl::deconvolution_backward_data;
  using BackwardWeights = dnnl::deconvolution_backward_weights;
  static constexpr dnnl::algorithm kAlgorithm = dnnl::algorithm::deconvolution_direct;
};

template <class Kind>
Case make_case(const ConvProblem& problem, Direction direction) {
  const memory::dims x_shape = problem.input_shape(), y_shape = problem.output_shape();
  memory::dims w_shape = problem.kernel_shape(), w_filled = w_shape;
  if (problem.transposed) std::swap(w_shape[0], w_shape[1]);
  if (problem.groups > 1) {
    w_shape[0] /= problem.groups;
    w_shape.insert(w_shape.begin(), problem.groups);
    w_filled = w_shape;
  }
  const std::size_t axes = problem.spatial.size();
  const memory::dims strides(axes, problem.stride), dilation(axes, problem.dilation - 1), pad(axes, problem.pad);
  const memory::desc x_any = any_layout(x_shape), w_any = any_layout(w_shape), y_any = any_layout(y_shape);

  const auto prop =
      direction == Direction::Forward ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training;
  const typename Kind::Forward::primitive_desc forward(
      {prop, Kind::kAlgorithm, x_any, w_any, y_any, strides, dilation, pad, pad}, engine());

  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory result;
  memory::dims result_shape;
  switch (direction) {
    case Direction::Forward:
      primitive = typename Kind::Forward(forward);
      result = memory(forward.dst_desc(), engine());
      result_shape = y_shape;
      arguments = {{DNNL_ARG_SRC, filled(forward.src_desc(), x_shape, 0)},
                   {DNNL_ARG_WEIGHTS, filled(forward.weights_desc(), w_filled, 1, problem.transposed)},
                   {DNNL_ARG_DST, result}};
      break;
    case Direction::InputGradient: {
      const typename Kind::BackwardData::primitive_desc backward(
          {Kind::kAlgorithm, x_any, w_any, y_any, strides, dilation, pad, pad}, engine(), forward);
      primitive = typename Kind::BackwardData(backward);
      result = memory(backward.diff_src_desc(), engine());
      result_shape = x_shape;
      arguments = {{DNNL_ARG_DIFF_DST, filled(backward.diff_dst_desc(), y_shape, 2)},
                   {DNNL_ARG_WEIGHTS, filled(backward.weights_desc(), w_filled, 1, problem.transposed)},
                   {DNNL_ARG_DIFF_SRC, result}};
      break;
    }
    default: {
      const typename Kind::BackwardWeights::primitive_desc backward(
          {Kind::kAlgorithm, x_any, w_any, y_any, strides, dilation, pad, pad}, engine(), forward);
      primitive = typename Kind::BackwardWeights(backward);
      result = memory(backward.diff_weights_desc(), engine());
      result_shape = w_shape;
      arguments = {{DNNL_ARG_SRC, filled(backward.src_desc(), x_shape, 0)},
                   {DNNL_ARG_DIFF_DST, filled(backward.diff_dst_desc(), y_shape, 2)},
                   {DNNL_ARG_DIFF_WEIGHTS, result}};
    }
  }
  dnnl::stream stream(engine());
  const auto run = [=]() mutable {
    primitive.execute(stream, arguments);
    stream.wait();
  };
  auto first = run;
  first();
  return {run, problem.flops(), root_mean_square(result, result_shape)};
}

}  // namespace

int main(int argc, char** argv) {
  for (const ConvProblem& problem : bench::conv_problems()) {
    if (problem.f64) continue;  // has no double precision
    for (const Direction direction : bench::kDirections)
      bench::add_case(problem.path() + bench::name(direction) + "/blocked", [=, &problem] {
        return problem.transposed ? make_case<Deconvolution>(problem, direction)
                                  : make_case<Convolution>(problem, direction);
      });
  }
  const char* threads = std::getenv("OMP_NUM_THREADS");
  return bench::run_cases(argc, argv, {{"threads", threads == nullptr ? "all" : threads}});
}
