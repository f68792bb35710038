// Function: any callable from tensors to a tensor, as the transforms take it.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "cotangent/core/tensor.h"

namespace cotangent {

// Holds a callable of up to eight `const Tensor&`, or of one `const Tensors&`, that returns a Tensor. Implicit, so that
// a lambda or the name of an operation can be passed wherever a Function is expected.
class Function {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Function>) Function(F f) : call_(adapt(std::move(f))) {}

  // Error if the callable does not take that many tensors.
  Tensor operator()(const Tensors& inputs) const { return call_(inputs); }

 private:
  static constexpr std::size_t kMostArguments = 8;
  [[noreturn]] static void fail_arity(std::size_t given);

  template <std::size_t>
  using Argument = const Tensor&;

  template <class F, std::size_t... I>
  static constexpr bool takes(std::index_sequence<I...>) {
    return std::is_invocable_r_v<Tensor, F&, Argument<I>...>;
  }

  template <class F, std::size_t... N>
  static constexpr bool takes_separate_tensors(std::index_sequence<N...>) {
    return (takes<F>(std::make_index_sequence<N + 1>()) || ...);
  }

  template <class F, std::size_t... I>
  static Tensor spread(F& f, const Tensors& inputs, std::index_sequence<I...>) {
    return f(inputs[I]...);
  }

  template <std::size_t N, class F>
  static Tensor call_with(F& f, const Tensors& inputs) {
    if constexpr (N > kMostArguments) {
      fail_arity(inputs.size());
    } else {
      if constexpr (takes<F>(std::make_index_sequence<N>()))
        if (inputs.size() == N) return spread(f, inputs, std::make_index_sequence<N>());
      return call_with<N + 1>(f, inputs);
    }
  }

  template <class F>
  static std::function<Tensor(const Tensors&)> adapt(F f) {
    if constexpr (takes_separate_tensors<F>(std::make_index_sequence<kMostArguments>()))
      return [f = std::move(f)](const Tensors& inputs) mutable { return call_with<1>(f, inputs); };
    else return f;
  }

  std::function<Tensor(const Tensors&)> call_;
};

}  // namespace cotangent
