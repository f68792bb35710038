// Dispatch: tables of kernels compiled for several instruction sets, and the one in use. Internal.
//
// A family of kernels is a struct of function pointers and numbers (the table) and files in this folder that are
// compiled once for each level, with COTANGENT_ISA naming it: every file defines, inside
// cotangent::kernels::COTANGENT_ISA, `template <> const Table& table<Table>()`. Such files may include Eigen (whose
// namespace is renamed for each level) and plain data, but nothing of the standard library that is instantiated out of
// line: the linker keeps one copy of an inline function, and it must not be the one with the wrong instructions. A test
// looks for such symbols.
#pragma once

#include "cotangent/core/isa.h"

namespace cotangent::kernels {

namespace baseline {
template <class Table>
const Table& table();
}
#if defined(__x86_64__)
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
#endif

// The table of a given level, which the processor must have.
template <class Table>
const Table& table_of(Isa level) {
  switch (level) {
#if defined(__x86_64__)
    case Isa::V2: return v2::table<Table>();
    case Isa::V3: return v3::table<Table>();
    case Isa::V4: return v4::table<Table>();
#endif
    default: return baseline::table<Table>();
  }
}

// The table of the level in use.
template <class Table>
const Table& table() {
  static const Table& chosen = table_of<Table>(isa());
  return chosen;
}

}  // namespace cotangent::kernels
