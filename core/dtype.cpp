// Element types: names and sizes.
#include "cotangent/core/dtype.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"

namespace cotangent {

std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::Float32: return "Float32";
    case DType::Float64: return "Float64";
    case DType::Int32: return "Int32";
    case DType::Int64: return "Int64";
    case DType::UInt8: return "UInt8";
    case DType::Bool: return "Bool";
  }
  return "unknown";
}

std::size_t size_of(DType dtype) {
  return visit(dtype, []<class T>() { return sizeof(T); });
}

void require_floating(std::string_view operation, DType dtype) {
  if (!is_floating(dtype))
    fail(operation, fmt::format("needs Float32 or Float64, got {}; convert with .to(DType::Float32)", name(dtype)));
}

}  // namespace cotangent
