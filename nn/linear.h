// The dense layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cotangent/nn/init.h"
#include "cotangent/nn/module.h"

namespace cotangent::nn {

struct LinearOptions {
  bool bias = true;
  Initializer init = init::lecun_normal;  // of the weight; the bias starts at 0
  std::optional<random::Key> key = {};    // none: the next of the default stream
};

// x weight + bias along the last axis: (..., in) gives (..., out). The weight is (in, out), PyTorch's transposed.
// Error for an input of another last extent or dtype. (torch.nn.Linear, flax.linen.Dense)
class Linear {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {});

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  std::string description() const;  // "Linear(128 -> 10)"

  Tensor weight, bias;
};

// (n, ...) as (n, the product of the rest). No copy. Error for a single number.
Tensor flatten(const Tensor& x);

}  // namespace cotangent::nn
