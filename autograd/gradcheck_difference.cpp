// Finite differences of functions along a line.
#include "cotangent/autograd/gradcheck_difference.h"

#include <algorithm>
#include <cmath>

namespace cotangent::autograd {
namespace {

// `tensor` with change(i, x) in place of each of its elements x.
template <class Change>
Tensor changed(const Tensor& tensor, Change change) {
  Tensor result = Tensor::uninitialized(tensor.shape(), tensor.dtype());
  visit_floating(tensor.dtype(), [&]<class T>() {
    const std::span<const T> in = tensor.data<T>();
    const std::span<T> out = result.mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<T>(change(i, static_cast<double>(in[i])));
  });
  return result;
}

}  // namespace

double element(const Tensor& tensor, std::int64_t i) {
  return visit_floating(tensor.dtype(),
                        [&]<class T>() { return static_cast<double>(tensor.data<T>()[static_cast<std::size_t>(i)]); });
}

double largest(const Tensor& tensor) {
  double result = 0;
  for (std::int64_t i = 0; i < tensor.size(); ++i) result = std::max(result, std::abs(element(tensor, i)));
  return result;
}

bool is_whole(const Tensor& tensor) {
  for (std::int64_t i = 0; i < tensor.size(); ++i)
    if (element(tensor, i) != std::rint(element(tensor, i))) return false;
  return true;
}

Tensor random_like(const Tensor& tensor, bool whole, std::mt19937_64& generator) {
  Tensor result = Tensor::uninitialized(tensor.shape(), tensor.dtype());
  visit_floating(tensor.dtype(), [&]<class T>() {
    for (T& out : result.mutable_data<T>()) {
      const double u = static_cast<double>(generator() >> 11) * 0x1p-53, away = u < 0.5 ? u - 1 : u;
      out = static_cast<T>(whole ? std::rint(away * 14 - std::copysign(6, away)) : away);
    }
  });
  return result;
}

Tensor widened(const Tensor& tensor) {
  Tensor result = Tensor::uninitialized(tensor.shape(), DType::Float64);
  const std::span<double> out = result.mutable_data<double>();
  for (std::int64_t i = 0; i < tensor.size(); ++i) out[static_cast<std::size_t>(i)] = element(tensor, i);
  return result;
}

double Slope::gap() const { return std::abs(right - left); }

std::vector<Slope> slopes(const Line& line, const Reading& middle, double step, double unit) {
  const Reading above = line(step), below = line(-step);
  std::vector<Slope> result;
  for (std::size_t i = 0; i < middle.values.size(); ++i) {
    const double high = above.values[i], low = below.values[i], here = middle.values[i];
    result.push_back({.central = (high - low) / (2 * step),
                      .left = (here - low) / step,
                      .right = (high - here) / step,
                      .noise = 8 * unit * (above.magnitudes[i] + below.magnitudes[i]) / (2 * step),
                      .step = step});
  }
  return result;
}

// At a jump from one side or the other the gap grows; where the point is the middle of it, as of sign at 0, both
// slopes.
Smoothness smoothness(const Slope& coarse, const Slope& fine) {
  const auto grows = [&](double before, double after) {
    return after > 4 * before && after < 16 * before && after > 100 * fine.noise;
  };
  if (grows(coarse.gap(), fine.gap()) || grows(std::abs(coarse.central), std::abs(fine.central)))
    return Smoothness::Jump;
  return fine.gap() > coarse.gap() / 2 + 2 * fine.noise ? Smoothness::Kink : Smoothness::Smooth;
}

Line element_line(const ManyFunction& f, const Tensors& inputs, std::size_t which, std::int64_t i,
                  const Tensors& weights) {
  return [&f, &inputs, &weights, which, i](double distance) {
    Tensors moved = inputs;
    moved[which] = changed(
        inputs[which], [&](std::size_t at, double x) { return static_cast<std::int64_t>(at) == i ? x + distance : x; });
    return weighed(f(moved), weights);
  };
}

Line tangent_line(const ManyFunction& f, const Tensors& inputs, std::size_t which, const Tensor& tangent) {
  return [&f, &inputs, &tangent, which](double t) {
    Tensors moved = inputs;
    moved[which] = changed(inputs[which], [&](std::size_t at, double x) {
      return x + t * element(tangent, static_cast<std::int64_t>(at));
    });
    return listed(f(moved));
  };
}

Reading weighed(const Tensors& results, const Tensors& weights) {
  double sum = 0, magnitude = 0;
  for (std::size_t k = 0; k < results.size(); ++k)
    for (std::int64_t i = 0; i < results[k].size(); ++i) {
      const double term = element(results[k], i) * element(weights[k], i);
      sum += term;
      magnitude += std::abs(term);
    }
  return {{sum}, {magnitude}};
}

Reading listed(const Tensors& results) {
  Reading reading;
  for (const Tensor& result : results) {
    const double magnitude = largest(result);  // an element may be small because large terms cancel
    for (std::int64_t i = 0; i < result.size(); ++i) {
      reading.values.push_back(element(result, i));
      reading.magnitudes.push_back(magnitude);
    }
  }
  return reading;
}

}  // namespace cotangent::autograd
