// Rows of the error table: operations on tensors.
#include "error_table.h"

namespace cotangent::testing {
namespace {

Tensor integers(const Shape& shape) { return zeros(shape, DType::Int64); }

}  // namespace

std::vector<ErrorRow> operation_errors() {
  return {
      {"shapes_that_do_not_broadcast",
       [] {
         ones({8, 10}) + ones({8});
       },
       "add: shapes (8, 10) and (8,) do not broadcast: aligned at the last axis, extents 10 and 8 differ and neither "
       "is 1; reshape (8,) to (8, 1) for axis 0"},
      {"bias_of_channels_that_come_first",
       [] {
         ones({8, 3, 28, 28}) + ones({3});
       },
       "add: shapes (8, 3, 28, 28) and (3,) do not broadcast: aligned at the last axis, extents 28 and 3 differ and "
       "neither is 1; reshape (3,) to (3, 1, 1) for axis 1"},
      {"residual_of_an_unpadded_convolution",
       [] {
         ones({8, 28, 28, 16}) + ones({8, 26, 26, 16});
       },
       "add: shapes (8, 28, 28, 16) and (8, 26, 26, 16) do not broadcast: aligned at the last axis, extents 28 and 26 "
       "differ and neither is 1; if a convolution made the smaller one, its padding 1 gives 28"},
      {"float32_with_float64", [] { ones({3}) * ones({3}, DType::Float64); },
       "multiply: both operands must have one dtype, got Float32 (3,) and Float64 (3,); convert one with "
       ".to(DType::Float64)"},
      {"float_with_integer", [] { ones({3}) - integers({3}); },
       "subtract: both operands must have one dtype, got Float32 (3,) and Int64 (3,); convert one with "
       ".to(DType::Float32)"},
      {"exp_of_integers", [] { exp(integers({3})); },
       "exp: needs Float32 or Float64, got Int64; convert with .to(DType::Float32)"},
      {"sum_over_an_axis_too_many",
       [] {
         sum(ones({8, 10}), 2);
       },
       "sum: axis 2 is outside [-2, 2) of a tensor with 2 axes; 1 or -1 is the last"},
      {"sum_over_an_axis_twice",
       [] {
         sum(ones({8, 10}), {1, -1});
       },
       "sum: axes must be distinct, got (1, -1)"},
      {"max_of_nothing",
       [] {
         max(ones({0, 10}), 0);
       },
       "max: has no value over no elements, and axis 0 of Float32 (0, 10) has extent 0"},
      {"reshape_with_a_fixed_batch",
       [] {
         reshape(ones({10, 28, 28, 1}), {64, 784});
       },
       "reshape: shape (64, 784) does not fit the 7840 elements of shape (10, 28, 28, 1); (-1, 784) gives (10, 784)"},
      {"reshape_to_too_few",
       [] {
         reshape(ones({10, 784}), {10, 28, 27});
       },
       "reshape: shape (10, 28, 27) does not fit the 7840 elements of shape (10, 784); (10, 28, -1) gives (10, 28, "
       "28)"},
      {"reshape_with_two_open_extents",
       [] {
         reshape(ones({10, 784}), {-1, -1});
       },
       "reshape: only one extent may be -1, got (-1, -1)"},
      {"transpose_of_too_few_axes",
       [] {
         transpose(ones({8, 3, 28, 28}), {0, 2, 3});
       },
       "transpose: axes must name each of the 4 axes of shape (8, 3, 28, 28) once, got (0, 2, 3)"},
      {"squeeze_of_an_extent",
       [] {
         squeeze(ones({8, 10}), {1});
       },
       "squeeze: axis 1 of shape (8, 10) has extent 10, only extent 1 can be dropped"},
      {"concatenate_along_the_wrong_axis",
       [] {
         concatenate({ones({8, 10}), ones({8, 5})}, 0);
       },
       "concatenate: tensors must have one dtype and agree in all extents but that of axis 0, got Float32 (8, 10) as "
       "input 0 and Float32 (8, 5) as input 1; along axis 1 they fit"},
      {"concatenate_nothing", [] { concatenate({}, 0); }, "concatenate: needs at least one tensor, got none"},
      {"stack_of_different_shapes",
       [] {
         stack({ones({3}), ones({4})}, 0);
       },
       "stack: tensors must have one shape, got Float32 (3,) as input 0 and Float32 (4,) as input 1"},
      {"split_into_unequal_parts",
       [] {
         split(ones({10, 4}), 3);
       },
       "split: 3 sections do not divide axis 0 of shape (10, 4), which has extent 10; 2 would, or use slice_in_dim for "
       "unequal parts"},
      {"slice_beyond_the_end",
       [] {
         slice_in_dim(ones({10, 4}), 8, 12);
       },
       "slice: needs 0 <= start <= stop <= extent, got start 8 and stop 12 for axis 0 of shape (10, 4)"},
      {"broadcast_to_a_smaller_shape",
       [] {
         broadcast_to(ones({8, 10}), {10});
       },
       "broadcast_to: shape (8, 10) does not broadcast to (10,)"},
      {"matmul_of_inner_extents_that_differ",
       [] {
         matmul(ones({8, 784}), ones({10, 784}));
       },
       "matmul: the last axis of Float32 (8, 784) must match the last but one of Float32 (10, 784), got 784 and 10; "
       "transpose the last two axes of the right operand"},
      {"matmul_of_numbers", [] { matmul(ones({}), ones({3})); },
       "matmul: operands need at least one axis, got Float32 () and Float32 (3,); use * to multiply by a number"},
      {"matmul_of_batches_that_differ",
       [] {
         matmul(ones({4, 2, 3}), ones({5, 3, 2}));
       },
       "matmul: the leading axes of Float32 (4, 2, 3) and Float32 (5, 3, 2) do not broadcast: 4 against 5, and neither "
       "is 1"},
      {"dot_of_matrices",
       [] {
         dot(ones({2, 3}), ones({3, 2}));
       },
       "dot: needs two 1-D tensors of one length, got Float32 (2, 3) and Float32 (3, 2); use matmul for matrices"},
      {"take_at_a_float_index",
       [] {
         take(ones({10, 4}), ones({3}));
       },
       "take: indices must be Int32 or Int64, got Float32 (3,); convert with .to(DType::Int64)"},
      {"take_beyond_the_end",
       [] {
         take(ones({10, 4}), full({3}, 10, DType::Int64));
       },
       "take: index 10 at position (0,) is outside [-10, 10)", true},
      {"where_of_numbers", [] { where(ones({3}), ones({3}), zeros({3})); },
       "where: the condition must be Bool, got Float32 (3,); compare it, as in not_equal(x, 0), or convert with "
       ".to(DType::Bool)"},
      {"clip_turned_around", [] { clip(ones({3}), 1.0, -1.0); }, "clip: needs low <= high, got 1 and -1"},
      {"pad_of_too_few_axes",
       [] {
         pad(ones({8, 28, 28, 1}), {{1, 1}, {1, 1}});
       },
       "pad: needs one {low, high, interior} for each of the 4 axes of shape (8, 28, 28, 1), got 2"},
      {"pool_without_channels", [] { max_pool(ones({28}), 2); },
       "max_pool: needs (batch, spatial..., channels), got Float32 (28,)"},
      {"pool_window_of_three_axes",
       [] {
         max_pool(ones({8, 28, 28, 1}), {2, 2, 1});
       },
       "max_pool: window needs one number for each of the 2 spatial axes, got 3: (2, 2, 1); give 2, or one number for "
       "all"},
      {"convolve_of_pictures",
       [] {
         convolve(ones({28, 28}), ones({3, 3}));
       },
       "convolve: both operands must be 1-D, got shapes (28, 28) and (3, 3); use signal::convolve for more axes"},
      {"misspelt_mode", [] { convolve(ones({28}), ones({3}), "smae"); },
       "convolve: mode must be \"full\", \"same\" or \"valid\", got \"smae\"; did you mean \"same\"?"},
      {"convolve2d_of_signals", [] { signal::convolve2d(ones({28}), ones({3})); },
       "signal::convolve2d: both operands must be 2-D, got shapes (28,) and (3,)"},
  };
}

}  // namespace cotangent::testing
