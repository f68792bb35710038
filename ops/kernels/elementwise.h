// Elementwise loops: kernels over blocks of contiguous elements, with NumPy broadcasting. Internal.
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

// Calls kernel(in, out, n) for blocks of n elements.
template <class In, class Out, class Kernel>
void map_elements(const Tensor& input, Tensor& output, Kernel kernel) {
  const In* const in = input.data<In>().data();
  Out* const out = output.mutable_data<Out>().data();
  parallel_for(output.size(), kElementwiseBlock,
               [&](std::int64_t begin, std::int64_t end) { kernel(in + begin, out + begin, end - begin); });
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

constexpr std::int64_t kShortRun =
    256;  // shorter runs are joined: a call of a kernel costs as much as some 50 elements
constexpr std::int64_t kLaidOut = 1024;  // elements of an input that are laid out in a buffer at once

// One input in the order of the output: where its elements do not lie so, they are laid out in a buffer.
template <class T>
class Operand {
 public:
  Operand(const T* data, const Shape& outer, const Strides& strides, std::int64_t inner, bool steps)
      : data_(data), outer_(outer), strides_(strides), inner_(inner), steps_(steps), dense_(steps), period_(1) {
    std::int64_t runs = 1;
    for (std::size_t axis = outer.size(); axis-- > 0; runs *= outer[axis]) {
      dense_ = dense_ && strides[axis] == runs * inner;
      if (strides[axis] != 0) period_ = runs * outer[axis];
    }
  }

  // n <= kLaidOut elements of one run, from element `begin` on; more if it steps.
  const T* part(std::int64_t run, std::int64_t begin, std::int64_t n) {
    const T* const from = data_ + offset(outer_, strides_, run);
    if (steps_) return from + begin;
    if (from != from_ || n > count_) std::fill_n(buffer_, n, *from), from_ = from, count_ = n;
    return buffer_;
  }

  // Whole runs, of at most kLaidOut elements.
  const T* whole(std::int64_t first, std::int64_t runs) {
    if (dense_) return data_ + first * inner_;
    const std::int64_t phase = first % period_;
    if (phase == phase_ && runs <= count_) return buffer_;  // the same again, as a bias is
    phase_ = phase, count_ = runs;
    const std::int64_t row = outer_[outer_.size() - 1], stride = strides_.back();
    for (std::int64_t run = first, end = first + runs; run < end;) {
      const T* from = data_ + offset(outer_, strides_, run);
      T* to = buffer_ + (run - first) * inner_;
      const std::int64_t stop = std::min(end, run + row - run % row);
      for (; run < stop; ++run, from += stride, to += inner_)
        for (std::int64_t i = 0; i < inner_; ++i) to[i] = from[steps_ ? i : 0];
    }
    return buffer_;
  }

 private:
  const T* const data_;
  const Shape& outer_;
  const Strides& strides_;
  const std::int64_t inner_;
  const bool steps_;
  bool dense_;           // lies as the output does
  std::int64_t period_;  // runs after which it begins again
  const T* from_ = nullptr;
  std::int64_t phase_ = -1, count_ = 0;  // what the buffer holds
  alignas(64) T buffer_[kLaidOut];
};

// Calls kernel(in..., out, n) for blocks of n elements, each input broadcast to the output's shape.
template <class Out, class... In, class Kernel>
void map_broadcast(const Tensors& inputs, Tensor& output, Kernel kernel) {
  constexpr std::size_t N = sizeof...(In);
  if (output.size() == 0) return;
  Out* const out = output.mutable_data<Out>().data();
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    const Broadcast<N> plan({&inputs[K].shape()...}, output.shape());
    const std::tuple<const In*...> base{inputs[K].template data<In>().data()...};
    const bool all_step = (plan.steps[K] && ...);
    if (plan.outer.empty() && all_step) {
      parallel_for(plan.inner, kElementwiseBlock, [&](std::int64_t begin, std::int64_t end) {
        kernel(std::get<K>(base) + begin..., out + begin, end - begin);
      });
      return;
    }
    // Blocks of joined runs hold whole periods of inputs that repeat, where these fit into the buffer.
    const std::int64_t inner = plan.inner, all_runs = plan.outer.elements();
    const bool joins = inner < kShortRun && all_runs > 1;
    std::int64_t runs = 1;
    if (joins) {
      for (std::size_t axis = plan.outer.size(); axis-- > 0 && runs * plan.outer[axis] * inner <= kLaidOut;)
        runs *= plan.outer[axis];
      runs *= kLaidOut / (runs * inner);
    }
    const std::int64_t piece = all_step ? kElementwiseBlock : kLaidOut,
                       pieces = joins ? 1 : (inner + piece - 1) / piece;
    const std::int64_t steps = joins ? (all_runs + runs - 1) / runs : all_runs * pieces;
    const std::int64_t elements = joins ? runs * inner : std::min(piece, inner);
    parallel_for(
        steps, std::max<std::int64_t>(1, kElementwiseBlock / elements), [&](std::int64_t begin, std::int64_t end) {
          std::tuple<Operand<In>...> operands{
              Operand<In>(std::get<K>(base), plan.outer, plan.strides[K], inner, plan.steps[K])...};
          for (std::int64_t step = begin; step < end; ++step) {
            if (joins) {
              const std::int64_t first = step * runs, count = std::min(runs, all_runs - first);
              kernel(std::get<K>(operands).whole(first, count)..., out + first * inner, count * inner);
            } else {
              const std::int64_t run = step / pieces, at = step % pieces * piece, n = std::min(piece, inner - at);
              kernel(std::get<K>(operands).part(run, at, n)..., out + run * inner + at, n);
            }
          }
        });
  }
  (std::index_sequence_for<In...>());
}

}  // namespace cotangent::kernels
