// Optimizers: each update is one pass over a parameter's elements.
#include "cotangent/nn/optim.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"

namespace cotangent::nn {
namespace {

constexpr std::int64_t kBlock = 1 << 14;  // elements a thread takes at once

void require_at_least_0(std::string_view optimizer, std::string_view option, double value) {
  if (!(value >= 0) || !std::isfinite(value))
    fail(optimizer, fmt::format("{} must be finite and >= 0, got {}", option, value));
}

void require_fraction(std::string_view optimizer, std::string_view option, double value) {
  if (!(value >= 0 && value < 1)) fail(optimizer, fmt::format("{} must be in [0, 1), got {}", option, value));
}

// state, with elements that nobody else holds.
void make_unique(Tensor& state) {
  if (state.is_unique()) return;
  visit_floating(state.dtype(), [&]<class T>() { state = Tensor::from_data<T>(state.shape(), state.data<T>()); });
}

}  // namespace

Optimizer::Optimizer(std::string name, double learning_rate, int slots) : name_(std::move(name)), slots_(slots) {
  set_learning_rate(learning_rate);
}

void Optimizer::set_learning_rate(double learning_rate) {
  require_at_least_0(name_, "the learning rate", learning_rate);
  learning_rate_ = learning_rate;
}

void Optimizer::require_fitting(const std::vector<NamedTensor>& parameters, const Tensors& grads) const {
  if (grads.size() != parameters.size())
    fail(name_, fmt::format("the module has {} parameters, got {} gradients", parameters.size(), grads.size()));
  if (!state_.empty() && state_.size() != parameters.size())
    fail(name_, fmt::format("the module has {} parameters, at the first step it had {}; use one optimizer per model",
                            parameters.size(), state_.size()));
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const auto& [path, parameter] = parameters[i];
    require_floating(fmt::format("{}: parameter '{}'", name_, path), parameter->dtype());
    if (grads[i].is_null() || grads[i].shape() != parameter->shape() || grads[i].dtype() != parameter->dtype())
      fail(name_,
           fmt::format("the gradient of '{}' must be {}, got {}", path, describe(*parameter), describe(grads[i])));
    if (!state_.empty() && slots_ > 0 &&
        (state_[i][0].shape() != parameter->shape() || state_[i][0].dtype() != parameter->dtype()))
      fail(name_, fmt::format("'{}' is {}, at the first step it was {}; use one optimizer per model", path,
                              describe(*parameter), describe(state_[i][0])));
  }
}

void Optimizer::step(const std::vector<NamedTensor>& parameters, const Tensors& grads) {
  require_fitting(parameters, grads);
  if (state_.empty())
    for (const NamedTensor& parameter : parameters)
      state_.emplace_back(static_cast<std::size_t>(slots_), zeros_like(*parameter.second));
  ++steps_;
  for (std::size_t i = 0; i < grads.size(); ++i) {
    Tensor& parameter = *parameters[i].second;
    Tensor next = Tensor::uninitialized(parameter.shape(), parameter.dtype());
    for (Tensor& slot : state_[i]) make_unique(slot);
    visit_floating(parameter.dtype(), [&]<class T>() {
      Elements<T> all{next.mutable_data<T>().data(), parameter.data<T>().data(), grads[i].data<T>().data(), {}};
      for (std::size_t k = 0; k < state_[i].size(); ++k) all.slots[k] = state_[i][k].mutable_data<T>().data();
      parallel_for(parameter.size(), kBlock, [&](std::int64_t begin, std::int64_t end) {
        Elements<T> part{all.next + begin, all.parameter + begin, all.gradient + begin, {}};
        for (std::size_t k = 0; k < state_[i].size(); ++k) part.slots[k] = all.slots[k] + begin;
        update(part, end - begin);
      });
    });
    parameter = std::move(next);
  }
}

SGD::SGD(const SgdOptions& options) : Optimizer("SGD", options.lr, options.momentum != 0 ? 1 : 0), options_(options) {
  require_fraction("SGD", "momentum", options.momentum);
  require_at_least_0("SGD", "weight_decay", options.weight_decay);
  if (options.nesterov && options.momentum == 0) fail("SGD", "nesterov needs a momentum > 0, got 0");
}

template <class T>
void SGD::update_elements(const Elements<T>& elements, std::int64_t count) const {
  const T rate = static_cast<T>(learning_rate()), momentum = static_cast<T>(options_.momentum);
  const T decay = static_cast<T>(options_.weight_decay);
  T* const velocity = elements.slots[0];
  for (std::int64_t i = 0; i < count; ++i) {
    const T parameter = elements.parameter[i];
    const T gradient = elements.gradient[i] + decay * parameter;
    T direction = gradient;
    if (velocity != nullptr) {
      velocity[i] = momentum * velocity[i] + gradient;
      direction = options_.nesterov ? gradient + momentum * velocity[i] : velocity[i];
    }
    elements.next[i] = parameter - rate * direction;
  }
}

void SGD::update(const Elements<float>& elements, std::int64_t count) const { update_elements(elements, count); }
void SGD::update(const Elements<double>& elements, std::int64_t count) const { update_elements(elements, count); }

Adam::Adam(std::string name, const AdamOptions& options, bool decoupled)
    : Optimizer(name, options.lr, 2), options_(options), decoupled_(decoupled) {
  require_fraction(name, "beta1", options.beta1);
  require_fraction(name, "beta2", options.beta2);
  require_at_least_0(name, "eps", options.eps);
  require_at_least_0(name, "weight_decay", options.weight_decay);
}

template <class T>
void Adam::update_elements(const Elements<T>& elements, std::int64_t count) const {
  const double t = static_cast<double>(steps()), lr = learning_rate();
  const T beta1 = static_cast<T>(options_.beta1), beta2 = static_cast<T>(options_.beta2);
  const T rest1 = static_cast<T>(1 - options_.beta1), rest2 = static_cast<T>(1 - options_.beta2);
  const T rate = static_cast<T>(lr / (1 - std::pow(options_.beta1, t)));
  const T root = static_cast<T>(std::sqrt(1 - std::pow(options_.beta2, t)));
  const T eps = static_cast<T>(options_.eps);
  const T decay = decoupled_ ? T{0} : static_cast<T>(options_.weight_decay);
  const T kept = decoupled_ ? static_cast<T>(1 - lr * options_.weight_decay) : T{1};
  T* const mean = elements.slots[0];
  T* const square = elements.slots[1];
  for (std::int64_t i = 0; i < count; ++i) {
    const T parameter = elements.parameter[i];
    const T gradient = elements.gradient[i] + decay * parameter;
    mean[i] = beta1 * mean[i] + rest1 * gradient;
    square[i] = beta2 * square[i] + rest2 * gradient * gradient;
    elements.next[i] = kept * parameter - rate * mean[i] / (std::sqrt(square[i]) / root + eps);
  }
}

void Adam::update(const Elements<float>& elements, std::int64_t count) const { update_elements(elements, count); }
void Adam::update(const Elements<double>& elements, std::int64_t count) const { update_elements(elements, count); }

}  // namespace cotangent::nn
