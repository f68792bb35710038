// The table of elementwise kernels: loops over contiguous elements, one for each function and type. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cotangent/ops/kernels/isa/binary_functions.h"

namespace cotangent::kernels {

// Elements of T, read or written n at a time. The output overlaps no input.
template <class T>
using UnaryKernel = void (*)(const T* x, T* y, std::int64_t n, double parameter);
template <class T>
using BinaryKernel = void (*)(const T* a, const T* b, T* y, std::int64_t n, double parameter);
template <class T>
using RelationKernel = void (*)(const T* a, const T* b, bool* y, std::int64_t n);

template <class T>
struct ElementwiseKernels {
  const UnaryKernel<T>* unary;        // in the order of UnaryFunctions; null where T is not taken
  const BinaryKernel<T>* binary;      // of BinaryFunctions
  const RelationKernel<T>* relation;  // of Relations
  void (*select)(const bool* condition, const T* a, const T* b, T* y, std::int64_t n);
};

namespace COTANGENT_ISA {

template <class... Functions>
struct FunctionList {
  // Where Function, or what it derives from, is in the list.
  template <class Function>
  static constexpr std::size_t index() {
    constexpr bool matches[] = {std::is_base_of_v<Functions, Function>...};
    std::size_t at = 0;
    while (!matches[at]) ++at;
    return at;
  }
};

namespace functions {

using UnaryFunctions = FunctionList<Exp, Expm1, Log, Log1p, Sqrt, Rsqrt, Square, Reciprocal, Negative, Abs, Sign, Floor,
                                    Ceil, Round, PowerOf, Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Erf, Erfc,
                                    Relu, LeakyRelu, Elu, Sigmoid, Silu, Softplus, Gelu, GeluTanh>;
using BinaryFunctions = FunctionList<Add, Subtract, Multiply, Divide, Maximum, Minimum, Power, Atan2, ReluGrad,
                                     LeakyReluGrad, EluGrad, SigmoidGrad, TanhGrad, SiluGrad, SoftplusGrad, GeluGrad>;
using Relations = FunctionList<Equal, NotEqual, Less, LessEqual>;

}  // namespace functions
}  // namespace COTANGENT_ISA

namespace functions = COTANGENT_ISA::functions;

// The parameter of a function, 0 if it has none.
template <class Function>
double parameter_of(const Function& function) {
  if constexpr (std::is_empty_v<Function>) return 0;
  else return __builtin_bit_cast(double, function);
}

}  // namespace cotangent::kernels
