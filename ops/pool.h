// Pooling: the maximum or the mean of every window of the spatial axes.
#pragma once

#include "cotangent/core/tensor.h"
#include "cotangent/ops/window.h"

namespace cotangent {

// Per-axis options take one number for all spatial axes or a list.
struct PoolOptions {
  PerAxis window_strides = PerAxis::unset();  // unset: the window, so that windows lie side by side
  PaddingOption padding = Padding::Valid;     // negative pads crop
  PerAxis window_dilation = 1;
  bool channels_first = false;    // x is (batch, channels, spatial...) instead of (batch, spatial..., channels)
  bool count_include_pad = true;  // avg_pool: padding counts as zeros; if false, a mean is over real elements only
};

// The maximum over every window, for any number of spatial axes, also none: (batch, spatial..., channels) gives
// (batch, windows..., channels). An axis of extent n has floor((n + low + high - d) / stride) + 1 windows, where d is
// the dilated window, and none if that is negative. Padding is -inf, which is also the maximum of a window that sees
// nothing else; NaN wins over every number. Of equal maxima, the first in row-major order of the window receives the
// gradient. Float32 or Float64; window, strides and dilation at least 1. (torch.nn.functional.max_pool2d,
// jax.lax.reduce_window)
Tensor max_pool(const Tensor& x, const PerAxis& window, const PoolOptions& options = {});

// The mean over every window, as max_pool() places them. A window that sees only padding gives 0.
// (torch.nn.functional.avg_pool2d)
Tensor avg_pool(const Tensor& x, const PerAxis& window, const PoolOptions& options = {});

}  // namespace cotangent
