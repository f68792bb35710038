// The one exception of cotangent.
#include "cotangent/core/error.h"

#include <string>

namespace cotangent {

void fail(std::string_view operation, std::string_view message) {
  std::string text(operation);
  text += ": ";
  text += message;
  throw Error(text);
}

}  // namespace cotangent
