// Optimizers: SGD, Adam and AdamW. Update rules and names are PyTorch's.
#pragma once

#include <string>

#include "cotangent/nn/module.h"

namespace cotangent::nn {

// What optimizers share. One optimizer serves one model: it keeps state for each of its parameters.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Moves the parameters against the gradients, given in the order of parameters(module), as value_and_grad returns
  // them. Copies of the model made before keep their values. Error, naming the parameter
  // and before any change, for gradients that do not fit the parameters, or parameters that changed their shape.
  template <Module M>
  void step(M& module, const Tensors& grads) {
    step(visit_all(module).parameters(), grads);
  }
  void step(const std::vector<NamedTensor>& parameters, const Tensors& grads);

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double learning_rate);  // Error unless it is finite and >= 0

 protected:
  Optimizer(std::string name, double learning_rate, int slots);
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;

  // Elements of one parameter, which are updated, its gradient, and its state, which is zero at the start. T is float
  // or double.
  template <class T>
  struct Elements {
    T* parameter;
    const T* gradient;
    T* slots[2];
  };

  // How many steps have been made, the current one included.
  std::int64_t steps() const { return steps_; }

 private:
  virtual void update(const Elements<float>& elements, std::int64_t count) const = 0;
  virtual void update(const Elements<double>& elements, std::int64_t count) const = 0;
  void require_fitting(const std::vector<NamedTensor>& parameters, const Tensors& grads) const;

  std::string name_;
  double learning_rate_;
  int slots_;  // state tensors per parameter
  std::int64_t steps_ = 0;
  std::vector<Tensors> state_;
};

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // adds weight_decay * parameter to the gradient
};

// Stochastic gradient descent (torch.optim.SGD): v = momentum v + g, p -= lr v; Nesterov: p -= lr (g + momentum v).
class SGD final : public Optimizer {
 public:
  explicit SGD(const SgdOptions& options = {});

 private:
  template <class T>
  void update_elements(const Elements<T>& elements, std::int64_t count) const;
  void update(const Elements<float>& elements, std::int64_t count) const override;
  void update(const Elements<double>& elements, std::int64_t count) const override;

  SgdOptions options_;
};

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  // Adam: adds weight_decay * parameter to the gradient; AdamW: see there
};

// Adam (Kingma and Ba 2014, torch.optim.Adam): moving averages m of g and v of g^2, both corrected for their start at
// zero; p -= lr m / (sqrt(v) + eps).
class Adam : public Optimizer {
 public:
  explicit Adam(const AdamOptions& options = {}) : Adam("Adam", options, false) {}

 protected:
  Adam(std::string name, const AdamOptions& options, bool decoupled);

 private:
  template <class T>
  void update_elements(const Elements<T>& elements, std::int64_t count) const;
  void update(const Elements<float>& elements, std::int64_t count) const override;
  void update(const Elements<double>& elements, std::int64_t count) const override;

  AdamOptions options_;
  bool decoupled_;
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;
};

// Adam with decoupled weight decay (Loshchilov and Hutter 2017, torch.optim.AdamW): first p -= lr weight_decay p.
class AdamW final : public Adam {
 public:
  explicit AdamW(const AdamWOptions& options = {})
      : Adam("AdamW", {options.lr, options.beta1, options.beta2, options.eps, options.weight_decay}, true) {}
};

}  // namespace cotangent::nn
