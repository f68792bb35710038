// Rows of the error table: making tensors, reading them, and numbers that are drawn.
#include <array>

#include "error_table.h"

namespace cotangent::testing {

std::vector<ErrorRow> tensor_errors() {
  static constexpr std::array<float, 5> kFive{1, 2, 3, 4, 5};
  return {
      {"too_few_values",
       [] {
         Tensor::from_data<float>({2, 3}, kFive);
       },
       "from_data: shape (2, 3) has 6 elements, 5 values given"},
      {"negative_extent",
       [] {
         zeros({3, -1});
       },
       "tensor: extents must not be negative, got shape (3, -1)"},
      {"more_than_memory",
       [] {
         zeros({1 << 30, 1 << 30});
       },
       "tensor: shape (1073741824, 1073741824) has more elements than memory can hold"},
      {"a_fraction_as_an_integer", [] { full({2}, 0.5, DType::Int64); },
       "full: Int64 cannot hold 0.5; ask for a floating dtype"},
      {"arange_without_a_step", [] { arange(0, 10, 0); },
       "arange: start, stop and step must be finite and step not 0, got 0, 10, 0"},
      {"linspace_of_integers", [] { linspace(0, 1, 5, DType::Int32); },
       "linspace: needs Float32 or Float64, got Int32; convert with .to(DType::Float32)"},
      {"item_of_many",
       [] {
         ones({2, 3}).item<float>();
       },
       "item: needs exactly one element, shape (2, 3) has 6; reduce it with sum() or mean(), or read data()"},
      {"item_of_another_dtype", [] { ones({}, DType::Float64).item<float>(); },
       "item: the elements are Float64, asked for as Float32; convert with .to(DType::Float32)"},
      {"data_of_another_dtype",
       [] {
         const Tensor x = ones({3});
         x.data<double>();
       },
       "data: the elements are Float32, asked for as Float64; convert with .to(DType::Float64)"},
      {"null_tensor", [] { Tensor().shape(); }, "tensor: this Tensor is null: it was default-made or moved from"},
      {"null_operand", [] { exp(Tensor()); }, "exp: input 0 is a null Tensor"},
      {"dim_out_of_range",
       [] {
         ones({8, 28, 28, 1}).dim(4);
       },
       "dim: axis 4 is outside [-4, 4) of a tensor with 4 axes; 3 or -1 is the last"},
      {"values_of_a_shape",
       [] {
         const ShapesOnly shapes_only;
         zeros({}).item<float>();
       },
       "item: Float32 () has a shape and no values: nn::trace() and nn::summary() compute none, so read none in a "
       "model's call; a primitive's vjp() has those that its saves() names"},
      {"bernoulli_of_percent", [] { random::bernoulli(random::Key(0), 30, {4}); },
       "bernoulli: p must be from 0 to 1, got 30; 30 percent is 0.3"},
      {"uniform_turned_around", [] { random::uniform(random::Key(0), {4}, DType::Float32, 1, 0); },
       "uniform: the limits must be finite in Float32, as must their distance, and minval <= maxval, got 1 and 0"},
      {"choice_of_too_few", [] { random::choice(random::Key(0), 5, {6}, false); },
       "choice: cannot take 6 different numbers from 5"},
      {"no_threads", [] { set_num_threads(0); }, "set_num_threads: must be from 1 to 1024, got 0"},
  };
}

}  // namespace cotangent::testing
