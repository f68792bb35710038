// The tape: recording, freeing without recursion, and the backward pass from the youngest node to the oldest.
#include "cotangent/autograd/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "cotangent/autograd/accumulate.h"
#include "cotangent/core/error.h"

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

// The nodes that lie between the roots and the outputs, youngest first, each with the cotangent gathered so far.
class Sweep {
 public:
  Sweep(const Tensors& outputs, std::uint64_t oldest) {
    const auto younger = [](const auto& a, const auto& b) { return a->id < b->id; };
    std::priority_queue<std::shared_ptr<const Node>, std::vector<std::shared_ptr<const Node>>, decltype(younger)> open(
        younger);
    const auto push = [&](const Tensor& tensor) {
      std::shared_ptr<const Node> node = node_of(tensor);
      if (node != nullptr && node->id >= oldest) open.push(std::move(node));
    };
    for (const Tensor& output : outputs) push(output);
    while (!open.empty()) {
      std::shared_ptr<const Node> node = open.top();
      open.pop();
      if (!steps_.empty() && steps_.back().id == node->id) continue;
      for (const Tensor& input : node->inputs) push(input);
      const std::uint64_t id = node->id;
      steps_.push_back({id, std::move(node), Tensor(), false});
    }
  }

  // Marks what depends on a root; all else would be computed for nothing.
  void mark(const Tensors& roots) {
    for (const Tensor& root : roots)
      if (Step* step = find(root)) step->needed = true;
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step)
      for (const Tensor& input : step->node->inputs)
        if (const Step* source = find(input)) step->needed = step->needed || source->needed;
  }

  void add(const Tensor& target, Tensor cotangent) {
    Step* step = find(target);
    if (step == nullptr || !step->needed || cotangent.is_null()) return;
    step->cotangent =
        step->cotangent.is_null() ? std::move(cotangent) : accumulate(std::move(step->cotangent), std::move(cotangent));
  }

  // Runs the vjp of every needed node but the roots, which keep their cotangents. Lets go of each node when it is done,
  // so that where nobody else holds the graph, activations are freed on the way.
  void run(const Tensors& roots) {
    for (Step& step : steps_) {
      const std::shared_ptr<const Node> node = std::move(step.node);
      if (!step.needed || step.cotangent.is_null() || is_root(*node, roots)) continue;
      const Tensor g = std::move(step.cotangent);
      step.cotangent = Tensor();
      const Tensor output = node->output.with_history(Recording::active() ? node : nullptr);
      for (std::size_t which = 0; which < node->inputs.size(); ++which) {
        const Step* source = find(node->inputs[which]);
        if (source == nullptr || !source->needed) continue;
        Tensor cotangent = node->primitive->vjp(node->inputs, output, g, which);
        check(*node, which, cotangent);
        add(node->inputs[which], std::move(cotangent));
      }
    }
  }

  Tensor cotangent(const Tensor& root) {
    const Step* step = find(root);
    return step == nullptr ? Tensor() : step->cotangent;
  }

 private:
  struct Step {
    std::uint64_t id;
    std::shared_ptr<const Node> node;
    Tensor cotangent;
    bool needed;
  };

  Step* find(const Tensor& tensor) {
    const History* history = tensor.history().get();
    if (history == nullptr) return nullptr;
    const std::uint64_t id = static_cast<const Node*>(history)->id;
    const auto found = std::lower_bound(steps_.begin(), steps_.end(), id,
                                        [](const Step& step, std::uint64_t value) { return step.id > value; });
    return found != steps_.end() && found->id == id ? &*found : nullptr;
  }

  static bool is_root(const Node& node, const Tensors& roots) {
    return node.primitive == alias_primitive() &&
           std::any_of(roots.begin(), roots.end(), [&](const Tensor& root) { return root.history().get() == &node; });
  }

  // A wrong rule of a user's primitive should be named here, not surface somewhere else.
  static void check(const Node& node, std::size_t which, const Tensor& cotangent) {
    const Tensor& input = node.inputs[which];
    if (!cotangent.is_null() && (cotangent.shape() != input.shape() || cotangent.dtype() != input.dtype()))
      fail(node.primitive->name(), fmt::format("its vjp returned {} as the cotangent of input {}, which is {}",
                                               describe(cotangent), which, describe(input)));
  }

  std::vector<Step> steps_;
};

}  // namespace

Node::Node(std::shared_ptr<const Primitive> primitive_, Tensors inputs_, Tensor output_)
    : id(next_id.fetch_add(1, std::memory_order_relaxed)),
      primitive(std::move(primitive_)),
      inputs(std::move(inputs_)),
      output(std::move(output_)) {}

// A node may hold the last handle to an older one, and that to the next: a chain of a million would overflow the
// stack. The outermost destructor therefore empties a list that the inner ones only add to.
Node::~Node() {
  thread_local std::vector<Tensors>* pending = nullptr;
  if (pending != nullptr) {
    pending->push_back(std::move(inputs));
    return;
  }
  std::vector<Tensors> list;
  pending = &list;
  list.push_back(std::move(inputs));
  while (!list.empty()) {
    const Tensors last = std::move(list.back());
    list.pop_back();
  }
  pending = nullptr;
}

std::shared_ptr<const Node> node_of(const Tensor& tensor) {
  return tensor.is_null() ? nullptr : std::static_pointer_cast<const Node>(tensor.history());
}

Recording::Recording() { ++recording_depth; }
Recording::~Recording() { --recording_depth; }
bool Recording::active() { return recording_depth > 0; }

// Made without run(): a root is a name even when its tensor has no history of its own.
Tensor alias(const Tensor& tensor) {
  const Tensor input = tensor.without_elements();
  return tensor.with_history(
      std::make_shared<const Node>(alias_primitive(), Tensors{input}, input.with_history(nullptr)));
}

Tensors backward(Tensors outputs, const Tensors& cotangents, const Tensors& roots) {
  Sweep sweep(outputs, node_of(roots.front())->id);
  sweep.mark(roots);
  for (std::size_t i = 0; i < outputs.size(); ++i) sweep.add(outputs[i], cotangents[i]);
  outputs.clear();
  sweep.run(roots);
  Tensors result;
  for (const Tensor& root : roots) result.push_back(sweep.cotangent(root));
  return result;
}

}  // namespace cotangent::autograd

namespace cotangent {

Tensor run(std::shared_ptr<const Primitive> primitive, Tensors inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].is_null()) fail(primitive->name(), fmt::format("input {} is a null Tensor", i));
  const Shape shape = primitive->shape(inputs);
  const DType dtype = primitive->dtype(inputs);
  Tensor output;
  if (primitive->is_view()) {
    output = inputs[0].with_shape(shape);
  } else {
    output = Tensor::uninitialized(shape, dtype);
    primitive->forward(inputs, output);
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
      std::make_shared<const autograd::Node>(std::move(primitive), std::move(inputs), std::move(kept)));
}

}  // namespace cotangent
