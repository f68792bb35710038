// Tests of locally connected convolution: in every layout against convolution, by hand, messages.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "conv_reference.h"
#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"
#include "sample.h"

namespace cotangent::testing {
namespace {

// With the same kernel at every position, the local convolution is the convolution.
TEST(LocalConvolution, WithOneKernelEverywhereIsTheConvolution) {
  const Shape lhs_extents{2, 4, 7, 6}, rhs_extents{5, 4, 2, 3};
  int layouts = 0;
  for (std::size_t n : {1, 2}) {
    // The letters of all layouts: every permutation of each operand's.
    const auto all = [](std::string letters) {
      std::vector<std::string> result;
      std::sort(letters.begin(), letters.end());
      do result.push_back(letters);
      while (std::next_permutation(letters.begin(), letters.end()));
      return result;
    };
    const std::string spatial = n == 1 ? "H" : "HW";
    const std::vector<std::string> lhs_specs = all("NC" + spatial), rhs_specs = all("OI" + spatial);
    std::mt19937_64 generator(n);
    for (const std::string& lhs_spec : lhs_specs)
      for (const std::string& rhs_spec : rhs_specs)
        for (const std::string& out_spec : lhs_specs) {
          ++layouts;
          SCOPED_TRACE(lhs_spec + " " + rhs_spec + " " + out_spec);
          const auto laid_out = [&](const Shape& extents, const std::string& spec, const std::string& order) {
            Shape shape;
            for (char letter : spec) shape.push_back(extents[order.find(letter)]);
            return shape;
          };
          const std::vector<std::string> specs{lhs_spec, rhs_spec, out_spec};
          const Tensor lhs = sample(laid_out(lhs_extents, lhs_spec, "NC" + spatial), -1, 1, 1);
          const Tensor rhs = sample(laid_out(rhs_extents, rhs_spec, "OI" + spatial), -1, 1, 2);
          const bool same = generator() % 2 == 0;
          const std::string labels = rhs_spec.find('W') < rhs_spec.find('H') ? "WH" : spatial;
          std::vector<std::int64_t> filter;  // in the order of the kernel's letters
          for (char label : labels) filter.push_back(label == 'H' ? 2 : 3);
          const PerAxis strides = n == 1 ? PerAxis{1} : PerAxis{1, 2}, dilation = n == 1 ? PerAxis{2} : PerAxis{2, 1};
          const PaddingOption padding = same ? Padding::Same : Padding::Valid;
          const Tensor expected = conv_general_dilated(
              lhs, rhs,
              {.window_strides = strides, .padding = padding, .rhs_dilation = dilation, .dimension_numbers = specs});

          // The kernel in the order of patches: output features, then input features and offsets as one axis, then
          // one of extent 1 per spatial axis, repeated for all positions.
          const ConvDimensionNumbers numbers = conv_dimension_numbers(lhs.shape(), rhs.shape(), specs);
          Shape flat{5, rhs.size() / 5}, repeated = flat;
          for (std::size_t d = 0; d < n; ++d) {
            flat.push_back(1);
            repeated.push_back(expected.dim(numbers.out_spec[d + 2]));
          }
          std::vector<int> back(n + 2);
          for (std::size_t role = 0; role < back.size(); ++role)
            back[static_cast<std::size_t>(numbers.rhs_spec[role])] = static_cast<int>(role);
          const Tensor local = transpose(broadcast_to(reshape(transpose(rhs, numbers.rhs_spec), flat), repeated), back);
          expect_near(conv_general_dilated_local(lhs, local, filter,
                                                 {.window_strides = strides,
                                                  .padding = padding,
                                                  .rhs_dilation = dilation,
                                                  .dimension_numbers = specs}),
                      expected, 1e-14);
        }
  }
  EXPECT_EQ(layouts, 216 + 13824);
}

TEST(LocalConvolution, UsesAKernelOfItsOwnAtEveryPosition) {
  // Two windows of two elements: (1, 2) with (10, 100), (2, 3) with (7, 5).
  const Tensor x = Tensor::from_data<double>({1, 1, 3}, Values{1, 2, 3}),
               w = Tensor::from_data<double>({1, 2, 2}, Values{10, 7, 100, 5});
  EXPECT_EQ(values(conv_general_dilated_local(x, w, 2)), (Values{210, 29}));
  EXPECT_EQ(values(conv_general_dilated_local(x.to(DType::Float32), w.to(DType::Float32), 2)), (Values{210, 29}));
}

TEST(LocalConvolution, ExplainsWhatItRefuses) {
  expect_error(
      [&] {
        conv_general_dilated_local(ones({1, 1, 3}), ones({4, 2, 3}), 2);
      },
      "shape (4, 2, 2) with any number of output features on axis 0, got (4, 2, 3)");
  expect_error([&] { conv_general_dilated_local(ones({1, 1, 3}), ones({4, 2}), 2); }, "got (4, 2)");
  expect_error(
      [&] {
        conv_general_dilated_local(ones({1, 1, 3}), ones({4, 2, 2}, DType::Float64), 2);
      },
      "conv_general_dilated_local: lhs and rhs must have the same dtype");
}

}  // namespace
}  // namespace cotangent::testing
