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
#include "cotangent/ops/kernels/elementwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/product.h"
#include "cotangent/ops/kernels/workspace.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"

namespace cotangent {
namespace {

constexpr std::int64_t kRows = 192, kColumns = 512;        // of a result's block: enough to pay for GEMM's packing
constexpr std::int64_t kTerms = 256;                       // of a part of the sums
constexpr std::int64_t kProducts = std::int64_t{1} << 19;  // multiplications that a thread takes at once
constexpr std::int64_t kNarrow = 4;                        // columns that fill enough of a vector
constexpr std::int64_t kBlocks = 8;                        // at least so many, where they stay that large

// An axis cut into pieces of one extent, the last of which may be shorter.
struct Pieces {
  std::int64_t extent, piece;

  std::int64_t count() const { return extent == 0 ? 1 : (extent + piece - 1) / piece; }
  std::int64_t begin(std::int64_t i) const { return i * piece; }
  std::int64_t length(std::int64_t i) const { return std::min(piece, extent - begin(i)); }
};

Pieces cut(std::int64_t extent, std::int64_t count) {
  constexpr std::int64_t kUnit = 16;  // keeps vectors whole
  const std::int64_t piece = (extent + count - 1) / count;
  return {extent, count == 1 ? std::max<std::int64_t>(1, extent) : (piece + kUnit - 1) / kUnit * kUnit};
}

// What is computed together, by the extents alone: blocks of the result, and, where those are few, parts of their sums.
struct Plan {
  Pieces rows, columns, terms;

  Plan(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
    const auto even = [](std::int64_t count) { return count == 1 ? 1 : (count + 1) / 2 * 2; };
    std::int64_t row_count = even((m + kRows - 1) / kRows), column_count = even((n + kColumns - 1) / kColumns),
                 parts = 1;
    const auto blocks = [&] { return batch * row_count * column_count * parts; };
    const double products = static_cast<double>(batch * m * n) * static_cast<double>(k);
    while (blocks() < kBlocks && products / static_cast<double>(2 * blocks()) >= static_cast<double>(kProducts)) {
      if (k / (2 * parts) >= kTerms) parts *= 2;
      else if (n / (2 * column_count) >= kColumns / 4) column_count *= 2;
      else if (m / (2 * row_count) >= kRows / 4) row_count *= 2;
      else break;
    }
    rows = cut(m, row_count), columns = cut(n, column_count), terms = cut(k, parts);
  }
};

// Products of some rows of a, `row_step` apart, with panels of b as wide as the micro-kernel's tile: out = a b. Faster
// than OpenBLAS where the result or the sums are short, for it packs both operands first.
template <class T>
class PanelProducts {
 public:
  PanelProducts(std::int64_t rows, std::int64_t row_step, std::int64_t out_step) : rows_(rows) {
    for (std::int64_t i = 0; i < rows; ++i) row_offsets_[i] = i * row_step, out_offsets_[i] = i * out_step;
  }

  // b has `width` columns and adjacent rows.
  void narrow(std::int64_t width, std::int64_t terms, const T* a, const T* b, T* out) const {
    // The kernel reads whole vectors: the last terms, where they would end outside b, from a copy.
    const std::int64_t last = std::min(terms, (kernels_.panel_width - 1) / width), first = terms - last;
    if (first > 0) multiply(a, 1, first, b, width, width, out, false);
    if (last == 0) return;
    T copy[2 * kPanel];
    std::fill(std::copy_n(b + first * width, last * width, copy), copy + 2 * kPanel, T{0});
    multiply(a + first, 1, last, copy, width, width, out, first > 0);
  }

  // a(i, t) = a[i * row_step + t * a_step] and b(t, j) = b[t * b_row + j * b_column] for at most kShort terms.
  void few_terms(std::int64_t columns, std::int64_t terms, const T* a, std::int64_t a_step, const T* b,
                 std::int64_t b_row, std::int64_t b_column, T* out) const {
    const std::int64_t panel_width = kernels_.panel_width;
    T panel[kShort * kPanel] = {};
    for (std::int64_t j = 0; j < columns; j += panel_width) {
      const std::int64_t width = std::min(panel_width, columns - j);
      kernels_.copy({terms, width, b + j * b_column, b_row, b_column, panel, panel_width, 1});
      multiply(a, a_step, terms, panel, panel_width, width, out + j, false);
    }
  }

  static std::int64_t width() { return kernels::table<kernels::MatrixKernels<T>>().panel_width; }

  static constexpr std::int64_t kShort = 16;

 private:
  void multiply(const T* a, std::int64_t a_step, std::int64_t terms, const T* panel, std::int64_t panel_step,
                std::int64_t width, T* out, bool add) const {
    const kernels::Segment segment{0, 0, terms};
    kernels::TileProduct<T> product{};
    product.lhs = a, product.rows = row_offsets_, product.row_count = rows_, product.lhs_step = a_step;
    product.rhs = panel, product.rhs_step = panel_step, product.segments = &segment, product.segment_count = 1;
    product.out = out, product.out_rows = out_offsets_, product.width = width, product.add = add;
    kernels_.multiply(product);
  }

  static constexpr std::int64_t kPanel = 64;  // no micro-kernel is wider

  const kernels::MatrixKernels<T>& kernels_ = kernels::table<kernels::MatrixKernels<T>>();
  const std::int64_t rows_;
  std::int64_t row_offsets_[kRows], out_offsets_[kRows];
};

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

  template <class T>
  void multiply_all(const Tensor& a, const Tensor& b, Tensor& output) const {
    if (output.size() == 0) return;
    const Extents e = extents(a, b);
    const Shape batches = batch(output);
    const Strides steps_a = broadcast_strides(batch(a), batches), steps_b = broadcast_strides(batch(b), batches);
    const Plan plan(batches.elements(), e.m, e.n, e.k);
    const std::int64_t row_blocks = plan.rows.count(), column_blocks = plan.columns.count(), parts = plan.terms.count();
    const T *const data_a = a.data<T>().data(), *const data_b = b.data<T>().data();
    T* const out = output.mutable_data<T>().data();
    const kernels::Workspace<T> others((parts - 1) * output.size());  // the sums of all parts but the first
    const std::int64_t products =
        std::min(e.m, plan.rows.piece) * std::min(e.n, plan.columns.piece) * std::min(e.k, plan.terms.piece);
    parallel_for(output.size() / (e.m * e.n) * row_blocks * column_blocks * parts,
                 std::max<std::int64_t>(1, kProducts / (products + 1)), [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t block = begin; block < end; ++block) {
                     const std::int64_t part = block % parts, column = block / parts % column_blocks;
                     const std::int64_t row = block / parts / column_blocks % row_blocks;
                     const std::int64_t matrix = block / parts / column_blocks / row_blocks;
                     std::int64_t at_a = 0, at_b = 0, rest = matrix;
                     for (std::size_t axis = batches.size(); axis-- > 0; rest /= batches[axis]) {
                       at_a += rest % batches[axis] * steps_a[axis];
                       at_b += rest % batches[axis] * steps_b[axis];
                     }
                     T* const sums = part == 0 ? out : others.data() + (part - 1) * output.size();
                     multiply_block(e, plan, row, column, part, data_a + at_a * e.m * e.k, data_b + at_b * e.k * e.n,
                                    sums + matrix * e.m * e.n);
                   }
                 });
    if (parts == 1) return;
    const std::int64_t few = std::max<std::int64_t>(1, kernels::kElementwiseBlock / parts);
    parallel_for(output.size(), few, [&](std::int64_t begin, std::int64_t end) {
      kernels::Map<T> total(out + begin, end - begin);
      for (std::int64_t part = 1; part < parts; ++part)
        total += kernels::ConstMap<T>(others.data() + (part - 1) * output.size() + begin, end - begin);
    });
  }

  // One block of one matrix `out`, or one part of its sums.
  template <class T>
  void multiply_block(const Extents& e, const Plan& plan, std::int64_t row, std::int64_t column, std::int64_t part,
                      const T* a, const T* b, T* out) const {
    const bool a_flipped = transpose_a_ == Transpose::Yes, b_flipped = transpose_b_ == Transpose::Yes;
    const std::int64_t lda = a_flipped ? e.m : e.k, ldb = b_flipped ? e.k : e.n;
    const std::int64_t i = plan.rows.begin(row), j = plan.columns.begin(column), t = plan.terms.begin(part);
    const std::int64_t m = plan.rows.length(row), n = plan.columns.length(column), k = plan.terms.length(part);
    const T* const from_a = a + (a_flipped ? t * lda + i : i * lda + t);
    const T* const from_b = b + (b_flipped ? j * ldb + t : t * ldb + j);
    T* const to = out + i * e.n + j;
    using Panels = PanelProducts<T>;
    const bool wide_enough = k > 0 && e.n >= kNarrow;
    if (wide_enough && k <= Panels::kShort)
      Panels(m, a_flipped ? 1 : lda, e.n)
          .few_terms(n, k, from_a, a_flipped ? lda : 1, from_b, b_flipped ? 1 : ldb, b_flipped ? ldb : 1, to);
    else if (wide_enough && !a_flipped && !b_flipped && e.n <= Panels::width())
      Panels(m, lda, e.n).narrow(n, k, from_a, from_b, to);
    else kernels::multiply_matrices<T>({a_flipped, b_flipped, m, n, k, from_a, lda, from_b, ldb, false, to, e.n});
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
