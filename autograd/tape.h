// The tape: what run() records, and the backward pass over it. Internal to autograd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cotangent/autograd/primitive.h"

namespace cotangent::autograd {

// One recorded call. Ids increase in the order of creation, which is a topological order: an input's node is always
// older than the node that uses it. The tape is the set of nodes that tensors still hold.
class Node final : public History {
 public:
  Node(std::shared_ptr<const Primitive> primitive, Tensors inputs, Tensor output);

  const std::uint64_t id;
  const std::shared_ptr<const Primitive> primitive;
  const Tensors inputs;  // with their histories; elements only where the primitive saves them
  const Tensor output;   // without history, which would be this node

  static void* operator new(std::size_t size);
  static void operator delete(void* block) noexcept;

 private:
  void dispose() const noexcept override;

  mutable const Node* next_freed_ = nullptr;
};

// The node that computed `tensor`, or null.
const Node* node_of(const Tensor& tensor);

// While one of these lives on this thread, run() records. Transforms nest: the backward pass of an inner transform
// runs while the outer one's is alive, and so is recorded itself, which is what makes second derivatives work.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  static bool active();
};

// `tensor` under a fresh name that only the caller knows. Every transform differentiates with respect to such names,
// so that no two can be confused, and what is older than them need not be looked at.
Tensor alias(const Tensor& tensor);

// The cotangents of `roots` (made by alias(), oldest first, at least one), given those of `outputs`; null where nothing
// depends on the root. A null cotangent means zero. Whoever moves the last handles to the outputs in has the graph
// freed on the way.
Tensors backward(Tensors outputs, const Tensors& cotangents, const Tensors& roots);

}  // namespace cotangent::autograd
