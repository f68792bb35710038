// Elementwise kernels for one instruction set: plain loops, which the compiler turns into vector code.
#include "cotangent/ops/kernels/isa/elementwise.h"

namespace cotangent::kernels::COTANGENT_ISA {

template <class Table>
const Table& table();

namespace {

// Elements of the widest vector. The loops take whole ones: the last few elements are done in buffers of that size, so
// that an element's bits do not depend on where among the others it comes.
template <class T>
constexpr std::int64_t kStep = 64 / sizeof(T);

template <class F>
F with_parameter(double parameter) {
  if constexpr (std::is_empty_v<F>) return F();
  else return F{parameter};
}

// What is left of `from` after `done` elements, and something that may as well be computed.
template <class T, std::int64_t kSize>
struct Rest {
  T at[kSize];
  Rest(const T* from, std::int64_t done, std::int64_t n) {
    for (std::int64_t i = 0; i < kSize; ++i) at[i] = from[done + i < n ? done + i : done];
  }
};

template <class T, std::int64_t kSize>
void copy_rest(const T (&rest)[kSize], T* to, std::int64_t done, std::int64_t n) {
  for (std::int64_t i = 0; done + i < n; ++i) to[done + i] = rest[i];
}

template <class T, class F>
[[gnu::flatten]] void unary(const T* __restrict x, T* __restrict y, std::int64_t n, double parameter) {
  const F f = with_parameter<F>(parameter);
  const std::int64_t done = n & -kStep<T>;
  for (std::int64_t i = 0; i < done; ++i) y[i] = f.of(x[i]);
  if constexpr (requires { F::covers(x[0]); }) {
    bool all = true;
    for (std::int64_t i = 0; i < done; ++i) all &= F::covers(x[i]);
    for (std::int64_t i = 0; !all && i < done; ++i)
      if (!F::covers(x[i])) y[i] = F::elsewhere(x[i]);
  }
  if (done == n) return;
  const Rest<T, kStep<T>> last(x, done, n);
  T result[kStep<T>];
  unary<T, F>(last.at, result, kStep<T>, parameter);
  copy_rest(result, y, done, n);
}

template <class T, class F>
[[gnu::flatten]] void binary(const T* __restrict a, const T* __restrict b, T* __restrict y, std::int64_t n,
                             double parameter) {
  const F f = with_parameter<F>(parameter);
  const std::int64_t done = n & -kStep<T>;
  for (std::int64_t i = 0; i < done; ++i) y[i] = static_cast<T>(f.of(a[i], b[i]));
  if (done == n) return;
  const Rest<T, kStep<T>> last_a(a, done, n), last_b(b, done, n);
  T result[kStep<T>];
  binary<T, F>(last_a.at, last_b.at, result, kStep<T>, parameter);
  copy_rest(result, y, done, n);
}

template <class T, class F>
void relation(const T* __restrict a, const T* __restrict b, bool* __restrict y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = F::of(a[i], b[i]);
}

template <class T>
void select(const bool* condition, const T* __restrict a, const T* __restrict b, T* __restrict y, std::int64_t n) {
  const auto* const __restrict byte = reinterpret_cast<const unsigned char*>(condition);
  for (std::int64_t i = 0; i < n; ++i) {
    const T yes = a[i], no = b[i];  // both are read, so that there is nothing to branch about
    y[i] = byte[i] != 0 ? yes : no;
  }
}

template <class T, class F>
constexpr UnaryKernel<T> unary_kernel() {
  if constexpr (std::is_floating_point_v<T> || requires { F::any_number; }) return unary<T, F>;
  else return nullptr;
}

template <class T, class F>
constexpr BinaryKernel<T> binary_kernel() {
  if constexpr (std::is_floating_point_v<T> || !requires { F::floating_only; }) return binary<T, F>;
  else return nullptr;
}

template <class T, class List>
struct UnaryKernels;
template <class T, class... F>
struct UnaryKernels<T, FunctionList<F...>> {
  static constexpr UnaryKernel<T> kKernels[] = {unary_kernel<T, F>()...};
};
template <class T, class List>
struct BinaryKernels;
template <class T, class... F>
struct BinaryKernels<T, FunctionList<F...>> {
  static constexpr BinaryKernel<T> kKernels[] = {binary_kernel<T, F>()...};
};
template <class T, class List>
struct RelationKernels;
template <class T, class... F>
struct RelationKernels<T, FunctionList<F...>> {
  static constexpr RelationKernel<T> kKernels[] = {relation<T, F>...};
};

template <class T>
const ElementwiseKernels<T>& kernels() {
  using namespace functions;
  static constexpr ElementwiseKernels<T> kKernels{UnaryKernels<T, UnaryFunctions>::kKernels,
                                                  BinaryKernels<T, BinaryFunctions>::kKernels,
                                                  RelationKernels<T, Relations>::kKernels, select<T>};
  return kKernels;
}

}  // namespace

template <>
const ElementwiseKernels<float>& table<ElementwiseKernels<float>>() {
  return kernels<float>();
}
template <>
const ElementwiseKernels<double>& table<ElementwiseKernels<double>>() {
  return kernels<double>();
}
template <>
const ElementwiseKernels<std::int32_t>& table<ElementwiseKernels<std::int32_t>>() {
  return kernels<std::int32_t>();
}
template <>
const ElementwiseKernels<std::int64_t>& table<ElementwiseKernels<std::int64_t>>() {
  return kernels<std::int64_t>();
}
template <>
const ElementwiseKernels<std::uint8_t>& table<ElementwiseKernels<std::uint8_t>>() {
  return kernels<std::uint8_t>();
}
template <>
const ElementwiseKernels<bool>& table<ElementwiseKernels<bool>>() {
  static constexpr ElementwiseKernels<bool> kKernels{
      nullptr, nullptr, RelationKernels<bool, functions::Relations>::kKernels, select<bool>};
  return kKernels;
}

}  // namespace cotangent::kernels::COTANGENT_ISA
