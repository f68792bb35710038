// Elementwise loops: Eigen array expressions over blocks of contiguous elements, with NumPy broadcasting. Internal.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstdint>

#include "cotangent/core/parallel.h"
#include "cotangent/core/tensor.h"

namespace cotangent::kernels {

template <class T>
using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
template <class T>
using ConstMap = Eigen::Map<const Array<T>>;
template <class T>
using Map = Eigen::Map<Array<T>>;

constexpr std::int64_t kElementwiseBlock = 1 << 14;  // elements a thread takes at once: fits in L1 and L2 with room

// The larger and the smaller of two array expressions of one type, NaN if either is.
auto larger(const auto& a, const auto& b) {
  using T = typename std::decay_t<decltype(a)>::Scalar;
  return a.binaryExpr(b, Eigen::internal::scalar_max_op<T, T, Eigen::PropagateNaN>());
}
auto smaller(const auto& a, const auto& b) {
  using T = typename std::decay_t<decltype(a)>::Scalar;
  return a.binaryExpr(b, Eigen::internal::scalar_min_op<T, T, Eigen::PropagateNaN>());
}

// output[i] = f(input[i]); f maps an Eigen array expression of In to one of Out.
template <class In, class Out, class F>
void map_elements(const Tensor& input, Tensor& output, F f) {
  const In* const in = input.data<In>().data();
  Out* const out = output.mutable_data<Out>().data();
  parallel_for(output.size(), kElementwiseBlock, [&](std::int64_t begin, std::int64_t end) {
    Map<Out>(out + begin, end - begin) = f(ConstMap<In>(in + begin, end - begin));
  });
}

// Where element `index` of a row-major walk over `extents` lies, given the strides.
inline std::int64_t offset(const Shape& extents, const Strides& strides, std::int64_t index) {
  std::int64_t result = 0;
  for (std::size_t axis = extents.size(); axis-- > 1; index /= extents[axis])
    result += index % extents[axis] * strides[axis];
  return extents.empty() ? 0 : result + index * strides[0];
}

// How N inputs broadcast to one output, with adjacent axes merged wherever all inputs step through them alike. The
// innermost merged axis is a run of `inner` elements, along which each input either steps by one or stands still.
template <std::size_t N>
struct Broadcast {
  Shape outer;
  std::array<Strides, N> strides;  // of the outer axes
  std::int64_t inner = 1;
  std::array<bool, N> steps{};

  Broadcast(const std::array<const Shape*, N>& shapes, const Shape& output) {
    std::array<Strides, N> full;
    for (std::size_t k = 0; k < N; ++k) full[k] = broadcast_strides(*shapes[k], output);
    std::vector<std::int64_t> extents;  // innermost first while building
    std::array<std::vector<std::int64_t>, N> merged;
    for (std::size_t axis = output.size(); axis-- > 0;) {
      if (output[axis] == 1) continue;
      bool joins = !extents.empty();
      for (std::size_t k = 0; joins && k < N; ++k) joins = full[k][axis] == merged[k].back() * extents.back();
      if (joins) {
        extents.back() *= output[axis];
      } else {
        extents.push_back(output[axis]);
        for (std::size_t k = 0; k < N; ++k) merged[k].push_back(full[k][axis]);
      }
    }
    if (extents.empty()) return;
    inner = extents[0];
    outer = Shape(extents.rbegin(), extents.rend() - 1);
    for (std::size_t k = 0; k < N; ++k) {
      steps[k] = merged[k][0] != 0;
      strides[k].assign(merged[k].rbegin(), merged[k].rend() - 1);
    }
  }
};

// Calls f with one Eigen expression per input: a map of its next n elements, or a constant where it stands still.
template <std::size_t N, class F, class... Done>
void with_operands(const std::array<bool, N>&, std::int64_t, F&& f, std::tuple<>, Done&&... done) {
  f(done...);
}
template <std::size_t N, class F, class First, class... Rest, class... Done>
void with_operands(const std::array<bool, N>& steps, std::int64_t n, F&& f,
                   std::tuple<const First*, const Rest*...> pointers, Done&&... done) {
  const auto rest = std::apply([](auto, auto... others) { return std::make_tuple(others...); }, pointers);
  const First* const pointer = std::get<0>(pointers);
  if (steps[sizeof...(Done)]) with_operands(steps, n, f, rest, done..., ConstMap<First>(pointer, n));
  else with_operands(steps, n, f, rest, done..., Array<First>::Constant(n, *pointer));
}

constexpr std::int64_t kShortRun = 256;  // shorter runs are joined: a call of f costs as much as some 50 elements
constexpr std::int64_t kJoined = 1024;   // elements at most

// One input over several runs that follow each other: where it does not lie there as the output does, its elements are
// laid out so in a buffer.
template <class T>
class JoinedRuns {
 public:
  // Elements of `runs` runs of `inner` elements, the first at `from`, the others each `stride` further; inside a run
  // the input steps by one or stands still.
  const T* operator()(const T* from, std::int64_t runs, std::int64_t stride, std::int64_t inner, bool steps) {
    if (steps && stride == inner) return from;
    if (stride == 0 && from == from_ && runs <= runs_) return buffer_.data();  // the same again, as a bias is
    from_ = from;
    runs_ = runs;
    T* to = buffer_.data();
    for (std::int64_t run = 0; run < runs; ++run, from += stride, to += inner) {
      if (steps) std::copy_n(from, inner, to);
      else std::fill_n(to, inner, *from);
    }
    return buffer_.data();
  }

 private:
  std::array<T, kJoined> buffer_;
  const T* from_ = nullptr;
  std::int64_t runs_ = 0;
};

// output = f(inputs...) elementwise, each input broadcast to the output's shape; f maps Eigen array expressions of
// In... to one of Out.
template <class Out, class... In, class F>
void map_broadcast(const Tensors& inputs, Tensor& output, F f) {
  constexpr std::size_t N = sizeof...(In);
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    const Broadcast<N> plan({&inputs[K].shape()...}, output.shape());
    const std::tuple<const In*...> base{inputs[K].template data<In>().data()...};
    Out* const out = output.mutable_data<Out>().data();
    const auto run = [&](std::int64_t row, std::int64_t begin, std::int64_t n) {
      const std::tuple<const In*...> at{std::get<K>(base) + offset(plan.outer, plan.strides[K], row) +
                                        (plan.steps[K] ? begin : 0)...};
      with_operands(
          plan.steps, n, [&](const auto&... operands) { Map<Out>(out + row * plan.inner + begin, n) = f(operands...); },
          at);
    };
    if (output.size() == 0) return;
    if (plan.outer.empty()) {
      parallel_for(plan.inner, kElementwiseBlock,
                   [&](std::int64_t begin, std::int64_t end) { run(0, begin, end - begin); });
      return;
    }
    const std::int64_t row_of_runs = plan.outer[plan.outer.size() - 1];
    const bool joins = plan.inner < kShortRun && row_of_runs > 1;
    parallel_for(plan.outer.elements(), std::max<std::int64_t>(1, kElementwiseBlock / plan.inner),
                 [&](std::int64_t begin, std::int64_t end) {
                   if (!joins) {
                     for (std::int64_t row = begin; row < end; ++row) run(row, 0, plan.inner);
                     return;
                   }
                   std::tuple<JoinedRuns<In>...> joined;
                   for (std::int64_t row = begin, runs; row < end; row += runs) {
                     runs = std::min({kJoined / plan.inner, end - row, row_of_runs - row % row_of_runs});
                     const std::int64_t n = runs * plan.inner;
                     Map<Out>(out + row * plan.inner, n) = f(
                         ConstMap<In>(std::get<K>(joined)(std::get<K>(base) + offset(plan.outer, plan.strides[K], row),
                                                          runs, plan.strides[K].back(), plan.inner, plan.steps[K]),
                                      n)...);
                   }
                 });
  }
  (std::index_sequence_for<In...>());
}

}  // namespace cotangent::kernels
