// Tests of the gallery: the numbers of its cells against those of the page "Convolutions in JAX", and its files.
#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <set>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "first_cell.h"
#include "gallery/cells.h"
#include "gallery/page.h"
#include "golden.h"
#include "temporary_folder.h"

namespace gallery {
namespace {

using cotangent::Shape;
using cotangent::Tensor;
using cotangent::random::Key;
using cotangent::random::Stream;

// What tells one result from another: for integers, exact in any order of summation. The weights of the last sum are
// the positions modulo 1009.
struct Checksums {
  Shape shape;
  double sum, min, max, nonzeros, weighted, squares;
};

void expect_checksums(const Tensor& out, const Checksums& expected) {
  EXPECT_EQ(out.shape(), expected.shape);
  double sum = 0, weighted = 0, squares = 0, nonzeros = 0;
  const auto values = out.data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    sum += value;
    weighted += value * static_cast<double>(i % 1009);
    squares += value * value;
    nonzeros += value != 0;
  }
  EXPECT_EQ(sum, expected.sum);
  EXPECT_EQ(std::ranges::min(values), expected.min);
  EXPECT_EQ(std::ranges::max(values), expected.max);
  EXPECT_EQ(nonzeros, expected.nonzeros);
  EXPECT_EQ(weighted, expected.weighted);
  EXPECT_EQ(squares, expected.squares);
}

TEST(Cells, ConvolveTheSquaresAsThePageDoes) {
  const Tensor kernel = edge_kernel(), img = squares();
  expect_checksums(plain_conv(img, kernel), {{1, 3, 200, 198}, 0, -3, 3, 684, -15125, 2664});
  expect_checksums(padded_conv(img, kernel), {{1, 3, 202, 200}, 0, -3, 3, 684, 28399, 2664});
  expect_checksums(same_conv(img, kernel), {{1, 200, 198, 3}, 0, -3, 3, 684, -42348, 2664});
  expect_checksums(valid_conv(img, kernel), {{1, 198, 196, 3}, 0, -3, 3, 684, -3408, 2664});
  expect_checksums(strided_conv(img, kernel), {{1, 100, 99, 3}, 0, -2, 3, 180, 20983, 684});
  expect_checksums(atrous_conv(img, kernel), {{1, 176, 174, 3}, 240, -1, 1, 5160, 100735, 5160});
  expect_checksums(spread_conv(img, kernel), {{1, 397, 393, 3}, 0, -1, 1, 702, 8319, 702});
  expect_checksums(transposed_conv(img, kernel), {{1, 400, 396, 3}, 0, -1, 1, 702, -18521, 702});
}

TEST(Cells, TransposedConvolutionIsConvTranspose) {
  const Tensor kernel = edge_kernel(), img = squares();
  const Tensor expected =
      cotangent::conv_transpose(img, kernel, {.strides = 2, .padding = "SAME", .transpose_kernel = true});
  EXPECT_TRUE(cotangent::all_close(transposed_conv(img, kernel), expected, 0, 0));
}

TEST(Cells, ConvolveSequencesAsThePageDoes) {
  const Convolved cell = sequence_conv();
  expect_checksums(cell.out, {{1, 200, 2}, 0, -3, 3, 134, -21600, 974});
  const auto rows = [&](std::size_t first) {
    const auto values = cell.out.data<float>().subspan(2 * first, 8);
    return std::vector<float>(values.begin(), values.end());
  };
  EXPECT_EQ(rows(28), (std::vector<float>{0, 0, -1, 1, -1, 2, 0, 3}));
  EXPECT_EQ(rows(58), (std::vector<float>{0, 3, 1, 2, 1, 1, 0, 0}));
  EXPECT_EQ(cotangent::to_string(cell.dn),
            "ConvDimensionNumbers(lhs_spec=(0, 2, 1), rhs_spec=(2, 1, 0), out_spec=(0, 2, 1))");
}

TEST(Cells, ConvolveAVolumeAsThePageDoes) {
  const Convolved cell = volume_conv();
  ASSERT_EQ(cell.out.shape(), Shape({1, 30, 30, 30, 1}));
  const auto values = cell.out.data<float>();
  const auto at = [&](std::size_t x, std::size_t y, std::size_t z) { return values[(x * 30 + y) * 30 + z]; };
  EXPECT_NEAR(at(0, 0, 0), 0.2149704402, 2e-6);
  EXPECT_NEAR(at(7, 3, 5), -0.7272889888, 2e-6);
  EXPECT_NEAR(at(15, 15, 15), 0.2087138468, 2e-6);
  EXPECT_NEAR(std::ranges::max(values), 1.9275772, 3e-6);
  EXPECT_NEAR(std::ranges::min(values), -1.9275772, 3e-6);
  EXPECT_NEAR(std::inner_product(values.begin(), values.end(), values.begin(), 0.0), 10851.0338, 0.01);
  EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0), 0, 1e-2);
  EXPECT_EQ(cotangent::to_string(cell.dn),
            "ConvDimensionNumbers(lhs_spec=(0, 4, 1, 2, 3), rhs_spec=(4, 3, 0, 1, 2), out_spec=(0, 4, 1, 2, 3))");
}

TEST(Cells, SmoothASignalAsJaxDoes) {
  const SmoothedSignal signal = smooth_signal(Key(1701));
  cotangent::testing::expect_first_cell(signal.y.data<float>(), signal.y_smooth.data<float>());
}

TEST(Cells, SmoothASignalInTheOriginalStream) {
  const SmoothedSignal signal = smooth_signal(Key(1701, Stream::Original));
  cotangent::testing::expect_near(signal.y, cotangent::testing::golden("signal_original", "page"), 2e-6);
  cotangent::testing::expect_near(signal.y_smooth, cotangent::testing::golden("signal_original_smooth", "page"), 2e-6);
}

TEST(Cells, SmoothAPicture) {
  const SmoothedPicture cell = smooth_picture(make_zone_plate().pixels, Key(1701));
  EXPECT_NEAR(cotangent::sum(cell.window).item<float>(), 0.99945879, 1e-6);
  EXPECT_EQ(cell.smooth.shape(), Shape({768, 1024}));
  // One element by the definition; the window is symmetric.
  double expected = 0;
  for (std::int64_t i = -3; i <= 3; ++i)
    for (std::int64_t j = -3; j <= 3; ++j)
      expected += static_cast<double>(cell.noisy.data<float>()[static_cast<std::size_t>((100 + i) * 1024 + 200 + j)]) *
                  static_cast<double>(cell.window.data<float>()[static_cast<std::size_t>((3 + i) * 7 + 3 + j)]);
  EXPECT_NEAR(cell.smooth.data<float>()[100 * 1024 + 200], expected, 1e-3);
}

TEST(Picture, IsScipysFace) {
  if (!std::filesystem::exists(kDebianFace)) GTEST_SKIP() << "python3-scipy is not installed";
  const Tensor pixels = load_face(kDebianFace).pixels;
  EXPECT_NEAR(cotangent::mean(pixels.to(cotangent::DType::Float64)).item<double>(), 110.16274388631184, 1e-9);
  const auto first = pixels.data<std::uint8_t>();
  EXPECT_EQ((std::vector<int>{first[0], first[1], first[2]}), (std::vector<int>{121, 112, 131}));
}

TEST(Picture, RefusesOtherFiles) {
  const cotangent::testing::TemporaryFolder folder;
  cotangent::testing::expect_error([&] { load_face(folder / "none"); }, "load_face");
  cotangent::write_file("test", folder / "bad", {"BZh9, but no more"});
  cotangent::testing::expect_error([&] { load_face(folder / "bad"); }, "is not a bzip2 file of 2359296 bytes");
}

// How many colours a PNG file has.
std::size_t colors_of(const std::string& path, int& width, int& height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) return 0;
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) == 0) return 0;
  width = static_cast<int>(image.width);
  height = static_cast<int>(image.height);
  std::set<std::uint32_t> colors;
  for (std::size_t i = 0; i < pixels.size(); i += 3)
    colors.insert(std::uint32_t{pixels[i]} << 16 | std::uint32_t{pixels[i + 1]} << 8 | pixels[i + 2]);
  return colors.size();
}

struct File {
  const char* name;
  int width, height;
  std::size_t colors;  // at least so many
};

constexpr File kFiles[] = {
    {"smooth_signal", 640, 480, 100}, {"smooth_picture", 1200, 380, 200}, {"edge_kernel", 640, 480, 20},
    {"squares", 640, 480, 20},        {"plain_conv", 1000, 1000, 20},     {"padded_conv", 1000, 1000, 20},
    {"same_conv", 1000, 1000, 20},    {"valid_conv", 1000, 1000, 20},     {"strided_conv", 1000, 1000, 20},
    {"atrous_conv", 1000, 1000, 20},  {"spread_conv", 1000, 1000, 20},    {"transposed_conv", 1000, 1000, 20},
    {"sequence_data", 1000, 500, 50}, {"sequence_conv", 1000, 500, 50},   {"volume_data", 640, 480, 1000},
    {"volume_conv", 640, 480, 1000},
};

TEST(Gallery, DrawsSixteenFiguresAndAPage) {
  if (!can_draw()) GTEST_SKIP() << "gnuplot is not installed";
  const cotangent::testing::TemporaryFolder folder;
  Report report("A title with <angles>", folder / "new", kCellsSource);
  show_page(report, make_zone_plate(), Stream::Original);
  EXPECT_NE(report.finish().find("16 figures"), std::string::npos);
  const std::string page = cotangent::read_file("test", folder / "new/index.html");
  EXPECT_NE(page.find("A title with &lt;angles&gt;"), std::string::npos);
  EXPECT_NE(page.find("out shape:  (1, 397, 393, 3)"), std::string::npos);
  EXPECT_NE(page.find("SmoothedSignal smooth_signal(const ct::random::Key&amp; key) {"), std::string::npos);
  for (const File& file : kFiles) {
    int width = 0, height = 0;
    EXPECT_GE(colors_of(folder / ("new/" + std::string(file.name) + ".png"), width, height), file.colors) << file.name;
    EXPECT_EQ(width, file.width) << file.name;
    EXPECT_EQ(height, file.height) << file.name;
    EXPECT_NE(page.find("<img src=\"" + std::string(file.name) + ".png\""), std::string::npos) << file.name;
  }
  // The figures, the page, and nothing half-made.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "new"), {}), 17);
}

TEST(Gallery, PrintsNumbersWithoutGnuplot) {
  const cotangent::testing::TemporaryFolder folder;
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  Report report("A title", folder / "new", kCellsSource);
  show_page(report, make_zone_plate(), Stream::Partitionable);
  setenv("PATH", path.c_str(), 1);
  EXPECT_NE(report.finish().find("No figures were drawn: gnuplot is not installed (Debian package gnuplot-nox)"),
            std::string::npos);
  EXPECT_NE(cotangent::read_file("test", folder / "new/index.html").find("No figures were drawn"), std::string::npos);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "new"), {}), 1);
}

TEST(Gallery, RefusesAFolderThatIsNone) {
  const cotangent::testing::TemporaryFolder folder;
  cotangent::write_file("test", folder / "file", {"text"});
  cotangent::testing::expect_error([&] { Report("A title", folder / "file", ""); }, "--output: cannot make the folder");
}

}  // namespace
}  // namespace gallery
