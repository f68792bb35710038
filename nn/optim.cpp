// Optimizers: each step is one pass over the elements of all parameters.
#include "cotangent/nn/optim.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"
#include "cotangent/nn/optim_loops.h"

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
    fail(name_, fmt::format("the module has {} parameters, got {} gradients; give those of "
                            "nn::value_and_grad(net, loss), in their order",
                            parameters.size(), grads.size()));
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
  if (state_.empty()) {
    std::vector<Tensors> state;
    for (const NamedTensor& parameter : parameters)
      state.emplace_back(static_cast<std::size_t>(slots_), zeros_like(*parameter.second));
    state_ = std::move(state);
  }

  // One loop over the elements of all parameters together, so that small ones do not each wait for the team.
  std::vector<std::int64_t> starts{0};
  Tensors next;  // the parameter itself where nobody else sees its elements
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Tensor& parameter = *parameters[i].second;
    starts.push_back(starts.back() + parameter.size());
    const bool in_place = parameter.is_unique() && parameter.history() == nullptr;
    next.push_back(in_place ? parameter : Tensor::uninitialized(parameter.shape(), parameter.dtype()));
    for (Tensor& slot : state_[i]) make_unique(slot);
  }
  ++steps_;  // from here on nothing asks for memory, and so nothing fails
  parallel_for(starts.back(), kBlock, [&](std::int64_t begin, std::int64_t end) {
    auto i = static_cast<std::size_t>(std::ranges::upper_bound(starts, begin) - starts.begin() - 1);
    for (; begin < end; begin = starts[++i]) {
      const std::int64_t first = begin - starts[i], count = std::min(end, starts[i + 1]) - begin;
      visit_floating(next[i].dtype(), [&]<class T>() {
        const T* const old = parameters[i].second->template data<T>().data() + first;
        Elements<T> part{
            next[i].template mutable_data<T>().data() + first, grads[i].template data<T>().data() + first, {}};
        for (std::size_t k = 0; k < state_[i].size(); ++k)
          part.slots[k] = state_[i][k].template mutable_data<T>().data() + first;
        if (part.parameter != old) std::copy_n(old, count, part.parameter);
        update(part, count);
      });
    }
  });
  for (std::size_t i = 0; i < grads.size(); ++i) *parameters[i].second = std::move(next[i]);
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
  if (velocity == nullptr) sgd_step(elements.parameter, elements.gradient, count, rate, decay);
  else if (options_.nesterov)
    nesterov_step(elements.parameter, elements.gradient, velocity, count, rate, decay, momentum);
  else momentum_step(elements.parameter, elements.gradient, velocity, count, rate, decay, momentum);
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
  const AdamNumbers<T> numbers{.beta1 = static_cast<T>(options_.beta1),
                               .rest1 = static_cast<T>(1 - options_.beta1),
                               .beta2 = static_cast<T>(options_.beta2),
                               .rest2 = static_cast<T>(1 - options_.beta2),
                               .rate = static_cast<T>(lr / (1 - std::pow(options_.beta1, t))),
                               .root = static_cast<T>(std::sqrt(1 - std::pow(options_.beta2, t))),
                               .eps = static_cast<T>(options_.eps),
                               .decay = decoupled_ ? T{0} : static_cast<T>(options_.weight_decay),
                               .kept = decoupled_ ? static_cast<T>(1 - lr * options_.weight_decay) : T{1}};
  adam_step(elements.parameter, elements.gradient, elements.slots[0], elements.slots[1], count, numbers);
}

void Adam::update(const Elements<float>& elements, std::int64_t count) const { update_elements(elements, count); }
void Adam::update(const Elements<double>& elements, std::int64_t count) const { update_elements(elements, count); }

}  // namespace cotangent::nn
