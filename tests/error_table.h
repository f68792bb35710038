// The error table: mistakes that users make, and the exact words that they are answered with.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "cotangent/cotangent.h"

namespace cotangent::testing {

struct ErrorRow {
  std::string name;  // letters, digits and _
  std::function<void()> call;
  std::string text;           // the whole of it: "operation: rule, numbers, the nearest fix"
  bool reads_values = false;  // true if shapes and options alone do not tell that the call is wrong
};

// For test listings and failures.
inline void PrintTo(const ErrorRow& row, std::ostream* out) { *out << row.name; }

// The rows of each part of the library.
std::vector<ErrorRow> conv_errors();
std::vector<ErrorRow> file_errors();
std::vector<ErrorRow> gradient_errors();
std::vector<ErrorRow> layer_errors();
std::vector<ErrorRow> model_errors();
std::vector<ErrorRow> operation_errors();
std::vector<ErrorRow> tensor_errors();
std::vector<ErrorRow> training_errors();

}  // namespace cotangent::testing
