// Patches: the windows that a convolution sees, as a tensor; their adjoint, fold; and the convolution with a kernel of
// its own at every position.
#pragma once

#include <optional>

#include "cotangent/core/tensor.h"
#include "cotangent/ops/conv.h"

namespace cotangent {

// Options of conv_general_dilated_patches, conv_general_dilated_local and fold: those of conv_general_dilated, without
// groups. rhs_dilation spreads the elements of a patch.
struct ConvPatchesOptions {
  PerAxis window_strides = 1;
  PaddingOption padding = Padding::Valid;
  PerAxis lhs_dilation = 1;
  PerAxis rhs_dilation = 1;
  DimensionNumbersOption dimension_numbers = {};  // none: NCHW, OIHW, NCHW; of the kernel's spec the order of spatial
                                                  // axes counts
  PrecisionOption precision = Precision::Default;
  std::optional<DType> preferred_element_type = std::nullopt;
};

// For each window that conv_general_dilated would place on lhs, the elements in it: (N, C * S, out...) in the layout of
// the output's spec, where S is the product of filter_shape, one extent per spatial axis in the order of the kernel's
// spec. Feature c * S + t is element t, row-major, of the window on feature c; padding and inserted zeros are 0. So the
// convolution with a kernel (O, C, window...) is a matrix product with these (im2col). Any dtype.
// (jax.lax.conv_general_dilated_patches; torch.nn.functional.unfold)
Tensor conv_general_dilated_patches(const Tensor& lhs, const PerAxis& filter_shape,
                                    const ConvPatchesOptions& options = {});

// The adjoint of conv_general_dilated_patches for an lhs of shape `lhs_shape`: adds every element of `patches` to the
// element of lhs that it would have been copied from. Float32 or Float64. Error unless `patches` has the shape that
// lhs_shape gives. (torch.nn.functional.fold)
Tensor fold(const Tensor& patches, const Shape& lhs_shape, const PerAxis& filter_shape,
            const ConvPatchesOptions& options = {});

// Convolution with unshared weights: output[n, o, x] = sum over q of patches[n, q, x] * rhs[o, q, x]. The kernel's spec
// lays out rhs (O, C * S, out...): its spatial axes are those of the output, its input features those of the patches.
// (jax.lax.conv_general_dilated_local; the locally connected layer)
Tensor conv_general_dilated_local(const Tensor& lhs, const Tensor& rhs, const PerAxis& filter_shape,
                                  const ConvPatchesOptions& options = {});

}  // namespace cotangent
