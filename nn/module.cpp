// Modules.
#include "cotangent/nn/module.h"
