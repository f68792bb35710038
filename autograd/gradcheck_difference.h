// Finite differences of functions along a line, and whether they are smooth there. Internal to gradient checking.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "cotangent/autograd/transforms.h"
#include "cotangent/core/tensor.h"

namespace cotangent::autograd {

// Some numbers that depend on t, and the sums of the magnitudes that each was added up from.
struct Reading {
  std::vector<double> values, magnitudes;
};
using Line = std::function<Reading(double t)>;

// The slope of one number at t = 0, by a step h.
struct Slope {
  double central;      // (f(h) - f(-h)) / 2h
  double left, right;  // (f(0) - f(-h)) / h, (f(h) - f(0)) / h
  double noise;        // what rounding may have done to `central`
  double step;         // h

  // How far the sides are apart: h f'' where f is smooth, the same for any h at a kink, and ~ 1 / h at a jump.
  double gap() const;
};

// The slopes of all numbers; `middle` is line(0), `unit` the rounding unit.
std::vector<Slope> slopes(const Line& line, const Reading& middle, double step, double unit);

enum class Smoothness { Smooth, Kink, Jump };

// From the slope by a step and by an eighth of it.
Smoothness smoothness(const Slope& coarse, const Slope& fine);

// Element i of a floating tensor; its largest magnitude; whether all of it are whole numbers.
double element(const Tensor& tensor, std::int64_t i);
double largest(const Tensor& tensor);
bool is_whole(const Tensor& tensor);

// Numbers in [-1, 1) away from 0, so that no element is left unseen; or whole numbers from 1 to 8 and their negatives.
Tensor random_like(const Tensor& tensor, bool whole, std::mt19937_64& generator);

// The same numbers in Float64.
Tensor widened(const Tensor& tensor);

// <f(inputs with `distance` added to element i of input `which`), weights>, as the distance varies.
Line element_line(const ManyFunction& f, const Tensors& inputs, std::size_t which, std::int64_t i,
                  const Tensors& weights);

// All elements of f(inputs with t * tangent added to input `which`), one result after the other, as t varies.
Line tangent_line(const ManyFunction& f, const Tensors& inputs, std::size_t which, const Tensor& tangent);

// Line(0) of each, given f(inputs).
Reading weighed(const Tensors& results, const Tensors& weights);
Reading listed(const Tensors& results);

}  // namespace cotangent::autograd
