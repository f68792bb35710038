#!/usr/bin/env python3
"""Writes signal.txt, what SciPy and NumPy compute for the convolutions that signal_test checks.

Needs python3-scipy (made with 1.10.1) and python3-numpy (1.24.2). Element i of the first operand is (7 i) % 13 - 6, of
the second (5 i) % 11 - 4, so that all results are whole numbers. Cases are JAX's grids (tests/scipy_signal_test.py,
tests/lax_numpy_test.py), and what JAX leaves out: boundaries, and shapes of which neither covers the other.
"""
import itertools
import os

import numpy as np
from scipy import signal

GROUPS = [
    [(1,), (2,), (5,), (10,)],
    [(1, 1), (2, 2), (2, 3), (3, 4), (4, 4)],
    [(2, 2, 2), (3, 3, 2), (4, 4, 2), (5, 5, 2)],
]
MODES = ["full", "same", "valid"]
LINES = []


def operands(first, second):
    a = (7 * np.arange(np.prod(first, dtype=int))) % 13 - 6
    b = (5 * np.arange(np.prod(second, dtype=int))) % 11 - 4
    return a.reshape(first).astype(float), b.reshape(second).astype(float)


def write(name, first, second, mode, array, *more):
    key = ":".join([name, *("x".join(map(str, shape)) for shape in (first, second)), mode, *more])
    array = np.asarray(array)
    values = " ".join("%d" % value for value in np.rint(array).reshape(-1))
    LINES.append(" ".join([key, str(array.ndim), *map(str, array.shape), values]))


for first, second in itertools.product([1, 6, 12], repeat=2):
    a, b = operands((first,), (second,))
    for mode in MODES:
        write("np.convolve", (first,), (second,), mode, np.convolve(a, b, mode))
        write("np.correlate", (first,), (second,), mode, np.correlate(a, b, mode))

for group in GROUPS:
    for first, second in itertools.product(group, repeat=2):
        a, b = operands(first, second)
        for mode in MODES:
            # All pairs of these groups are ordered on every axis. Large 3-D ones are left out to keep the file short.
            if len(first) < 3 or mode != "full" or first[0] + second[0] < 7:
                write("convolve", first, second, mode, signal.convolve(a, b, mode, "direct"))
                write("correlate", first, second, mode, signal.correlate(a, b, mode, "direct"))
            if len(first) == 2:
                write("convolve2d", first, second, mode, signal.convolve2d(a, b, mode))
                write("correlate2d", first, second, mode, signal.correlate2d(a, b, mode))

for first, second in [((4, 5), (3, 2)), ((3, 3), (4, 4)), ((2, 5), (3, 3)), ((2, 1), (5, 4))]:
    a, b = operands(first, second)
    for boundary, mode in itertools.product(["fill", "wrap", "symm"], ["full", "same"]):
        if boundary == "fill" and first == (2, 5):
            continue  # ours, as JAX's, refuses these
        for name in ["convolve2d", "correlate2d"]:
            write(name, first, second, mode, getattr(signal, name)(a, b, mode, boundary, 3), boundary)

for first, second, axes in [((3, 4), (2, 6), None), ((3, 4), (3, 2), [1]), ((2, 3, 4), (2, 5, 4), [1]),
                            ((4, 2, 3), (2, 2, 2), [0, 2]), ((1, 5), (3, 1), None), ((2, 3), (2, 4), [-1])]:
    a, b = operands(first, second)
    for mode in MODES if len(first) == 3 else MODES[:2]:
        suffix = "all" if axes is None else "".join(map(str, axes))
        write("fftconvolve", first, second, mode, signal.fftconvolve(a, b, mode, axes), suffix)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "signal.txt")
with open(path, "w") as file:
    file.write("# Made by make_signal.py: do not edit.\n" + "\n".join(LINES) + "\n")
