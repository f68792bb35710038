// Tests of the IDX reader, among them every truncation and every flipped bit of a small file.
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

using testing::expect_error;
namespace fs = std::filesystem;

// Files of one test, in a folder that vanishes with it.
class Idx : public ::testing::Test {
 protected:
  Idx() { fs::create_directories(folder_); }
  ~Idx() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ostringstream bytes;
    bytes << std::ifstream(path(name), std::ios::binary).rdbuf();
    return bytes.str();
  }
  std::string write_gzipped(const std::string& name, const std::string& bytes) const {
    const gzFile file = gzopen(path(name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path(name);
  }

  // The four files of a dataset with `pictures` pictures of the grey value 51, and these labels.
  void write_dataset(const std::string& prefix, int pictures, const std::string& labels) const {
    write_gzipped(prefix + "-images-idx3-ubyte.gz",
                  header(0x08, {pictures, 28, 28}) + std::string(static_cast<std::size_t>(pictures) * 784, '\x33'));
    write(prefix + "-labels-idx1-ubyte", header(0x08, {static_cast<int>(labels.size())}) + labels);
  }

  static std::string header(int type, const std::vector<int>& extents) {
    std::string bytes{0, 0, static_cast<char>(type), static_cast<char>(extents.size())};
    for (const int extent : extents)
      for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(extent >> shift);
    return bytes;
  }

  const fs::path folder_ = fs::temp_directory_path() / ("cotangent_idx_test_" + std::to_string(::getpid()));
};

TEST_F(Idx, ReadsPlainAndGzippedWhateverTheName) {
  const std::string bytes = header(0x08, {2, 3}) + "\x01\x02\x03\xff\x05\x06";
  for (const std::string& file : {write("a.gz", bytes), write_gzipped("b", bytes)}) {
    const Tensor x = nn::load_idx(file);
    EXPECT_EQ(x.shape(), Shape({2, 3}));
    EXPECT_EQ(x.data<std::uint8_t>()[3], 255);
  }
}

TEST_F(Idx, ReadsEveryTypeBigEndian) {
  using std::string_literals::operator""s;
  EXPECT_EQ(nn::load_idx(write("i8", header(0x09, {1}) + "\xfe"s)).item<std::int32_t>(), -2);
  EXPECT_EQ(nn::load_idx(write("i16", header(0x0B, {1}) + "\xff\x00"s)).item<std::int32_t>(), -256);
  EXPECT_EQ(nn::load_idx(write("i32", header(0x0C, {1}) + "\x00\x01\x00\x02"s)).item<std::int32_t>(), 65538);
  EXPECT_EQ(nn::load_idx(write("f32", header(0x0D, {1}) + "\x3f\xc0\x00\x00"s)).item<float>(), 1.5f);
  EXPECT_EQ(nn::load_idx(write("f64", header(0x0E, {1}) + "\xc0\x04\x00\x00\x00\x00\x00\x00"s)).item<double>(), -2.5);
  EXPECT_EQ(nn::load_idx(write("number", header(0x08, {}) + "\x07"s)).item<std::uint8_t>(), 7);
  EXPECT_EQ(nn::load_idx(write("empty", header(0x08, {0, 28, 28}))).size(), 0);
}

TEST_F(Idx, RefusesOtherFiles) {
  expect_error([&] { nn::load_idx(path("none")); }, "load_idx: there is no file '" + path("none") + "'");
  expect_error([&] { nn::load_idx(folder_.string()); }, "is not a regular file");
  expect_error([&] { nn::load_idx(write("empty", "")); }, "' is truncated: 4 more bytes");
  expect_error([&] { nn::load_idx(write("text", "hello, world")); }, "is not an IDX file: it begins with 0x68656c6c");
  expect_error([&] { nn::load_idx(write("type", header(0x0A, {1}) + "x")); }, "begins with 0x00000a01");
  expect_error([&] { nn::load_idx(write("longer", header(0x08, {1}) + "xy")); }, "is longer than its extents say");
  expect_error(
      [&] {
        nn::load_idx(write("huge", header(0x08, {1 << 30, 1 << 30, 1 << 30}) + "x"));
      },
      "too short for an array of shape (1073741824, 1073741824, 1073741824)");
  expect_error([&] { nn::load_idx(write_gzipped("bomb", header(0x0E, {1 << 28}))); },
               "too short for an array of shape");
}

TEST_F(Idx, NoticesEveryTruncation) {
  const std::string bytes = header(0x08, {2, 3}) + "abcdef";
  write_gzipped("whole.gz", bytes);
  for (const std::string& whole : {bytes, read("whole.gz")})
    for (std::size_t length = 0; length < whole.size(); ++length)
      EXPECT_THROW(nn::load_idx(write("cut", whole.substr(0, length))), Error) << length << " of " << whole.size();
}

// What is compressed carries a checksum: a flipped bit is an Error or was outside the data.
TEST_F(Idx, NoticesEveryFlippedBitOfAGzippedFile) {
  const Tensor original = nn::load_idx(write_gzipped("whole.gz", header(0x08, {2, 3}) + "abcdef"));
  const std::string whole = read("whole.gz");
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      const Tensor x = nn::load_idx(write("flipped", flipped));
      ASSERT_EQ(x.shape(), original.shape()) << "bit " << bit;
      EXPECT_TRUE(std::ranges::equal(x.data<std::uint8_t>(), original.data<std::uint8_t>())) << "bit " << bit;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(8 * (whole.size() - 10)));  // all but flags in the header of 10 bytes
}

TEST_F(Idx, LoadsDatasetsScaledAndWithClasses) {
  write_dataset("train", 3, "\x01\x09\x04");
  write_dataset("t10k", 1, "\x02");
  const nn::Dataset train = nn::load_mnist(folder_.string(), nn::Split::Train);
  EXPECT_EQ(train.inputs.shape(), Shape({3, 28, 28, 1}));
  EXPECT_EQ(train.inputs.dtype(), DType::Float32);
  EXPECT_EQ(train.inputs.data<float>()[783], 0.2f);
  EXPECT_EQ(train.targets.data<std::int64_t>()[1], 9);
  EXPECT_EQ(nn::load_fashion_mnist(folder_.string(), nn::Split::Test).size(), 1);
}

TEST_F(Idx, RefusesDatasetsThatDoNotFitTogether) {
  const std::string folder = folder_.string();
  const auto load = [&] { nn::load_fashion_mnist(folder, nn::Split::Train); };
  expect_error(load, "load_fashion_mnist: there is no train-images-idx3-ubyte.gz or train-images-idx3-ubyte in '");
  expect_error(load, "install the Debian package dataset-fashion-mnist");
  write_dataset("train", 3, "\x01\x02");
  expect_error(load, "each picture needs a label, got 3 pictures");
  write_dataset("train", 3, "\x01\x0a\x02");
  expect_error(load, "labels must be in [0, 10), label 1 of");
  write_gzipped("train-images-idx3-ubyte.gz", header(0x08, {3, 2, 2}) + std::string(12, 'x'));
  expect_error(load, "must hold UInt8 (n, 28, 28), got UInt8 (3, 2, 2)");
  write_dataset("train", 3, "\x01\x02\x03");
  write("train-labels-idx1-ubyte", header(0x09, {3}) + "abc");
  expect_error(load, "must hold UInt8 (n,), got Int32 (3,)");
  fs::remove(path("train-labels-idx1-ubyte"));
  expect_error(load, "there is no train-labels-idx1-ubyte.gz");
}

TEST(FashionMnist, LoadsFromItsPackage) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const nn::Dataset test = nn::load_fashion_mnist(nn::Split::Test);
  EXPECT_EQ(test.inputs.shape(), Shape({10000, 28, 28, 1}));
  std::vector<int> count(10);
  for (const std::int64_t label : test.targets.data<std::int64_t>()) ++count[static_cast<std::size_t>(label)];
  EXPECT_EQ(count, std::vector<int>(10, 1000));
}

}  // namespace
}  // namespace cotangent
