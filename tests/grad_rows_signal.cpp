// Rows of the gradient table: convolve, correlate, patches. Linear in each operand, so that differences with step 1 are
// exact.
#include "grad_table.h"

namespace cotangent::testing {

std::vector<GradRow> signal_rows() {
  std::vector<GradRow> rows;
  const auto add = [&](const std::string& primitive, const std::string& what, const Function& f, const Shape& first,
                       const Shape& second) {
    rows.push_back({primitive, what, f, {sample(first, -1, 1, 1), sample(second, -1, 1, 2)}, 1});
  };
  const std::string conv = "conv_general_dilated";
  for (const std::string mode : {"full", "same", "valid"}) {
    add(conv, "convolve_" + mode, [=](const Tensor& a, const Tensor& v) { return convolve(a, v, mode); }, {5}, {4});
    add(conv, "correlate_" + mode, [=](const Tensor& a, const Tensor& v) { return correlate(a, v, mode); }, {2}, {5});
  }

  const ConvPatchesOptions options{.window_strides = {2, 1},
                                   .padding = {{-1, 4}, {1, 0}},
                                   .lhs_dilation = {1, 2},
                                   .rhs_dilation = {2, 1},
                                   .dimension_numbers = {"NHWC", "WHIO", "CNHW"}};
  const Shape image{2, 5, 3, 2}, patches{12, 2, 8, 2};
  rows.push_back({"gather",
                  "patches",
                  [=](const Tensor& x) {
                    return conv_general_dilated_patches(x, {2, 3}, options);
                  },
                  {sample(image)},
                  1});
  rows.push_back({"scatter_add",
                  "fold",
                  [=](const Tensor& p) {
                    return fold(p, image, {2, 3}, options);
                  },
                  {sample(patches)},
                  1});
  add("matmul", "local",
      [=](const Tensor& l, const Tensor& r) {
        return conv_general_dilated_local(l, r, {2, 3}, options);
      },
      image, {2, 8, 12, 3});
  return rows;
}

}  // namespace cotangent::testing
