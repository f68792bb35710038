// Patches, fold and locally connected convolution, composed of padding, gathering and matrix products.
//
// The element of a padded axis that window x reads at offset k is x * stride + k * dilation, whatever the other axes:
// one gather per spatial axis turns it into two axes, (k, x), and one transposition brings the features and all k
// together.
#include "cotangent/ops/conv_patches.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cotangent/autograd/transforms.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/conv_rules.h"
#include "cotangent/ops/gather.h"
#include "cotangent/ops/matmul.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

std::size_t index(int axis) { return static_cast<std::size_t>(axis); }

// The options as numbers, and the shapes: of a patch, in the kernel's order, and of all patches, in the output's
// layout.
struct Windows {
  kernels::ConvAttributes attributes;
  std::vector<std::int64_t> filter;
  Shape patches;
};

// By the rules of the convolution with a kernel of that window that has an output for every element of every patch.
Windows resolve_windows(std::string_view operation, const Shape& lhs, const PerAxis& filter_shape,
                        const ConvPatchesOptions& options) {
  if (lhs.ndim() < 2)
    fail(operation,
         fmt::format("lhs needs 2 or more axes, batch, features and spatial ones, got shape {}", to_string(lhs)));
  Windows result;
  result.filter = filter_shape.resolve(operation, "filter_shape", lhs.size() - 2);
  if (std::any_of(result.filter.begin(), result.filter.end(), [](std::int64_t extent) { return extent < 1; }))
    fail(operation,
         fmt::format("filter_shape must be at least 1 on every axis, got {}", to_string(Shape(result.filter))));
  const ConvDimensionNumbers numbers = options.dimension_numbers.resolve(operation, lhs, lhs);
  Shape kernel = lhs;
  if (numbers.rhs_spec.size() == lhs.size())  // else resolve_conv refuses it, as axes that do not exist
    for (std::size_t d = 0; d < result.filter.size(); ++d)
      if (const std::size_t axis = index(numbers.rhs_spec[d + 2]); axis < kernel.size())
        kernel[axis] = result.filter[d];
  result.attributes = resolve_conv(operation, lhs, kernel,
                                   {.window_strides = options.window_strides,
                                    .padding = options.padding,
                                    .lhs_dilation = options.lhs_dilation,
                                    .rhs_dilation = options.rhs_dilation,
                                    .dimension_numbers = numbers});
  Shape patch{lhs[index(numbers.lhs_spec[1])]};
  for (std::int64_t extent : result.filter) patch.push_back(extent);
  require_valid(operation, patch);
  kernel[index(numbers.rhs_spec[0])] = patch.elements();
  kernel[index(numbers.rhs_spec[1])] = patch[0];
  result.patches = conv_shape(operation, lhs, kernel, result.attributes);
  require_valid(operation, result.patches);
  return result;
}

// x * stride + k * dilation for every offset k and window x: Int64 (filter, windows).
Tensor positions(std::int64_t filter, std::int64_t windows, std::int64_t stride, std::int64_t dilation) {
  Tensor result = Tensor::uninitialized({filter, windows}, DType::Int64);
  if (!result.has_elements()) return result;
  auto element = result.mutable_data<std::int64_t>().begin();
  for (std::int64_t k = 0; k < filter; ++k)
    for (std::int64_t x = 0; x < windows; ++x) *element++ = x * stride + k * dilation;
  return result;
}

Tensor gather_patches(const Tensor& lhs, const Windows& windows) {
  const auto& [lhs_spec, rhs_spec, out_spec] = windows.attributes.dimension_numbers;
  const std::size_t n = windows.filter.size();
  std::vector<AxisPadding> padding(n + 2);
  bool padded = false;
  for (std::size_t d = 0; d < n; ++d) {
    const auto [low, high] = windows.attributes.padding[d];
    padding[index(lhs_spec[d + 2])] = {low, high, windows.attributes.lhs_dilation[d] - 1};
    padded = padded || low != 0 || high != 0 || windows.attributes.lhs_dilation[d] > 1;
  }
  Tensor gathered = padded ? pad(lhs, padding) : lhs;
  std::vector<int> place(n + 2);  // where each axis of lhs is by now; a spatial one is (k, x), and k is meant
  std::iota(place.begin(), place.end(), 0);
  for (std::size_t d = 0; d < n; ++d) {
    const int axis = lhs_spec[d + 2];
    gathered = take(gathered,
                    positions(windows.filter[d], windows.patches[index(out_spec[d + 2])],
                              windows.attributes.window_strides[d], windows.attributes.rhs_dilation[d]),
                    place[index(axis)]);
    for (int later = axis + 1; later < lhs.ndim(); ++later) ++place[index(later)];
  }
  std::vector<int> order;
  for (int axis = 0; axis < lhs.ndim(); ++axis) {
    const auto role = static_cast<std::size_t>(std::find(out_spec.begin(), out_spec.end(), axis) - out_spec.begin());
    order.push_back(place[index(lhs_spec[role])] + (role >= 2));
    if (role == 1)
      for (std::size_t d = 0; d < n; ++d) order.push_back(place[index(lhs_spec[d + 2])]);
  }
  return reshape(transpose(gathered, order), windows.patches);
}

// With the preferred type, the checks that conv_general_dilated makes of it.
DType patches_dtype(std::string_view operation, const Tensor& x, std::optional<DType> preferred) {
  return preferred ? conv_dtype(operation, x, x, preferred) : x.dtype();
}

}  // namespace

Tensor conv_general_dilated_patches(const Tensor& lhs, const PerAxis& filter_shape, const ConvPatchesOptions& options) {
  constexpr std::string_view kOperation = "conv_general_dilated_patches";
  const Windows windows = resolve_windows(kOperation, lhs.shape(), filter_shape, options);
  return gather_patches(lhs.to(patches_dtype(kOperation, lhs, options.preferred_element_type)), windows);
}

Tensor fold(const Tensor& patches, const Shape& lhs_shape, const PerAxis& filter_shape,
            const ConvPatchesOptions& options) {
  require_valid("fold", lhs_shape);
  const Windows windows = resolve_windows("fold", lhs_shape, filter_shape, options);
  if (patches.shape() != windows.patches)
    fail("fold", fmt::format("patches of lhs_shape {} have shape {}, got {}", to_string(lhs_shape),
                             to_string(windows.patches), to_string(patches.shape())));
  require_floating("fold", patches.dtype());
  const DType dtype = patches_dtype("fold", patches, options.preferred_element_type);
  const auto gather = [&](const Tensor& lhs) { return gather_patches(lhs, windows); };
  return vjp(gather, {zeros(lhs_shape, dtype)}).pullback(patches.to(dtype))[0];
}

Tensor conv_general_dilated_local(const Tensor& lhs, const Tensor& rhs, const PerAxis& filter_shape,
                                  const ConvPatchesOptions& options) {
  constexpr std::string_view kOperation = "conv_general_dilated_local";
  Windows windows = resolve_windows(kOperation, lhs.shape(), filter_shape, options);
  const auto [lhs_spec, rhs_spec, out_spec] = windows.attributes.dimension_numbers;
  Shape kernel = lhs.shape();
  kernel[index(rhs_spec[1])] = windows.patches[index(out_spec[1])];
  kernel[index(rhs_spec[0])] = rhs.ndim() == lhs.ndim() ? rhs.dim(rhs_spec[0]) : -1;  // any number of features
  for (std::size_t d = 2; d < rhs_spec.size(); ++d) kernel[index(rhs_spec[d])] = windows.patches[index(out_spec[d])];
  if (rhs.shape() != kernel)
    fail(kOperation,
         fmt::format("rhs needs the output's spatial extents and {} input features, one for each element of a patch: "
                     "shape {} with any number of output features on axis {}, got {}",
                     windows.patches[index(out_spec[1])], to_string(kernel), rhs_spec[0], to_string(rhs.shape())));
  const DType dtype = conv_dtype(kOperation, lhs, rhs, options.preferred_element_type);

  // (out..., N, Q) times (out..., Q, O), position by position.
  const int n = lhs.ndim() - 2;
  std::vector<int> positions_first{n, n + 1};
  std::vector<int> kernel_order;
  for (int d = 0; d < n; ++d) {
    positions_first.push_back(d);
    kernel_order.push_back(rhs_spec[index(d + 2)]);
  }
  kernel_order.insert(kernel_order.end(), {rhs_spec[1], rhs_spec[0]});
  Shape laid_out;
  for (std::size_t d = 2; d < out_spec.size(); ++d) laid_out.push_back(windows.patches[index(out_spec[d])]);
  laid_out.push_back(windows.patches[index(out_spec[0])]);
  laid_out.push_back(windows.patches[index(out_spec[1])]);
  windows.attributes.dimension_numbers.out_spec = positions_first;
  windows.patches = laid_out;
  const Tensor product = matmul(gather_patches(lhs.to(dtype), windows), transpose(rhs.to(dtype), kernel_order));
  std::vector<int> order(lhs.shape().size());
  for (std::size_t role = 0; role < order.size(); ++role) order[index(out_spec[role])] = positions_first[role];
  return transpose(product, order);
}

}  // namespace cotangent
