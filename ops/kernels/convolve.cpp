// convolve: the choice of an algorithm.
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {

template <class T>
void convolve(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  convolve_by_im2col(problem, lhs, rhs, out);
}

template void convolve(const ConvProblem&, const float*, const float*, float*);
template void convolve(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
