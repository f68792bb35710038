// accumulate: the sum of two cotangents.
#include "cotangent/autograd/accumulate.h"

#include "cotangent/autograd/tape.h"
#include "cotangent/core/parallel.h"

namespace cotangent::autograd {
namespace {

constexpr std::int64_t kBlock = 1 << 15;

// out = a + b, where out may be a.
template <class T>
void add(const T* a, const T* b, T* out, std::int64_t count) {
  parallel_for(count, kBlock, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
  });
}

class Accumulate final : public Primitive {
 public:
  std::string_view name() const override { return "accumulate"; }

  // Cotangents of one tensor: whoever sweeps the tape has compared each with it.
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() {
      add(inputs[0].data<T>().data(), inputs[1].data<T>().data(), output.mutable_data<T>().data(), output.size());
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors&, const Tensor&, const Tensor& g, std::size_t) const override { return g; }
};

}  // namespace

Tensor accumulate(Tensor a, Tensor b) {
  const bool recorded = Recording::active() && (a.history() != nullptr || b.history() != nullptr);
  if (recorded || !a.is_unique()) return run<Accumulate>({std::move(a), std::move(b)});
  visit_floating(a.dtype(), [&]<class T>() {
    T* const out = a.mutable_data<T>().data();
    add(out, b.data<T>().data(), out, a.size());
  });
  return a;
}

}  // namespace cotangent::autograd
