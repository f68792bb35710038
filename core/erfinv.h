// The inverse of the error function. Internal: normal deviates are made with it.
#pragma once

namespace cotangent {

// y with erf(y) = x: infinite at x = -1 and 1, NaN outside [-1, 1]. M. Giles, "Approximating the erfinv function", GPU
// Computing Gems 2 (2010): a relative error of about 4e-7 in float, a few units in the last place in double.
float erfinv(float x);
double erfinv(double x);

}  // namespace cotangent
