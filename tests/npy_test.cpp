// Tests of .npy files: files written by NumPy (golden/make_npy.py), round trips, and damage of every kind.
#include "cotangent/core/npy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>

#include "cotangent/core/file.h"
#include "expect_error.h"
#include "temporary_folder.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

std::string golden(const std::string& name) { return COTANGENT_SOURCE_DIR "/tests/golden/npy/" + name + ".npy"; }

// Element i as golden/make_npy.py makes it.
template <class T>
T golden_element(std::size_t i) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(i) / 2 - 1;
  else if constexpr (std::is_same_v<T, bool>) return i % 3 == 0;
  else if constexpr (std::is_signed_v<T>) return static_cast<T>(i) - 3;
  else return static_cast<T>(i);
}

void expect_golden(const std::string& name, DType dtype, const Shape& shape) {
  const Tensor tensor = load_npy(golden(name));
  ASSERT_EQ(tensor.dtype(), dtype) << name;
  ASSERT_EQ(tensor.shape(), shape) << name;
  visit(dtype, [&]<class T>() {
    for (std::size_t i = 0; i < tensor.data<T>().size(); ++i)
      EXPECT_EQ(tensor.data<T>()[i], golden_element<T>(i)) << name << ", element " << i;
  });
}

// A file with that header dictionary and so many bytes of zeros.
std::string file_with(std::string header, std::size_t data_bytes, char major = 1) {
  header += '\n';
  std::string bytes = std::string("\x93NUMPY") + major + '\0' + static_cast<char>(header.size() & 0xFF) +
                      static_cast<char>(header.size() >> 8);
  if (major > 1) bytes += std::string(2, '\0');
  return bytes + header + std::string(data_bytes, '\0');
}

TEST(LoadNpy, ReadsEveryDtypeAndOrder) {
  for (const auto& [code, dtype] : {std::pair{"f4", DType::Float32},
                                    {"f8", DType::Float64},
                                    {"i4", DType::Int32},
                                    {"i8", DType::Int64},
                                    {"u1", DType::UInt8},
                                    {"b1", DType::Bool}}) {
    expect_golden(std::string(code) + "_2x3", dtype, {2, 3});
    expect_golden(std::string(code) + "_2x3x4_fortran", dtype, {2, 3, 4});
    if (size_of(dtype) > 1) expect_golden(std::string(code) + "_2x3_big", dtype, {2, 3});
  }
  expect_golden("f8_3x2_big_fortran", DType::Float64, {3, 2});
}

TEST(LoadNpy, ReadsEveryVersionAndSpecialShapes) {
  expect_golden("f4_2x3_version2", DType::Float32, {2, 3});
  expect_golden("f8_2x3_version3", DType::Float64, {2, 3});
  expect_golden("f4_scalar", DType::Float32, {});
  expect_golden("f8_5", DType::Float64, {5});
  expect_golden("i8_0x3", DType::Int64, {0, 3});
  expect_golden("f4_0x3_fortran", DType::Float32, {0, 3});
}

TEST(LoadNpy, RefusesOtherElements) {
  expect_error([] { load_npy(golden("bad_f2")); }, "elements of type '<f2'; supported are f4, f8, i4, i8, u1 and b1");
  expect_error([] { load_npy(golden("bad_u4")); }, "elements of type '<u4'");
  expect_error([] { load_npy(golden("bad_unicode")); }, "elements of type '<U1'");
  expect_error([] { load_npy(golden("bad_objects")); }, "elements of type '|O'");
  expect_error([] { load_npy(golden("bad_structured")); }, "the header's descr is not one element type");
}

TEST(LoadNpy, NamesTheFile) {
  const TemporaryFolder folder;
  expect_error([&] { load_npy(folder / "none.npy"); }, "load_npy: cannot open '" + folder / "none.npy" + "': No such");
  expect_error([&] { load_npy(folder.path()); }, "is a directory");
  write_file("test", folder / "text.npy", {"hello"});
  expect_error([&] { load_npy(folder / "text.npy"); }, "text.npy: does not begin as a .npy file");
}

TEST(ParseNpy, RefusesWrongHeaders) {
  const auto refuses = [](const std::string& bytes, std::string_view part) {
    expect_error([&] { parse_npy(bytes, "it"); }, part);
  };
  const auto header_refused = [&](const std::string& header, std::string_view part) {
    refuses(file_with(header, 0), part);
  };
  const std::string rest = "'fortran_order': False, 'shape': (0,), }";
  header_refused("", "load_npy: it: the header is not the dictionary it should be: '{' expected");
  header_refused("{", "'");
  header_refused("{}", "the header must have the keys descr, fortran_order and shape");
  header_refused("{'descr': '<f4', " + rest + " x", "something follows the header's dictionary");
  header_refused("{'descr': '<f4', 'descr': '<f4', " + rest, "unknown or repeated key 'descr'");
  header_refused("{'descr': '<f4', 'colour': 'red', " + rest, "unknown or repeated key 'colour'");
  header_refused("{'descr': '<f4 " + rest, "expected");
  header_refused("{'descr': 'f4', " + rest, "elements of type 'f4'");
  header_refused("{'descr': '<f4', 'fortran_order': 0, 'shape': (0,)}", "fortran_order must be True or False");
  for (const char* shape : {"(-1,)", "(2.5,)", "(9223372036854775808,)", "(x,)", "(1 2)", "3", "(3"})
    refuses(file_with(std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + "}", 12), "it: the ");
  refuses(file_with("{'descr': '<f4', " + rest, 0, 4), "format version 4.0; supported are 1.0, 2.0 and 3.0");
  refuses(file_with("{'descr': '<f4', " + rest, 0, 0), "format version 0.0");
}

TEST(ParseNpy, AllocatesNothingThatTheFileDoesNotHold) {
  const auto refuses = [](const std::string& shape, std::string_view part) {
    const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + "}";
    expect_error([&] { parse_npy(file_with(header, 16), "it"); }, part);
  };
  refuses("(3,)", "it: cut short: shape (3,) of Float64 takes 24 bytes, the file has 16");
  refuses("(1,)", "it: too long: shape (1,) of Float64 takes 8 bytes, the file has 16");
  refuses("(1099511627776,)", "cut short: shape (1099511627776,) of Float64 takes 8796093022208 bytes");
  refuses("(4294967296, 4294967296)", "has more elements than memory can hold");
  refuses("(9223372036854775807, 0, 2)", "has more elements than memory can hold");
  refuses("(2, 0)", "too long");
}

// Any damage gives Error or, where the bytes still make sense, a tensor that holds as many elements as it says.
void expect_survives(const std::string& bytes) {
  try {
    const Tensor tensor = parse_npy(bytes, "it");
    visit(tensor.dtype(),
          [&]<class T>() { EXPECT_EQ(static_cast<std::int64_t>(tensor.data<T>().size()), tensor.shape().elements()); });
  } catch (const Error&) {
  }
}

TEST(ParseNpy, SurvivesTruncationAndFlippedBytes) {
  for (const char* name : {"f4_2x3", "i8_2x3x4_fortran", "f8_2x3_big", "f8_2x3_version3", "f4_scalar"}) {
    const std::string bytes = read_file("test", golden(name));
    for (std::size_t length = 0; length < bytes.size(); ++length)
      expect_error([&] { parse_npy(bytes.substr(0, length), "it"); }, "load_npy: it: ");
    expect_error([&] { parse_npy(bytes + 'x', "it"); }, "too long");
    for (std::size_t at = 0; at < std::min<std::size_t>(128, bytes.size()); ++at)
      for (int value = 0; value < 256; ++value) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(value);
        expect_survives(damaged);
      }
  }
}

TEST(SaveNpy, RoundTripsEveryDtype) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.npy";
  for (DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool})
    for (const Shape& shape : {Shape{}, Shape{7}, Shape{2, 3, 4}, Shape{3, 0, 2}}) {
      Tensor tensor = Tensor::uninitialized(shape, dtype);
      visit(dtype, [&]<class T>() {
        for (std::size_t i = 0; i < tensor.data<T>().size(); ++i) tensor.mutable_data<T>()[i] = golden_element<T>(i);
        save_npy(path, tensor);
        const Tensor loaded = load_npy(path);
        EXPECT_EQ(loaded.dtype(), dtype);
        EXPECT_EQ(loaded.shape(), shape);
        EXPECT_TRUE(std::ranges::equal(loaded.data<T>(), tensor.data<T>()));
      });
    }
}

TEST(SaveNpy, KeepsEveryBit) {
  const TemporaryFolder folder;
  const std::vector<double> values{NAN, -NAN, INFINITY, -INFINITY, -0.0, std::numeric_limits<double>::denorm_min()};
  save_npy(folder / "x.npy", Tensor::from_data<double>({6}, values));
  const Tensor loaded = load_npy(folder / "x.npy");
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(std::bit_cast<std::uint64_t>(loaded.data<double>()[i]), std::bit_cast<std::uint64_t>(values[i]));
}

TEST(SaveNpy, WritesWhatNumPyWrites) {
  const TemporaryFolder folder;
  for (const char* name : {"f4_2x3", "f8_5", "i8_0x3", "u1_2x3", "b1_2x3", "f4_scalar"}) {
    save_npy(folder / "x.npy", load_npy(golden(name)));
    EXPECT_EQ(read_file("test", folder / "x.npy"), read_file("test", golden(name))) << name;
  }
}

TEST(SaveNpy, TakesVersion2ForALongHeader) {
  const TemporaryFolder folder;
  const std::vector<std::int64_t> ones(30'000, 1);
  save_npy(folder / "x.npy", full(Shape(ones), 5));
  EXPECT_EQ(read_file("test", folder / "x.npy")[6], 2);
  const Tensor loaded = load_npy(folder / "x.npy");
  EXPECT_EQ(loaded.ndim(), 30'000);
  EXPECT_EQ(loaded.item<float>(), 5);
}

TEST(SaveNpy, RefusesANullTensorAndTouchesNoFile) {
  const TemporaryFolder folder;
  expect_error([&] { save_npy(folder / "x.npy", Tensor()); }, "null");
  EXPECT_FALSE(std::filesystem::exists(folder / "x.npy"));
  expect_error([&] { save_npy(folder / "no/x.npy", full({}, 1)); }, "save_npy: cannot write '" + folder / "no/x.npy");
}

}  // namespace
}  // namespace cotangent
