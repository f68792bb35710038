// IDX files.
#include "cotangent/nn/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"

namespace cotangent::nn {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostDeflate = 1032;  // bytes that one byte of a deflate stream can expand to, at most
constexpr std::int64_t kPictureSide = 28;
constexpr std::int64_t kClasses = 10;

// Bytes of a file, decompressed if it is gzipped. zlib's gz functions pass other files through.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {
    std::error_code error;
    if (!fs::exists(path, error)) fail("load_idx", fmt::format("there is no file '{}'", path));
    if (!fs::is_regular_file(path, error)) fail("load_idx", fmt::format("'{}' is not a regular file", path));
    bytes_ = static_cast<std::int64_t>(fs::file_size(path, error));
    if (!error) file_.reset(gzopen(path.c_str(), "rb"));
    if (file_ == nullptr) fail("load_idx", fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  }

  // The next bytes of the file, all of them.
  void read(void* to, std::int64_t bytes) {
    char* next = static_cast<char*>(to);
    while (bytes > 0) {
      const std::int64_t got = read_some(next, bytes);
      if (got == 0) fail("load_idx", fmt::format("'{}' is truncated: {} more bytes are expected", path_, bytes));
      next += got, bytes -= got;
    }
  }

  std::uint32_t read_big_endian() {
    std::array<unsigned char, 4> b;
    read(b.data(), 4);
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | std::uint32_t{b[3]};
  }

  // Reads over the end, which makes zlib compare its checksum.
  void require_end() {
    char extra;
    if (read_some(&extra, 1) != 0) fail("load_idx", fmt::format("'{}' is longer than its extents say", path_));
  }

  // More bytes than this cannot follow.
  std::int64_t capacity() { return gzdirect(file_.get()) ? bytes_ : bytes_ * kMostDeflate; }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };

  std::int64_t read_some(char* to, std::int64_t bytes) {
    const int got = gzread(file_.get(), to, static_cast<unsigned>(std::min<std::int64_t>(bytes, 1 << 20)));
    int status = Z_OK;
    const char* const message = gzerror(file_.get(), &status);
    if (got < 0 || (status != Z_OK && status != Z_STREAM_END))
      fail("load_idx", fmt::format("'{}' is corrupted or truncated: {}", path_, message));
    return got;
  }

  std::string path_;
  std::int64_t bytes_ = 0;
  std::unique_ptr<gzFile_s, Close> file_;
};

// Elements stored as `Stored`, most significant byte first, as a tensor of T. Narrower ones are read to the end of the
// tensor's memory and widened from the front, so that they take no other memory.
template <class Stored, class T>
Tensor read_elements(Reader& reader, const Shape& shape) {
  Tensor result = Tensor::uninitialized(shape, dtype_of<T>());
  const std::span<T> elements = result.mutable_data<T>();
  char* stored = reinterpret_cast<char*>(elements.data()) + elements.size() * (sizeof(T) - sizeof(Stored));
  reader.read(stored, result.size() * static_cast<std::int64_t>(sizeof(Stored)));
  if constexpr (sizeof(T) == 1) return result;
  for (T& element : elements) {
    std::array<char, sizeof(Stored)> bytes;
    std::memcpy(bytes.data(), stored, sizeof(Stored));
    stored += sizeof(Stored);
    if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(bytes);
    element = static_cast<T>(std::bit_cast<Stored>(bytes));
  }
  return result;
}

Tensor read_elements(Reader& reader, std::uint32_t type, const Shape& shape) {
  switch (type) {
    case 0x08: return read_elements<std::uint8_t, std::uint8_t>(reader, shape);
    case 0x09: return read_elements<std::int8_t, std::int32_t>(reader, shape);
    case 0x0B: return read_elements<std::int16_t, std::int32_t>(reader, shape);
    case 0x0C: return read_elements<std::int32_t, std::int32_t>(reader, shape);
    case 0x0D: return read_elements<float, float>(reader, shape);
    default: return read_elements<double, double>(reader, shape);
  }
}

// Bytes of an element of that type code, or 0 for an unknown code.
std::int64_t bytes_of(std::uint32_t type) {
  switch (type) {
    case 0x08:
    case 0x09: return 1;
    case 0x0B: return 2;
    case 0x0C:
    case 0x0D: return 4;
    case 0x0E: return 8;
    default: return 0;
  }
}

// The file of that name in the folder, gzipped or not.
std::string find(std::string_view operation, const std::string& folder, const std::string& name,
                 std::string_view advice) {
  for (const char* ending : {".gz", ""}) {
    const fs::path path = fs::path(folder) / (name + ending);
    std::error_code error;
    if (fs::exists(path, error)) return path.string();
  }
  fail(operation, fmt::format("there is no {}.gz or {} in '{}'; {}", name, name, folder, advice));
}

Dataset load(std::string_view operation, const std::string& folder, Split split, std::string_view advice) {
  const std::string prefix = split == Split::Train ? "train" : "t10k";
  const std::string pictures_path = find(operation, folder, prefix + "-images-idx3-ubyte", advice);
  const std::string labels_path = find(operation, folder, prefix + "-labels-idx1-ubyte", advice);
  const Tensor pictures = load_idx(pictures_path), labels = load_idx(labels_path);
  if (pictures.dtype() != DType::UInt8 || pictures.ndim() != 3 || pictures.dim(1) != kPictureSide ||
      pictures.dim(2) != kPictureSide)
    fail(operation, fmt::format("'{}' must hold UInt8 (n, 28, 28), got {}", pictures_path, describe(pictures)));
  if (labels.dtype() != DType::UInt8 || labels.ndim() != 1)
    fail(operation, fmt::format("'{}' must hold UInt8 (n,), got {}", labels_path, describe(labels)));
  if (labels.dim(0) != pictures.dim(0))
    fail(operation, fmt::format("each picture needs a label, got {} pictures in '{}' and {} labels in '{}'",
                                pictures.dim(0), pictures_path, labels.dim(0), labels_path));
  const std::span<const std::uint8_t> classes = labels.data<std::uint8_t>();
  const auto wrong = std::ranges::find_if(classes, [](std::uint8_t label) { return label >= kClasses; });
  if (wrong != classes.end())
    fail(operation, fmt::format("labels must be in [0, {}), label {} of '{}' is {}", kClasses, wrong - classes.begin(),
                                labels_path, *wrong));

  Tensor inputs = Tensor::uninitialized({pictures.dim(0), kPictureSide, kPictureSide, 1}, DType::Float32);
  const std::uint8_t* const grey = pictures.data<std::uint8_t>().data();
  float* const scaled = inputs.mutable_data<float>().data();
  parallel_for(inputs.size(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) scaled[i] = static_cast<float>(grey[i]) / 255.0f;
  });
  return {std::move(inputs), labels.to(DType::Int64)};
}

}  // namespace

Tensor load_idx(const std::string& path) {
  Reader reader(path);
  const std::uint32_t magic = reader.read_big_endian(), type = magic >> 8;
  if (bytes_of(type) == 0)
    fail("load_idx", fmt::format("'{}' is not an IDX file: it begins with {:#010x}, not with 0x000008 to 0x00000e and "
                                 "the number of axes",
                                 path, magic));
  Shape shape;
  for (std::uint32_t axis = 0; axis < (magic & 0xff); ++axis) shape.push_back(reader.read_big_endian());
  const bool empty = std::ranges::find(shape, 0) != shape.end();
  std::int64_t bytes = empty ? 0 : bytes_of(type);
  for (std::size_t axis = 0; axis < shape.size() && !empty; ++axis) {
    if (__builtin_mul_overflow(bytes, shape[axis], &bytes) || bytes > reader.capacity())
      fail("load_idx",
           fmt::format("'{}' is truncated: it is too short for an array of shape {}", path, to_string(shape)));
  }
  Tensor result = read_elements(reader, type, shape);
  reader.require_end();
  return result;
}

Dataset load_fashion_mnist(const std::string& folder, Split split) {
  return load("load_fashion_mnist", folder, split,
              "install the Debian package dataset-fashion-mnist (apt install dataset-fashion-mnist) or name the folder "
              "that has them");
}

Dataset load_fashion_mnist(Split split) { return load_fashion_mnist("/usr/share/datasets/fashion-mnist", split); }

Dataset load_mnist(const std::string& folder, Split split) {
  return load("load_mnist", folder, split, "name the folder that has the four files of MNIST");
}

}  // namespace cotangent::nn
