// The tape: recording, freeing without recursion, and the backward pass from the youngest node to the oldest.
#include "cotangent/autograd/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <queue>
#include <utility>

#include "cotangent/autograd/accumulate.h"
#include "cotangent/core/error.h"
#include "cotangent/core/memory.h"
#include "cotangent/core/pool.h"

namespace cotangent::autograd {
namespace {

std::atomic<std::uint64_t> next_id = 1;
thread_local int recording_depth = 0;

// The identity under a new name. Its elements are shared, never copied.
class Alias final : public Primitive {
 public:
  std::string_view name() const override { return "alias"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors&, Tensor&) const override {}
  bool is_view() const override { return true; }
  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override { return g; }
};

const std::shared_ptr<const Primitive>& alias_primitive() {
  static const std::shared_ptr<const Primitive> primitive = std::make_shared<const Alias>();
  return primitive;
}

// Makes a std::vector take its memory from the cache of tensors: the next backward pass finds it there again.
template <class T>
struct FromCache {
  using value_type = T;
  FromCache() = default;
  template <class Other>
  FromCache(const FromCache<Other>&) {}
  T* allocate(std::size_t count) { return reinterpret_cast<T*>(take_memory(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept {
    give_memory(reinterpret_cast<std::byte*>(memory), count * sizeof(T));
  }
  friend bool operator==(const FromCache&, const FromCache&) { return true; }
};

// The nodes that lie between the roots and the outputs, youngest first, each with the cotangent gathered so far.
class Sweep {
 public:
  Sweep(const Tensors& outputs, const Tensors& roots) {
    collect(outputs, node_of(roots.front())->id);
    for (const Tensor& output : outputs) outputs_.push_back(find(0, node_of(output)));
    for (const Tensor& root : roots) roots_.push_back(find(0, node_of(root)));
    connect();
  }

  // Runs the vjp of every needed node but the roots; returns the cotangents of these. Lets go of each node when it is
  // done, so that where nobody else holds the graph, activations are freed on the way.
  Tensors run(const Tensors& cotangents) {
    for (std::size_t i = 0; i < outputs_.size(); ++i) add(outputs_[i], cotangents[i]);
    for (Step& step : steps_) {
      const Ref<const Node> node = std::move(step.node);
      if (!step.needed || step.is_root || step.cotangent.is_null()) continue;
      const Tensor g = std::move(step.cotangent);
      const Tensor output =
          Recording::active() ? node->output.with_history(Ref<const History>(node.get())) : node->output;
      for (std::size_t which = 0; which < node->inputs.size(); ++which) {
        const Index source = sources_[step.sources + which];
        if (source == kNone || !steps_[source].needed) continue;
        Tensor cotangent = node->primitive->vjp(node->inputs, output, g, which);
        check(*node, which, cotangent);
        add(source, std::move(cotangent));
      }
    }
    Tensors result;
    for (Index root : roots_) result.push_back(root == kNone ? Tensor() : steps_[root].cotangent);
    return result;
  }

 private:
  using Index = std::size_t;
  static constexpr Index kNone = ~Index{0};

  struct Step {
    Ref<const Node> node;
    Tensor cotangent;
    Index sources;  // where sources_ tells which steps computed the inputs
    bool needed, is_root;
  };

  void collect(const Tensors& outputs, std::uint64_t oldest) {
    const auto younger = [](const Node* a, const Node* b) { return a->id < b->id; };
    std::priority_queue<const Node*, std::vector<const Node*>, decltype(younger)> open(younger);
    const auto push = [&](const Tensor& tensor) {
      const Node* const node = node_of(tensor);
      if (node != nullptr && node->id >= oldest) open.push(node);
    };
    for (const Tensor& output : outputs) push(output);
    Index inputs = 0;
    while (!open.empty()) {
      const Node* const node = open.top();
      open.pop();
      if (!steps_.empty() && steps_.back().node.get() == node) continue;
      steps_.push_back({Ref<const Node>(node), Tensor(), inputs, false, false});
      inputs += node->inputs.size();
      for (const Tensor& input : node->inputs) push(input);
    }
    sources_.resize(inputs, kNone);
  }

  // Finds the steps of all inputs, and marks what depends on a root; all else would be computed for nothing.
  void connect() {
    for (Index root : roots_)
      if (root != kNone) steps_[root].needed = steps_[root].is_root = true;
    for (Index i = steps_.size(); i-- > 0;) {
      Step& step = steps_[i];
      Index* source = sources_.data() + step.sources;
      for (const Tensor& input : step.node->inputs) {
        *source = find(i + 1, node_of(input));
        step.needed = step.needed || (*source != kNone && steps_[*source].needed);
        ++source;
      }
    }
  }

  // The step of a node, looked for among the steps from `first` on. Inputs are seldom far from their users: the
  // search takes longer strides until it is past the node, and only then halves them.
  Index find(Index first, const Node* node) const {
    if (node == nullptr) return kNone;
    const auto younger = [&](const Step& step) { return step.node->id > node->id; };
    Index end = first;
    for (Index stride = 1; end < steps_.size() && younger(steps_[end]); stride *= 2) {
      first = end + 1;
      end += stride;
    }
    const auto begin = steps_.begin();
    const auto found = std::partition_point(begin + first, begin + std::min(end, steps_.size()), younger);
    return found != steps_.end() && found->node.get() == node ? found - begin : kNone;
  }

  void add(Index target, Tensor cotangent) {
    if (target == kNone || !steps_[target].needed || cotangent.is_null()) return;
    Tensor& sum = steps_[target].cotangent;
    sum = sum.is_null() ? std::move(cotangent) : accumulate(std::move(sum), std::move(cotangent));
  }

  // A wrong rule of a user's primitive should be named here, not surface somewhere else.
  static void check(const Node& node, std::size_t which, const Tensor& cotangent) {
    const Tensor& input = node.inputs[which];
    if (!cotangent.is_null() && (cotangent.shape() != input.shape() || cotangent.dtype() != input.dtype()))
      fail(node.primitive->name(), fmt::format("its vjp returned {} as the cotangent of input {}, which is {}",
                                               describe(cotangent), which, describe(input)));
  }

  std::vector<Step, FromCache<Step>> steps_;
  std::vector<Index, FromCache<Index>> sources_, outputs_, roots_;
};

}  // namespace

Node::Node(std::shared_ptr<const Primitive> primitive_, Tensors inputs_, Tensor output_)
    : id(next_id.fetch_add(1, std::memory_order_relaxed)),
      primitive(std::move(primitive_)),
      inputs(std::move(inputs_)),
      output(std::move(output_)) {}

void* Node::operator new(std::size_t size) {
  static_assert(sizeof(Node) <= kPoolBlock);
  static_cast<void>(size);
  return pool_take();
}

void Node::operator delete(void* block) noexcept { pool_give(block); }

// A node may hold the last handle to an older one, and that to the next: a chain of a million would overflow the
// stack. The outermost call therefore empties a list that the inner ones only add to.
void Node::dispose() const noexcept {
  thread_local constinit const Node* freed = nullptr;
  thread_local constinit bool is_freeing = false;
  next_freed_ = std::exchange(freed, this);
  if (is_freeing) return;
  is_freeing = true;
  while (freed != nullptr) delete std::exchange(freed, freed->next_freed_);
  is_freeing = false;
}

const Node* node_of(const Tensor& tensor) {
  return tensor.is_null() ? nullptr : static_cast<const Node*>(tensor.history().get());
}

Recording::Recording() { ++recording_depth; }
Recording::~Recording() { --recording_depth; }
bool Recording::active() { return recording_depth > 0; }

// Made without run(): a root is a name even when its tensor has no history of its own.
Tensor alias(const Tensor& tensor) {
  Tensor input = tensor.without_elements();
  Tensor output = input.with_history(nullptr);
  return tensor.with_history(
      Ref<const History>(new const Node(alias_primitive(), {std::move(input)}, std::move(output))));
}

Tensors backward(Tensors outputs, const Tensors& cotangents, const Tensors& roots) {
  Sweep sweep(outputs, roots);
  outputs.clear();
  return sweep.run(cotangents);
}

}  // namespace cotangent::autograd

namespace cotangent {

Tensor run(const std::shared_ptr<const Primitive>& primitive, Tensors inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].is_null()) fail(primitive->name(), fmt::format("input {} is a null Tensor", i));
  const Shape shape = primitive->shape(inputs);
  const DType dtype = primitive->dtype(inputs);
  Tensor output;
  if (primitive->is_view()) {
    output = inputs[0].with_shape(shape);
  } else {
    output = Tensor::uninitialized(shape, dtype);
    if (output.has_elements()) primitive->forward(inputs, output);
  }
  const auto tracked = [](const Tensor& input) { return input.history() != nullptr; };
  if (!autograd::Recording::active() || !is_floating(dtype) || std::none_of(inputs.begin(), inputs.end(), tracked))
    return output;

  const Saves saves = primitive->saves();
  if (saves != Saves::Inputs && saves != Saves::InputsAndOutput)
    for (Tensor& input : inputs) input = input.without_elements();
  const bool keeps_output = saves == Saves::Output || saves == Saves::InputsAndOutput;
  Tensor kept = keeps_output ? output : output.without_elements();
  return output.with_history(
      Ref<const History>(new const autograd::Node(primitive, std::move(inputs), std::move(kept))));
}

}  // namespace cotangent
