// Element types: the run-time tag DType, the C++ types behind it, and the switch from one to the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cotangent {

enum class DType : std::uint8_t { Float32, Float64, Int32, Int64, UInt8, Bool };

// The C++ types that a tensor can hold.
template <class T>
concept Element = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int32_t> ||
    std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::uint8_t> || std::is_same_v<T, bool>;

template <Element T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::Float32;
  else if constexpr (std::is_same_v<T, double>) return DType::Float64;
  else if constexpr (std::is_same_v<T, std::int32_t>) return DType::Int32;
  else if constexpr (std::is_same_v<T, std::int64_t>) return DType::Int64;
  else if constexpr (std::is_same_v<T, std::uint8_t>) return DType::UInt8;
  else return DType::Bool;
}

// "Float32", "Int64", ...: the enumerator's own name.
std::string_view name(DType dtype);

// Bytes of one element.
std::size_t size_of(DType dtype);

// Float32 and Float64: the types that have derivatives.
constexpr bool is_floating(DType dtype) { return dtype == DType::Float32 || dtype == DType::Float64; }

// Throws Error("<operation>: needs Float32 or Float64 ...") for any other type.
void require_floating(std::string_view operation, DType dtype);

// Calls visitor.operator()<T>() with the C++ type of `dtype`: how kernels go from the run-time tag to a template.
template <class Visitor>
decltype(auto) visit(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::Float32: return std::forward<Visitor>(visitor).template operator()<float>();
    case DType::Float64: return std::forward<Visitor>(visitor).template operator()<double>();
    case DType::Int32: return std::forward<Visitor>(visitor).template operator()<std::int32_t>();
    case DType::Int64: return std::forward<Visitor>(visitor).template operator()<std::int64_t>();
    case DType::UInt8: return std::forward<Visitor>(visitor).template operator()<std::uint8_t>();
    case DType::Bool: break;
  }
  return std::forward<Visitor>(visitor).template operator()<bool>();
}

// As visit(), for kernels that exist for Float32 and Float64 only; `dtype` has been checked by require_floating.
template <class Visitor>
decltype(auto) visit_floating(DType dtype, Visitor&& visitor) {
  if (dtype == DType::Float64) return std::forward<Visitor>(visitor).template operator()<double>();
  return std::forward<Visitor>(visitor).template operator()<float>();
}

}  // namespace cotangent
