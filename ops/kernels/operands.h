// Operands: checks and conversions that several families of operations share. Internal.
#pragma once

#include <fmt/format.h>

#include "cotangent/core/error.h"
#include "cotangent/core/tensor.h"

namespace cotangent::kernels {

inline void require_not_bool(std::string_view operation, DType dtype) {
  if (dtype == DType::Bool)
    fail(operation, "Bool has no arithmetic; convert with .to(DType::Int32) or use logical operations");
}

inline void require_bool(std::string_view operation, std::string_view what, const Tensor& tensor) {
  if (tensor.dtype() != DType::Bool)
    fail(operation, fmt::format("{} must be Bool, got {}; compare it, as in not_equal(x, 0), or convert with "
                                ".to(DType::Bool)",
                                what, describe(tensor)));
}

inline void require_same_dtype(std::string_view operation, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    fail(operation, fmt::format("both operands must have one dtype, got {} and {}; convert one with .to(DType::{})",
                                describe(a), describe(b), name(is_floating(b.dtype()) ? b.dtype() : a.dtype())));
}

// A number beside a tensor, as a tensor of its dtype. Error if that dtype cannot hold it.
inline Tensor number_like(const Tensor& tensor, double value) { return full({}, value, tensor.dtype()); }

// visit() for every dtype but Bool, which require_not_bool has refused.
template <class Visitor>
decltype(auto) visit_number(DType dtype, Visitor&& visitor) {
  return visit(dtype, [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) visitor.template operator()<T>();
  });
}

}  // namespace cotangent::kernels
