// The one exception of cotangent, and the one way to throw it.
#pragma once

#include <stdexcept>
#include <string_view>

namespace cotangent {

// What went wrong, reading "operation: rule, numbers, the nearest fix". Thrown before any arithmetic is done and
// before any file is touched, so that whoever catches it has lost nothing.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Error("<operation>: <message>").
[[noreturn]] void fail(std::string_view operation, std::string_view message);

}  // namespace cotangent
