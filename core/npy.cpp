// The .npy format: magic, version, a header that is a Python dictionary, and the elements. The source is NumPy's
// numpy/lib/format.py.
#include "cotangent/core/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#include "cotangent/core/error.h"
#include "cotangent/core/file.h"

namespace cotangent {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;  // of the first element in the file

struct TypeCode {
  DType dtype;
  std::string_view code;  // without the byte order
};
constexpr std::array<TypeCode, 6> kTypeCodes{{{DType::Float32, "f4"},
                                              {DType::Float64, "f8"},
                                              {DType::Int32, "i4"},
                                              {DType::Int64, "i8"},
                                              {DType::UInt8, "u1"},
                                              {DType::Bool, "b1"}}};

struct Header {
  DType dtype = DType::Float32;
  bool big_endian = false;
  bool fortran_order = false;
  Shape shape;
};

// Reads the header's dictionary, and nothing that NumPy would not write there.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view source) : rest_(text), source_(source) {}

  Header parse() {
    std::optional<std::string_view> descr;
    std::optional<bool> fortran_order;
    std::optional<Shape> shape;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !descr) descr = element_type();
      else if (key == "fortran_order" && !fortran_order) fortran_order = boolean();
      else if (key == "shape" && !shape) shape = tuple();
      else fail_here(fmt::format("the header has an unknown or repeated key '{}'", key));
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty()) fail_here("something follows the header's dictionary");
    if (!descr || !fortran_order || !shape) fail_here("the header must have the keys descr, fortran_order and shape");
    Header header{.fortran_order = *fortran_order, .shape = *shape};
    read_descr(*descr, header);
    return header;
  }

 private:
  [[noreturn]] void fail_here(std::string_view message) const {
    fail("load_npy", fmt::format("{}: {}", source_, message));
  }

  void skip_space() {
    const std::size_t space = rest_.find_first_not_of(" \n");
    rest_.remove_prefix(std::min(space, rest_.size()));
  }

  bool accept(char wanted) {
    skip_space();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted))
      fail_here(fmt::format("the header is not the dictionary it should be: '{}' expected at \"{}\"", wanted,
                            printable(rest_.substr(0, 20))));
  }

  std::string_view string() {
    skip_space();
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const std::size_t length = std::min(rest_.find(quote), rest_.size());
    const std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length);
    expect(quote);
    return text;
  }

  std::string_view element_type() {
    skip_space();
    if (rest_.starts_with('['))
      fail_here("the header's descr is not one element type: arrays of records are not supported");
    return string();
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}})
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return value;
      }
    fail_here("the header's fortran_order must be True or False");
  }

  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc{} || extent < 0)
        fail_here("the header's shape must be a tuple of numbers from 0 to 2^63 - 1");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      shape.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  void read_descr(std::string_view descr, Header& header) const {
    for (const auto& [dtype, code] : kTypeCodes)
      if (descr.size() == 3 && descr.substr(1) == code && std::string_view("<>|=").find(descr[0]) != descr.npos) {
        header.dtype = dtype;
        header.big_endian = descr[0] == '>';
        return;
      }
    fail_here(
        fmt::format("elements of type '{}'; supported are f4, f8, i4, i8, u1 and b1: convert the array with "
                    "numpy's astype",
                    printable(descr)));
  }

  static std::string printable(std::string_view text) {
    std::string result(text);
    std::ranges::replace_if(
        result, [](char c) { return c < ' ' || c > '~'; }, '?');
    return result;
  }

  std::string_view rest_, source_;
};

// Calls visit(position, i) with i = 0, 1, ... in row-major order and the position of that element in Fortran order.
template <class Visit>
void for_each_in_fortran_order(const Shape& shape, Visit visit) {
  Strides strides(shape.size(), 1);
  for (std::size_t axis = 1; axis < shape.size(); ++axis) strides[axis] = strides[axis - 1] * shape[axis - 1];
  std::vector<std::int64_t> index(shape.size(), 0);
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < shape.elements(); ++i) {
    visit(position, i);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      position += strides[axis];
      if (++index[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

template <class T>
T read_element(const char* bytes, bool big_endian) {
  std::array<char, sizeof(T)> own;
  std::memcpy(own.data(), bytes, sizeof(T));
  if (big_endian) std::ranges::reverse(own);
  if constexpr (std::is_same_v<T, bool>) return own[0] != 0;  // any other byte would be no bool at all
  else return std::bit_cast<T>(own);
}

}  // namespace

void save_npy(const std::string& path, const Tensor& tensor) {
  const auto type = std::ranges::find(kTypeCodes, tensor.dtype(), &TypeCode::dtype);
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}",
                                   size_of(tensor.dtype()) == 1 ? '|' : '<', type->code, to_string(tensor.shape()));
  const auto padded = [&](std::size_t prefix) {
    return (prefix + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - prefix;
  };
  const bool is_long = padded(kMagic.size() + 4) > 0xFFFF;
  const std::size_t length_bytes = is_long ? 4 : 2;
  const std::size_t length = padded(kMagic.size() + 2 + length_bytes);
  header.resize(length - 1, ' ');
  header += '\n';

  std::string prefix(kMagic);
  prefix += is_long ? '\2' : '\1';
  prefix += '\0';
  for (std::size_t byte = 0; byte < length_bytes; ++byte) prefix += static_cast<char>(length >> (8 * byte) & 0xFF);
  const std::string_view elements = visit(tensor.dtype(), [&]<class T>() {
    const std::span<const T> data = tensor.data<T>();
    return std::string_view(reinterpret_cast<const char*>(data.data()), data.size_bytes());
  });
  write_file("save_npy", path, {prefix, header, elements});
}

Tensor load_npy(const std::string& path) { return parse_npy(read_file("load_npy", path), path); }

Tensor parse_npy(std::string_view bytes, std::string_view source) {
  const auto fail_here = [&](const std::string& message) { fail("load_npy", fmt::format("{}: {}", source, message)); };
  std::size_t at = kMagic.size();
  const auto number = [&](std::size_t size) {  // the next `size` bytes, little-endian
    if (bytes.size() < at + size) fail_here(fmt::format("cut short: {} bytes are less than a header", bytes.size()));
    std::size_t value = 0;
    for (std::size_t byte = size; byte-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + byte]);
    at += size;
    return value;
  };
  if (!bytes.starts_with(kMagic)) fail_here("does not begin as a .npy file; write it with numpy.save");
  const std::size_t major = number(1), minor = number(1);
  if (major < 1 || major > 3 || minor != 0)
    fail_here(fmt::format("format version {}.{}; supported are 1.0, 2.0 and 3.0", major, minor));
  const std::size_t length = number(major == 1 ? 2 : 4);
  if (bytes.size() - at < length)
    fail_here(fmt::format("cut short: {} of the header's {} bytes are there", bytes.size() - at, length));
  const Header header = HeaderParser(bytes.substr(at, length), source).parse();
  const std::string_view data = bytes.substr(at + length);

  require_valid(fmt::format("load_npy: {}", source), header.shape);
  const std::size_t element = size_of(header.dtype);
  const std::size_t expected = static_cast<std::size_t>(header.shape.elements()) * element;
  if (data.size() != expected)
    fail_here(fmt::format("{}: shape {} of {} takes {} bytes, the file has {}",
                          data.size() < expected ? "cut short" : "too long", to_string(header.shape),
                          name(header.dtype), expected, data.size()));

  Tensor result = Tensor::uninitialized(header.shape, header.dtype);
  visit(header.dtype, [&]<class T>() {
    const std::span<T> out = result.mutable_data<T>();
    const auto read = [&](std::int64_t position, std::int64_t i) {
      out[static_cast<std::size_t>(i)] =
          read_element<T>(data.data() + static_cast<std::size_t>(position) * sizeof(T), header.big_endian);
    };
    if (header.fortran_order) for_each_in_fortran_order(header.shape, read);
    else
      for (std::int64_t i = 0; i < result.size(); ++i) read(i, i);
  });
  return result;
}

}  // namespace cotangent
