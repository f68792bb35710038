// Matrix products by Eigen for one instruction set.
#include "cotangent/ops/kernels/isa/product.h"

#include <Eigen/Core>

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Plain>
using Stored = Eigen::Map<Plain, 0, Eigen::OuterStride<>>;

template <class T, class A, class B>
void store(const MatrixProduct<T>& p, const A& a, const B& b) {
  Stored<Rows<T>> c(p.c, p.m, p.n, Eigen::OuterStride<>(p.ldc));
  if (p.add) c.noalias() += a * b;
  else c.noalias() = a * b;
}

template <class T, class A>
void multiply_by(const MatrixProduct<T>& p, const A& a) {
  const Stored<const Rows<T>> b(p.b, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n, Eigen::OuterStride<>(p.ldb));
  if (p.transpose_b) store(p, a, b.transpose());
  else store(p, a, b);
}

template <class T>
void multiply(const MatrixProduct<T>& p) {
  const Stored<const Rows<T>> a(p.a, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, Eigen::OuterStride<>(p.lda));
  if (p.transpose_a) multiply_by(p, a.transpose());
  else multiply_by(p, a);
}

template <class T>
constexpr ProductKernels<T> kProductKernels{multiply<T>};

}  // namespace

template <>
const ProductKernels<float>& table<ProductKernels<float>>() {
  return kProductKernels<float>;
}
template <>
const ProductKernels<double>& table<ProductKernels<double>>() {
  return kProductKernels<double>;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
