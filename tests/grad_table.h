// The gradient table: one row or more per primitive, checked in Float64.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cotangent/cotangent.h"
#include "sample.h"

namespace cotangent::testing {

struct GradRow {
  std::string primitive;  // its name()
  std::string what;       // what is special about this row: letters, digits and _
  Function f;
  Tensors inputs;            // Float64, away from kinks
  bool multilinear = false;  // see GradCheckOptions
};

// For test listings and failures.
inline void PrintTo(const GradRow& row, std::ostream* out) { *out << row.primitive << " " << row.what; }

// The rows of each part of the library.
std::vector<GradRow> arithmetic_rows();
std::vector<GradRow> conv_rows();
std::vector<GradRow> elementwise_rows();
std::vector<GradRow> gather_rows();
std::vector<GradRow> matmul_rows();
std::vector<GradRow> movement_rows();
std::vector<GradRow> pool_rows();
std::vector<GradRow> reduce_rows();
std::vector<GradRow> signal_rows();

}  // namespace cotangent::testing
