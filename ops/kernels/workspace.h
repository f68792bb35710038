// Workspace: a buffer of one call or one task, from the cache of tensor memory. Internal.
#pragma once

#include <cstdint>

#include "cotangent/core/memory.h"

namespace cotangent::kernels {

template <class T>
class Workspace {
 public:
  explicit Workspace(std::int64_t elements)
      : memory_(elements > 0 ? allocate(static_cast<std::size_t>(elements) * sizeof(T)) : nullptr) {}
  T* data() const { return reinterpret_cast<T*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

}  // namespace cotangent::kernels
