// Sequential: layers and functions, one after the other.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cotangent/nn/module.h"

namespace cotangent::nn {

// What maps a tensor to a tensor: a layer, a function, a lambda.
template <class F>
concept Layer = std::copy_constructible<F> && std::is_invocable_r_v<Tensor, const F&, const Tensor&>;

// Calls its layers in order, each on the result of the one before; without layers it returns its input. Those with a
// visit() are modules inside it, named "0", "1", ... by their place. It copies as a value, parameters included.
//   Sequential net{Conv2D(1, 8, 3), relu, [](const Tensor& x) { return flatten(x); }, Linear(5408, 10)};
class Sequential {
 public:
  template <class... Layers>
  requires((sizeof...(Layers) != 1 || (!std::is_same_v<std::remove_cvref_t<Layers>, Sequential> && ...)) &&
           (Layer<std::decay_t<Layers>> && ...)) Sequential(Layers&&... layers) {
    (push_back(std::forward<Layers>(layers)), ...);
  }
  Sequential(const Sequential& other);
  Sequential(Sequential&&) noexcept = default;
  Sequential& operator=(Sequential other) noexcept;
  ~Sequential() = default;

  // Adds a layer at the end.
  template <class F>
  requires Layer<std::decay_t<F>>
  void push_back(F&& layer) { layers_.push_back(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(layer))); }

  std::size_t size() const { return layers_.size(); }

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);

 private:
  struct Slot {  // a layer whose type has been forgotten
    virtual ~Slot() = default;
    virtual std::unique_ptr<Slot> copy() const = 0;
    virtual Tensor call(const Tensor& x) const = 0;
    virtual void visit(const std::string& name, Visitor& v) = 0;
  };

  template <class F>
  struct Holder final : Slot {
    template <class G>
    explicit Holder(G&& from) : layer(std::forward<G>(from)) {}
    std::unique_ptr<Slot> copy() const override { return std::make_unique<Holder>(layer); }
    Tensor call(const Tensor& x) const override { return layer(x); }
    void visit(const std::string& name, Visitor& v) override {
      if constexpr (Module<F>) v(name, layer);
    }
    F layer;
  };

  std::vector<std::unique_ptr<Slot>> layers_;
};

}  // namespace cotangent::nn
