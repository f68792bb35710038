// ShapesOnly: a count of those that live on each thread.
#include "cotangent/core/shapes_only.h"

namespace cotangent {
namespace {

thread_local int depth = 0;

}  // namespace

ShapesOnly::ShapesOnly() { ++depth; }
ShapesOnly::~ShapesOnly() { --depth; }
bool ShapesOnly::active() { return depth > 0; }

}  // namespace cotangent
