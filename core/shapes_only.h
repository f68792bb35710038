// ShapesOnly: calls that check their operands and tell the shapes of their results, and compute nothing.
#pragma once

namespace cotangent {

// While one of these lives on this thread, new tensors have a shape and a dtype and no elements: operations make all
// their checks but those of values that are not there, and take neither time nor memory for elements (jax.eval_shape).
// Reading elements that do not exist is an Error. Tensors from before, and those of from_data(), have theirs.
class ShapesOnly {
 public:
  ShapesOnly();
  ~ShapesOnly();
  ShapesOnly(const ShapesOnly&) = delete;
  ShapesOnly& operator=(const ShapesOnly&) = delete;
  static bool active();
};

}  // namespace cotangent
