// Rows of the gradient table: convolve, correlate, the functions of signal, patches. Linear in each operand, so that
// differences with step 1 are exact.
#include "grad_table.h"

namespace cotangent::testing {

std::vector<GradRow> signal_rows() {
  std::vector<GradRow> rows;
  const auto add = [&](const std::string& primitive, const std::string& what, const Function& f, const Shape& first,
                       const Shape& second) {
    rows.push_back({primitive, what, f, {sample(first, -1, 1, 1), sample(second, -1, 1, 2)}, true});
  };
  const std::string conv = "conv_general_dilated";
  for (const std::string mode : {"full", "same", "valid"}) {
    add(conv, "convolve_" + mode, [=](const Tensor& a, const Tensor& v) { return convolve(a, v, mode); }, {5}, {4});
    add(conv, "correlate_" + mode, [=](const Tensor& a, const Tensor& v) { return correlate(a, v, mode); }, {2}, {5});
    const std::vector<std::pair<std::string, std::string>> methods{{"direct", conv}, {"fft", "fft_convolve"}};
    for (const auto& [method, primitive] : methods) {
      const std::string what = method + "_" + mode;
      const auto convolved = [mode = mode, method = method](const Tensor& a, const Tensor& b) {
        return signal::convolve(a, b, mode, method);
      };
      const auto correlated = [mode = mode, method = method](const Tensor& a, const Tensor& b) {
        return signal::correlate(a, b, mode, method);
      };
      add(primitive, "convolve_" + what, convolved, {4, 3}, {2, 2});
      add(primitive, "correlate_" + what, correlated, {2, 3}, {3, 4});
    }
    for (const std::string boundary : {"fill", "wrap", "symm"}) {
      const auto convolved = [=](const Tensor& a, const Tensor& b) {
        return signal::convolve2d(a, b, mode, boundary, 0.5);
      };
      const auto correlated = [=](const Tensor& a, const Tensor& b) {
        return signal::correlate2d(a, b, mode, boundary, 0.5);
      };
      add(conv, "convolve2d_" + boundary + "_" + mode, convolved, {3, 4}, {2, 3});
      add(conv, "correlate2d_" + boundary + "_" + mode, correlated, {2, 3}, {4, 4});
    }
    add("fft_convolve", "axes_" + mode,
        [=](const Tensor& a, const Tensor& b) {
          return signal::fftconvolve(a, b, mode, {0, -1});
        },
        {4, 2, 3}, {2, 2, 2});
    add("multiply", "fftconvolve_" + mode,
        [=](const Tensor& a, const Tensor& b) { return signal::fftconvolve(a, b, mode, 1); }, {2, 4}, {2, 1});
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
                  true});
  rows.push_back({"scatter_add",
                  "fold",
                  [=](const Tensor& p) {
                    return fold(p, image, {2, 3}, options);
                  },
                  {sample(patches)},
                  true});
  add("matmul", "local",
      [=](const Tensor& l, const Tensor& r) {
        return conv_general_dilated_local(l, r, {2, 3}, options);
      },
      image, {2, 8, 12, 3});
  return rows;
}

}  // namespace cotangent::testing
