// Fuzzes the reader of safetensors files: what it reads is, written and read again, the same.
#include "cotangent/nn/safetensors.h"
#include "fuzz.h"

using namespace cotangent;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  static const fuzz::Folder folder;
  std::map<std::string, Tensor> tensors;
  if (fuzz::succeeds([&] { tensors = nn::load_safetensors(file.holding(std::as_bytes(std::span(data, size)))); })) {
    nn::save_safetensors(tensors, folder.file());
    const std::map<std::string, Tensor> again = nn::load_safetensors(folder.file());
    const auto same = [](const auto& a, const auto& b) {
      return a.first == b.first && fuzz::same_bits(a.second, b.second);
    };
    fuzz::require(std::ranges::equal(tensors, again, same), "what is written is read again");
  }
  return 0;
}
