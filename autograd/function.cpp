// Function: any callable from tensors to a tensor.
#include "cotangent/autograd/function.h"

#include <fmt/format.h>

#include "cotangent/core/error.h"

namespace cotangent {

void Function::fail_arity(std::size_t given) {
  fail("Function", fmt::format("the callable does not take {} tensor{}; give it one for each argument", given,
                               given == 1 ? "" : "s"));
}

}  // namespace cotangent
