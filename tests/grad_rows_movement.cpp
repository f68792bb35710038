// Rows of the gradient table: movement, gathering and matrix products.
#include "grad_table.h"

namespace cotangent::testing {
namespace {

// The elements squared, so that second derivatives are not zero.
template <class F>
Function squared(F f) {
  return [f](const Tensor& x) {
    const Tensor y = f(x);
    return y * y;
  };
}

}  // namespace

std::vector<GradRow> movement_rows() {
  const Tensor x = sample({2, 3, 4}, -1, 1, 1), y = sample({2, 1, 4}, -1, 1, 2);
  return {
      {"transpose", "all_axes", squared([](const Tensor& a) { return transpose(a); }), {x}},
      {"transpose",
       "cycle",
       squared([](const Tensor& a) {
         return transpose(a, {1, 2, 0});
       }),
       {x}},
      {"reverse",
       "two_axes",
       squared([](const Tensor& a) {
         return reverse(a, {0, -1});
       }),
       {x}},
      {"concatenate",
       "middle_axis",
       [](const Tensor& a, const Tensor& b) {
         const Tensor c = concatenate({a, b, a}, 1);
         return c * c * c;
       },
       {x, y}},
      {"pad",
       "added_cropped_interior",
       squared([](const Tensor& a) {
         return pad(a, {{1, 2, 0}, {-1, 1, 2}, {2, -3, 1}}, 0.5);
       }),
       {x}},
      {"pad",
       "crops_interior",
       squared([](const Tensor& a) {
         return pad(a, {{0, 0, 1}, {-2, -1, 3}});
       }),
       {sample({3, 4}, -1, 1, 3)}},
      {"pad",
       "crops_all",
       squared([](const Tensor& a) {
         return pad(a, {{-5, 5, 0}});
       }),
       {sample({3}, -1, 1, 4)}},
      {"slice",
       "plain",
       squared([](const Tensor& a) {
         return slice(a, {1, 0, 1}, {2, 3, 3});
       }),
       {x}},
      {"slice",
       "strided",
       squared([](const Tensor& a) {
         return slice(a, {0, 0, 1}, {2, 3, 4}, {2, 2, 2});
       }),
       {x}},
      {"slice",
       "stride_beyond_the_end",
       squared([](const Tensor& a) { return slice_in_dim(a, 1, 3, 1000000007, 1); }),
       {x}},
  };
}

std::vector<GradRow> gather_rows() {
  const Tensor x = sample({2, 3, 4}, -1, 1, 1);
  const Tensor repeated = Tensor::from_data<std::int64_t>({2, 2}, std::vector<std::int64_t>{1, -1, 0, 1});
  const Tensor lines = Tensor::from_data<std::int64_t>({2, 2, 1}, std::vector<std::int64_t>{0, 2, -1, 2});
  const auto cubed = [](const Tensor& y) { return y * y * y; };
  return {
      {"gather", "take", squared([=](const Tensor& a) { return take(a, repeated, 1); }), {x}},
      {"gather", "take_along_axis", squared([=](const Tensor& a) { return take_along_axis(a, lines, 1); }), {x}},
      {"scatter_add",
       "slices",
       [=](const Tensor& a, const Tensor& b) { return cubed(scatter_add(a, repeated, b, 1)); },
       {x, sample({2, 2, 2, 4}, -1, 1, 2)}},
      {"scatter_add",
       "elements",
       [=](const Tensor& a, const Tensor& b) { return cubed(put_along_axis_add(a, lines, b, 1)); },
       {sample({2, 3, 1}, -1, 1, 3), sample({2, 2, 1}, -1, 1, 4)}},
  };
}

std::vector<GradRow> matmul_rows() {
  const Tensor a = sample({3, 4}, -1, 1, 1), b = sample({4, 2}, -1, 1, 2);
  const auto row = [](const char* what, const Tensor& left, const Tensor& right) {
    return GradRow{"matmul", what, matmul, {left, right}, true};
  };
  return {
      row("matrices", a, b),
      row("batches", sample({2, 1, 3, 4}, -1, 1, 3), sample({5, 4, 2}, -1, 1, 4)),
      row("batch_times_matrix", sample({2, 3, 4}, -1, 1, 5), b),
      row("matrix_times_batch", a, sample({2, 4, 2}, -1, 1, 6)),
      row("vector_times_matrix", sample({4}, -1, 1, 7), b),
      row("matrix_times_vector", a, sample({4}, -1, 1, 8)),
      row("vectors", sample({4}, -1, 1, 9), sample({4}, -1, 1, 10)),
      row("no_terms", sample({3, 0}), sample({0, 2})),
  };
}

}  // namespace cotangent::testing
