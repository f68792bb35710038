// Activation: what an operation does to its result in the same pass.
#pragma once

namespace cotangent {

// Relu: max(x, 0), whose derivative at 0 is 0, as ops/unary.h's.
enum class Activation { None, Relu };

}  // namespace cotangent
