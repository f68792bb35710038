// Rows of the error table: layers, when they are made and when they are called.
#include "error_table.h"

namespace cotangent::testing {

std::vector<ErrorRow> layer_errors() {
  return {
      {"conv_of_pictures_with_channels_first",
       [] {
         nn::Conv2D(3, 8, 3)(ones({8, 3, 28, 28}));
       },
       "Conv2D(3 -> 8, 3x3): needs an input of shape (N, H, W, 3), got Float32 (8, 3, 28, 28); it looks like NCHW: "
       "transpose(x, {0, 2, 3, 1}) makes it NHWC, or give the layer .layout = Layout::ChannelsFirst"},
      {"conv_with_channels_first_of_pictures_without",
       [] {
         nn::Conv2D(3, 8, 3, {.layout = nn::Layout::ChannelsFirst})(ones({8, 28, 28, 3}));
       },
       "Conv2D(3 -> 8, 3x3): needs an input of shape (N, 3, H, W), got Float32 (8, 28, 28, 3); it looks like NHWC: "
       "transpose(x, {0, 3, 1, 2}) makes it NCHW, or give the layer .layout = Layout::ChannelsLast"},
      {"conv_of_other_channels",
       [] {
         nn::Conv2D(16, 32, 3)(ones({8, 14, 14, 8}));
       },
       "Conv2D(16 -> 32, 3x3): needs an input of shape (N, H, W, 16), got Float32 (8, 14, 14, 8); it has 8 channels "
       "(axis 3, 'C' of NHWC): in_features 8 would fit"},
      {"conv_of_one_picture",
       [] {
         nn::Conv2D(3, 8, 3)(ones({28, 28, 3}));
       },
       "Conv2D(3 -> 8, 3x3): needs an input of shape (N, H, W, 3), got Float32 (28, 28, 3); expand_dims(x, 0) makes it "
       "a batch of one"},
      {"conv_of_grey_pictures",
       [] {
         nn::Conv2D(1, 8, 3)(ones({64, 28, 28}));
       },
       "Conv2D(1 -> 8, 3x3): needs an input of shape (N, H, W, 1), got Float32 (64, 28, 28); expand_dims(x, -1) gives "
       "it one channel"},
      {"conv_of_a_flat_picture",
       [] {
         nn::Conv2D(1, 8, 3)(ones({64, 784}));
       },
       "Conv2D(1 -> 8, 3x3): needs an input of shape (N, H, W, 1), got Float32 (64, 784); reshape it to (64, 28, 28, "
       "1)"},
      {"conv_of_another_dtype",
       [] {
         nn::Conv2D(1, 8, 3)(ones({8, 28, 28, 1}, DType::Float64));
       },
       "Conv2D(1 -> 8, 3x3): input and weight must have one dtype, got Float64 (8, 28, 28, 1) and Float32 (3, 3, 1, "
       "8); convert the input with .to(DType::Float32), or the model with nn::convert(net, DType::Float64)"},
      {"conv_of_bytes",
       [] {
         nn::Conv2D(1, 8, 3)(ones({8, 28, 28, 1}, DType::UInt8));
       },
       "Conv2D(1 -> 8, 3x3): input and weight must have one dtype, got UInt8 (8, 28, 28, 1) and Float32 (3, 3, 1, 8); "
       "convert the input with .to(DType::Float32)"},
      {"conv_window_that_does_not_fit",
       [] {
         nn::Conv2D(1, 8, 5)(ones({8, 4, 4, 1}));
       },
       "Conv2D(1 -> 8, 5x5): a window must fit in the padded input, but spans 5 elements of axis 1 ('H' of NHWC), "
       "where Float32 (8, 4, 4, 1) has 4 and padding {0, 0}; padding 1 gives 2 x 2"},
      {"conv_dilated_window_that_does_not_fit",
       [] {
         nn::Conv1D(1, 8, 3, {.dilation = 8, .layout = nn::Layout::ChannelsFirst})(ones({8, 1, 16}));
       },
       "Conv1D(1 -> 8, 3): a window must fit in the padded input, but spans 17 elements of axis 2 ('W' of NCW), where "
       "Float32 (8, 1, 16) has 16 and padding {0, 0}; padding 1 gives 2"},
      {"conv_without_features", [] { nn::Conv2D(0, 8, 3); }, "Conv2D: in_features must be in [1, 2147483647], got 0"},
      {"conv_kernel_of_three_axes",
       [] {
         nn::Conv2D(1, 8, {3, 3, 3});
       },
       "Conv2D: kernel needs one number for each of the 2 spatial axes, got 3: (3, 3, 3); give 2, or one number for "
       "all"},
      {"conv_groups_that_do_not_divide", [] { nn::Conv2D(8, 12, 3, {.groups = 3}); },
       "Conv2D: groups must divide in_features and out_features, got 3 groups, 8 and 12 features; 2 would do"},
      {"conv_of_misspelt_padding", [] { nn::Conv2D(1, 8, 3, {.padding = "some"}); },
       "Conv2D: padding must be VALID, SAME or SAME_LOWER, or {low, high} pairs; got \"some\"; did you mean \"SAME\"?"},
      {"transposed_conv_of_too_much_output_padding",
       [] { nn::ConvTranspose2D(8, 1, 4, {.strides = 2, .output_padding = 2}); },
       "ConvTranspose2D: output_padding must be less than stride or dilation, got 2, 2 and 1; the most is 1"},
      {"transposed_conv_of_same_and_output_padding",
       [] { nn::ConvTranspose2D(8, 1, 4, {.strides = 2, .padding = Padding::Same, .output_padding = 1}); },
       "ConvTranspose2D: padding Same decides the output's extents by itself; leave output_padding at 0 or give "
       "explicit pads"},
      {"transposed_conv_of_a_vector",
       [] {
         nn::ConvTranspose2D(100, 64, 4)(ones({8, 100}));
       },
       "ConvTranspose2D(100 -> 64, 4x4): needs an input of shape (N, H, W, 100), got Float32 (8, 100); reshape it to "
       "(8, 1, 1, 100)"},
      {"linear_of_other_features",
       [] {
         nn::Linear(5408, 10)(ones({8, 9216}));
       },
       "Linear(5408 -> 10): needs an input of shape (..., 5408), got Float32 (8, 9216), which has 9216 features; "
       "Linear(9216, 10) would fit"},
      {"linear_without_flatten",
       [] {
         nn::Linear(5408, 10)(ones({8, 13, 13, 32}));
       },
       "Linear(5408 -> 10): needs an input of shape (..., 5408), got Float32 (8, 13, 13, 32); flatten(x) makes it (8, "
       "5408)"},
      {"linear_without_flatten_and_of_other_features",
       [] {
         nn::Linear(5408, 10)(ones({8, 12, 12, 32}));
       },
       "Linear(5408 -> 10): needs an input of shape (..., 5408), got Float32 (8, 12, 12, 32); flatten(x) makes it (8, "
       "4608), which Linear(4608, 10) would fit"},
      {"linear_of_a_number", [] { nn::Linear(4, 2)(ones({})); },
       "Linear(4 -> 2): needs an input of shape (..., 4), got Float32 ()"},
      {"linear_of_another_dtype",
       [] {
         nn::Linear(4, 2)(ones({8, 4}, DType::Float64));
       },
       "Linear(4 -> 2): input and weight must have one dtype, got Float64 (8, 4) and Float32 (4, 2); convert the input "
       "with .to(DType::Float32), or the model with nn::convert(net, DType::Float64)"},
      {"batch_norm_of_channels_first",
       [] {
         nn::BatchNorm(16)(ones({8, 16, 28, 28}));
       },
       "BatchNorm(16): needs an input with 16 features along axis -1, got Float32 (8, 16, 28, 28), whose axis 1 has "
       "them; .axis = 1 would fit"},
      {"batch_norm_of_other_features",
       [] {
         nn::BatchNorm(16)(ones({8, 14, 14, 32}));
       },
       "BatchNorm(16): needs an input with 16 features along axis -1, got Float32 (8, 14, 14, 32), which has 32; "
       "BatchNorm(32) would fit"},
      {"batch_norm_of_one_value_per_feature",
       [] {
         nn::BatchNorm(16)(ones({1, 16}));
       },
       "BatchNorm(16): training needs at least two values per feature, got 1 in Float32 (1, 16); use larger batches or "
       "nn::eval()"},
      {"batch_norm_with_a_momentum_of_percent", [] { nn::BatchNorm(16, {.momentum = 90}); },
       "BatchNorm: momentum must be in [0, 1], got 90"},
      {"layer_norm_of_other_features",
       [] {
         nn::LayerNorm(64)(ones({8, 10, 32}));
       },
       "LayerNorm(64): needs an input whose shape ends in (64,), got Float32 (8, 10, 32); LayerNorm(32) would fit"},
      {"dropout_of_percent", [] { nn::Dropout(30); }, "Dropout: the rate must be in [0, 1), got 30; 30 percent is 0.3"},
      {"dropout_of_integers", [] { nn::Dropout(0.3)(ones({8}, DType::Int64)); },
       "Dropout(0.3): needs Float32 or Float64, got Int64; convert with .to(DType::Float32)"},
      {"pool_of_a_window_that_does_not_fit",
       [] {
         nn::MaxPool(3)(ones({8, 2, 2, 16}));
       },
       "MaxPool(3): a window must fit in the padded input, but spans 3 elements of axis 1 ('H' of NHWC), where Float32 "
       "(8, 2, 2, 16) has 2 and padding {0, 0}; padding 1 gives 1 x 1"},
      {"pool_of_the_wrong_layout",
       [] {
         nn::AvgPool(4)(ones({8, 16, 3, 16}));
       },
       "AvgPool(4): a window must fit in the padded input, but spans 4 elements of axis 2 ('W' of NHWC), where Float32 "
       "(8, 16, 3, 16) has 3 and padding {0, 0}; padding 1 gives 4 x 1"},
      {"global_pool_of_flat_pictures",
       [] {
         nn::global_avg_pool(ones({8, 784}));
       },
       "global_avg_pool: needs an input with a batch, spatial and a channels axis, got Float32 (8, 784)"},
      {"flatten_of_a_number", [] { nn::flatten(ones({})); },
       "flatten: needs a first axis that counts examples, got a single number"},
  };
}

}  // namespace cotangent::testing
