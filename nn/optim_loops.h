// The loops of the optimizers: plain functions of pointers that compilers vectorise. Internal.
#pragma once

#include <cmath>
#include <cstdint>

namespace cotangent::nn {

template <class T>
void sgd_step(T* __restrict parameter, const T* __restrict gradient, std::int64_t count, T rate, T decay) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T slope = gradient[i] + decay * parameter[i];
    parameter[i] = parameter[i] - rate * slope;
  }
}

template <class T>
void momentum_step(T* __restrict parameter, const T* __restrict gradient, T* __restrict velocity, std::int64_t count,
                   T rate, T decay, T momentum) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T slope = gradient[i] + decay * parameter[i];
    velocity[i] = momentum * velocity[i] + slope;
    parameter[i] = parameter[i] - rate * velocity[i];
  }
}

template <class T>
void nesterov_step(T* __restrict parameter, const T* __restrict gradient, T* __restrict velocity, std::int64_t count,
                   T rate, T decay, T momentum) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T slope = gradient[i] + decay * parameter[i];
    velocity[i] = momentum * velocity[i] + slope;
    parameter[i] = parameter[i] - rate * (slope + momentum * velocity[i]);
  }
}

template <class T>
struct AdamNumbers {
  T beta1, rest1, beta2, rest2;  // rest = 1 - beta
  T rate, root, eps;             // root corrects the second moment
  T decay, kept;                 // added to the gradient; share of the parameter that stays
};

template <class T>
void adam_step(T* __restrict parameter, const T* __restrict gradient, T* __restrict mean, T* __restrict square,
               std::int64_t count, const AdamNumbers<T> n) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T slope = gradient[i] + n.decay * parameter[i];
    mean[i] = n.beta1 * mean[i] + n.rest1 * slope;
    square[i] = n.beta2 * square[i] + n.rest2 * slope * slope;
    parameter[i] = n.kept * parameter[i] - n.rate * mean[i] / (std::sqrt(square[i]) / n.root + n.eps);
  }
}

}  // namespace cotangent::nn
