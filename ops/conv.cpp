// Convolution: conv_general_dilated and its derivatives, which are conv_general_dilated again.
//
// Write lhs(n, c, y), rhs(o, i, k), out(n, o, x) and, on each spatial axis, with stride s, dilations ld and rd, and low
// padding lo,
//
//   out[n, o, x] = sum over i, k of lhs[n, i, y] * rhs[o, i, k]   where   y * ld = x * s + k * rd - lo.          (1)
//
// The equation that ties the positions is linear in all three, so that each derivative, a sum over another pair of
// them, has the form (1) again. With g the cotangent of out:
//
// The cotangent of lhs at y sums g[x] * rhs[k] over x and k with y * ld = x * s + k * rd - lo. Let k run backwards,
// k = K - 1 - k'. Then x * s = y * ld + k' * rd - (dk - 1 - lo), where dk = rd * (K - 1) + 1 is the dilated window: (1)
// with g as lhs dilated by s, the reversed kernel dilated by rd, stride ld, and low padding dk - 1 - lo.
// The kernel's input and output features change places.
//
// The cotangent of rhs at k sums lhs[y] * g[x] over x and y with y * ld = k * rd + x * s - lo: (1) with g as the
// kernel, dilated by s, stride rd, and the same lhs dilation and low padding. Batch and features change places in lhs,
// and the sum runs over the batch.
//
// High padding follows from the extent that each result must have. It is often negative: with strides, the end of lhs
// may be read by no window at all. (jax.lax, _conv_general_dilated_transpose_lhs and _rhs)
#include "cotangent/ops/conv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/conv_rules.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/derivative.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

constexpr std::string_view kName = "conv_general_dilated";

// Of an axis of `groups` equal parts: the part that a position lies in moves to the front of another axis, which grows
// by it; so {groups * P, I} becomes {P, groups * I}, and {M, groups * C} becomes {groups * M, C}.
Tensor move_groups(const Tensor& x, std::int64_t groups, int from, int to) {
  if (groups == 1) return x;
  Shape split;
  std::vector<int> order;
  int group_axis = 0;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    if (axis == from) {
      group_axis = split.ndim();
      split.push_back(groups);
    }
    split.push_back(axis == from ? x.dim(axis) / groups : x.dim(axis));
  }
  Shape merged;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    if (axis == to) order.push_back(group_axis);
    order.push_back(axis < from ? axis : axis + 1);
    merged.push_back(axis == to ? x.dim(axis) * groups : axis == from ? x.dim(axis) / groups : x.dim(axis));
  }
  return reshape(transpose(reshape(x, split), order), merged);
}

// A spec whose first two entries have changed places.
std::vector<int> swapped(std::vector<int> spec) {
  std::swap(spec[0], spec[1]);
  return spec;
}

class ConvGeneralDilated final : public Primitive {
 public:
  explicit ConvGeneralDilated(kernels::ConvAttributes attributes) : attributes_(std::move(attributes)) {}
  std::string_view name() const override { return "conv_general_dilated"; }

  // Inputs are lhs, rhs and, if there is one, the bias.
  Shape shape(const Tensors& inputs) const override {
    const Shape output = conv_shape(name(), inputs[0].shape(), inputs[1].shape(), attributes_);
    if (inputs.size() == 3) require_bias(inputs, output[feature_axis()]);
    choose(inputs, output);  // throws if the limits leave no algorithm
    return output;
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    const auto steps = choose(inputs, output.shape());
    visit_floating(output.dtype(), [&]<class T>() {
      const kernels::ConvEpilogue<T> epilogue{inputs.size() == 3 ? inputs[2].data<T>().data() : nullptr,
                                              attributes_.relu};
      kernels::convolve(*steps, inputs[0].data<T>().data(), inputs[1].data<T>().data(), epilogue,
                        output.mutable_data<T>().data());
    });
  }

  // That of the convolution alone: Rectified has that of relu.
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    if (which == 0) return lhs_vjp(inputs[0].shape(), inputs[1], g);
    if (which == 1) return rhs_vjp(inputs[0], inputs[1].shape(), g);
    std::vector<int> others;
    for (int axis = 0; axis < g.ndim(); ++axis)
      if (axis != attributes_.dimension_numbers.out_spec[1]) others.push_back(axis);
    return sum(g, others);
  }

 private:
  std::size_t feature_axis() const { return static_cast<std::size_t>(attributes_.dimension_numbers.out_spec[1]); }

  void require_bias(const Tensors& inputs, std::int64_t features) const {
    if (inputs[2].shape() != Shape{features} || inputs[2].dtype() != inputs[0].dtype())
      fail(name(), fmt::format("bias must have one number for each output feature, {} ({},), got {}",
                               cotangent::name(inputs[0].dtype()), features, describe(inputs[2])));
  }

  std::shared_ptr<const std::vector<kernels::ConvStep>> choose(const Tensors& inputs, const Shape& output) const {
    const auto size = static_cast<std::int64_t>(size_of(inputs[0].dtype()));
    return kernels::remembered_choice(
        name(), kernels::make_conv_problem(inputs[0].shape(), inputs[1].shape(), output, attributes_), size,
        attributes_.limits);
  }

  // Those of a derivative: the algorithm that was asked for may not serve it.
  kernels::ConvAttributes derivative_attributes() const {
    kernels::ConvAttributes result = attributes_;
    result.limits.algorithm = ConvAlgorithm::Auto;
    result.relu = false;
    return result;
  }

  // The dilated extents of one spatial axis of lhs, the kernel and the cotangent.
  struct Extents {
    std::int64_t lhs, rhs, g;
  };
  Extents extents(std::size_t d, const Shape& lhs, const Shape& rhs, const Shape& g) const {
    const auto& [lhs_spec, rhs_spec, out_spec] = attributes_.dimension_numbers;
    const auto extent = [](const Shape& shape, int axis) { return shape[static_cast<std::size_t>(axis)]; };
    return {dilated_extent(extent(lhs, lhs_spec[d + 2]), attributes_.lhs_dilation[d]),
            dilated_extent(extent(rhs, rhs_spec[d + 2]), attributes_.rhs_dilation[d]),
            dilated_extent(extent(g, out_spec[d + 2]), attributes_.window_strides[d])};
  }

  Tensor lhs_vjp(const Shape& lhs, const Tensor& rhs, const Tensor& g) const {
    const auto& [lhs_spec, rhs_spec, out_spec] = attributes_.dimension_numbers;
    const std::int64_t groups = attributes_.feature_group_count * attributes_.batch_group_count;
    kernels::ConvAttributes transposed = derivative_attributes();
    std::swap(transposed.window_strides, transposed.lhs_dilation);
    transposed.dimension_numbers = {out_spec, swapped(rhs_spec), lhs_spec};
    transposed.feature_group_count = groups;
    transposed.batch_group_count = 1;
    for (std::size_t d = 0; d < transposed.padding.size(); ++d) {
      const Extents dilated = extents(d, lhs, rhs.shape(), g.shape());
      const std::int64_t low = attributes_.padding[d].first;
      transposed.padding[d] = {dilated.rhs - 1 - low, dilated.lhs + low - dilated.g};
    }
    Tensor kernel = move_groups(rhs, groups, rhs_spec[0], rhs_spec[1]);
    if (!transposed.padding.empty()) kernel = reverse(kernel, {rhs_spec.begin() + 2, rhs_spec.end()});
    const Tensor result = run<ConvGeneralDilated>({g, kernel}, transposed);
    return move_groups(result, attributes_.batch_group_count, lhs_spec[1], lhs_spec[0]);
  }

  Tensor rhs_vjp(const Tensor& lhs, const Shape& rhs, const Tensor& g) const {
    if (g.size() == 0) return {};  // an empty sum; and g may have no extent to be a kernel
    const auto& [lhs_spec, rhs_spec, out_spec] = attributes_.dimension_numbers;
    kernels::ConvAttributes transposed = derivative_attributes();
    std::swap(transposed.window_strides, transposed.rhs_dilation);
    transposed.dimension_numbers = {swapped(lhs_spec), swapped(out_spec), swapped(rhs_spec)};
    std::swap(transposed.feature_group_count, transposed.batch_group_count);
    for (std::size_t d = 0; d < transposed.padding.size(); ++d) {
      const Extents dilated = extents(d, lhs.shape(), rhs, g.shape());
      const std::int64_t low = attributes_.padding[d].first;
      transposed.padding[d] = {low, dilated.g - dilated.lhs + dilated.rhs - 1 - low};
    }
    return run<ConvGeneralDilated>({lhs, g}, transposed);
  }

  const kernels::ConvAttributes attributes_;
};

Tensor run_conv(Tensors inputs, kernels::ConvAttributes attributes, Activation activation) {
  attributes.relu = activation == Activation::Relu;
  const Tensor result = run<ConvGeneralDilated>(std::move(inputs), std::move(attributes));
  return activation == Activation::Relu ? kernels::rectified(result) : result;
}

}  // namespace

Precision PrecisionOption::parse(std::string_view name) {
  struct Alias {
    std::string_view name;
    Precision precision;
  };
  constexpr std::array<Alias, 8> kAliases{{{"default", Precision::Default},
                                           {"fastest", Precision::Default},
                                           {"bfloat16", Precision::Default},
                                           {"high", Precision::High},
                                           {"tensorfloat32", Precision::High},
                                           {"bfloat16_3x", Precision::High},
                                           {"highest", Precision::Highest},
                                           {"float32", Precision::Highest}}};
  for (const Alias& alias : kAliases)
    if (alias.name == name) return alias.precision;
  fail(kName, fmt::format("precision must be \"default\", \"high\" or \"highest\" or an alias of theirs, got \"{}\"{}",
                          name, did_you_mean(name, std::array<std::string_view, 3>{"default", "high", "highest"})));
}

Tensor conv_general_dilated(const Tensor& lhs, const Tensor& rhs, const ConvOptions& options) {
  kernels::ConvAttributes attributes = resolve_conv(kName, lhs.shape(), rhs.shape(), options);
  const DType dtype = conv_dtype(kName, lhs, rhs, options.preferred_element_type);
  return run_conv({lhs.to(dtype), rhs.to(dtype)}, std::move(attributes), options.activation);
}

Tensor conv_general_dilated_with_bias(const Tensor& lhs, const Tensor& rhs, const Tensor& bias,
                                      const ConvOptions& options) {
  kernels::ConvAttributes attributes = resolve_conv(kName, lhs.shape(), rhs.shape(), options);
  const DType dtype = conv_dtype(kName, lhs, rhs, options.preferred_element_type);
  if (bias.is_null()) fail(kName, "bias is null; call conv_general_dilated for a convolution without one");
  return run_conv(
      {lhs.to(dtype), rhs.to(dtype), bias.dtype() == lhs.dtype() ? bias.to(dtype) : bias},  // another type is refused
      std::move(attributes), options.activation);
}

}  // namespace cotangent
