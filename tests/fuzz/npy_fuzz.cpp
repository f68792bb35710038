// Fuzzes the reader of .npy files: what it reads is, written and read again, the same.
#include "cotangent/core/npy.h"
#include "fuzz.h"

using namespace cotangent;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  Tensor tensor;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (fuzz::succeeds([&] { tensor = parse_npy(bytes, "the bytes"); })) {
    save_npy(folder.file(), tensor);
    fuzz::require(fuzz::same_bits(load_npy(folder.file()), tensor), "what is written is read again");
  }
  return 0;
}
