// Initial values of parameters, and the default stream of random keys.
#pragma once

#include <cstdint>
#include <functional>

#include "cotangent/core/random.h"
#include "cotangent/core/tensor.h"

namespace cotangent::nn {

// The keys of layers that are made without one come from a stream with a fixed seed, so that a program is reproducible
// unless it asks not to be. seed() restarts the stream. Both may be called from any thread; the order in which threads
// take keys is then theirs.
void seed(std::int64_t seed);
random::Key next_key();

// A way to make initial values.
using Initializer = std::function<Tensor(const random::Key&, const Shape&, DType)>;

namespace init {

// Weights have the shape (receptive field..., in, out): (3, 3, 8, 16) for a 3x3 convolution from 8 to 16 features,
// (8, 16) for a dense layer. With field = the product of the receptive field, fan_in = field in, fan_out = field out.
// All of these have mean 0; Error for fewer than two axes or a dtype other than Float32 and Float64.

// Variance 2 / fan_in, for layers before a ReLU (He et al. 2015).
Tensor he_normal(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);
Tensor he_uniform(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);

// Variance 2 / (fan_in + fan_out), for symmetric activations (Glorot and Bengio 2010).
Tensor glorot_normal(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);
Tensor glorot_uniform(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);

// Variance 1 / fan_in (LeCun et al. 1998): the default of convolutions and dense layers, as in Flax.
Tensor lecun_normal(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);
Tensor lecun_uniform(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);

// As a matrix of (receptive field * in) rows and `out` columns: orthonormal columns, or rows if there are fewer rows
// (Saxe et al. 2013), uniformly distributed among all such matrices.
Tensor orthogonal(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);

// Any shape. Mean 0 and the given standard deviation; [low, high); all `value`; all 0.
Tensor normal(const random::Key& key, const Shape& shape, double deviation, DType dtype = DType::Float32);
Tensor uniform(const random::Key& key, const Shape& shape, double low, double high, DType dtype = DType::Float32);
Tensor constant(const random::Key& key, const Shape& shape, double value, DType dtype = DType::Float32);
Tensor zeros(const random::Key& key, const Shape& shape, DType dtype = DType::Float32);

}  // namespace init
}  // namespace cotangent::nn
