// Fuzzes the reader of IDX files, plain or gzipped. What is not gzipped must, gzipped, be read alike.
#include <zlib.h>

#include <vector>

#include "cotangent/nn/idx.h"
#include "fuzz.h"

using namespace cotangent;

namespace {

std::vector<Bytef> gzipped(std::span<const std::uint8_t> bytes) {
  z_stream stream{};
  constexpr int kWindowBits = 9 + 16;  // the smallest window; 16 asks for gzip's header and checksum
  fuzz::require(deflateInit2(&stream, 1, Z_DEFLATED, kWindowBits, 1, Z_DEFAULT_STRATEGY) == Z_OK, "zlib starts");
  std::vector<Bytef> result(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  fuzz::require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib compresses");
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

Tensor read(std::span<const std::uint8_t> bytes) {
  static const fuzz::MemoryFile file;
  Tensor tensor;
  fuzz::succeeds([&] { tensor = nn::load_idx(file.holding(std::as_bytes(bytes))); });
  return tensor;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  const Tensor plain = read(bytes);
  if (size >= 1 && data[0] == 0x1F) return 0;  // may be gzipped already
  const Tensor packed = read(gzipped(bytes));
  fuzz::require(plain.is_null() == packed.is_null(), "gzipped or not, it is refused or read");
  fuzz::require(plain.is_null() || fuzz::same_bits(plain, packed), "gzipped or not, it is the same");
  return 0;
}
