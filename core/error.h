// The one exception of cotangent, and the one way to throw it.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cotangent {

// What went wrong, reading "operation: rule, numbers, the nearest fix". Thrown before any arithmetic is done and
// before any file is touched, so that whoever catches it has lost nothing.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Error("<operation>: <message>"), or Error("<place>: <operation>: <message>") inside an ErrorContext.
[[noreturn]] void fail(std::string_view operation, std::string_view message);

// Where on this thread errors come from, for layers above that know: the innermost one alive is asked for the place.
class ErrorContext {
 public:
  ErrorContext(const ErrorContext&) = delete;
  ErrorContext& operator=(const ErrorContext&) = delete;

 protected:
  ErrorContext();
  virtual ~ErrorContext();

  // The place of an error of `operation`, as in "net.conv2: Conv2D(8 -> 16, 3x3)"; "" if there is nothing to add.
  virtual std::string place(std::string_view operation) const = 0;

  const ErrorContext* outer() const { return outer_; }

 private:
  friend void fail(std::string_view, std::string_view);
  const ErrorContext* outer_;
};

// The name that `given` is likely a misspelling of, by the Levenshtein distance and whatever the case of letters, or
// "".
std::string_view nearest_name(std::string_view given, std::span<const std::string_view> names);

// "; did you mean \"SAME\"?" if there is a nearest name, otherwise "".
std::string did_you_mean(std::string_view given, std::span<const std::string_view> names);

}  // namespace cotangent
