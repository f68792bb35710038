// The safetensors format.
#include "cotangent/nn/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <vector>

#include "cotangent/core/error.h"
#include "cotangent/core/file.h"

namespace cotangent::nn {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "the elements of a safetensors file are little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMostHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr const char* kMetadata = "__metadata__";
constexpr std::array kDTypes = {std::pair("F32", DType::Float32), std::pair("F64", DType::Float64),
                                std::pair("I32", DType::Int32),   std::pair("I64", DType::Int64),
                                std::pair("U8", DType::UInt8),    std::pair("BOOL", DType::Bool)};

std::string_view bytes_of(const Tensor& tensor) {
  return visit(tensor.dtype(), [&]<class T>() {
    const std::span<const T> elements = tensor.data<T>();
    return std::string_view(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
  });
}

// Reads one file; every error names it.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(read_file("load_safetensors", path)) {}

  std::map<std::string, Tensor> read() {
    const Json header = parse_header();
    std::vector<Entry> entries;
    for (const auto& [name, fields] : header.items()) {
      if (name == kMetadata) require_metadata(fields);
      else entries.push_back(parse_entry(name, fields));
    }
    std::ranges::sort(entries, {}, [](const Entry& entry) { return std::tuple(entry.begin, entry.end); });
    std::size_t end = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != end)
        refuse(fmt::format("'{}' begins at byte {} of the data, but what precedes it ends at {}", entry.name,
                           entry.begin, end));
      end = entry.end;
    }
    if (end != data_.size()) refuse(fmt::format("the tensors take {} bytes, the file has {}", end, data_.size()));

    std::map<std::string, Tensor> tensors;
    for (const Entry& entry : entries) tensors[entry.name] = copy(entry);
    return tensors;
  }

 private:
  struct Entry {
    std::string name;
    DType dtype;
    Shape shape;
    std::size_t begin, end;  // within data_
  };

  [[noreturn]] void refuse(const std::string& why) const {
    fail("load_safetensors", fmt::format("'{}' is not a valid safetensors file: {}", path_, why));
  }

  Json parse_header() {
    std::uint64_t length = 0;
    if (file_.size() < kLengthBytes) refuse(fmt::format("it has {} bytes, fewer than 8", file_.size()));
    std::memcpy(&length, file_.data(), kLengthBytes);
    if (length > kMostHeaderBytes || length > file_.size() - kLengthBytes)
      refuse(
          fmt::format("its header of {} bytes is longer than the file or the limit of {}", length, kMostHeaderBytes));
    const std::string_view text = std::string_view(file_).substr(kLengthBytes, length);
    data_ = std::string_view(file_).substr(kLengthBytes + length);
    std::set<std::string> names;
    const auto refuse_duplicates = [&](int depth, Json::parse_event_t event, const Json& parsed) {
      if (event == Json::parse_event_t::key && depth == 1 && !names.insert(parsed.get<std::string>()).second)
        refuse(fmt::format("'{}' occurs twice", parsed.get<std::string>()));
      return true;
    };
    try {
      Json header = Json::parse(text, refuse_duplicates);
      if (header.is_object()) return header;
    } catch (const Json::exception& error) {
      refuse(error.what());
    }
    refuse("its header is not a JSON object");
  }

  void require_metadata(const Json& fields) const {
    const auto is_text = [](const Json& value) { return value.is_string(); };
    if (!fields.is_object() || !std::all_of(fields.begin(), fields.end(), is_text))
      refuse("__metadata__ must map strings to strings");
  }

  Entry parse_entry(const std::string& name, const Json& fields) const {
    const auto is_count = [](const Json& value) {
      return value.is_number_unsigned() && value <= std::uint64_t{1} << 62;
    };
    const auto is_counts = [&](const Json& list) {
      return list.is_array() && std::all_of(list.begin(), list.end(), is_count);
    };
    if (!fields.is_object() || fields.size() != 3 || !fields.contains("dtype") || !fields["dtype"].is_string() ||
        !fields.contains("shape") || !is_counts(fields["shape"]) || !fields.contains("data_offsets") ||
        !is_counts(fields["data_offsets"]) || fields["data_offsets"].size() != 2)
      refuse(fmt::format("'{}' needs a dtype, a shape and two data_offsets", name));
    const auto dtype_name = fields["dtype"].get<std::string>();
    const auto dtype = std::ranges::find(kDTypes, dtype_name, [](const auto& pair) { return pair.first; });
    if (dtype == kDTypes.end())
      fail("load_safetensors", fmt::format("'{}' in '{}' has the dtype {}; F32, F64, I32, I64, U8 and BOOL can be read",
                                           name, path_, dtype_name));
    Entry entry{name, dtype->second, Shape(fields["shape"].get<std::vector<std::int64_t>>()),
                fields["data_offsets"][0].get<std::size_t>(), fields["data_offsets"][1].get<std::size_t>()};
    if (entry.begin > entry.end || entry.end > data_.size())
      refuse(fmt::format("'{}' lies at bytes {} to {} of {}", name, entry.begin, entry.end, data_.size()));
    if (!fits(entry))
      refuse(fmt::format("'{}' has {} bytes, which is not {} {}", name, entry.end - entry.begin, dtype_name,
                         to_string(entry.shape)));
    return entry;
  }

  static bool fits(const Entry& entry) {
    try {
      require_valid("load_safetensors", entry.shape);
    } catch (const Error&) {
      return false;
    }
    const auto elements = static_cast<std::size_t>(entry.shape.elements()), bytes = entry.end - entry.begin;
    return bytes / size_of(entry.dtype) == elements && bytes % size_of(entry.dtype) == 0;
  }

  Tensor copy(const Entry& entry) const {
    Tensor tensor = Tensor::uninitialized(entry.shape, entry.dtype);
    const std::string_view bytes = data_.substr(entry.begin, entry.end - entry.begin);
    visit(entry.dtype, [&]<class T>() {
      T* const elements = tensor.mutable_data<T>().data();
      if constexpr (std::is_same_v<T, bool>) {  // other bytes than 0 and 1 are no bool of C++
        std::ranges::transform(bytes, elements, [](char byte) { return byte != 0; });
      } else if (!bytes.empty()) {
        std::memcpy(elements, bytes.data(), bytes.size());
      }
    });
    return tensor;
  }

  std::string path_;
  std::string file_;
  std::string_view data_;  // what follows the header
};

}  // namespace

void save_safetensors(const std::map<std::string, Tensor>& tensors, const std::string& path) {
  std::vector<std::pair<std::string, Tensor>> sorted(tensors.begin(), tensors.end());
  for (const auto& [name, tensor] : sorted) {
    if (tensor.is_null()) fail("save_safetensors", fmt::format("'{}' is a null Tensor", name));
    if (name == kMetadata) fail("save_safetensors", fmt::format("the name '{}' is reserved", name));
  }
  // The widest elements first, as the reference does, so that all are aligned; then by name.
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& named) { return size_of(named.second.dtype()); });

  Json header = Json::object();
  std::vector<std::string_view> parts(2);
  std::size_t begin = 0;
  for (const auto& [name, tensor] : sorted) {
    const std::string_view bytes = bytes_of(tensor);
    const auto dtype = std::ranges::find(kDTypes, tensor.dtype(), [](const auto& pair) { return pair.second; });
    header[name] = {{"dtype", dtype->first},
                    {"shape", std::vector<std::int64_t>(tensor.shape().begin(), tensor.shape().end())},
                    {"data_offsets", {begin, begin + bytes.size()}}};
    parts.push_back(bytes);
    begin += bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    fail("save_safetensors", fmt::format("a name is not UTF-8: {}", error.what()));
  }
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  const std::uint64_t length = text.size();
  parts[0] = std::string_view(reinterpret_cast<const char*>(&length), kLengthBytes);
  parts[1] = text;
  write_file("save_safetensors", path, parts);
}

std::map<std::string, Tensor> load_safetensors(const std::string& path) { return Reader(path).read(); }

}  // namespace cotangent::nn
