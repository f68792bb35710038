// Initial values of parameters.
#include "cotangent/nn/init.h"

#include <fmt/format.h>

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <mutex>

#include "cotangent/core/error.h"
#include "cotangent/ops/arithmetic.h"

namespace cotangent::nn {
namespace {

struct Stream {
  std::mutex mutex;
  random::Key key{0};
  std::uint32_t taken = 0;
};

Stream& stream() {
  static Stream instance;
  return instance;
}

struct Fans {
  double in, out;  // at least 1, so that empty weights are legal
};

Fans fans(std::string_view operation, const Shape& shape) {
  require_valid(operation, shape);
  if (shape.size() < 2)
    fail(operation, fmt::format("needs a shape (..., in, out) of at least two axes, got {}", to_string(shape)));
  double field = 1;
  for (std::size_t axis = 0; axis + 2 < shape.size(); ++axis) field *= static_cast<double>(shape[axis]);
  const auto fan = [&](std::size_t from_last) {
    return std::max(1.0, field * static_cast<double>(shape[shape.size() - from_last]));
  };
  return {fan(2), fan(1)};
}

Tensor normal_of_variance(const random::Key& key, const Shape& shape, double variance, DType dtype) {
  return init::normal(key, shape, std::sqrt(variance), dtype);
}

Tensor uniform_of_variance(const random::Key& key, const Shape& shape, double variance, DType dtype) {
  const double limit = std::sqrt(3 * variance);
  return init::uniform(key, shape, -limit, limit, dtype);
}

}  // namespace

void seed(std::int64_t seed) {
  const std::lock_guard lock(stream().mutex);
  stream().key = random::Key(seed);
  stream().taken = 0;
}

random::Key next_key() {
  const std::lock_guard lock(stream().mutex);
  return random::fold_in(stream().key, stream().taken++);
}

namespace init {

Tensor he_normal(const random::Key& key, const Shape& shape, DType dtype) {
  return normal_of_variance(key, shape, 2 / fans("he_normal", shape).in, dtype);
}

Tensor he_uniform(const random::Key& key, const Shape& shape, DType dtype) {
  return uniform_of_variance(key, shape, 2 / fans("he_uniform", shape).in, dtype);
}

Tensor glorot_normal(const random::Key& key, const Shape& shape, DType dtype) {
  const auto [in, out] = fans("glorot_normal", shape);
  return normal_of_variance(key, shape, 2 / (in + out), dtype);
}

Tensor glorot_uniform(const random::Key& key, const Shape& shape, DType dtype) {
  const auto [in, out] = fans("glorot_uniform", shape);
  return uniform_of_variance(key, shape, 2 / (in + out), dtype);
}

Tensor lecun_normal(const random::Key& key, const Shape& shape, DType dtype) {
  return normal_of_variance(key, shape, 1 / fans("lecun_normal", shape).in, dtype);
}

Tensor lecun_uniform(const random::Key& key, const Shape& shape, DType dtype) {
  return uniform_of_variance(key, shape, 1 / fans("lecun_uniform", shape).in, dtype);
}

Tensor orthogonal(const random::Key& key, const Shape& shape, DType dtype) {
  fans("orthogonal", shape);
  require_floating("orthogonal", dtype);
  const std::int64_t columns = shape[shape.size() - 1], rows = columns == 0 ? 0 : shape.elements() / columns;
  const std::int64_t tall = std::max(rows, columns), narrow = std::min(rows, columns);
  if (narrow == 0) return cotangent::zeros(shape, dtype);
  const Tensor random = random::normal(key, {narrow, tall}, DType::Float64);
  if (!random.has_elements()) return Tensor::uninitialized(shape, dtype);
  const Eigen::Map<const Eigen::MatrixXd> matrix(random.data<double>().data(), tall, narrow);
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(matrix);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(tall, narrow);
  // A positive diagonal of R makes the factorization unique, and with it the distribution uniform.
  for (std::int64_t i = 0; i < narrow; ++i)
    if (qr.matrixQR()(i, i) < 0) q.col(i) *= -1;
  if (rows < columns) q.transposeInPlace();
  Tensor result = Tensor::uninitialized(shape, DType::Float64);
  Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
      result.mutable_data<double>().data(), rows, columns) = q;
  return result.to(dtype);
}

Tensor normal(const random::Key& key, const Shape& shape, double deviation, DType dtype) {
  if (!(deviation >= 0) || !std::isfinite(deviation))
    fail("normal", fmt::format("the standard deviation must be finite and >= 0, got {}", deviation));
  return random::normal(key, shape, dtype) * deviation;
}

Tensor uniform(const random::Key& key, const Shape& shape, double low, double high, DType dtype) {
  return random::uniform(key, shape, dtype, low, high);
}

Tensor constant(const random::Key&, const Shape& shape, double value, DType dtype) { return full(shape, value, dtype); }

Tensor zeros(const random::Key&, const Shape& shape, DType dtype) { return cotangent::zeros(shape, dtype); }

}  // namespace init
}  // namespace cotangent::nn
