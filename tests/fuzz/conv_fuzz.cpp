// Fuzzes the options of convolutions: they are refused, or the result and both derivatives are what the definition
// gives.
#include "../conv_reference.h"
#include "bytes.h"
#include "cotangent/ops/conv_rules.h"
#include "fuzz.h"

using namespace cotangent;
using testing::ConvCase;

namespace {

constexpr std::int64_t kMostExtent = 64;  // of an output that is computed; what is larger is only described

// The case that these options mean for these shapes, or nothing where they are refused or much work.
std::optional<ConvCase> meaning(const Shape& lhs, const Shape& rhs, const ConvOptions& options) {
  std::optional<ConvCase> result;
  fuzz::succeeds([&] {
    const kernels::ConvAttributes a = resolve_conv("fuzz", lhs, rhs, options);
    const Shape out = conv_shape("fuzz", lhs, rhs, a);
    if (std::ranges::any_of(out, [](std::int64_t extent) { return extent > kMostExtent; }) || out.elements() > 1000)
      return;
    result = {lhs,
              rhs,
              a.window_strides,
              a.padding,
              a.lhs_dilation,
              a.rhs_dilation,
              a.dimension_numbers,
              a.feature_group_count,
              a.batch_group_count};
    fuzz::require(testing::reference_shape(*result) == out, "the output has the shape of the definition");
  });
  return result;
}

bool near(const Tensor& result, const testing::Values& expected, bool exact) {
  return testing::relative_error(testing::values(result), expected) <= (exact ? 0 : 2e-5);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes({data, size});
  const std::size_t ndim = bytes.byte() % 6, axes = ndim < 2 ? 0 : ndim - 2;
  const auto extents = [&] {
    Shape shape;
    for (std::size_t axis = 0; axis < ndim; ++axis) shape.push_back(bytes.byte() % 7);
    return shape;
  };
  const Shape lhs_shape = extents(), rhs_shape = extents();
  const DType dtype = bytes.byte() % 2 == 0 ? DType::Float32 : DType::Float64;
  ConvOptions options{.window_strides = bytes.per_axis(axes, 4),
                      .padding = bytes.padding(axes),
                      .lhs_dilation = bytes.per_axis(axes, 3),
                      .rhs_dilation = bytes.per_axis(axes, 3),
                      .dimension_numbers = bytes.dimension_numbers(ndim),
                      .feature_group_count = bytes.number(1, 4),
                      .batch_group_count = bytes.number(1, 2),
                      .precision = bytes.byte() % 2 == 0 ? Precision::Default : Precision::Highest,
                      .algorithm = static_cast<ConvAlgorithm>(bytes.byte() % 9)};
  if (const std::uint8_t workspace = bytes.byte(); workspace % 4 == 0) options.max_workspace = 16 * workspace;

  const std::optional<ConvCase> c = meaning(lhs_shape, rhs_shape, options);
  const Tensor lhs = testing::whole_numbers(lhs_shape, dtype, 1), rhs = testing::whole_numbers(rhs_shape, dtype, 2);
  if (!c) return 0;
  fuzz::succeeds([&] {
    const auto conv = [&](const Tensor& l, const Tensor& r) { return conv_general_dilated(l, r, options); };
    const auto [out, pullback] = vjp(conv, {lhs, rhs});
    const bool exact = options.precision == Precision::Highest;
    const testing::Values l = testing::values(lhs), r = testing::values(rhs);
    fuzz::require(near(out, testing::reference_conv(*c, l, r), exact), "the result is that of the definition");
    const Tensor g = testing::whole_numbers(out.shape(), dtype, 3);
    const Tensors cotangents = pullback(g);
    const testing::ReferenceVjps expected = testing::reference_vjps(*c, l, r, testing::values(g));
    fuzz::require(near(cotangents[0], expected.lhs, exact) && near(cotangents[1], expected.rhs, exact),
                  "the cotangents are those of the definition");
  });
  return 0;
}
