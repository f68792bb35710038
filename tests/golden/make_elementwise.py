#!/usr/bin/env python3
"""Writes elementwise.txt, the values that our tests of elementwise functions, softmax and reductions check.

Needs python3-mpmath (made with 1.2.1; functions, at 50 digits), python3-numpy (1.24.2) and python3-scipy (1.10.1;
reductions). Inputs are Float32 numbers, so that both dtypes can be tested with them.
"""
import os

import mpmath
import numpy as np
import scipy.special

mpmath.mp.dps = 50
GENERATOR = np.random.default_rng(1701)
LINES = []


def write(name, array):
    array = np.asarray(array)
    values = " ".join("%.17g" % value for value in array.reshape(-1))
    LINES.append(" ".join([name, str(array.ndim), *map(str, array.shape), values]))


def draw(shape, low, high):
    return GENERATOR.uniform(low, high, shape).astype(np.float32).astype(np.float64)


def unary(name, function, *ranges):
    """x and y for 16 numbers of each range."""
    x = np.concatenate([draw(16, low, high) for low, high in ranges])
    write(name + ".x", x)
    write(name + ".y", [float(function(mpmath.mpf(value))) for value in x])


def binary(name, function, first, second):
    a, b = draw(48, *first), draw(48, *second)
    write(name + ".a", a)
    write(name + ".b", b)
    write(name + ".y", [float(function(mpmath.mpf(p), mpmath.mpf(q))) for p, q in zip(a, b)])


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def gelu_tanh(x):
    return x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)))


NEAR, MIDDLE, FAR = (-1e-3, 1e-3), (-3, 3), (-60, 60)
unary("exp", mpmath.exp, NEAR, MIDDLE, FAR)
unary("expm1", mpmath.expm1, (-1e-8, 1e-8), NEAR, MIDDLE, FAR)
unary("log", mpmath.log, (1e-3, 1), (0.99, 1.01), (1, 1e6))
unary("log1p", mpmath.log1p, (-1e-8, 1e-8), NEAR, (-0.9, 3), (3, 1e6))
unary("sqrt", mpmath.sqrt, (0, 1), (1, 1e6))
unary("rsqrt", lambda x: 1 / mpmath.sqrt(x), (1e-3, 1), (1, 1e6))
unary("reciprocal", lambda x: 1 / x, NEAR, MIDDLE, FAR)
unary("sin", mpmath.sin, NEAR, MIDDLE, FAR)
unary("cos", mpmath.cos, NEAR, MIDDLE, FAR)
unary("tan", mpmath.tan, NEAR, MIDDLE, FAR)
unary("asin", mpmath.asin, NEAR, (-1, 1))
unary("acos", mpmath.acos, NEAR, (-1, 1))
unary("atan", mpmath.atan, NEAR, MIDDLE, FAR)
unary("sinh", mpmath.sinh, NEAR, MIDDLE, FAR)
unary("cosh", mpmath.cosh, NEAR, MIDDLE, FAR)
unary("tanh", mpmath.tanh, NEAR, MIDDLE, FAR)
unary("erf", mpmath.erf, NEAR, MIDDLE)
unary("erfc", mpmath.erfc, NEAR, MIDDLE, (3, 9))
unary("sigmoid", sigmoid, NEAR, MIDDLE, FAR)
unary("log_sigmoid", lambda x: mpmath.log(sigmoid(x)), NEAR, MIDDLE, FAR)
unary("silu", lambda x: x * sigmoid(x), NEAR, MIDDLE, FAR)
unary("softplus", lambda x: mpmath.log1p(mpmath.exp(x)), NEAR, MIDDLE, FAR)
unary("gelu", lambda x: x * mpmath.ncdf(x), NEAR, MIDDLE, (-8, 8))
unary("gelu_tanh", gelu_tanh, NEAR, MIDDLE, (-5, 8))
unary("elu", lambda x: x if x > 0 else mpmath.expm1(x), NEAR, MIDDLE, FAR)
unary("leaky_relu", lambda x: x if x > 0 else mpmath.mpf("0.01") * x, NEAR, MIDDLE)
binary("power", mpmath.power, (0.01, 10), (-5, 5))
binary("atan2", mpmath.atan2, (-3, 3), (-3, 3))

X = draw((3, 4, 5), -6, 6)
write("reduce.x", X)
for axis in range(3):
    write("softmax.%d" % axis, scipy.special.softmax(X, axis))
    write("log_softmax.%d" % axis, scipy.special.log_softmax(X, axis))
    write("cumsum.%d" % axis, np.cumsum(X, axis))
write("logsumexp", scipy.special.logsumexp(X, (0, 2)))
write("prod", np.prod(X, (1, 2)))
write("mean", np.mean(X, (0, 2)))
write("variance", np.var(X, (0, 2)))
write("sample_variance", np.var(X, 1, ddof=1))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "elementwise.txt"), "w") as file:
    file.write("# Made by make_elementwise.py: name, number of axes, extents, values.\n")
    file.write("\n".join(LINES) + "\n")
