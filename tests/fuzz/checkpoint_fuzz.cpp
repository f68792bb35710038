// Fuzzes checkpoints: a file that is refused leaves the model as it was, one that fits is written back as it came.
#include "cotangent/nn/checkpoint.h"
#include "cotangent/nn/linear.h"
#include "cotangent/nn/norm.h"
#include "fuzz.h"

using namespace cotangent;

namespace {

struct Net {
  nn::Linear linear{1, 2};
  nn::BatchNorm norm{2};
  void visit(nn::Visitor& v) { v("linear", linear), v("norm", norm); }
};

Tensors tensors_of(Net& net) {
  Tensors tensors;
  for (const auto& list : {nn::named_parameters(net), nn::named_buffers(net)})
    for (const auto& [name, tensor] : list) tensors.push_back(*tensor);
  return tensors;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  static const fuzz::Folder folder;
  static const Net fresh;
  Net net = fresh;
  const Tensors before = tensors_of(net);
  if (fuzz::succeeds([&] { nn::load(net, file.holding(std::as_bytes(std::span(data, size)))); })) {
    Net other = fresh;
    nn::save(net, folder.file());
    nn::load(other, folder.file());
    fuzz::require(std::ranges::equal(tensors_of(net), tensors_of(other), fuzz::same_bits),
                  "what is written is read again");
  } else {
    fuzz::require(std::ranges::equal(tensors_of(net), before, fuzz::same_bits), "what is refused changes nothing");
  }
  return 0;
}
