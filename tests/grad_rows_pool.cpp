// Rows of the gradient table: pooling.
#include "grad_table.h"

namespace cotangent::testing {
namespace {

// Squared, so that second derivatives are not zero. The names in the middle are those of max_pool's and window_sum's
// derivatives, which only they call: their rows are the second derivatives here.
std::vector<GradRow> rows(const std::string& what, const Tensor& x, const PerAxis& window, const PoolOptions& options) {
  const Function max = [=](const Tensor& a) {
    const Tensor y = max_pool(a, window, options);
    return y * y;
  };
  const Function mean = [=](const Tensor& a) {
    const Tensor y = avg_pool(a, window, options);
    return y * y;
  };
  const Tensor weights = sample(max_pool(x, window, options).shape(), 0.5, 1.5, 9);
  const auto pullback = [](auto pool) {
    return [=](const Tensor& a, const Tensor& g) {
      const Tensor dx = vjp(pool, {a}).pullback(g)[0];
      return dx * dx;
    };
  };
  const auto gather = [](auto pool) {
    return [=](const Tensor& a, const Tensor& u) { return jvp(pool, {a}, {u}).tangent; };
  };
  const Function plain_max = [=](const Tensor& a) { return max_pool(a, window, options); };
  const Function plain_mean = [=](const Tensor& a) { return avg_pool(a, window, options); };
  const Tensor direction = sample(x.shape(), -1, 1, 10);
  return {
      {"max_pool", what, max, {x}},
      {"max_pool_scatter", what, pullback(plain_max), {x, weights}},
      {"max_pool_gather", what, gather(plain_max), {x, direction}},
      {"window_sum", what, mean, {x}},
      {"window_sum_transpose", what, pullback(plain_mean), {x, weights}},
  };
}

}  // namespace

std::vector<GradRow> pool_rows() {
  std::vector<GradRow> all;
  const auto add = [&](const std::string& what, const Tensor& x, const PerAxis& window, const PoolOptions& options) {
    for (GradRow& row : rows(what, x, window, options)) all.push_back(std::move(row));
  };
  add("side_by_side", sample({2, 4, 4, 2}, -1, 1, 1), 2, {});
  add("overlapping", sample({1, 5, 4, 2}, -1, 1, 2), 3, {.window_strides = {2, 1}, .padding = 1});
  add("cropped_dilated", sample({1, 6, 7, 1}, -1, 1, 3), 2,
      {.window_strides = {1, 2}, .padding = {{-1, 1}, {1, -2}}, .window_dilation = {2, 3}});
  add("channels_first", sample({2, 2, 5}, -1, 1, 4), 2, {.padding = Padding::Same, .channels_first = true});
  add("real_elements_3d", sample({1, 3, 2, 3, 2}, -1, 1, 5), 2,
      {.window_strides = 1, .padding = Padding::SameLower, .count_include_pad = false});
  add("no_axes", sample({2, 3}, -1, 1, 6), 2, {});
  return all;
}

}  // namespace cotangent::testing
