// Conversion between dtypes: Tensor::to.
#include "cotangent/ops/convert.h"

#include "cotangent/autograd/primitive.h"
#include "cotangent/ops/kernels/elementwise.h"

namespace cotangent {
namespace {

class Convert final : public Primitive {
 public:
  explicit Convert(DType dtype) : dtype_(dtype) {}
  std::string_view name() const override { return "convert"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  DType dtype(const Tensors&) const override { return dtype_; }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit(inputs[0].dtype(), [&]<class In>() {
      visit(dtype_, [&]<class Out>() {
        kernels::map_elements<In, Out>(inputs[0], output, [](const In* x, Out* y, std::int64_t n) {
          for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<Out>(x[i]);
        });
      });
    });
  }

  Saves saves() const override { return Saves::Nothing; }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    return g.to(inputs[0].dtype());
  }

 private:
  const DType dtype_;
};

}  // namespace

Tensor Tensor::to(DType dtype) const { return dtype == this->dtype() ? *this : run<Convert>({*this}, dtype); }

}  // namespace cotangent
