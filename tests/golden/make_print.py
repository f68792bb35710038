#!/usr/bin/env python3
"""Writes golden/print.txt, what NumPy 1.24 prints for the arrays that print_test prints.

A case is a line "dtype extents", a line of values ("arange" stands for 0, 1, 2, ...), the lines that print() shows,
and a line "--".
"""
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).parent / "print.txt"
RNG = np.random.default_rng(1701)

FLOATS = [
    ((), [0.0]), ((), [-0.0]), ((), [1.0]), ((), [0.1]), ((), [1 / 3]), ((), [-1e16]), ((), [9999999999999998.0]),
    ((), [1e-4]), ((), [0.00011]), ((), [9.9e-5]), ((), [1.5e-7]), ((), [1e22]), ((), [3.4e38]), ((), [np.nan]),
    ((), [np.inf]), ((), [-np.inf]), ((), [16777216.0]), ((), [123456789.0]),
    ((1,), [0.0]), ((3,), [0, -0.0, 0]), ((3,), [1, 2, 3]), ((3,), [0.1, 0.25, 1 / 3]), ((2,), [1e8, 1]),
    ((2,), [99999999, 1e6]), ((2,), [99999992, 99999984]), ((2,), [1e-4, 0.1]), ((2,), [0.00010001, 0.1]),
    ((2,), [1, 1000]), ((2,), [1, 1001]), ((2,), [1.5, 1501.5]), ((3,), [1e-5, 1, 0]), ((2,), [1e10, -1e10]),
    ((2,), [1.123456789, 2.1]), ((2,), [123456.789, 12345.6789]), ((2,), [9.999999999, 1]),
    ((2,), [0.999999999, 0.5]), ((2,), [9.9999999999e9, 1.5]), ((2,), [16777216, 16777218]), ((2,), [1e30, 1]),
    ((3,), [np.nan, 1, 2]), ((3,), [np.nan, np.inf, -np.inf]), ((2,), [np.nan, np.nan]), ((2,), [np.inf, 1]),
    ((2,), [-np.inf, 1]), ((2,), [-np.inf, 1.25]), ((2,), [-np.inf, 1e-20]), ((3,), [np.nan, -1, 1e-9]),
    ((3,), [-1, 10, -100]), ((2, 2), [1, -1, 0.5, 100]), ((1, 1, 1), [2.5]), ((2, 1, 2), [1, 2, 3, 4]),
    ((2,), [1.00000001, 1.000000001]), ((2,), [0.5, 0.125]), ((2,), [1.5e-38, 3e38]), ((1,), [1.17549435e-38]),
    ((1,), [0.3000000119]), ((1,), [8.5899346e9]), ((1,), [1e23]), ((1,), [2.5e-5]),
    ((2,), [0.123456785, 0.5]), ((2,), [2.00000000500001, 3]), ((1,), [4.35]), ((1,), [0.00048828125]),
]
INTEGERS = [
    ((), [0]), ((), [-7]), ((1,), [5]), ((3,), [1, 22, 333]), ((3,), [-1, 22, 3]), ((2, 3), [1, 2, 3, 4, 5, -60]),
    ((2, 2, 2), [1, 2, 3, 4, 5, 6, 7, 80]), ((2, 1, 2, 1), [1, 2, 3, 4]), ((40,), list(range(40))),
    ((2, 30), list(range(60))),
]


def cases():
    for dtype in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            for shape, values in FLOATS:
                yield np.array(values, dtype).reshape(shape)
        yield RNG.standard_normal((4, 5)).astype(dtype)
        yield RNG.standard_normal(50).astype(dtype)
        yield (RNG.standard_normal((2, 3, 4)) * 10.0 ** RNG.integers(-6, 7, (2, 3, 4))).astype(dtype)
        yield (RNG.standard_normal(30) * 1e-8).astype(dtype)
        yield np.round(RNG.standard_normal((3, 30)), 2).astype(dtype)
        yield np.where(RNG.random(40) < 0.2, np.nan, RNG.random(40)).astype(dtype)
    yield np.array([5e-324, 1.7976931348623157e308])
    yield np.array([1e-100, 1e5])
    yield np.array(1.7976931348623157e308)
    yield np.array([1, 9007199254740993, 0.1])
    yield np.array([2.0**-44, 2.0**-43])
    for dtype in (np.int32, np.int64):
        for shape, values in INTEGERS:
            yield np.array(values, dtype).reshape(shape)
    yield np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    yield np.array([0, 255, 7], np.uint8)
    yield np.array(200, np.uint8)
    for shape, values in [((), [True]), ((), [False]), ((2,), [True, True]), ((2, 2), [True, False, False, True])]:
        yield np.array(values).reshape(shape)
    for shape in [(0,), (0, 3), (2, 0), (2, 0, 3)]:
        yield np.zeros(shape, np.float32)
    # Beyond 1000 elements: only the ends of long axes.
    for dtype in (np.int64, np.float32):
        for shape in [(1001,), (100, 100), (2, 600), (600, 2), (7, 7, 30), (6, 200), (1, 1, 1200), (4, 9, 5, 8),
                      (1, 2000, 1)]:
            yield np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    yield np.arange(1000)
    yield np.arange(1080).reshape(6, 5, 6, 6)
    yield np.zeros((12, 1000), bool)
    # Rows about as wide as a line, and brackets deeper than that.
    for count in range(35, 40):
        yield np.full(count, 1)
        yield np.full((2, 1, count), 1.0)
    yield np.full((1,) * 32, 0.5)
    yield np.full((1,) * 30 + (40,), 3)


def main():
    with open(FILE, "w") as file:
        for array in cases():
            flat = array.ravel()
            if array.size > 100:
                values = "arange" if flat[-1] else "zeros"
            else:
                values = " ".join(str(int(x)) if array.dtype.kind in "iub" else repr(float(x)) for x in flat)
            print(f"{array.dtype} {' '.join(map(str, array.shape))}".rstrip(), values, array, "--", sep="\n", file=file)


main()
