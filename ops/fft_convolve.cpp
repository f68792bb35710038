// fft_convolve and its derivatives, which are fft_convolve again.
//
// With full[x] = sum over k of a[x - k] * b[k] and out[x] = full[x + start], the cotangent of a[y] is the sum over k of
// g[y + k - start] * b[k]. Let b' be b reversed, b'[j] = b[K - 1 - j]; then this is element y + K - 1 - start of the
// full convolution of g and b': the part from K - 1 - start on, of a's extents. It may reach beyond the full
// convolution, which is why windows may. The other cotangent follows because a and b can change places.
#include "cotangent/ops/fft_convolve.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/ops/kernels/fft_convolve.h"
#include "cotangent/ops/movement.h"

namespace cotangent {
namespace {

std::vector<std::int64_t> without_batch(const Shape& shape) { return {shape.begin() + 1, shape.end()}; }

kernels::FftConvolution problem(const Shape& in1, const Shape& in2, const ConvolveWindow& window) {
  return {in1[0], without_batch(in1), without_batch(in2), window.starts, window.counts};
}

class FftConvolve final : public Primitive {
 public:
  explicit FftConvolve(ConvolveWindow window) : window_(std::move(window)) {}
  std::string_view name() const override { return "fft_convolve"; }

  Shape shape(const Tensors& inputs) const override {
    constexpr std::int64_t kMostExtent = std::int64_t{1} << 30;  // of a transform, which counts in 32 bits
    for (std::int64_t extent : kernels::transform_extents(problem(inputs[0].shape(), inputs[1].shape(), window_)))
      if (extent > kMostExtent)
        fail(name(), fmt::format("an axis of the transform would have {} elements, at most 2^30 are possible; use "
                                 "method \"direct\"",
                                 extent));
    Shape result{inputs[0].dim(0)};
    for (std::int64_t count : window_.counts) result.push_back(count);
    require_valid(name(), result);
    return result;
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    if (output.size() == 0) return;
    visit_floating(output.dtype(), [&]<class T>() {
      kernels::convolve_by_fft(problem(inputs[0].shape(), inputs[1].shape(), window_), inputs[0].data<T>().data(),
                               inputs[1].data<T>().data(), output.mutable_data<T>().data());
    });
  }

  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    const Tensor& other = inputs[1 - which];
    std::vector<int> axes(window_.starts.size());
    std::iota(axes.begin(), axes.end(), 1);
    ConvolveWindow window{{}, without_batch(inputs[which].shape())};
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
      window.starts.push_back(other.shape()[axis + 1] - 1 - window_.starts[axis]);
    return fft_convolve(g, reverse(other, axes), window);
  }

 private:
  const ConvolveWindow window_;
};

}  // namespace

Tensor fft_convolve(const Tensor& in1, const Tensor& in2, const ConvolveWindow& window) {
  return run<FftConvolve>({in1, in2}, window);
}

double fft_convolve_cost(const Shape& in1, const Shape& in2, const ConvolveWindow& window) {
  // Measured: a complex transform takes about 0.7 ns times n log2(n); there are three, of real numbers.
  constexpr double kPlans = 20e3, kPerElement = 6, kPerElementAndLevel = 1.1;
  const Shape extents(kernels::transform_extents(
      {1, {in1.begin(), in1.end()}, {in2.begin(), in2.end()}, window.starts, window.counts}));
  const double elements = static_cast<double>(extents.elements());
  return kPlans + elements * (kPerElement + kPerElementAndLevel * std::log2(elements));
}

}  // namespace cotangent
