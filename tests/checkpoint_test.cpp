// Tests of checkpoints and the safetensors format, among them every truncation and every flipped bit of a small file.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cotangent/cotangent.h"
#include "expect_error.h"
#include "golden.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::expect_near;
using testing::wave;
namespace fs = std::filesystem;

struct Net {
  nn::Conv2D conv{1, 2, 3};
  nn::BatchNorm norm{2};
  nn::Linear head{2, 3};
  Tensor operator()(const Tensor& x) const { return head(nn::global_avg_pool(norm(conv(x)))); }
  void visit(nn::Visitor& v) {
    v("conv", conv);
    v("norm", norm);
    v("head", head);
  }
};

class Checkpoint : public ::testing::Test {
 protected:
  Checkpoint() { fs::create_directories(folder_); }
  ~Checkpoint() override { fs::remove_all(folder_); }

  std::string path(const std::string& name = "net.safetensors") const { return (folder_ / name).string(); }
  std::string read() const {
    std::ostringstream bytes;
    bytes << std::ifstream(path(), std::ios::binary).rdbuf();
    return bytes.str();
  }
  void write(const std::string& bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }
  void write(const std::string& header, const std::string& data) const {
    const std::uint64_t length = header.size();
    write(std::string(reinterpret_cast<const char*>(&length), 8) + header + data);
  }
  void expect_refused(const std::string& header, const std::string& data, const std::string& part) const {
    write(header, data);
    expect_error([&] { nn::load_safetensors(path()); }, part);
  }

  const fs::path folder_ = fs::temp_directory_path() / ("cotangent_checkpoint_test_" + std::to_string(::getpid()));
};

TEST_F(Checkpoint, RestoresParametersAndBuffers) {
  Net net, other;
  const Tensor x = wave({2, 5, 5, 1}, 0).to(DType::Float32);
  net(x);  // moves the running statistics
  nn::save(net, path());
  nn::load(other, path());
  nn::eval(net), nn::eval(other);
  expect_near(other(x), net(x), 0);
  expect_near(other.norm.running_var, net.norm.running_var, 0);
  const std::string first = read();
  nn::save(other, path());
  EXPECT_EQ(read(), first);
  EXPECT_EQ(fs::directory_iterator(folder_)->path().string(), path());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(Checkpoint, NamesEverythingThatDoesNotFitAndChangesNothing) {
  Net net;
  nn::save(net, path());
  struct Other {
    nn::Conv2D conv{1, 4, 3};
    nn::BatchNorm norm{2};
    nn::Linear tail{2, 3};
    void visit(nn::Visitor& v) { v("conv", conv), v("norm", norm), v("tail", tail); }
  } other;
  const Tensor before = other.norm.running_mean = wave({2}, 1).to(DType::Float32);
  for (const char* part :
       {"does not fit the model: 'conv.weight' is Float32 (3, 3, 1, 2), the model has Float32 (3, 3, 1, 4)",
        "'tail.weight' is missing", "the model has no 'head.bias'"})
    expect_error([&] { nn::load(other, path()); }, part);
  expect_near(other.norm.running_mean, before, 0);
  nn::convert(net, DType::Float64);
  expect_error([&] { nn::load(net, path()); }, "'head.bias' is Float32 (3,), the model has Float64 (3,)");
  expect_error([&] { nn::load(net, path("none")); }, "none");
}

TEST_F(Checkpoint, LeavesTheOldFileIfTheNewOneCannotBeWritten) {
  Net net;
  expect_error([&] { nn::save(net, path("missing/net.safetensors")); }, "save_safetensors");
  nn::save(net, path());
  const std::string before = read();
  net.head.bias = Tensor();
  expect_error([&] { nn::save_safetensors({{"a", Tensor()}}, path()); }, "save_safetensors: 'a' is a null Tensor");
  EXPECT_EQ(read(), before);
}

TEST_F(Checkpoint, KeepsEveryDtypeAndShape) {
  std::map<std::string, Tensor> tensors;
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8, DType::Bool})
    tensors[std::string(name(dtype))] = ones({2, 3}, dtype);
  tensors["empty"] = zeros({0, 4});
  tensors["number"] = full({}, 7, DType::Int32);
  tensors["Grüße \"\\\n"] = arange(3);
  nn::save_safetensors(tensors, path());
  const auto loaded = nn::load_safetensors(path());
  ASSERT_EQ(loaded.size(), tensors.size());
  for (const auto& [key, tensor] : tensors) {
    EXPECT_EQ(loaded.at(key).dtype(), tensor.dtype()) << key;
    expect_near(loaded.at(key), tensor, 0);
  }
  nn::save_safetensors({}, path());
  EXPECT_TRUE(nn::load_safetensors(path()).empty());
  expect_error([&] { nn::save_safetensors({{"__metadata__", ones({})}}, path()); }, "'__metadata__' is reserved");
  expect_error([&] { nn::save_safetensors({{"\xff", ones({})}}, path()); }, "a name is not UTF-8");
}

// The bytes of the format's own example, and alignment: wide elements first.
TEST_F(Checkpoint, WritesTheFormat) {
  nn::save_safetensors({{"a", ones({1}, DType::UInt8)}, {"b", full({2}, 1)}}, path());
  const std::string expected =
      R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}})";
  const std::string file = read();
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(file.substr(8, expected.size()), expected);
  EXPECT_EQ(file.substr(8 + length), std::string("\0\0\x80\x3f\0\0\x80\x3f\1", 9));
}

TEST_F(Checkpoint, ReadsWhatTheFormatAllows) {
  write(R"({"__metadata__":{"by":"hand"},"b":{"data_offsets":[1,2],"shape":[],"dtype":"BOOL"},)"
        R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   )",
        "\x05\x02");
  const auto tensors = nn::load_safetensors(path());
  EXPECT_EQ(tensors.at("a").item<std::uint8_t>(), 5);
  EXPECT_TRUE(tensors.at("b").item<bool>());
}

TEST_F(Checkpoint, RefusesWhatTheFormatForbids) {
  expect_refused(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", "xx", "'a' in '");
  expect_refused(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", "xx", "has the dtype F16");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
      "xxx", "'b' begins at byte 1 of the data, but what precedes it ends at 2");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xx", "'a' begins at byte 1");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "xx",
                 "the tensors take 1 bytes, the file has 2");
  expect_refused(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", "xx", "'a' lies at bytes 0 to 3 of 2");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}})", "xx", "'a' lies at bytes 2 to 1 of 2");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2]}})", "xx",
                 "'a' has 2 bytes, which is not F32 (1,)");
  expect_refused(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "", "which is not U8");
  expect_refused(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", "", "'a' needs a dtype, a shape");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", "x", "'a' needs a dtype, a shape");
  expect_refused(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", "x", "'a' needs");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "x", "two data_offsets");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
      "", "'a' occurs twice");
  expect_refused(R"({"__metadata__":{"n":1}})", "", "__metadata__ must map strings to strings");
  expect_refused("[]", "", "its header is not a JSON object");
  expect_refused("{", "", "parse error");
  expect_refused(std::string(100'000, '['), "", "is not a valid safetensors file");
  write("short");
  expect_error([&] { nn::load_safetensors(path()); }, "it has 5 bytes, fewer than 8");
  write(std::string(8, '\xff'));
  expect_error([&] { nn::load_safetensors(path()); }, "is longer than the file or the limit");
}

TEST_F(Checkpoint, NoticesEveryTruncationAndSurvivesEveryFlippedBit) {
  const Tensor weight = wave({2, 2}, 0);
  nn::save_safetensors({{"weight", weight}, {"flag", ones({}, DType::Bool)}}, path());
  const std::string whole = read();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write(whole.substr(0, length));
    EXPECT_THROW(nn::load_safetensors(path()), Error) << length;
  }
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write(flipped);
    try {
      for (const auto& [key, tensor] : nn::load_safetensors(path())) EXPECT_LE(tensor.size(), 33) << key;
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace cotangent
