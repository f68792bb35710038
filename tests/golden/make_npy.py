#!/usr/bin/env python3
"""Writes the golden/npy/*.npy files that npy_test reads. Made with NumPy 1.24.

Element i, in row-major order, is i / 2 - 1 in floating types, i - 3 in signed and i in unsigned integers, and
i % 3 == 0 in bool. The name says: type, extents, and what is special.
"""
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "npy"


def elements(dtype, shape):
    i = np.arange(int(np.prod(shape)))
    kind = np.dtype(dtype).kind
    values = {"f": i / 2 - 1, "i": i - 3, "u": i, "b": i % 3 == 0}[kind]
    return values.astype(dtype).reshape(shape)


def write(name, array, version=None):
    with open(FOLDER / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)


def main():
    FOLDER.mkdir(exist_ok=True)
    for dtype in ("f4", "f8", "i4", "i8", "u1", "b1"):
        write(f"{dtype}_2x3", elements(dtype, (2, 3)))
        write(f"{dtype}_2x3x4_fortran", np.asfortranarray(elements(dtype, (2, 3, 4))))
    for dtype in ("f4", "f8", "i4", "i8"):
        write(f"{dtype}_2x3_big", elements(">" + dtype, (2, 3)))
    write("f8_3x2_big_fortran", np.asfortranarray(elements(">f8", (3, 2))))
    write("f4_scalar", elements("f4", ()))
    write("f8_5", elements("f8", (5,)))
    write("i8_0x3", elements("i8", (0, 3)))
    write("f4_0x3_fortran", np.zeros((0, 3), "f4", order="F"))
    write("f4_2x3_version2", elements("f4", (2, 3)), (2, 0))
    write("f8_2x3_version3", elements("f8", (2, 3)), (3, 0))
    write("bad_f2", elements("f2", (3,)))
    write("bad_u4", elements("u4", (3,)))
    write("bad_structured", np.zeros(2, [("x", "f4"), ("y", "i4")]))
    write("bad_unicode", np.array(["a", "b"]))
    write("bad_objects", np.array([None, 1], dtype=object))


main()
