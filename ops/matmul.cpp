// Matrix products on GEMM: one primitive with a transpose flag per operand, so that its vjp needs no copies.
#include "cotangent/ops/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cotangent/autograd/primitive.h"
#include "cotangent/core/error.h"
#include "cotangent/core/gemm.h"
#include "cotangent/core/parallel.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

constexpr std::int64_t kRows = 192, kColumns = 512;        // of a result's block: enough to pay for GEMM's packing
constexpr std::int64_t kProducts = std::int64_t{1} << 20;  // multiplications that a thread takes at once

constexpr Transpose flip(Transpose transpose) { return transpose == Transpose::Yes ? Transpose::No : Transpose::Yes; }

class Matmul final : public Primitive {
 public:
  Matmul(Transpose a, Transpose b) : transpose_a_(a), transpose_b_(b) {}
  std::string_view name() const override { return "matmul"; }

  Shape shape(const Tensors& inputs) const override {
    const Tensor &a = inputs[0], &b = inputs[1];
    if (a.dtype() != b.dtype())
      fail(name(), fmt::format("both operands must have one dtype, got {} and {}", describe(a), describe(b)));
    if (!is_floating(a.dtype()))
      fail(name(), fmt::format("needs Float32 or Float64, got {} and {}; convert with .to(DType::Float32)", describe(a),
                               describe(b)));
    const Extents e = extents(a, b);
    if (e.k != e.k_of_b) {
      const bool fits = a.dim(-1) == b.dim(-1) || a.dim(-2) == b.dim(-2);
      fail(name(), fmt::format("the last axis of {} must match the last but one of {}, got {} and {}{}", describe(a),
                               describe(b), e.k, e.k_of_b,
                               !fits                    ? ""
                               : a.dim(-1) == b.dim(-1) ? "; transpose the last two axes of the right operand"
                                                        : "; transpose the last two axes of the left operand"));
    }
    for (std::int64_t extent : {e.m, e.n, e.k})
      if (extent > std::numeric_limits<std::int32_t>::max())
        fail(name(),
             fmt::format("matrices are limited to 2^31 - 1 rows and columns, got {} and {}", describe(a), describe(b)));
    const Shape left = batch(a), right = batch(b);
    for (std::size_t axis = 1; axis <= std::min(left.size(), right.size()); ++axis) {
      const std::int64_t p = left[left.size() - axis], q = right[right.size() - axis];
      if (p != q && p != 1 && q != 1)
        fail(name(), fmt::format("the leading axes of {} and {} do not broadcast: {} against {}, and neither is 1",
                                 describe(a), describe(b), p, q));
    }
    Shape result = broadcast_shapes(name(), left, right);
    result.push_back(e.m);
    result.push_back(e.n);
    return result;
  }

  void forward(const Tensors& inputs, Tensor& output) const override {
    visit_floating(output.dtype(), [&]<class T>() { multiply_all<T>(inputs[0], inputs[1], output); });
  }

  // For c = a b: g b^T and a^T g; and the transposes of these where the operand is stored transposed.
  Tensor vjp(const Tensors& inputs, const Tensor&, const Tensor& g, std::size_t which) const override {
    const Tensor &a = inputs[0], &b = inputs[1];
    const bool transposed = (which == 0 ? transpose_a_ : transpose_b_) == Transpose::Yes;
    Tensor result;
    if (which == 0)
      result = transposed ? run<Matmul>({b, g}, transpose_b_, Transpose::Yes)
                          : run<Matmul>({g, b}, Transpose::No, flip(transpose_b_));
    else
      result = transposed ? run<Matmul>({g, a}, Transpose::Yes, transpose_a_)
                          : run<Matmul>({a, g}, flip(transpose_a_), Transpose::No);
    return sum_to(result, inputs[which].shape());
  }

 private:
  struct Extents {
    std::int64_t m, n, k, k_of_b;
  };

  Extents extents(const Tensor& a, const Tensor& b) const {
    const int row_a = transpose_a_ == Transpose::Yes ? -1 : -2, row_b = transpose_b_ == Transpose::Yes ? -1 : -2;
    return {a.dim(row_a), b.dim(-3 - row_b), a.dim(-3 - row_a), b.dim(row_b)};
  }

  static Shape batch(const Tensor& tensor) { return Shape(tensor.shape().begin(), tensor.shape().end() - 2); }

  // Every result matrix is cut into blocks, which alone decide what is computed together.
  template <class T>
  void multiply_all(const Tensor& a, const Tensor& b, Tensor& output) const {
    const Extents e = extents(a, b);
    if (output.size() == 0) return;
    const Shape batches = batch(output);
    const Strides steps_a = broadcast_strides(batch(a), batches), steps_b = broadcast_strides(batch(b), batches);
    const std::int64_t row_blocks = (e.m + kRows - 1) / kRows, column_blocks = (e.n + kColumns - 1) / kColumns;
    const std::int64_t lda = transpose_a_ == Transpose::Yes ? e.m : e.k;
    const std::int64_t ldb = transpose_b_ == Transpose::Yes ? e.k : e.n;
    const T *const data_a = a.data<T>().data(), *const data_b = b.data<T>().data();
    T* const out = output.mutable_data<T>().data();
    const std::int64_t products = std::min(e.m, kRows) * std::min(e.n, kColumns) * std::max<std::int64_t>(1, e.k);
    parallel_for(batches.elements() * row_blocks * column_blocks, std::max<std::int64_t>(1, kProducts / products),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t block = begin; block < end; ++block) {
                     const std::int64_t column = block % column_blocks * kColumns;
                     const std::int64_t row = block / column_blocks % row_blocks * kRows;
                     const std::int64_t matrix = block / column_blocks / row_blocks;
                     std::int64_t at_a = 0, at_b = 0, rest = matrix;
                     for (std::size_t axis = batches.size(); axis-- > 0; rest /= batches[axis]) {
                       at_a += rest % batches[axis] * steps_a[axis];
                       at_b += rest % batches[axis] * steps_b[axis];
                     }
                     const T* const from_a =
                         data_a + at_a * e.m * e.k + (transpose_a_ == Transpose::Yes ? row : row * lda);
                     const T* const from_b =
                         data_b + at_b * e.k * e.n + (transpose_b_ == Transpose::Yes ? column * ldb : column);
                     gemm(transpose_a_, transpose_b_, std::min(kRows, e.m - row), std::min(kColumns, e.n - column), e.k,
                          T{1}, from_a, lda, from_b, ldb, T{0}, out + (matrix * e.m + row) * e.n + column, e.n);
                   }
                 });
  }

  const Transpose transpose_a_, transpose_b_;
};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 0 || b.ndim() == 0)
    fail("matmul", fmt::format("operands need at least one axis, got {} and {}; use * to multiply by a number",
                               describe(a), describe(b)));
  if (a.ndim() == 1 || b.ndim() == 1) {
    const Tensor product = matmul(a.ndim() == 1 ? expand_dims(a, 0) : a, b.ndim() == 1 ? expand_dims(b, 1) : b);
    std::vector<int> extra;
    if (a.ndim() == 1) extra.push_back(-2);
    if (b.ndim() == 1) extra.push_back(-1);
    return squeeze(product, extra);
  }
  // Many matrices times one: a single product with all rows, whose vjp then sums over the batch inside GEMM.
  if (a.ndim() > 2 && b.ndim() == 2 && a.dim(-1) == b.dim(0)) {
    Shape shape = a.shape();
    const std::int64_t k = shape[shape.size() - 1];
    shape[shape.size() - 1] = b.dim(1);
    std::int64_t rows = 1;
    for (std::size_t axis = 0; axis + 1 < shape.size(); ++axis) rows *= shape[axis];
    return reshape(matmul(reshape(a, {rows, k}), b), shape);
  }
  return run<Matmul>({a, b}, Transpose::No, Transpose::No);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 1 || b.ndim() != 1 || a.size() != b.size())
    fail("dot", fmt::format("needs two 1-D tensors of one length, got {} and {}; use matmul for matrices", describe(a),
                            describe(b)));
  return matmul(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) { return reshape(a, {a.size(), 1}) * reshape(b, {1, b.size()}); }

}  // namespace cotangent
