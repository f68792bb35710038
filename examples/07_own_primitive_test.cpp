// The tests of a primitive of one's own: linked with GTest::gtest_main, they are a program.
#include "cotangent/testing.h"
#include "log_cosh.h"

const ct::Tensor x = ct::linspace(-3, 3, 7, ct::DType::Float64);

TEST(LogCosh, IsTheLogarithmOfCosh) { EXPECT_TENSORS_NEAR(log_cosh(x), ct::log(ct::cosh(x)), 1e-12); }

TEST(LogCosh, HasDerivatives) { EXPECT_GRADS(log_cosh, x); }
