// Transposition of axes and reversal along them: each is its own kind's transpose.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/strided_copy.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

class Transposition final : public Primitive {
 public:
  explicit Transposition(std::vector<int> axes) : axes_(std::move(axes)) {}
  std::string_view name() const override { return "transpose"; }

  Shape shape(const Tensors& inputs) const override { return permuted(inputs[0].shape()); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const kernels::StridedView source{0, permuted(row_major_strides(inputs[0].shape()))};
    kernels::copy_strided(output.shape(), inputs[0], source, output, kernels::whole(output.shape()));
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override {
    std::vector<int> inverse(axes_.size());
    for (std::size_t axis = 0; axis < axes_.size(); ++axis)
      inverse[static_cast<std::size_t>(axes_[axis])] = static_cast<int>(axis);
    return transpose(g, inverse);
  }

 private:
  template <class List>
  List permuted(const List& list) const {
    List result;
    for (int axis : axes_) result.push_back(list[static_cast<std::size_t>(axis)]);
    return result;
  }

  const std::vector<int> axes_;
};

class Reverse final : public Primitive {
 public:
  explicit Reverse(std::vector<int> axes) : axes_(std::move(axes)) {}
  std::string_view name() const override { return "reverse"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::StridedView source = kernels::whole(output.shape());
    for (int axis : axes_) {
      std::int64_t& stride = source.strides[static_cast<std::size_t>(axis)];
      source.offset += (output.dim(axis) - 1) * stride;
      stride = -stride;
    }
    kernels::copy_strided(output.shape(), inputs[0], source, output, kernels::whole(output.shape()));
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override { return reverse(g, axes_); }

 private:
  const std::vector<int> axes_;
};

}  // namespace

Tensor transpose(const Tensor& x) {
  std::vector<int> axes(x.shape().size());
  std::iota(axes.rbegin(), axes.rend(), 0);
  return transpose(x, axes);
}

Tensor transpose(const Tensor& x, const std::vector<int>& axes) {
  const auto refuse = [&] {
    fail("transpose", fmt::format("axes must name each of the {} axes of shape {} once, got ({})", x.ndim(),
                                  to_string(x.shape()), fmt::join(axes, ", ")));
  };
  if (axes.size() != x.shape().size()) refuse();
  std::vector<int> permutation;
  for (int axis : axes) {
    permutation.push_back(normalize_axis("transpose", axis, x.ndim()));
    if (std::count(permutation.begin(), permutation.end(), permutation.back()) > 1) refuse();
  }
  return std::is_sorted(permutation.begin(), permutation.end()) ? x : run<Transposition>({x}, permutation);
}

Tensor reverse(const Tensor& x, const std::vector<int>& axes) {
  const std::vector<int> reversed = normalize_axes("reverse", axes, x.ndim());
  return reversed.empty() ? x : run<Reverse>({x}, reversed);
}

Tensor rot90(const Tensor& x, std::int64_t turns, const std::pair<int, int>& axes) {
  const int from = normalize_axis("rot90", axes.first, x.ndim()), to = normalize_axis("rot90", axes.second, x.ndim());
  if (from == to) fail("rot90", fmt::format("needs two different axes, got {} and {}", axes.first, axes.second));
  if (turns % 2 == 0) return turns % 4 == 0 ? x : reverse(x, {from, to});
  std::vector<int> swapped(x.shape().size());
  std::iota(swapped.begin(), swapped.end(), 0);
  std::swap(swapped[static_cast<std::size_t>(from)], swapped[static_cast<std::size_t>(to)]);
  return reverse(transpose(x, swapped), {turns % 4 == 1 || turns % 4 == -3 ? from : to});
}

}  // namespace cotangent
