// Signal processing: checks, the choice of a method, boundaries.
#include "cotangent/ops/signal.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/convolve_rules.h"
#include "cotangent/ops/fft_convolve.h"
#include "cotangent/ops/gather.h"
#include "cotangent/ops/movement.h"

namespace cotangent::signal {
namespace {

struct Operands {
  Tensor in1, in2;
};

Operands promoted(const Tensor& in1, const Tensor& in2) {
  const DType dtype = floating_dtype(in1.dtype(), in2.dtype());
  return {in1.to(dtype), in2.to(dtype)};
}

void require_same_rank(std::string_view operation, const Tensor& in1, const Tensor& in2) {
  if (in1.ndim() != in2.ndim())
    fail(operation, fmt::format("both operands need the same number of axes, got {} and {}: shapes {} and {}",
                                in1.ndim(), in2.ndim(), to_string(in1.shape()), to_string(in2.shape())));
}

void require_comparable(std::string_view operation, const Shape& in1, const Shape& in2) {
  if (!covers(in1, in2) && !covers(in2, in1))
    fail(operation, fmt::format("one operand must be at least as large as the other on every axis, got shapes {} and "
                                "{}; fftconvolve has no such rule in modes full and same",
                                to_string(in1), to_string(in2)));
}

// The larger operand first, since order matters to the cost alone.
Tensor directly(const Operands& operands, const ConvolveWindow& window, Precision precision) {
  const auto& [in1, in2] = operands;
  return covers(in2.shape(), in1.shape()) ? convolve_directly(in2, in1, window, precision)
                                          : convolve_directly(in1, in2, window, precision);
}

// By FFT along `axes`, to which the window refers; the other axes have equal extents.
Tensor by_fft(const Operands& operands, const std::vector<int>& axes, const ConvolveWindow& window) {
  const auto& [in1, in2] = operands;
  const Shape shape = in1.shape();
  if (std::all_of(axes.begin(), axes.end(),
                  [&](int axis) { return operands.in1.dim(axis) == 1 || operands.in2.dim(axis) == 1; })) {
    const Tensor products = in1 * in2;  // which is the full convolution
    std::vector<std::int64_t> starts(shape.size(), 0), stops(products.shape().begin(), products.shape().end());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      starts[static_cast<std::size_t>(axes[i])] = window.starts[i];
      stops[static_cast<std::size_t>(axes[i])] = window.starts[i] + window.counts[i];
    }
    return slice(products, starts, stops);
  }
  std::vector<int> order;  // the other axes first
  Shape result_shape;
  std::int64_t batch = 1;
  for (int axis = 0; axis < shape.ndim(); ++axis)
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) {
      order.push_back(axis);
      result_shape.push_back(in1.dim(axis));
      batch *= in1.dim(axis);
    }
  order.insert(order.end(), axes.begin(), axes.end());
  for (std::int64_t count : window.counts) result_shape.push_back(count);
  const auto flat = [&](const Tensor& x) {
    Shape flat_shape{batch};
    for (int axis : axes) flat_shape.push_back(x.dim(axis));
    return reshape(transpose(x, order), flat_shape);
  };
  const Tensor result = reshape(fft_convolve(flat(in1), flat(in2), window), result_shape);
  std::vector<int> back(order.size());
  for (std::size_t axis = 0; axis < order.size(); ++axis)
    back[static_cast<std::size_t>(order[axis])] = static_cast<int>(axis);
  return transpose(result, back);
}

std::vector<int> all_axes(const Tensor& x) { return normalize_axes("signal::convolve", {}, x.ndim()); }

// Whether the FFT is expected to be faster. A direct convolution multiplies each element of the result with all of the
// smaller operand.
bool prefers_fft(const Shape& in1, const Shape& in2, const ConvolveWindow& window) {
  constexpr double kNanosecondsPerProduct = 0.5;
  const double products = static_cast<double>(std::min(in1.elements(), in2.elements()));
  const double direct = kNanosecondsPerProduct * products * static_cast<double>(Shape(window.counts).elements());
  return !in1.empty() && direct > fft_convolve_cost(in1, in2, window);
}

Tensor convolve_as(std::string_view operation, const Tensor& in1, const Tensor& in2, const ModeOption& mode,
                   const MethodOption& method, Precision precision, bool correlates) {
  const ConvolveMode resolved = mode.resolve(operation);
  const Method how = method.resolve(operation);
  require_same_rank(operation, in1, in2);
  require_not_empty(operation, in1.shape(), in2.shape());
  if (how != Method::Fft || resolved == ConvolveMode::Valid) require_comparable(operation, in1.shape(), in2.shape());
  Operands operands = promoted(in1, in2);
  if (correlates) operands.in2 = reverse(operands.in2);
  const ConvolveWindow window = convolve_window(resolved, in1.shape(), in2.shape());
  if (how == Method::Fft ||
      (how == Method::Auto && precision != Precision::Highest && prefers_fft(in1.shape(), in2.shape(), window)))
    return by_fft(operands, all_axes(in1), window);
  return directly(operands, window, precision);
}

// x with `low` and `high` elements more on each axis, as the boundary says.
Tensor extended(const Tensor& x, const Pads& pads, Boundary boundary, double fillvalue) {
  if (boundary == Boundary::Fill) {
    std::vector<AxisPadding> padding;
    for (const auto& [low, high] : pads) padding.push_back({low, high});
    return pad(x, padding, fillvalue);
  }
  Tensor result = x;
  for (std::size_t axis = 0; axis < pads.size(); ++axis) {
    const std::int64_t extent = x.shape()[axis];
    const std::int64_t period = boundary == Boundary::Wrap ? extent : 2 * extent;  // there and back again
    std::vector<std::int64_t> indices(static_cast<std::size_t>(extent + pads[axis].first + pads[axis].second));
    std::int64_t position = -pads[axis].first;
    for (std::int64_t& index : indices) {
      index = position - floor_divide(position, period) * period;
      if (index >= extent) index = period - 1 - index;
      ++position;
    }
    result = take(result, Tensor::from_data<std::int64_t>({static_cast<std::int64_t>(indices.size())}, indices),
                  static_cast<int>(axis));
  }
  return result;
}

// Both 2-D functions: in2 slides over the image in1, turned around (convolution) or not (correlation).
Tensor slide2d(std::string_view operation, const Tensor& in1, const Tensor& in2, const ModeOption& mode,
               const BoundaryOption& boundary, double fillvalue, Precision precision, bool correlates) {
  const ConvolveMode resolved = mode.resolve(operation);
  const Boundary outside = boundary.resolve(operation);
  if (in1.ndim() != 2 || in2.ndim() != 2)
    fail(operation, fmt::format("both operands must be 2-D, got shapes {} and {}", to_string(in1.shape()),
                                to_string(in2.shape())));
  require_not_empty(operation, in1.shape(), in2.shape());
  if (outside == Boundary::Fill || resolved == ConvolveMode::Valid)
    require_comparable(operation, in1.shape(), in2.shape());
  const auto [image, kernel] = promoted(in1, in2);
  ConvolveWindow window = convolve_window(resolved, in1.shape(), in2.shape());
  if (correlates && resolved == ConvolveMode::Same)
    for (std::size_t axis = 0; axis < 2; ++axis) window.starts[axis] = in2.shape()[axis] / 2;
  const Tensor turned = correlates ? reverse(kernel) : kernel;
  if (resolved == ConvolveMode::Valid || (outside == Boundary::Fill && fillvalue == 0))
    return directly({image, turned}, window, precision);
  // What the window reads of the image: then it is the valid part, of a larger image.
  Pads pads;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t before = in2.shape()[axis] - 1;
    pads.emplace_back(before - window.starts[axis], window.starts[axis] + window.counts[axis] - in1.shape()[axis]);
    window.starts[axis] = before;
  }
  return convolve_directly(extended(image, pads, outside, fillvalue), turned, window, precision);
}

}  // namespace

Tensor convolve(const Tensor& in1, const Tensor& in2, const ModeOption& mode, const MethodOption& method,
                PrecisionOption precision) {
  return convolve_as("signal::convolve", in1, in2, mode, method, precision, false);
}

Tensor correlate(const Tensor& in1, const Tensor& in2, const ModeOption& mode, const MethodOption& method,
                 PrecisionOption precision) {
  return convolve_as("signal::correlate", in1, in2, mode, method, precision, true);
}

Tensor convolve2d(const Tensor& in1, const Tensor& in2, const ModeOption& mode, const BoundaryOption& boundary,
                  double fillvalue, PrecisionOption precision) {
  return slide2d("signal::convolve2d", in1, in2, mode, boundary, fillvalue, precision, false);
}

Tensor correlate2d(const Tensor& in1, const Tensor& in2, const ModeOption& mode, const BoundaryOption& boundary,
                   double fillvalue, PrecisionOption precision) {
  return slide2d("signal::correlate2d", in1, in2, mode, boundary, fillvalue, precision, true);
}

Tensor fftconvolve(const Tensor& in1, const Tensor& in2, const ModeOption& mode, const Axes& axes) {
  constexpr std::string_view kOperation = "signal::fftconvolve";
  const ConvolveMode resolved = mode.resolve(kOperation);
  require_same_rank(kOperation, in1, in2);
  const std::vector<int> along = normalize_axes(kOperation, axes.list(), in1.ndim());
  Shape shape1, shape2;  // along the axes
  for (int axis : along) {
    shape1.push_back(in1.dim(axis));
    shape2.push_back(in2.dim(axis));
  }
  for (int axis = 0; axis < in1.ndim(); ++axis)
    if (in1.dim(axis) != in2.dim(axis) && std::find(along.begin(), along.end(), axis) == along.end())
      fail(kOperation, fmt::format("extents must agree on the axes that are not convolved, got {} and {} on axis {} of "
                                   "shapes {} and {}",
                                   in1.dim(axis), in2.dim(axis), axis, to_string(in1.shape()), to_string(in2.shape())));
  require_not_empty(kOperation, shape1, shape2);
  if (resolved == ConvolveMode::Valid && !covers(shape1, shape2) && !covers(shape2, shape1))
    fail(kOperation, fmt::format("in mode valid one operand must be at least as large as the other on every convolved "
                                 "axis, got shapes {} and {}",
                                 to_string(in1.shape()), to_string(in2.shape())));
  return by_fft(promoted(in1, in2), along, convolve_window(resolved, shape1, shape2));
}

}  // namespace cotangent::signal
