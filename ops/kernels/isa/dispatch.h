// Dispatch: tables of kernels compiled for several instruction sets, and the one in use. Internal.
//
// A family of kernels is a struct of function pointers and numbers (the table) and files in this folder that are
// compiled once for each level, with COTANGENT_ISA naming it: every file defines, inside
// cotangent::kernels::COTANGENT_ISA, `template <> const Table& table<Table>()`. Such files may include Eigen (whose
// namespace is renamed for each level) and plain data, but nothing of the standard library that is instantiated out of
// line: the linker keeps one copy of an inline function, and it must not be the one with the wrong instructions. A test
// looks for such symbols.
#pragma once

#include <string_view>

#include "cotangent/core/isa.h"

namespace cotangent::kernels {

namespace baseline {
template <class Table>
const Table& table();
}
namespace v2 {
template <class Table>
const Table& table();
}
namespace v3 {
template <class Table>
const Table& table();
}
namespace v4 {
template <class Table>
const Table& table();
}

// The table of a given level, of which has_isa(level) must be true.
template <class Table>
const Table& table_of(Isa level) {
  // A level that is not compiled may not even be named: there is nothing to link to.
  constexpr auto compiled = [](std::string_view name) {
    return std::string_view(COTANGENT_ISA_LEVELS).find(name) != std::string_view::npos;
  };
  if constexpr (compiled("v2"))
    if (level == Isa::V2) return v2::table<Table>();
  if constexpr (compiled("v3"))
    if (level == Isa::V3) return v3::table<Table>();
  if constexpr (compiled("v4"))
    if (level == Isa::V4) return v4::table<Table>();
  return baseline::table<Table>();
}

// The table of the level in use.
template <class Table>
const Table& table() {
  static const Table& chosen = table_of<Table>(isa());
  return chosen;
}

}  // namespace cotangent::kernels
