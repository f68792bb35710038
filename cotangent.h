// cotangent: tensors, automatic differentiation, convolutions and neural networks. The front door: everything public.
#pragma once

#include "cotangent/autograd/function.h"
#include "cotangent/autograd/gradcheck.h"
#include "cotangent/autograd/primitive.h"
#include "cotangent/autograd/transforms.h"
#include "cotangent/core/dtype.h"
#include "cotangent/core/error.h"
#include "cotangent/core/gemm.h"
#include "cotangent/core/memory.h"
#include "cotangent/core/parallel.h"
#include "cotangent/core/shape.h"
#include "cotangent/core/tensor.h"
#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/convert.h"
#include "cotangent/ops/movement.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/unary.h"
