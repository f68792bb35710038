// Dropout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cotangent/core/random.h"
#include "cotangent/nn/module.h"

namespace cotangent::nn {

// While training, sets each element to 0 with probability `rate` and scales the others by 1 / (1 - rate); otherwise
// the identity (Srivastava et al. 2014, torch.nn.Dropout). Call number i uses the key folded with i, so that a run is
// reproducible; a copy of the layer repeats the calls that follow. Without a key it takes the next one of the default
// stream. Error unless 0 <= rate < 1, or the input is not Float32 or Float64. Not to be called from two threads at
// once.
class Dropout {
 public:
  explicit Dropout(double rate, std::optional<random::Key> key = {});

  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.mode(training); }
  std::string description() const;  // "Dropout(0.3)"

  bool training = true;

 private:
  double rate_;
  random::Key key_;
  mutable std::uint32_t calls_ = 0;
};

}  // namespace cotangent::nn
