// Batch normalization. Its derivative is two passes: two sums per feature, and from them the input gradient.
#include "cotangent/ops/batch_norm.h"

#include <fmt/format.h>

#include <mutex>

#include "cotangent/autograd/primitive.h"
#include "cotangent/autograd/transforms.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/kernels/batch_norm.h"
#include "cotangent/ops/kernels/derivative.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/unary.h"

namespace cotangent {
namespace {

// Which axis has the features, for compositions out of other operations.
struct Features {
  int axis;
  std::vector<int> others;
  Shape aligned_shape;
  double count = 1;  // elements of each feature

  Features(const Shape& shape, int features_axis) : axis(features_axis) {
    for (int k = 0; k < shape.ndim(); ++k) {
      const std::int64_t extent = shape[static_cast<std::size_t>(k)];
      aligned_shape.push_back(k == axis ? extent : 1);
      if (k == axis) continue;
      others.push_back(k);
      count *= static_cast<double>(extent);
    }
  }
  Tensor aligned(const Tensor& x) const { return reshape(x, aligned_shape); }  // (features,), to broadcast
  Tensor mean_of(const Tensor& x) const { return others.empty() ? x : mean(x, others, true); }
};

Tensor row(const Tensor& pair, std::int64_t index) {
  return reshape(slice_in_dim(pair, index, index + 1), {pair.dim(1)});
}

void require_features(std::string_view operation, const Tensors& inputs, int axis) {
  require_floating(operation, inputs[0].dtype());
  const std::int64_t features = inputs[0].dim(axis);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape wanted = i == 1 ? Shape{2, features} : Shape{features};
    if (inputs[i].shape() != wanted || inputs[i].dtype() != inputs[0].dtype()) {
      constexpr const char* kNames[] = {"x", "moments", "weight", "bias"};
      fail(operation,
           fmt::format("{} must be {} {} for an input of {} with its features along axis {}, got {}", kNames[i],
                       name(inputs[0].dtype()), to_string(wanted), describe(inputs[0]), axis, describe(inputs[i])));
    }
  }
}

// What all primitives here share; `axis` is normalized.
class OverFeatures : public Primitive {
 public:
  explicit OverFeatures(int axis, double eps, Activation activation = Activation::None)
      : axis_(axis), eps_(eps), activation_(activation) {}

 protected:
  bool relu() const { return activation_ == Activation::Relu; }

  // What is left of a cotangent of batch_norm by its relu, which has no derivative of its own.
  Tensor masked(const Tensor& g, const Tensor& x, const Tensor& moments, const Tensor& weight,
                const Tensor& bias) const {
    return relu() ? kernels::relu_grad(batch_norm(x, moments, weight, bias, axis_, eps_, activation_), g) : g;
  }

  const int axis_;
  const double eps_;
  const Activation activation_;  // of what is normalized
};

class FeatureMoments final : public OverFeatures {
 public:
  using OverFeatures::OverFeatures;
  std::string_view name() const override { return "feature_moments"; }
  Shape shape(const Tensors& inputs) const override {
    require_features(name(), inputs, axis_);
    return {2, inputs[0].dim(axis_)};
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::feature_moments(inputs[0], axis_, output);
  }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t) const override {
    const Tensor& x = inputs[0];
    const Features features(x.shape(), axis_);
    return features.aligned(row(g, 0)) / features.count +
           features.aligned(row(g, 1)) * (2 / features.count) * (x - features.mean_of(x));
  }
};

// The input gradient of batch_norm for a cotangent g, from x, moments, weight, g, sums and bias.
class BatchNormInputGrad final : public OverFeatures {
 public:
  using OverFeatures::OverFeatures;
  std::string_view name() const override { return "batch_norm_input_grad"; }
  Shape shape(const Tensors& inputs) const override { return inputs[0].shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::batch_norm_input_grad(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5], axis_, eps_,
                                   relu(), output);
  }

  // Second and higher derivatives are those of the same function composed out of other operations.
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& u, std::size_t which) const override {
    if (which == 1 || which == 5) return Tensor();
    const auto composed = [&](const Tensor& changing) {
      Tensors now = inputs;
      now[which] = changing;
      const Tensor &x = now[0], &weight = now[2], &sums = now[4];
      const Tensor g = masked(now[3], inputs[0], inputs[1], inputs[2], inputs[5]);
      const Features features(x.shape(), axis_);
      const Tensor centered = x - features.mean_of(x);
      const Tensor inverse = rsqrt(features.mean_of(square(centered)) + eps_);
      const Tensor shared = features.aligned(row(sums, 1)) + features.aligned(row(sums, 0)) * (centered * inverse);
      return features.aligned(weight) * inverse * (g - shared / features.count);
    };
    return cotangent::vjp(composed, {inputs[which]}).pullback(u)[0];
  }
};

// From x, moments, a cotangent g, weight and bias: for each feature, the sums of g times the normalized x and of g.
class BatchNormSums final : public OverFeatures {
 public:
  using OverFeatures::OverFeatures;
  std::string_view name() const override { return "batch_norm_sums"; }
  Shape shape(const Tensors& inputs) const override { return inputs[1].shape(); }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::batch_norm_sums(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], axis_, eps_, relu(), output);
  }
  Saves saves() const override { return Saves::InputsAndOutput; }
  Tensor vjp(const Tensors& inputs, const Tensor& output, const Tensor& u, std::size_t which) const override {
    const Tensor &x = inputs[0], &moments = inputs[1], &g = inputs[2], &weight = inputs[3], &bias = inputs[4];
    if (which != 0 && which != 2) return Tensor();
    if (which == 2) return masked(batch_norm(x, moments, row(u, 0), row(u, 1), axis_, eps_), x, moments, weight, bias);
    return run<BatchNormInputGrad>({x, moments, row(u, 0), masked(g, x, moments, weight, bias), output, bias}, axis_,
                                   eps_);
  }
};

class BatchNorm final : public OverFeatures {
 public:
  using OverFeatures::OverFeatures;
  std::string_view name() const override { return "batch_norm"; }
  Shape shape(const Tensors& inputs) const override {
    require_features(name(), inputs, axis_);
    return inputs[0].shape();
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::normalize_features(inputs[0], inputs[1], inputs[2], inputs[3], axis_, eps_, relu(), output);
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    if (which == 1) return Tensor();
    const Tensor sums = sums_of(inputs, g);
    if (which == 0)
      return run<BatchNormInputGrad>({inputs[0], inputs[1], inputs[2], g, sums, inputs[3]}, axis_, eps_, activation_);
    return row(sums, which == 2 ? 0 : 1);
  }

 private:
  // One pass over x and g serves three cotangents, which are asked for one by one: the last sums are kept. Not while a
  // transform records: they would hold on to a graph that may hold this primitive.
  Tensor sums_of(const Tensors& inputs, const Tensor& g) const {
    const std::lock_guard guard(kept_mutex_);
    const auto elements = [](const Tensor& x) {
      return visit_floating(x.dtype(), [&]<class T>() { return static_cast<const void*>(x.data<T>().data()); });
    };
    const bool keeps = g.history() == nullptr && g.has_elements();
    if (keeps && !kept_g_.is_null() && elements(kept_g_) == elements(g)) return kept_sums_;
    const Tensor sums = run<BatchNormSums>({inputs[0], inputs[1], g, inputs[2], inputs[3]}, axis_, eps_, activation_);
    if (keeps && sums.history() == nullptr) {
      kept_g_ = g;
      kept_sums_ = sums;
    }
    return sums;
  }

  mutable std::mutex kept_mutex_;
  mutable Tensor kept_g_, kept_sums_;
};

class NormalizeFeatures final : public OverFeatures {
 public:
  using OverFeatures::OverFeatures;
  std::string_view name() const override { return "normalize_features"; }
  Shape shape(const Tensors& inputs) const override {
    require_features(name(), inputs, axis_);
    return inputs[0].shape();
  }
  void forward(const Tensors& inputs, Tensor& output) const override {
    kernels::normalize_features(inputs[0], inputs[1], inputs[2], inputs[3], axis_, eps_, relu(), output);
  }
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    const Features features(inputs[0].shape(), axis_);
    if (which == 0) return g * features.aligned(inputs[2] * rsqrt(row(inputs[1], 1) + eps_));
    if (which == 3) return reshape(sum_to(g, features.aligned_shape), inputs[3].shape());
    const auto composed = [&](const Tensor& changing) {
      const Tensor &moments = which == 1 ? changing : inputs[1], &weight = which == 2 ? changing : inputs[2];
      const Tensor scale = weight * rsqrt(row(moments, 1) + eps_);
      return (inputs[0] - features.aligned(row(moments, 0))) * features.aligned(scale);
    };
    return cotangent::vjp(composed, {inputs[which]}).pullback(g)[0];
  }
};

}  // namespace

Tensor feature_moments(const Tensor& x, int axis) {
  return run<FeatureMoments>({x}, normalize_axis("feature_moments", axis, x.ndim()), 0.0);
}

Tensor batch_norm(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias, int axis,
                  double eps, Activation activation) {
  return run<BatchNorm>({x, moments, weight, bias}, normalize_axis("batch_norm", axis, x.ndim()), eps, activation);
}

Tensor normalize_features(const Tensor& x, const Tensor& moments, const Tensor& weight, const Tensor& bias, int axis,
                          double eps, Activation activation) {
  const Tensor y = run<NormalizeFeatures>({x, moments, weight, bias},
                                          normalize_axis("normalize_features", axis, x.ndim()), eps, activation);
  return activation == Activation::Relu ? kernels::rectified(y) : y;
}

}  // namespace cotangent
