// Rows of the error table: losses, optimizers and data.
#include <cmath>

#include "error_table.h"

namespace cotangent::testing {
namespace {

Tensor classes(const Shape& shape, double value = 0) { return full(shape, value, DType::Int64); }

}  // namespace

std::vector<ErrorRow> training_errors() {
  return {
      {"one_hot_targets",
       [] {
         nn::cross_entropy(ones({8, 10}), ones({8, 10}));
       },
       "cross_entropy: targets must be class numbers (Int64, Int32 or UInt8) of shape (8,) for logits Float32 (8, 10), "
       "got Float32 (8, 10); argmax(targets, -1) makes class numbers of one-hot rows"},
      {"targets_as_a_column",
       [] {
         nn::cross_entropy(ones({8, 10}), classes({8, 1}));
       },
       "cross_entropy: targets must be class numbers (Int64, Int32 or UInt8) of shape (8,) for logits Float32 (8, 10), "
       "got Int64 (8, 1); reshape the targets"},
      {"targets_of_another_batch",
       [] {
         nn::cross_entropy(ones({8, 10}), classes({7}));
       },
       "cross_entropy: targets must be class numbers (Int64, Int32 or UInt8) of shape (8,) for logits Float32 (8, 10), "
       "got Int64 (7,)"},
      {"targets_as_floats",
       [] {
         nn::cross_entropy(ones({8, 10}), ones({8}));
       },
       "cross_entropy: targets must be class numbers (Int64, Int32 or UInt8) of shape (8,) for logits Float32 (8, 10), "
       "got Float32 (8,); convert them with .to(DType::Int64)"},
      {"targets_that_count_from_1",
       [] {
         nn::cross_entropy(ones({8, 10}), classes({8}, 10));
       },
       "cross_entropy: targets must be in [0, 10), the one at (0,) is 10; if they count from 1, subtract 1", true},
      {"targets_below_0",
       [] {
         nn::accuracy(ones({8, 10}), classes({8}, -1));
       },
       "accuracy: targets must be in [0, 10), the one at (0,) is -1", true},
      {"logits_of_integers",
       [] {
         nn::cross_entropy(classes({8, 10}), classes({8}));
       },
       "cross_entropy: logits must be Float32 or Float64 (..., classes), got Int64 (8, 10)"},
      {"label_smoothing_of_percent",
       [] {
         nn::cross_entropy(ones({8, 10}), classes({8}), {.label_smoothing = 10});
       },
       "cross_entropy: label_smoothing must be in [0, 1], got 10"},
      {"mse_of_a_column",
       [] {
         nn::mse(ones({8, 1}), ones({8}));
       },
       "mse: both must be Float32 or both Float64, of one shape, got Float32 (8, 1) and Float32 (8,); reshape the "
       "targets to (8, 1)"},
      {"mse_of_doubles", [] { nn::mse(ones({8}), ones({8}, DType::Float64)); },
       "mse: both must be Float32 or both Float64, of one shape, got Float32 (8,) and Float64 (8,); convert the "
       "targets with .to(DType::Float32)"},
      {"probabilities_above_1", [] { nn::binary_cross_entropy_with_logits(ones({8}), full({8}, 255)); },
       "binary_cross_entropy_with_logits: targets must be in [0, 1], got 255", true},
      {"gradients_of_another_model",
       [] {
         nn::Linear net(4, 2);
         nn::SGD({.lr = 0.1}).step(net, {ones({4, 2})});
       },
       "SGD: the module has 2 parameters, got 1 gradients; give those of nn::value_and_grad(net, loss), in their "
       "order"},
      {"gradient_of_another_shape",
       [] {
         nn::Linear net(4, 2);
         nn::SGD({.lr = 0.1}).step(net, {ones({2, 4}), ones({2})});
       },
       "SGD: the gradient of 'weight' must be Float32 (4, 2), got Float32 (2, 4)"},
      {"one_optimizer_for_two_models",
       [] {
         nn::Linear first(4, 2), second(4, 3);
         nn::Adam adam({.lr = 0.1});
         adam.step(first, {ones({4, 2}), ones({2})});
         adam.step(second, {ones({4, 3}), ones({3})});
       },
       "Adam: 'weight' is Float32 (4, 3), at the first step it was Float32 (4, 2); use one optimizer per model", true},
      {"negative_learning_rate", [] { nn::SGD({.lr = -0.1}); },
       "SGD: the learning rate must be finite and >= 0, got -0.1"},
      {"nesterov_without_momentum", [] { nn::SGD({.lr = 0.1, .nesterov = true}); },
       "SGD: nesterov needs a momentum > 0, got 0"},
      {"adam_with_a_beta_of_1", [] { nn::Adam({.beta1 = 1}); }, "Adam: beta1 must be in [0, 1), got 1"},
      {"gradients_that_diverged", [] { nn::clip_grad_norm({full({3}, HUGE_VAL)}, 1); },
       "clip_grad_norm: the norm of the gradients is inf: the training has diverged", true},
      {"a_target_too_few",
       [] {
         nn::batches({ones({8, 4}), classes({7})}, {.size = 4});
       },
       "batches: each input needs a target, got 8 inputs and 7 targets"},
      {"batches_of_nothing",
       [] {
         nn::batches({ones({8, 4}), classes({8})}, {.size = 0});
       },
       "batches: the size must be at least 1, got 0"},
  };
}

}  // namespace cotangent::testing
