// Tests of the small functions of the page "Convolutions in JAX" against NumPy and SciPy: rot90, meshgrid,
// update_slice, norm_pdf.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;

Tensor page(const std::string& name) { return testing::golden(name, "page"); }

Tensor vector(const std::vector<double>& values) {
  return Tensor::from_data<double>({static_cast<std::int64_t>(values.size())}, values);
}

TEST(Rot90, IsNumpys) {
  const Tensor x = reshape(arange(24, DType::Float64), {2, 3, 4});
  for (const int turns : {-3, -2, -1, 0, 1, 2, 3, 4}) {
    expect_near(rot90(x, turns), page("rot90." + std::to_string(turns)), 0);
    expect_near(rot90(x, turns, {2, -3}), page("rot90_02." + std::to_string(turns)), 0);
  }
  EXPECT_EQ(rot90(zeros({0, 3})).shape(), Shape({3, 0}));
  EXPECT_EQ(rot90(zeros({2, 3}, DType::Bool)).dtype(), DType::Bool);
}

TEST(Rot90, RefusesAxes) {
  expect_error([] { rot90(zeros({2, 3}), 1, {0, -2}); }, "rot90: needs two different axes, got 0 and -2");
  expect_error([] { rot90(zeros({2}), 1); }, "rot90: axis 1");
}

TEST(Meshgrid, IsNumpys) {
  const Tensors lines{vector({0, 1, 2}), vector({0, 10, 20, 30}), vector({0, 100})};
  for (const Indexing indexing : {Indexing::XY, Indexing::IJ})
    for (std::size_t count : {1, 2, 3}) {
      const Tensors grid = meshgrid({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count)}, indexing);
      ASSERT_EQ(grid.size(), count);
      const std::string name = (indexing == Indexing::XY ? "meshgrid.xy" : "meshgrid.ij") + std::to_string(count);
      for (std::size_t k = 0; k < count; ++k) expect_near(grid[k], page(name + "." + std::to_string(k)), 0);
    }
  EXPECT_TRUE(meshgrid({}).empty());
  EXPECT_EQ(meshgrid({zeros({0}), zeros({2}, DType::Int32)})[1].shape(), Shape({2, 0}));
  expect_error(
      [] {
        meshgrid({zeros({2}), zeros({2, 3})});
      },
      "meshgrid: coordinates must be 1-D, got shape (2, 3) for number 1");
}

TEST(UpdateSlice, IsAssignmentToASlice) {
  const Tensor x = reshape(arange(24, DType::Float64), {2, 3, 4});
  const Tensor update = reshape(vector({-1, -2}), {2, 1, 1});
  expect_near(update_slice(x, update, {0, 1, 0}, {2, 2, 4}, {1, 1, 3}), page("update_slice"), 0);
  const Tensor row = update_slice(zeros({2, 3}, DType::Int32), 7, {1, 0}, {2, 3});
  EXPECT_EQ(to_string(row), "[[0 0 0]\n [7 7 7]]");
  EXPECT_EQ(to_string(update_slice(zeros({3}, DType::Bool), 1, {1}, {3})), "[False  True  True]");
  EXPECT_EQ(to_string(update_slice(arange(3), 9, {2}, {2})), "[0 1 2]");  // nothing to assign
  EXPECT_EQ(to_string(update_slice(arange(3), 9, {1}, {2}, {std::int64_t{1} << 60})), "[0 9 2]");
  EXPECT_EQ(update_slice(zeros({}), 2, {}, {}).item<float>(), 2);
  EXPECT_EQ(update_slice(zeros({0, 3}), 2, {0, 1}, {0, 2}).shape(), Shape({0, 3}));
  const Tensor overwritten = update_slice(vector({NAN, 1}), 0, {0}, {1});
  EXPECT_EQ(overwritten.data<double>()[0], 0);
}

TEST(UpdateSlice, RefusesWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  expect_error([&] { update_slice(x, 1, {0}, {2}); },
               "update_slice: needs one start, stop and stride for each of the 2 axes of shape (2, 3), got 1, 1 and 1");
  expect_error(
      [&] {
        update_slice(x, 1, {0, 2}, {2, 4});
      },
      "update_slice: needs 0 <= start <= stop <= extent, got start 2 and stop 4 for axis 1");
  expect_error(
      [&] {
        update_slice(x, 1, {0, 0}, {2, 3}, {0, 1});
      },
      "update_slice: strides must be at least 1, got (0, 1)");
  expect_error([&] { update_slice(x, zeros({2, 2}), {0, 0}, {2, 3}); }, "update_slice: shapes (2, 2) and (2, 3)");
  expect_error(
      [&] {
        update_slice(x, zeros({3, 1}), {0, 0}, {1, 3});
      },
      "update_slice: an update of shape (3, 1) does not broadcast to the slice's (1, 3)");
  expect_error(
      [&] {
        update_slice(x, zeros({1, 1, 1}), {0, 0}, {1, 1});
      },
      "update_slice: an update of shape (1, 1, 1) does not broadcast to the slice's (1, 1)");
  expect_error([&] { update_slice(x, zeros({3}, DType::Float64), {0, 0}, {1, 3}); }, "update_slice: both operands");
  expect_error([&] { update_slice(zeros({2}, DType::UInt8), -1, {0}, {1}); }, "-1");
}

TEST(NormPdf, IsScipys) {
  expect_near(stats::norm_pdf(linspace(-3, 3, 7, DType::Float64)), page("norm_pdf"), 1e-15);
  expect_near(stats::norm_pdf(linspace(-3, 3, 7)), page("norm_pdf"), 1e-7);
  const Tensor x = reshape(linspace(-3, 3, 7, DType::Float64), {7, 1});
  expect_near(stats::norm_pdf(x, vector({0.5, -1, 40}), vector({0.1, 2, 1e-9})), page("norm_pdf_scaled"), 1e-15);
  EXPECT_EQ(stats::norm_pdf(full({}, std::numeric_limits<double>::infinity())).item<float>(), 0);
  const Tensor tiny = stats::norm_pdf(zeros({1}), 0, 1e-30);
  EXPECT_NEAR(tiny.item<float>(), 0.3989423e30, 1e24);
}

TEST(NormPdf, RefusesWhatIsNoDistribution) {
  expect_error([] { stats::norm_pdf(zeros({2}), 0, 0); },
               "norm_pdf: needs loc and scale finite in Float32 and scale > 0, got 0 and 0");
  expect_error([] { stats::norm_pdf(zeros({2}), 0, 1e-50); }, "scale > 0, got 0 and 1e-50");
  expect_error([] { stats::norm_pdf(zeros({2}), NAN, 1); }, "got nan and 1");
  expect_error([] { stats::norm_pdf(arange(3)); }, "norm_pdf: needs Float32 or Float64, got Int64");
}

TEST(PageFunctions, HaveGradients) {
  const Tensor x = testing::wave({2, 3, 4}, 1), update = testing::wave({2, 1, 2}, 2);
  const auto assign = [](const Tensor& a, const Tensor& b) {
    const Tensor y = update_slice(a, b, {0, 1, 0}, {2, 3, 4}, {1, 1, 3});
    return y * y * y;
  };
  EXPECT_EQ(check_grads(assign, {x, update}, {.order = 2}), "");
  const auto turn = [](const Tensor& a) { return rot90(a, 1, {0, 2}) * rot90(a, 3, {0, 2}); };
  EXPECT_EQ(check_grads(turn, {x}, {.order = 2}), "");
  const auto grid = [](const Tensor& a, const Tensor& b) {
    const Tensors points = meshgrid({a, b});
    return points[0] * points[0] * points[1];
  };
  EXPECT_EQ(check_grads(grid, {testing::wave({3}, 0), testing::wave({2}, 1)}, {.order = 2}), "");
  const auto density = [](const Tensor& a, const Tensor& loc, const Tensor& scale) {
    return stats::norm_pdf(a, loc, 1.5 + scale);
  };
  EXPECT_EQ(
      check_grads(density, {testing::wave({3}, 0), testing::wave({2, 1}, 1), testing::wave({}, 0.3)}, {.order = 2}),
      "");
}

}  // namespace
}  // namespace cotangent
