// A hash of tensors' bits, by which runs are compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cotangent/cotangent.h"

namespace bench {

// FNV-1a with 64 bits over the elements' bytes, from one tensor to the next.
inline std::uint64_t hash(const cotangent::Tensors& tensors) {
  std::uint64_t result = 0xcbf29ce484222325;
  for (const cotangent::Tensor& tensor : tensors)
    cotangent::visit(tensor.dtype(), [&]<class T>() {
      const auto bytes = std::as_bytes(tensor.data<T>());
      const std::byte* const end = bytes.data() + bytes.size();  // iterators cost much where nothing is optimised
      for (const std::byte* byte = bytes.data(); byte != end; ++byte)
        result = (result ^ static_cast<std::uint64_t>(*byte)) * 0x100000001b3;
    });
  return result;
}

// Of all parameters and buffers.
template <cotangent::nn::Module M>
std::uint64_t hash_of_model(M& model) {
  const cotangent::nn::Visitor parts = cotangent::nn::visit_all(model);
  cotangent::Tensors tensors;
  for (const auto& [name, tensor] : parts.parameters()) tensors.push_back(*tensor);
  for (const auto& [name, tensor] : parts.buffers()) tensors.push_back(*tensor);
  return hash(tensors);
}

}  // namespace bench
